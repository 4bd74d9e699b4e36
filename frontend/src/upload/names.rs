//! Names for keeping both of two files that want the same name. Pure.
//!
//! Invariant: the answer is never longer than the server allows and keeps the extension.

use bitvault_api::limits::NAME_BYTES;

/// `report.pdf`, 2 → `report (2).pdf`. A name that is numbered already is numbered on, not twice.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    let (stem, extension) = split(name);
    let suffix = format!(" ({number}){extension}");
    let stem = shorten(unnumbered(stem), NAME_BYTES.saturating_sub(suffix.len()));
    format!("{stem}{suffix}")
}

/// Splits before the extension. `.tar.gz` and its like stay whole; a leading dot begins no extension, and what is longer
/// than a real extension or holds a space is part of the name.
fn split(name: &str) -> (&str, &str) {
    const LONGEST_EXTENSION: usize = 12;
    let Some(dot) = name
        .rfind('.')
        .filter(|dot| *dot > 0 && name.len() - dot <= LONGEST_EXTENSION && !name[*dot..].contains(' '))
    else {
        return (name, "");
    };
    let stem = &name[..dot];
    match stem.strip_suffix(".tar") {
        Some(inner) if !inner.is_empty() => (inner, &name[inner.len()..]),
        _ => (stem, &name[dot..]),
    }
}

fn unnumbered(stem: &str) -> &str {
    let Some((before, number)) = stem.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) else {
        return stem;
    };
    if !before.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        before
    } else {
        stem
    }
}

fn shorten(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_goes_before_the_extension() {
        for (name, number, expected) in [
            ("report.pdf", 2, "report (2).pdf"),
            ("report (2).pdf", 3, "report (3).pdf"),
            ("report (draft).pdf", 2, "report (draft) (2).pdf"),
            ("backup.tar.gz", 2, "backup (2).tar.gz"),
            (".gitignore", 2, ".gitignore (2)"),
            ("README", 2, "README (2)"),
            ("v1. final words", 2, "v1. final words (2)"),
            ("(2).txt", 2, "(2) (2).txt"),
        ] {
            assert_eq!(numbered(name, number), expected, "{name}");
        }
    }

    #[test]
    fn a_long_name_is_shortened_at_a_character_and_stays_within_the_limit() {
        let name = format!("{}.jpeg", "ü".repeat(125));
        let answer = numbered(&name, 12);
        assert!(answer.len() <= NAME_BYTES, "{}", answer.len());
        assert!(answer.ends_with("ü (12).jpeg"), "{answer}");
    }
}
