use bitvault_platform::Error;

/// A tenant's short unique name: it needs no quoting in URLs, paths and settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantName(String);

impl TenantName {
    /// 1 to 63 lower-case letters, digits and dashes, with no dash at either end: a DNS label.
    pub fn new(text: &str) -> Result<Self, Error> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let good = (1..=63).contains(&text.len())
            && text.bytes().all(plain)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid_field(
                "tenant_name_invalid",
                "name",
                "use 1 to 63 lower-case letters, digits and dashes, with no dash at either end",
            ))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label() {
        for good in ["a", "acme", "acme-2", "0", &"a".repeat(63)] {
            assert_eq!(TenantName::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "-a",
            "a-",
            "A",
            "a b",
            "a'b",
            "a\0",
            "\u{e4}",
            &"a".repeat(64),
        ] {
            assert!(TenantName::new(bad).is_err(), "{bad:?}");
        }
    }
}
