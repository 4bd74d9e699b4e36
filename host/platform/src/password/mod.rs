//! Passwords: which may be set, and their argon2id hashes.

mod hasher;

pub use hasher::{Argon2Config, HashFailure, Hasher, HasherConfig};

use crate::Error;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashSet;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization as _;

/// Characters of a password, least and most.
const CHARS: std::ops::RangeInclusive<usize> = 8..=128;

/// Common passwords of 8 characters and more, lower case: from the list by Royce Williams that Django ships.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// A password to be set: long enough, not longer than allowed, and not on the list of common ones. Never shown.
#[derive(Debug)]
pub struct Password(SecretString);

impl Password {
    /// Checks a password that somebody chose.
    pub fn new(text: &str) -> Result<Self, Error> {
        Self::in_field("password", text)
    }

    /// The same for a field of another name.
    pub fn in_field(field: &str, text: &str) -> Result<Self, Error> {
        let invalid = |reason: &str, detail: &str| Error::invalid_field(reason, field, detail);
        let normal = normalise(text);
        let chars = normal.expose_secret().chars().count();
        if chars < *CHARS.start() {
            return Err(invalid("password_short", "use at least 8 characters"));
        }
        if chars > *CHARS.end() {
            return Err(invalid("password_long", "use at most 128 characters"));
        }
        if COMMON.contains(normal.expose_secret().to_lowercase().as_str()) {
            return Err(invalid(
                "password_common",
                "this is one of the passwords that are tried first; choose another",
            ));
        }
        Ok(Self(normal))
    }

    /// What is hashed.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

/// The same password typed on systems that compose letters differently is the same one (NFC, as in RFC 8265).
pub fn normalise(text: &str) -> SecretString {
    SecretString::from(text.nfc().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_characters_from_8_to_128() {
        for (text, reason) in [
            ("\u{fc}".repeat(7), Some("password_short")),
            ("\u{fc}".repeat(8), None),
            ("\u{fc}".repeat(128), None),
            ("\u{fc}".repeat(129), Some("password_long")),
        ] {
            let refused = Password::new(&text).err();
            assert_eq!(refused.as_ref().map(Error::reason), reason, "{text}");
        }
    }

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        for text in ["password1", "PassWord1", "qwertyuiop", "12345678"] {
            assert_eq!(
                Password::new(text).unwrap_err().reason(),
                "password_common",
                "{text}"
            );
        }
        Password::new("a long walk in the rain").unwrap();
    }

    #[test]
    fn a_password_does_not_show_itself() {
        assert!(!format!("{:?}", Password::new("hunter2hunter3").unwrap()).contains("hunter"));
    }
}
