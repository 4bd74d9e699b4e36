//! Lays out the spans of a trace as rows of a waterfall. Pure.
//!
//! Invariants: every span has exactly one row, whatever its parents are (missing, itself, in a circle); a child comes
//! below its parent, siblings in the order in which they began; bars lie within 0–100 % of the trace.

use std::collections::{BTreeMap, HashMap, HashSet};

use bitvault_api::TraceSpan;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) span: TraceSpan,
    /// Steps below the root.
    pub(crate) depth: usize,
    /// Where the bar begins, in percent of the trace.
    pub(crate) left: f64,
    /// How long the bar is, in percent of the trace.
    pub(crate) width: f64,
    /// From the trace's begin to the span's, in microseconds.
    pub(crate) offset_us: u64,
    /// Which of the palette's colours its component has.
    pub(crate) colour: usize,
}

/// A trace, laid out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Waterfall {
    pub(crate) rows: Vec<Row>,
    /// From the first begin to the last end, in microseconds.
    pub(crate) duration_us: u64,
    /// Components with their colours, in the order in which they appear.
    pub(crate) components: Vec<(String, usize)>,
}

/// Colours in the style sheet: `.c0` to `.c7`.
const COLOURS: usize = 8;

/// Lays out the spans.
pub(crate) fn layout(spans: Vec<TraceSpan>) -> Waterfall {
    let begin = spans.iter().map(|span| span.started_at_us).min().unwrap_or(0);
    let end = spans.iter().map(end_us).max().unwrap_or(begin);
    let duration_us = end.saturating_sub(begin).unsigned_abs();

    let mut components: Vec<(String, usize)> = Vec::new();
    let mut rows = Vec::with_capacity(spans.len());
    for (span, depth) in in_order(spans) {
        let colour = match components.iter().find(|(name, _)| *name == span.component) {
            Some((_, colour)) => *colour,
            None => {
                let colour = components.len() % COLOURS;
                components.push((span.component.clone(), colour));
                colour
            }
        };
        let offset_us = span.started_at_us.saturating_sub(begin).unsigned_abs();
        rows.push(Row {
            left: percent(offset_us, duration_us),
            width: percent(span.duration_us.min(duration_us - offset_us), duration_us),
            depth,
            offset_us,
            colour,
            span,
        });
    }
    Waterfall {
        rows,
        duration_us,
        components,
    }
}

fn end_us(span: &TraceSpan) -> i64 {
    span.started_at_us.saturating_add_unsigned(span.duration_us)
}

#[allow(clippy::cast_precision_loss, reason = "a position on the screen")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}

/// Depth first; what no root leads to (a circle) is listed as roots in the end.
fn in_order(mut spans: Vec<TraceSpan>) -> Vec<(TraceSpan, usize)> {
    spans.sort_by(|a, b| (a.started_at_us, &a.span_id).cmp(&(b.started_at_us, &b.span_id)));
    let known: HashSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    let mut roots = Vec::new();
    let mut children: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, span) in spans.iter().enumerate() {
        match span
            .parent_span_id
            .as_deref()
            .filter(|parent| known.contains(parent))
        {
            Some(parent) => children.entry(parent).or_default().push(index),
            None => roots.push(index),
        }
    }

    let mut placed: BTreeMap<usize, usize> = BTreeMap::new();
    let mut order = Vec::with_capacity(spans.len());
    for start in roots.into_iter().chain(0..spans.len()) {
        let mut stack = vec![(start, 0)];
        while let Some((index, depth)) = stack.pop() {
            if placed.insert(index, depth).is_some() {
                continue;
            }
            order.push((index, depth));
            if let Some(below) = children.get(spans[index].span_id.as_str()) {
                stack.extend(below.iter().rev().map(|child| (*child, depth + 1)));
            }
        }
    }
    order
        .into_iter()
        .map(|(index, depth)| (spans[index].clone(), depth))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitvault_api::SpanStatus;

    fn span(id: &str, parent: Option<&str>, component: &str, start: i64, duration: u64) -> TraceSpan {
        TraceSpan {
            span_id: id.into(),
            parent_span_id: parent.map(Into::into),
            name: id.into(),
            service: "bitvaultd".into(),
            component: component.into(),
            started_at_us: start,
            duration_us: duration,
            status: SpanStatus::Ok,
            attributes: BTreeMap::new(),
        }
    }

    fn shape(waterfall: &Waterfall) -> Vec<(&str, usize)> {
        waterfall
            .rows
            .iter()
            .map(|row| (row.span.span_id.as_str(), row.depth))
            .collect()
    }

    #[test]
    fn children_come_below_their_parent_in_the_order_they_began() {
        let waterfall = layout(vec![
            span("late", Some("root"), "files", 1_060, 20),
            span("root", None, "gateway", 1_000, 100),
            span("leaf", Some("early"), "storage", 1_020, 10),
            span("early", Some("root"), "files", 1_010, 40),
        ]);
        assert_eq!(
            shape(&waterfall),
            [("root", 0), ("early", 1), ("leaf", 2), ("late", 1)]
        );
        assert_eq!(waterfall.duration_us, 100);
        let early = &waterfall.rows[1];
        assert_eq!((early.left, early.width, early.offset_us), (10.0, 40.0, 10));
    }

    #[test]
    fn a_component_keeps_its_colour() {
        let waterfall = layout(vec![
            span("a", None, "gateway", 0, 10),
            span("b", Some("a"), "files", 1, 2),
            span("c", Some("a"), "gateway", 4, 2),
        ]);
        assert_eq!(
            waterfall.rows.iter().map(|row| row.colour).collect::<Vec<_>>(),
            [0, 1, 0]
        );
        assert_eq!(
            waterfall.components,
            [("gateway".to_owned(), 0), ("files".to_owned(), 1)]
        );
    }

    #[test]
    fn no_span_is_lost_when_parents_are_missing_or_form_a_circle() {
        let waterfall = layout(vec![
            span("orphan", Some("gone"), "s3", 5, 1),
            span("x", Some("y"), "files", 1, 1),
            span("y", Some("x"), "files", 2, 1),
            span("self", Some("self"), "files", 3, 1),
        ]);
        assert_eq!(
            shape(&waterfall),
            [("orphan", 0), ("x", 0), ("y", 1), ("self", 0)]
        );
    }

    #[test]
    fn empty_traces_and_traces_of_no_length_are_laid_out() {
        assert_eq!(layout(Vec::new()).rows, []);
        let waterfall = layout(vec![span("a", None, "files", 7, 0)]);
        assert_eq!((waterfall.rows[0].left, waterfall.rows[0].width), (0.0, 0.0));
    }
}
