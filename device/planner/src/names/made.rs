//! Names that the planner makes: of conflicted copies (ADR-0026), and of what steps aside for a moment.

use crate::names::{NAME_BYTES, Name};
use crate::policy::Date;

const COPY: &str = " (conflicted copy, ";
const MOVING: &str = " (moving, ";

/// Longest part of a device's name that is kept, in bytes.
const DEVICE_BYTES: usize = 40;
/// What follows the last dot is an extension when it is no longer than this, in bytes.
const EXTENSION_BYTES: usize = 16;

/// `name (conflicted copy, DEVICE, YYYY-MM-DD).ext`; from the second of a day on with its number behind the day.
///
/// A copy of a conflicted copy is named after the file that both come from, so that names don't grow.
pub fn conflicted_copy(name: &Name, is_folder: bool, device: &str, day: Date, number: u32) -> Name {
    let (stem, extension) = split(name.as_str(), is_folder);
    let stem = original_of_copy(stem);
    let Date { year, month, day } = day;
    let number = match number {
        0 | 1 => String::new(),
        number => format!(", {number}"),
    };
    let mark = format!(
        "{COPY}{}, {year:04}-{month:02}-{day:02}{number}){extension}",
        plain(device)
    );
    Name::from(format!("{}{mark}", shortened(stem, NAME_BYTES - mark.len())))
}

/// The name of an entry that steps aside, which this device knows again by [`original_of_moving`]. `tag` keeps two of one
/// name apart.
pub(crate) fn moving_aside(name: &Name, device: &str, tag: u64) -> Name {
    let mark = format!("{MOVING}{}, {:x})", plain(device), tag & 0xffff_ffff);
    Name::from(format!(
        "{}{mark}",
        shortened(name.as_str(), NAME_BYTES - mark.len())
    ))
}

/// What was called so before this device moved it aside.
pub(crate) fn original_of_moving(name: &Name, device: &str) -> Option<Name> {
    let (original, mark) = name.as_str().rsplit_once(MOVING)?;
    let tag = mark
        .strip_prefix(plain(device).as_str())?
        .strip_prefix(", ")?
        .strip_suffix(')')?;
    let is_tag = !tag.is_empty() && tag.len() <= 8 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_tag && !original.is_empty()).then(|| Name::from(original))
}

/// The stem of the file that this stem's file is a conflicted copy of.
fn original_of_copy(stem: &str) -> &str {
    stem.strip_suffix(')')
        .and_then(|stem| stem.rsplit_once(COPY))
        .filter(|(original, mark)| !original.is_empty() && !mark.contains(')'))
        .map_or(stem, |(original, _)| original)
}

/// Stem and extension, the latter with its dot. A leading dot begins no extension.
fn split(name: &str, is_folder: bool) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && !is_folder && name.len() - dot <= EXTENSION_BYTES => name.split_at(dot),
        _ => (name, ""),
    }
}

/// A device's name as a part of a file's name.
fn plain(device: &str) -> String {
    let kept: String = device
        .chars()
        .map(|c| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '(' | ')' | ',' => '-',
            c if c.is_control() => '-',
            c => c,
        })
        .collect();
    match shortened(kept.trim(), DEVICE_BYTES).trim() {
        "" => "device".to_owned(),
        kept => kept.to_owned(),
    }
}

fn shortened(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Date = Date {
        year: 2026,
        month: 3,
        day: 9,
    };

    #[track_caller]
    fn check(name: &str, number: u32, expected: &str) {
        let made = conflicted_copy(&Name::from(name), false, "laptop", DAY, number);
        assert_eq!(made.as_str(), expected);
    }

    #[test]
    fn a_copy_is_named_after_device_and_day_before_the_extension() {
        check("plan.txt", 1, "plan (conflicted copy, laptop, 2026-03-09).txt");
        check("plan", 1, "plan (conflicted copy, laptop, 2026-03-09)");
        check(".profile", 1, ".profile (conflicted copy, laptop, 2026-03-09)");
        check("a.tar.gz", 2, "a.tar (conflicted copy, laptop, 2026-03-09, 2).gz");
        let folder = conflicted_copy(&Name::from("v1.2"), true, "laptop", DAY, 1);
        assert_eq!(folder.as_str(), "v1.2 (conflicted copy, laptop, 2026-03-09)");
    }

    #[test]
    fn a_copy_of_a_copy_is_named_after_the_file_that_both_come_from() {
        check(
            "plan (conflicted copy, phone, 2026-03-08).txt",
            1,
            "plan (conflicted copy, laptop, 2026-03-09).txt",
        );
        check(
            "plan (conflicted copy, laptop, 2026-03-09, 7).txt",
            8,
            "plan (conflicted copy, laptop, 2026-03-09, 8).txt",
        );
    }

    #[test]
    fn the_longest_name_still_makes_a_name_that_the_server_takes() {
        for name in [
            "é".repeat(127),
            format!("{}.txt", "x".repeat(251)),
            "x".repeat(255),
        ] {
            let name = Name::from(name);
            let copy = conflicted_copy(&name, false, &"ü".repeat(99), DAY, 12);
            assert!(copy.as_str().len() <= NAME_BYTES, "{copy}");
            assert!(moving_aside(&name, "laptop", u64::MAX).as_str().len() <= NAME_BYTES);
        }
    }

    #[test]
    fn what_steps_aside_is_known_again_on_the_device_that_moved_it() {
        let name = Name::from("a.txt");
        let aside = moving_aside(&name, "my, (laptop)", 77);
        assert_eq!(original_of_moving(&aside, "my, (laptop)"), Some(name.clone()));
        assert_eq!(original_of_moving(&aside, "phone"), None);
        assert_eq!(original_of_moving(&name, "laptop"), None);
        assert_eq!(
            original_of_moving(&Name::from("a (moving, laptop, tomorrow)"), "laptop"),
            None
        );
    }
}
