//! Standard output and error.

use crate::error::Error;
use crate::exit::{client_hint, exit, hint};
use crate::human::printable;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use unicode_width::UnicodeWidthStr as _;

const FOLDER: Style = AnsiColor::Blue.on_default().bold();
const HEADING: Style = Style::new().bold();
const FAILURE: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Yellow.on_default();

/// Where results and errors go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Results are JSON.
    pub(crate) json: bool,
    /// Standard output takes colours.
    paints: bool,
    /// So does standard error.
    paints_errors: bool,
}

impl Output {
    /// Colours are for terminals that want them: `NO_COLOR` and `CLICOLOR_FORCE` are heeded.
    pub(crate) fn new(json: bool) -> Self {
        let paints = |choice: ColorChoice| !json && choice != ColorChoice::Never;
        Self {
            json,
            paints: paints(AutoStream::choice(&std::io::stdout())),
            paints_errors: paints(AutoStream::choice(&std::io::stderr())),
        }
    }

    /// Whether progress may be drawn.
    pub(crate) fn draws(&self) -> bool {
        !self.json && std::io::stderr().is_terminal()
    }

    /// A name as it goes to standard output: tame on a terminal, exact in a pipe.
    pub(crate) fn name(&self, name: &str) -> String {
        if std::io::stdout().is_terminal() {
            printable(name)
        } else {
            name.to_owned()
        }
    }

    /// Whether results may be marked with bold.
    pub(crate) fn colours(&self) -> bool {
        self.paints
    }

    /// The name of a file or folder in a listing; a folder's ends with a slash.
    pub(crate) fn entry(&self, name: &str, is_folder: bool) -> String {
        let name = self.name(name);
        if is_folder {
            painted(FOLDER, &format!("{name}/"), self.paints)
        } else {
            name
        }
    }

    /// One line of a result.
    pub(crate) fn line(&self, line: &str) -> Result<(), Error> {
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes())
            .and_then(|()| out.write_all(b"\n"))
            .map_err(Error::Output)
    }

    /// Rows under their headings: aligned on a terminal; in a pipe without headings, columns separated by tabs.
    fn table(&self, headings: &[&str], rows: &[Vec<String>]) -> Result<(), Error> {
        if !std::io::stdout().is_terminal() {
            return rows.iter().try_for_each(|row| self.line(&row.join("\t")));
        }
        aligned(headings, rows, self.paints)
            .iter()
            .try_for_each(|line| self.line(line))
    }

    /// A table, or a note beside the result when there is nothing in it: what that means, and what to do about it.
    pub(crate) fn listing(&self, headings: &[&str], rows: &[Vec<String>], empty: &str) -> Result<(), Error> {
        if rows.is_empty() {
            self.note(empty);
            return Ok(());
        }
        self.table(headings, rows)
    }

    /// One JSON document, or one event of several.
    pub(crate) fn document(&self, document: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string(document).map_err(|error| Error::Output(error.into()))?;
        self.line(&text)
    }

    /// One line beside the result. What can't be written to standard error can't be told anywhere.
    pub(crate) fn note(&self, line: &str) {
        let _ = writeln!(std::io::stderr().lock(), "bitvault: {}", printable(line));
    }

    /// Tells an error with its hint and gives its exit code.
    pub(crate) fn failed(&self, error: &Error) -> ExitCode {
        if error.is_broken_pipe() {
            return ExitCode::SUCCESS;
        }
        let exit = exit(error);
        if self.json {
            let mut told = match error.client() {
                Some(client) => describe(client),
                None => json!({ "message": error.to_string() }),
            };
            told["message"] = Value::from(error.to_string());
            told["hint"] = hint(error).into();
            told["exit"] = Value::from(exit as u8);
            let _ = writeln!(std::io::stderr().lock(), "{}", json!({ "error": told }));
        } else {
            let name = painted(FAILURE, "bitvault:", self.paints_errors);
            let told = printable(&error.to_string());
            let _ = writeln!(std::io::stderr().lock(), "{name} {told}");
            if let Some(hint) = hint(error) {
                let name = painted(HINT, "hint:", self.paints_errors);
                let _ = writeln!(std::io::stderr().lock(), "  {name} {}", printable(&hint));
            }
        }
        ExitCode::from(exit as u8)
    }
}

/// The text in a colour, where that is wanted.
fn painted(style: Style, text: &str, paints: bool) -> String {
    if paints {
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}

/// The lines of a table: each column as wide as its widest cell, names tame. With `paints`, headings and folders stand out.
fn aligned(headings: &[&str], rows: &[Vec<String>], paints: bool) -> Vec<String> {
    let headings = headings.iter().map(|heading| heading.to_uppercase()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(headings)
        .chain(
            rows.iter()
                .map(|row| row.iter().map(|cell| printable(cell)).collect()),
        )
        .collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.width()).max().unwrap_or_default()
        })
        .collect();
    let pad = |(cell, width): (&String, &usize)| format!("{cell}{}", " ".repeat(width - cell.width()));
    let line = |(number, cells): (usize, &Vec<String>)| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(pad).collect();
        let line = padded.join("  ").trim_end().to_owned();
        match cells.first().filter(|first| first.ends_with('/')) {
            _ if number == 0 => painted(HEADING, &line, paints),
            Some(folder) => painted(FOLDER, folder, paints) + &line[folder.len()..],
            None => line,
        }
    };
    lines.iter().enumerate().map(line).collect()
}

/// A client error as JSON.
pub(crate) fn describe(error: &bitvault_client::Error) -> Value {
    let mut told = json!({ "message": error.to_string(), "hint": client_hint(error) });
    if let bitvault_client::Error::Problem(problem) = error {
        told["code"] = json!(problem.code);
        told["reason"] = json!(problem.reason);
        told["trace_id"] = json!(problem.trace_id);
        told["fields"] = json!(problem.fields);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_they_show() {
        let rows = [["日本", "x"], ["a\u{1b}", "longer"]].map(|row| row.map(str::to_owned).to_vec());
        let lines = aligned(&["name", "kind"], &rows, false);
        assert_eq!(lines, ["NAME  KIND", "日本  x", "a\u{fffd}    longer"]);
    }

    #[test]
    fn colours_change_no_width() {
        let rows = [["a/", "x"], ["longer", "y"]].map(|row| row.map(str::to_owned).to_vec());
        let lines = aligned(&["name", "kind"], &rows, true);
        assert_eq!(
            lines,
            [
                "\u{1b}[1mNAME    KIND\u{1b}[0m",
                "\u{1b}[1m\u{1b}[34ma/\u{1b}[0m      x",
                "longer  y"
            ]
        );
    }
}
