//! Other names for a node whose own is taken: `report (2).pdf` as people number copies, `report (restored).pdf` for what
//! comes back from the trash, `report (copy).pdf` for what is copied.

use super::name::Name;
use bitvault_api::limits::NAME_BYTES;
use bitvault_platform::Result;

/// The highest number that is tried.
const LAST: u32 = 50;

/// Longest part of a device's name that is kept, in bytes.
const DEVICE_BYTES: usize = 40;

/// The name itself, the numbered ones, and last one with `unique` in it, which nobody else has.
pub(crate) fn candidates(text: &str, unique: &str) -> Vec<Name> {
    let numbered = (2..=LAST).map(|number| with(text, false, &number.to_string()));
    std::iter::once(text.to_owned())
        .chain(numbered)
        .chain(std::iter::once(with(text, false, unique)))
        .filter_map(|text| Name::new(&text).ok())
        .collect()
}

/// The `number`th name to try for what comes back from the trash, from 1.
pub(crate) fn restored(text: &str, is_folder: bool, number: u32) -> Result<Name> {
    numbered(text, is_folder, "restored", number)
}

/// The `number`th name to try for a copy, from 1.
pub(crate) fn copied(text: &str, is_folder: bool, number: u32) -> Result<Name> {
    numbered(text, is_folder, "copy", number)
}

/// The `number`th name to try for a conflicted copy that becomes a file of its own, from 1: that of the file, with the device.
pub(crate) fn from_device(text: &str, device: &str, number: u32) -> Result<Name> {
    let plain: String = device.chars().map(|c| if c == '/' { '-' } else { c }).collect();
    let plain = &plain[..plain.floor_char_boundary(DEVICE_BYTES)];
    numbered(text, false, plain.trim(), number)
}

fn numbered(text: &str, is_folder: bool, what: &str, number: u32) -> Result<Name> {
    let mark = match number {
        0 | 1 => what.to_owned(),
        _ => format!("{what} {number}"),
    };
    Name::new(&with(text, is_folder, &mark))
}

/// `stem (mark).ext`, the stem cut so that it fits.
fn with(text: &str, is_folder: bool, mark: &str) -> String {
    // Folders have no extension, a leading dot begins none, and a very long one is none.
    let dot = text
        .rfind('.')
        .filter(|at| *at > 0 && !is_folder && text.len() - at <= NAME_BYTES / 4);
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
    #[test]
    fn what_comes_back_is_marked_before_the_extension_of_a_file() {
        for (name, is_folder, number, expected) in [
            ("a.txt", false, 1, "a (restored).txt"),
            ("a.txt", false, 2, "a (restored 2).txt"),
            ("v1.2", true, 1, "v1.2 (restored)"),
            (".env", false, 1, ".env (restored)"),
        ] {
            assert_eq!(restored(name, is_folder, number).unwrap().text, expected);
        }
        assert_eq!(copied("a.txt", false, 1).unwrap().text, "a (copy).txt");
        assert_eq!(
            from_device("a.txt", "my/desk", 1).unwrap().text,
            "a (my-desk).txt"
        );
        let long = from_device("a.txt", &"ü".repeat(64), 2).unwrap().text;
        assert_eq!(long, format!("a ({} 2).txt", "ü".repeat(20)));
        assert_eq!(copied("f.d", true, 2).unwrap().text, "f.d (copy 2)");
        let names = [
            "x".repeat(255),
            "ü".repeat(127),
            format!("{}.txt", "😀".repeat(62)),
            format!("a.{}", "b".repeat(253)),
            format!("{}.", "c".repeat(254)),
        ];
        for name in names {
            for number in [1, 2, 999] {
                let made = restored(&name, false, number).unwrap().text;
                assert!(made.len() <= NAME_BYTES && made.contains("(restored"), "{name}");
            }
        }
    }
}
