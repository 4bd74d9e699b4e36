//! Where a listing goes on: opaque to clients, validated when it comes back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bitvault_platform::{Error, Result};
use uuid::Uuid;

/// Longest cursor that is looked at, in characters.
const TEXT_MAX: usize = 4096;

/// What a cursor goes on with: its first byte. A cursor of one listing is refused by every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listing {
    /// The children of a folder, by folded name.
    Children = 1,
    /// What was shared, by time and id.
    Shared = 2,
    /// Groups, by folded name.
    Groups = 3,
    /// Spaces, by folded name.
    Spaces = 4,
    /// Members of a group, by id.
    Members = 5,
    /// The trash of a tree or folder, by time and id.
    Trash = 6,
    /// Versions of a file, by id, the newest first.
    Versions = 20,
    /// An account's favourites, by time and id.
    Favourites = 7,
    /// What an account changed lately, by time and id.
    Recent = 8,
    /// Quotas of the tenant, by id.
    Quotas = 21,
    /// Open conflicts of the tenant, by time and id.
    Conflicts = 22,
}

/// A cursor of a listing: the scope that it is good for, and where in it to go on. Nothing is authenticated: all that a
/// made-up one can choose is a place within what the caller may list.
pub(crate) fn seal(listing: Listing, scope: Uuid, place: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(17 + place.len());
    bytes.push(listing as u8);
    bytes.extend_from_slice(scope.as_bytes());
    bytes.extend_from_slice(place);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place to go on after. A cursor of another listing or scope, or none of ours, is refused.
pub(crate) fn open(listing: Listing, scope: Uuid, text: &str) -> Result<Vec<u8>> {
    if text.len() > TEXT_MAX {
        return Err(refused());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
    let (head, place) = bytes.split_at_checked(17).ok_or_else(refused)?;
    if head[0] != listing as u8 || head[1..] != scope.as_bytes()[..] {
        return Err(refused());
    }
    Ok(place.to_vec())
}

/// A cursor after a folded name.
pub(crate) fn after_name(listing: Listing, scope: Uuid, name_key: &str) -> String {
    seal(listing, scope, name_key.as_bytes())
}

/// The folded name to go on after; empty at the beginning.
pub(crate) fn name(listing: Listing, scope: Uuid, text: Option<&str>) -> Result<String> {
    let Some(text) = text else {
        return Ok(String::new());
    };
    name_at(&open(listing, scope, text)?)
}

/// The folded name that a place is.
pub(crate) fn name_at(place: &[u8]) -> Result<String> {
    if place.contains(&0) {
        return Err(refused());
    }
    String::from_utf8(place.to_vec()).map_err(|_| refused())
}

/// What a cursor that is none of ours is answered.
pub(crate) fn refused() -> Error {
    Error::invalid_field("cursor_invalid", "cursor", "list again from the beginning")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_listing_and_scope_only() {
        let (folder, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let cursor = after_name(Listing::Children, folder, "straße");
        let ask = |listing, scope, text| name(listing, scope, Some(text));
        assert_eq!(ask(Listing::Children, folder, &cursor).unwrap(), "straße");
        for (listing, scope, text) in [
            (Listing::Children, other, cursor.as_str()),
            (Listing::Groups, folder, &cursor),
            (Listing::Children, folder, ""),
            (Listing::Children, folder, "AAAA"),
            (Listing::Children, folder, "not base64 !"),
            (Listing::Children, folder, &cursor[..cursor.len() - 1]),
        ] {
            let error = ask(listing, scope, text).unwrap_err();
            assert_eq!(error.reason(), "cursor_invalid", "{text}");
        }
    }
}
