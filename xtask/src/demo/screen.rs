//! What a terminal shows after some bytes, as an SVG.

use std::fmt::Write as _;
use std::num::NonZero;

use anyhow::Result;

/// Of one cell, in the picture's units.
const CELL: (f32, f32) = (8.4, 18.0);
const MARGIN: f32 = 16.0;
/// Height of the bar with the three buttons.
const BAR: f32 = 30.0;
const PLAIN: &str = "#d8dee9";
/// The eight colours of a terminal, on the dark ground of the picture.
const COLOURS: [&str; 8] = [
    "#4c566a", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9",
];

/// Runs of cells that look alike, in one row.
struct Run {
    column: u16,
    text: String,
    colour: &'static str,
    bold: bool,
}

/// Draws the screen, cut below the last row that shows something.
pub(super) fn draw(bytes: &[u8], (columns, rows): (NonZero<u16>, NonZero<u16>)) -> Result<String> {
    let mut parser = vt100::Parser::new(rows, columns, 0);
    let (columns, rows) = (columns.get(), rows.get());
    parser.process(without_frame(bytes));
    let screen = parser.screen();
    let lines: Vec<Vec<Run>> = (0..rows).map(|row| runs(screen, row, columns)).collect();
    let last = lines
        .iter()
        .rposition(|line| !line.is_empty())
        .map_or(0, |row| row + 1);
    let width = f32::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f32::from(u16::try_from(last)?) * CELL.1 + BAR + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1e222a\"/>\n"
    );
    for (place, colour) in [(20, "#e06c75"), (40, "#e5c07b"), (60, "#98c379")] {
        writeln!(
            svg,
            "<circle cx=\"{place}\" cy=\"18\" r=\"6\" fill=\"{colour}\"/>"
        )?;
    }
    for (row, line) in lines.iter().take(last).enumerate() {
        let y = BAR + MARGIN + (f32::from(u16::try_from(row)?) + 0.8) * CELL.1;
        for run in line {
            let x = MARGIN + f32::from(run.column) * CELL.0;
            let weight = if run.bold { " font-weight=\"bold\"" } else { "" };
            let length = CELL.0 * f32::from(u16::try_from(run.text.chars().count())?);
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{}\"{weight} textLength=\"{length:.1}\" xml:space=\"preserve\">{}</text>",
                run.colour,
                escaped(&run.text)
            )?;
        }
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Without the first and the last line, in which `script` tells of itself.
fn without_frame(bytes: &[u8]) -> &[u8] {
    let mut shown = bytes;
    if shown.starts_with(b"Script started") {
        let end = shown
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        shown = &shown[end..];
    }
    let told = b"\nScript done";
    match shown.windows(told.len()).rposition(|window| window == told) {
        Some(at) => &shown[..at],
        None => shown,
    }
}

fn runs(screen: &vt100::Screen, row: u16, columns: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column) else {
            break;
        };
        let colour = match cell.fgcolor() {
            vt100::Color::Idx(index) => COLOURS.get(usize::from(index % 8)).copied().unwrap_or(PLAIN),
            vt100::Color::Default | vt100::Color::Rgb(..) => PLAIN,
        };
        let text = if cell.has_contents() { cell.contents() } else { " " };
        match runs.last_mut() {
            Some(run) if run.colour == colour && run.bold == cell.bold() => run.text.push_str(text),
            _ => runs.push(Run {
                column,
                text: text.to_owned(),
                colour,
                bold: cell.bold(),
            }),
        }
    }
    for run in &mut runs {
        run.text.truncate(run.text.trim_end().len());
    }
    runs.retain(|run| !run.text.is_empty());
    runs
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_shows_the_screen_in_its_colours_and_nothing_of_script() {
        let shown = b"Script started on a day\n\x1b[1;34ma<b/\x1b[0m x\r\n\r\nScript done on a day\n";
        let size = |cells| NonZero::new(cells).unwrap();
        let svg = draw(shown, (size(20), size(10))).unwrap();
        assert!(
            svg.contains(">a&lt;b/</text>") && svg.contains("#61afef"),
            "{svg}"
        );
        assert!(!svg.contains("Script"), "{svg}");
        assert_eq!(svg.matches("<text").count(), 2, "{svg}");
    }
}
