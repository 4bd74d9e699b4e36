//! Where a listing by time goes on.

use super::cursor::{self, Listing};
use bitvault_platform::Result;
use bitvault_platform::ids::NodeId;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

/// A place in a listing by time; of the same time, by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) at: OffsetDateTime,
    pub(crate) id: NodeId,
}

impl Moment {
    /// Earlier than everything.
    pub(crate) const FIRST: Self = Self {
        at: datetime!(0000-01-01 0:00 UTC),
        id: NodeId(Uuid::nil()),
    };
    /// Later than everything.
    pub(crate) const LAST: Self = Self {
        at: datetime!(9999-12-31 0:00 UTC),
        id: NodeId(Uuid::max()),
    };

    /// A cursor after this place in a listing of `scope`.
    pub(crate) fn encode(self, listing: Listing, scope: Uuid) -> String {
        cursor::seal(listing, scope, &self.bytes())
    }

    /// The place to go on after. A cursor of another listing or scope, or none of ours, is refused.
    pub(crate) fn decode(listing: Listing, scope: Uuid, text: &str) -> Result<Self> {
        Self::read(&cursor::open(listing, scope, text)?)
    }

    /// As it stands in a cursor.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut bytes = self.at.unix_timestamp_nanos().to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.0.as_bytes());
        bytes
    }

    /// What [`bytes`](Self::bytes) wrote.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let (at, id) = bytes.split_first_chunk::<16>().ok_or_else(cursor::refused)?;
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from_be_bytes(*at));
        match (at, Uuid::from_slice(id)) {
            // Long before that the database knows no time.
            (Ok(at), Ok(id)) if at.year() >= 0 => Ok(Self { at, id: NodeId(id) }),
            _ => Err(cursor::refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_listing_and_scope_only() {
        let (folder, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let place = Moment {
            at: datetime!(2026-11-24 20:00:01.123456 UTC),
            id: NodeId::new(),
        };
        let cursor = place.encode(Listing::Trash, folder);
        assert_eq!(Moment::decode(Listing::Trash, folder, &cursor).unwrap(), place);
        let long_ago = Moment {
            at: datetime!(-4000-01-01 0:00 UTC),
            ..place
        };
        for (listing, scope, text) in [
            (Listing::Trash, other, cursor.as_str()),
            (Listing::Shared, folder, &cursor),
            (Listing::Trash, folder, ""),
            (Listing::Trash, folder, "AAAA"),
            (Listing::Trash, folder, "not base64 !"),
            (Listing::Trash, folder, &cursor[..cursor.len() - 1]),
            (Listing::Trash, folder, &long_ago.encode(Listing::Trash, folder)),
        ] {
            let error = Moment::decode(listing, scope, text).unwrap_err();
            assert_eq!(error.reason(), "cursor_invalid", "{text}");
        }
    }
}
