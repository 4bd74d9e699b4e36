//! Two texts side by side, line by line. Pure.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Lines of a text that are compared at most; the time grows with the lines that differ.
pub(crate) const LINES_MAX: usize = 5_000;
/// Equal lines that stay around what differs.
const CONTEXT: usize = 3;

/// A line with its number, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) text: String,
}

/// A row of both texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row {
    /// Both have it.
    Equal(Line, Line),
    /// They differ here; a side that has nothing is left out.
    Changed(Option<Line>, Option<Line>),
    /// So many equal lines are not shown.
    Skipped(usize),
}

/// Both texts as rows; `None` when they are too long to be compared here.
pub(crate) fn rows(left: &str, right: &str) -> Option<Vec<Row>> {
    let (left, right): (Vec<&str>, Vec<&str>) = (left.lines().collect(), right.lines().collect());
    if left.len().max(right.len()) > LINES_MAX {
        return None;
    }
    let line = |lines: &[&str], at: usize| {
        lines.get(at).map(|text| Line {
            number: at + 1,
            text: (*text).to_owned(),
        })
    };
    let mut rows = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &left, &right) {
        let (old, new) = (op.old_range(), op.new_range());
        for at in 0..old.len().max(new.len()) {
            let one = line(&left[old.clone()], at).map(|line| moved(line, old.start));
            let other = line(&right[new.clone()], at).map(|line| moved(line, new.start));
            rows.push(match (one, other) {
                (Some(one), Some(other)) if matches!(op, DiffOp::Equal { .. }) => Row::Equal(one, other),
                (one, other) => Row::Changed(one, other),
            });
        }
    }
    Some(shortened(rows))
}

fn moved(line: Line, by: usize) -> Line {
    Line {
        number: line.number + by,
        ..line
    }
}

/// Leaves out equal lines that are far from what differs.
fn shortened(rows: Vec<Row>) -> Vec<Row> {
    let changed: Vec<usize> = (0..rows.len())
        .filter(|at| matches!(rows[*at], Row::Changed(..)))
        .collect();
    let mut near = vec![false; rows.len()];
    for at in changed {
        let end = (at + CONTEXT + 1).min(rows.len());
        near[at.saturating_sub(CONTEXT)..end].fill(true);
    }
    let mut short = Vec::new();
    for (row, near) in rows.into_iter().zip(near) {
        match (near, short.last_mut()) {
            (true, _) => short.push(row),
            (false, Some(Row::Skipped(count))) => *count += 1,
            (false, _) => short.push(Row::Skipped(1)),
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `=`, `~`, `-`, `+` with the numbers of the lines, or how many are left out.
    fn drawn(left: &str, right: &str) -> String {
        let rows = rows(left, right).unwrap();
        let drawn = rows.iter().map(|row| match row {
            Row::Equal(one, other) => format!("={}:{}", one.number, other.number),
            Row::Changed(Some(one), Some(other)) => format!("~{}:{}", one.number, other.number),
            Row::Changed(Some(one), None) => format!("-{}", one.number),
            Row::Changed(None, Some(other)) => format!("+{}", other.number),
            Row::Changed(None, None) => "?".to_owned(),
            Row::Skipped(count) => format!("…{count}"),
        });
        drawn.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_differs_stands_side_by_side() {
        for (left, right, expected) in [
            ("a\nb\nc\n", "a\nB\nc\n", "=1:1 ~2:2 =3:3"),
            ("a\nb\n", "a\nb\nc\n", "=1:1 =2:2 +3"),
            ("a\nb\nc\n", "b\nc\n", "-1 =2:1 =3:2"),
            ("a\nb\n", "a\nx\ny\n", "=1:1 ~2:2 +3"),
            ("", "a\n", "+1"),
        ] {
            assert_eq!(drawn(left, right), expected, "{left:?} {right:?}");
        }
    }

    #[test]
    fn equal_lines_far_from_what_differs_are_counted_only() {
        let lines: Vec<String> = (1..=20).map(|number| number.to_string()).collect();
        let left = lines.join("\n");
        let right = left.replace("\n10\n", "\nten\n");
        assert_eq!(
            drawn(&left, &right),
            "…6 =7:7 =8:8 =9:9 ~10:10 =11:11 =12:12 =13:13 …7"
        );
        assert_eq!(drawn(&left, &left), "…20");
    }

    #[test]
    fn texts_that_are_too_long_are_not_compared() {
        assert_eq!(rows(&"a\n".repeat(LINES_MAX + 1), "a"), None);
        assert!(rows(&"a\n".repeat(LINES_MAX), &"b\n".repeat(LINES_MAX)).is_some());
    }
}
