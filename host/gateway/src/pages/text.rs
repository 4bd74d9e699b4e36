//! Paths, sizes and times as the pages write them. Pure.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use prost_types::Timestamp;
use time::OffsetDateTime;
use time::macros::format_description;

/// All but the unreserved characters of RFC 3986. A token stays as it is: the cookie's path is compared byte by byte.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Decimal units, as the web app has them.
const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];

/// The names of a path; empty parts count for nothing.
pub(super) fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

/// A path as the module files takes it.
pub(super) fn rooted(path: &str) -> String {
    format!("/{path}")
}

/// The address of a place within a link: `what` is empty, `/content` or `/zip`.
pub(super) fn address(token: &str, what: &str, parts: &[&str]) -> String {
    let token = utf8_percent_encode(token, ENCODED);
    if parts.is_empty() {
        return format!("/s/{token}{what}");
    }
    let parts = parts
        .iter()
        .map(|part| utf8_percent_encode(part, ENCODED).to_string());
    format!("/s/{token}{what}?path=/{}", parts.collect::<Vec<_>>().join("/"))
}

/// `1 byte`, `640 bytes`, `3.4 MB`.
pub(super) fn bytes(count: u64) -> String {
    if count == 1 {
        return "1 byte".to_owned();
    }
    let mut value = count as f64;
    let mut unit = 0;
    // 999.5 would be rounded to 1000 of the smaller unit.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{count} bytes"),
        _ if value < 9.95 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// A time for people and for machines: `1 March 2026`, and RFC 3339.
pub(super) fn date(at: Option<&Timestamp>) -> Option<(String, String)> {
    let at = OffsetDateTime::from_unix_timestamp(at?.seconds).ok()?;
    let shown = at
        .format(format_description!("[day padding:none] [month repr:long] [year]"))
        .ok()?;
    let exact = at.format(&time::format_description::well_known::Rfc3339).ok()?;
    Some((shown, exact))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_can_not_be_broken_out_of() {
        assert_eq!(address("bvl_x-Y", "", &[]), "/s/bvl_x-Y");
        assert_eq!(
            address("t", "/content", &["a b", "ü\"&?#"]),
            "/s/t/content?path=/a%20b/%C3%BC%22%26%3F%23"
        );
    }

    #[test]
    fn sizes_and_times_are_readable() {
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(3_400_000), "3.4 MB");
        let at = Timestamp {
            seconds: 1_772_366_400,
            nanos: 0,
        };
        assert_eq!(date(Some(&at)).unwrap().0, "1 March 2026");
    }
}
