//! Where a listing of the trash goes on.

use super::cursor::{self, Listing};
use bitvault_platform::Result;
use bitvault_platform::ids::NodeId;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

/// A place in the listing, which goes from the latest to the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: OffsetDateTime,
    pub(crate) id: NodeId,
}

impl Place {
    /// Before everything.
    pub(crate) const BEGIN: Self = Self {
        at: datetime!(9999-12-31 0:00 UTC),
        id: NodeId(Uuid::max()),
    };

    /// A cursor after this place in the trash of `folder`.
    pub(crate) fn encode(self, folder: NodeId) -> String {
        let mut place = self.at.unix_timestamp_nanos().to_be_bytes().to_vec();
        place.extend_from_slice(self.id.0.as_bytes());
        cursor::seal(Listing::Trash, folder.0, &place)
    }

    /// The place to go on after. A cursor of another folder, or none of ours, is refused.
    pub(crate) fn decode(folder: NodeId, text: &str) -> Result<Self> {
        let place = cursor::open(Listing::Trash, folder.0, text)?;
        let (at, id) = place.split_first_chunk::<16>().ok_or_else(cursor::refused)?;
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
    fn a_cursor_is_good_for_its_folder_only() {
        let (folder, other) = (NodeId::new(), NodeId::new());
        let place = Place {
            at: datetime!(2026-11-24 20:00:01.123456 UTC),
            id: NodeId::new(),
        };
        let cursor = place.encode(folder);
        assert_eq!(Place::decode(folder, &cursor).unwrap(), place);
        let long_ago = Place {
            at: datetime!(-4000-01-01 0:00 UTC),
            ..place
        };
        for (folder, text) in [
            (other, cursor.as_str()),
            (folder, ""),
            (folder, "AAAA"),
            (folder, "not base64 !"),
            (folder, &cursor[..cursor.len() - 1]),
            (folder, &long_ago.encode(folder)),
        ] {
            let error = Place::decode(folder, text).unwrap_err();
            assert_eq!(error.reason(), "cursor_invalid", "{text}");
        }
    }
}
