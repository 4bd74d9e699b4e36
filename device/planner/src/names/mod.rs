//! Names: when two are the same, what a device can't hold, and what copies of a conflict are called.
//!
//! Invariants: a name is compared with its siblings by its key, on both sides and on every device, whatever its file
//! system makes of case: two siblings whose keys are equal can't both be on the server.

mod made;
mod rules;

use std::fmt;
use std::sync::Arc;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

pub use made::conflicted_copy;
pub(crate) use made::{moving_aside, original_of_moving};
pub use rules::{NameRules, Trouble, check_for_server};

/// Longest name that the server takes, in bytes of UTF-8.
pub const NAME_BYTES: usize = 255;

/// A name of a file or folder, shared cheaply: three trees hold most names three times. They come from the file system, the server and the
/// state, so that whoever puts the second of two into a tree lets it [`share`](Self::share) the first one's memory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Holds the same memory as another name from now on, if both are equal.
    pub fn share(&mut self, other: &Self) {
        if self == other {
            self.clone_from(other);
        }
    }

    /// What siblings must differ in: the canonical caseless form, composed. It is the server's key of the name.
    pub fn key(&self) -> String {
        key(&self.0)
    }

    /// Whether both are the same name: equal once composed. File systems that decompose names (HFS+) rename nothing.
    pub fn is_same(&self, other: &Self) -> bool {
        self == other || (!(self.0.is_ascii() && other.0.is_ascii()) && self.0.nfc().eq(other.0.nfc()))
    }

    /// The name as it is composed: what is sent to the server.
    pub fn composed(&self) -> Self {
        match is_nfc_quick(self.0.chars()) {
            IsNormalized::Yes => self.clone(),
            _ => Self::from(self.0.nfc().collect::<String>()),
        }
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Canonical caseless form (Unicode 3.13, D145), composed again.
fn key(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decomposed: String = text.nfd().collect();
    caseless::default_case_fold_str(&decomposed).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_or_composition_have_one_key() {
        for (one, other) in [
            ("É.txt", "e\u{301}.TXT"),
            ("STRASSE", "straße"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Makefile", "makefile"),
        ] {
            assert_eq!(Name::from(one).key(), Name::from(other).key(), "{one} {other}");
        }
        assert_ne!(Name::from("a").key(), Name::from("а").key(), "latin and cyrillic");
    }

    #[test]
    fn composition_alone_makes_no_other_name_but_case_does() {
        let composed = Name::from("caf\u{e9}");
        let decomposed = Name::from("cafe\u{301}");
        assert!(composed.is_same(&decomposed));
        assert_eq!(decomposed.composed(), composed);
        assert!(!Name::from("A").is_same(&Name::from("a")));
    }
}
