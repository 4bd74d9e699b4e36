use bitvault_platform::Error;
use bitvault_platform::token::Digest;
use unicode_normalization::UnicodeNormalization as _;

/// Most bytes of a mail address (RFC 5321, 4.5.3.1.3, without the angle brackets).
const EMAIL_BYTES: usize = 254;

/// A mail address as a sign-in name: kept as given, compared folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress {
    given: String,
    folded: String,
}

impl EmailAddress {
    /// Accepts what could be an address: one `@` with something on both sides, no blanks or control characters.
    /// Whether mail arrives there is not known by looking at it.
    pub fn new(text: &str) -> Result<Self, Error> {
        let given = text.trim();
        let plausible = given.len() <= EMAIL_BYTES
            && !given.chars().any(|c| c.is_whitespace() || c.is_control())
            && given.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty() && !domain.is_empty() && !domain.contains('@')
            });
        if !plausible {
            return Err(Error::invalid_field(
                "email_invalid",
                "email",
                "this is not a mail address",
            ));
        }
        Ok(Self {
            given: given.to_owned(),
            folded: fold(given),
        })
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.given
    }

    pub(crate) fn local_part(&self) -> &str {
        self.given.split_once('@').map_or("", |(local, _)| local)
    }

    /// What the account is found by.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.folded)
    }

    /// The digest of whatever was typed into a sign-in form, an address or not.
    pub(crate) fn digest_of_typed(text: &str) -> Digest {
        Digest::of(&fold(text.trim()))
    }
}

fn fold(text: &str) -> String {
    text.nfc().collect::<String>().to_lowercase().nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_in_any_case_and_composition() {
        let one = EmailAddress::new("Jos\u{e9}@Example.org").unwrap();
        let other = EmailAddress::new(" jose\u{301}@EXAMPLE.ORG ").unwrap();
        assert_eq!(one.digest(), other.digest());
        assert_eq!(
            one.digest(),
            EmailAddress::digest_of_typed("JOS\u{c9}@example.org")
        );
        assert_eq!(one.as_str(), "Jos\u{e9}@Example.org");
    }

    #[test]
    fn what_can_not_be_an_address_is_refused() {
        let long = format!("{}@example.org", "a".repeat(EMAIL_BYTES));
        for text in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a\0@c", "a\n@c", &long] {
            assert_eq!(
                EmailAddress::new(text).unwrap_err().reason(),
                "email_invalid",
                "{text:?}"
            );
        }
    }
}
