//! What a device is called.

use crate::error::Refusal;

/// Longest name, in bytes.
const NAME_BYTES: usize = 128;
/// Longest platform, in bytes.
const PLATFORM_BYTES: usize = 64;
/// Longest idempotency key, in bytes.
const KEY_BYTES: usize = 255;

/// A device's name, without blanks around it.
pub(crate) fn name(text: &str) -> Result<String, Refusal> {
    plain(text, NAME_BYTES).ok_or(Refusal::NameInvalid(NAME_BYTES))
}

/// What a device runs on.
pub(crate) fn platform(text: &str) -> Result<String, Refusal> {
    plain(text, PLATFORM_BYTES).ok_or(Refusal::PlatformInvalid(PLATFORM_BYTES))
}

fn plain(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    let good = (1..=most).contains(&text.len()) && !text.chars().any(char::is_control);
    good.then(|| text.to_owned())
}

/// Refuses what is no idempotency key.
pub(crate) fn key(text: &str) -> Result<(), Refusal> {
    let visible = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if text.is_empty() || text.len() > KEY_BYTES || !visible {
        return Err(Refusal::IdempotencyKeyInvalid);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        assert_eq!(name(" Ada's laptop ").unwrap(), "Ada's laptop");
        for bad in ["", "  ", "a\nb", &"x".repeat(129)] {
            assert_eq!(name(bad), Err(Refusal::NameInvalid(128)), "{bad:?}");
        }
        assert!(platform("linux").is_ok() && platform(&"x".repeat(65)).is_err());
    }
}
