//! Other names for a file whose own is taken, as people number copies: `report (2).pdf`.

use super::name::Name;
use bitvault_api::limits::NAME_BYTES;

/// The highest number that is tried.
const LAST: u32 = 50;

/// The name itself, the numbered ones, and last one with `unique` in it, which nobody else has.
pub(crate) fn candidates(text: &str, unique: &str) -> Vec<Name> {
    let numbered = (2..=LAST).map(|number| with(text, &number.to_string()));
    std::iter::once(text.to_owned())
        .chain(numbered)
        .chain(std::iter::once(with(text, unique)))
        .filter_map(|text| Name::new(&text).ok())
        .collect()
}

/// `stem (mark).ext`, the stem cut so that it fits.
fn with(text: &str, mark: &str) -> String {
    // A leading dot begins no extension, and a very long one is none.
    let dot = text
        .rfind('.')
        .filter(|at| *at > 0 && text.len() - at <= NAME_BYTES / 4);
    let (stem, extension) = text.split_at(dot.unwrap_or(text.len()));
    let room = NAME_BYTES.saturating_sub(extension.len() + mark.len() + 3);
    let mut end = stem.len().min(room);
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{} ({mark}){extension}", &stem[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_numbered_before_the_extension() {
        for (text, second) in [
            ("report.pdf", "report (2).pdf"),
            ("archive.tar.gz", "archive.tar (2).gz"),
            ("notes", "notes (2)"),
            (".profile", ".profile (2)"),
        ] {
            assert_eq!(candidates(text, "x")[1].text, second);
        }
    }

    #[test]
    fn every_candidate_fits_and_the_last_is_nobody_elses() {
        let long = format!("{}.txt", "ü".repeat(125));
        let all = candidates(&long, "0190c7c1");
        assert_eq!(all.len(), LAST as usize + 1);
        assert!(all.iter().all(|name| name.text.len() <= NAME_BYTES));
        assert!(all.iter().all(|name| name.text.ends_with(".txt")));
        assert!(all[LAST as usize].text.ends_with(" (0190c7c1).txt"));
    }
}
