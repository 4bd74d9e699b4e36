//! Names of nodes: what is refused, and when two names are the same.

use bitvault_api::limits::NAME_BYTES;
use bitvault_platform::{Error, Result};
use unicode_normalization::UnicodeNormalization as _;

/// A name that a node may have, with its folded key. Two names are the same when their keys are: `É.txt` and `é.TXT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) key: String,
}

impl Name {
    /// Keeps the name as it was written; refuses what no file system could hold.
    pub(crate) fn new(text: &str) -> Result<Self> {
        let refuse = |detail: &str| Err(Error::invalid_field("name_invalid", "name", detail));
        if text.is_empty() {
            return refuse("is empty: give one of 1 to 255 bytes");
        }
        if text.len() > NAME_BYTES {
            return refuse("is longer than 255 bytes: choose a shorter one");
        }
        if text == "." || text == ".." {
            return refuse("`.` and `..` are reserved: choose another one");
        }
        if text.contains('/') {
            return refuse("holds a slash: name the folder by `parent_id`, and only the node here");
        }
        if text.chars().any(char::is_control) {
            return refuse("holds a control character: leave it out");
        }
        Ok(Self {
            key: fold(text),
            text: text.to_owned(),
        })
    }
}

/// Canonical caseless form (Unicode 3.13, D145), composed again.
pub(crate) fn fold(text: &str) -> String {
    let decomposed: String = text.nfd().collect();
    caseless::default_case_fold_str(&decomposed).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_or_composition_are_the_same() {
        for (one, other) in [
            ("É.txt", "e\u{301}.TXT"),
            ("STRASSE", "straße"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Å", "\u{212b}"),
            ("ﬁle", "FILE"),
        ] {
            assert_eq!(
                Name::new(one).unwrap().key,
                Name::new(other).unwrap().key,
                "{one} {other}"
            );
        }
        assert_ne!(
            Name::new("a").unwrap().key,
            Name::new("а").unwrap().key,
            "latin and cyrillic"
        );
        assert_eq!(Name::new("Straße").unwrap().text, "Straße");
    }

    #[test]
    fn what_no_file_system_could_hold_is_refused() {
        let long = "x".repeat(256);
        for text in [
            "", ".", "..", "a/b", "/", "a\0b", "a\nb", "\u{7f}", "\u{85}", &long,
        ] {
            assert_eq!(Name::new(text).unwrap_err().reason(), "name_invalid", "{text:?}");
        }
        for text in ["...", " ", "x".repeat(255).as_str(), "COM1", "a\\b", "..a", "😀"] {
            assert!(Name::new(text).is_ok(), "{text:?}");
        }
    }
}
