//! What was measured, as a table for people.

/// Rows as they come up; printed at the end as Markdown, and each at once as a line of progress.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<[String; 4]>,
}

impl Report {
    /// `what` was measured as `figure`; `against` names the peer or floor and its figure, `wanted` what the issue asks for.
    #[allow(clippy::print_stderr, reason = "progress for the person who waits")]
    pub(crate) fn row(&mut self, what: &str, figure: String, against: String, wanted: &str) {
        eprintln!("{what}: {figure} | {against} | wanted {wanted}");
        self.rows
            .push([what.to_owned(), figure, against, wanted.to_owned()]);
    }

    #[allow(clippy::print_stdout, reason = "the table is the program's answer")]
    pub(crate) fn print(&self) {
        println!("| what | BitVault | against | wanted |\n|---|---|---|---|");
        for row in &self.rows {
            println!("| {} |", row.join(" | "));
        }
    }
}

/// The middle of the values, which must not be empty.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
