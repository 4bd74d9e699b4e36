//! The table of scenario families in the docs: each test that it names is there.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::dirs::Dirs;

const DOC: &str = "docs/testing-sync.md";
const HEADING: &str = "## Scenario families";

/// Fails with every test that the table names and its file does not have.
pub(crate) fn verify(dirs: &Dirs) -> Result<()> {
    let text = std::fs::read_to_string(dirs.repo.join(DOC)).with_context(|| format!("read {DOC}"))?;
    let rows = rows(&text)?;
    ensure!(!rows.is_empty(), "{DOC} has no table below {HEADING:?}");
    let missing = missing(&rows, |file| std::fs::read_to_string(dirs.repo.join(file)).ok());
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "{DOC} names tests that are not there; name those that show the families now:\n  {}",
        missing.join("\n  ")
    )
}

/// A row: tests, and the file that has them.
#[derive(Debug, PartialEq, Eq)]
struct Row<'t> {
    tests: Vec<&'t str>,
    file: &'t str,
}

/// The rows `| family | tests | file |` of the section, the head left out.
fn rows(text: &str) -> Result<Vec<Row<'_>>> {
    let lines = text.lines().skip_while(|line| *line != HEADING).skip(1);
    let section = lines.take_while(|line| !line.starts_with("## "));
    let table = section.filter(|line| line.starts_with('|')).skip(2);
    table
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let cell = |at: usize| quoted(cells.get(at).copied().unwrap_or_default());
            let (tests, files) = (cell(1), cell(2));
            match (tests.is_empty(), files.as_slice()) {
                (false, [file]) => Ok(Row { tests, file }),
                _ => bail!("{DOC}: no test, or not one file, in {line:?}"),
            }
        })
        .collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn missing(rows: &[Row<'_>], read: impl Fn(&Path) -> Option<String>) -> Vec<String> {
    let mut missing = Vec::new();
    for Row { tests, file } in rows {
        let source = read(Path::new(file)).unwrap_or_default();
        let lacks = tests
            .iter()
            .filter(|test| !source.contains(&format!("fn {test}(")));
        missing.extend(lacks.map(|test| format!("{test} in {file}")));
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# Doc\n\n| a | `b` | `c` |\n\n## Scenario families\n\nText.\n\n\
        | family | shown by | file |\n|---|---|---|\n\
        | edits | `is_kept`, `is_told` | `a.rs` |\n| | `is_gone` | `b.rs` |\n\n## More\n\n| d | `e` | `f` |\n";

    #[test]
    fn tests_that_are_not_in_the_file_of_their_row_are_told() {
        let rows = rows(TABLE).unwrap();
        assert_eq!(rows.len(), 2);
        let read = |file: &Path| {
            let is_it = file == Path::new("a.rs");
            is_it.then(|| "async fn is_kept() {}\nfn is_told_too() {}".to_owned())
        };
        assert_eq!(missing(&rows, read), ["is_told in a.rs", "is_gone in b.rs"]);
    }

    #[test]
    fn a_family_without_a_test_or_a_file_is_refused() {
        for row in ["| edits | | `a.rs` |", "| edits | `is_kept` | |", "| edits |"] {
            let table = format!("{HEADING}\n| family | shown by | file |\n|---|---|---|\n{row}\n");
            assert!(rows(&table).is_err(), "{row}");
        }
    }
}
