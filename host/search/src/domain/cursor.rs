//! Where the next page of a search begins: opaque to clients, validated when it comes back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bitvault_platform::{Error, Result};
use time::OffsetDateTime;
use uuid::Uuid;

/// First byte of every cursor: the form of the rest.
const FORM: u8 = 1;
/// Bytes of a cursor: form, query, class, time, node.
const BYTES: usize = 1 + 8 + 1 + 8 + 16;

/// A hit's place in the ranking: the lower class first, then the newer, then the higher id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// A number of [`SearchMatch`](bitvault_proto::v1::SearchMatch).
    pub(crate) class: i32,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) node: Uuid,
}

/// A cursor behind a hit of the query that has this digest.
pub(crate) fn encode(query: [u8; 8], place: Place) -> String {
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.push(FORM);
    bytes.extend_from_slice(&query);
    bytes.push(u8::try_from(place.class).unwrap_or(u8::MAX));
    let micros = place.updated_at.unix_timestamp_nanos() / 1000;
    bytes.extend_from_slice(&i64::try_from(micros).unwrap_or(i64::MAX).to_be_bytes());
    bytes.extend_from_slice(place.node.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place to go on behind. A cursor of another query, or none of ours, is refused. It is not authenticated: all that a
/// made-up one can choose is a place in an answer that the caller may have.
pub(crate) fn decode(query: [u8; 8], text: &str) -> Result<Place> {
    let refused = || Error::invalid_field("cursor_invalid", "cursor", "search again from the beginning");
    // What is too long to be one is not decoded.
    if text.len() > 2 * BYTES {
        return Err(refused());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
    let bytes: [u8; BYTES] = bytes.try_into().map_err(|_| refused())?;
    let (head, rest) = bytes.split_at(9);
    if head[0] != FORM || head[1..] != query {
        return Err(refused());
    }
    let micros = rest[1..9]
        .try_into()
        .map(i64::from_be_bytes)
        .map_err(|_| refused())?;
    let updated_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000);
    Ok(Place {
        class: i32::from(rest[0]),
        updated_at: updated_at.map_err(|_| refused())?,
        node: Uuid::from_slice(&rest[9..]).map_err(|_| refused())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_query_only() {
        let place = Place {
            class: 3,
            updated_at: OffsetDateTime::UNIX_EPOCH + time::Duration::microseconds(1_700_000_000_123_456),
            node: Uuid::from_u128(7),
        };
        let cursor = encode([1; 8], place);
        assert_eq!(decode([1; 8], &cursor).unwrap(), place);
        for (query, text) in [
            ([2; 8], cursor.as_str()),
            ([1; 8], ""),
            ([1; 8], "AAAA"),
            ([1; 8], &cursor[1..]),
            ([1; 8], &cursor.repeat(9)),
        ] {
            assert_eq!(
                decode(query, text).unwrap_err().reason(),
                "cursor_invalid",
                "{text}"
            );
        }
    }
}
