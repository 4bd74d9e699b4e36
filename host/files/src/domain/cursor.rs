//! Where a listing goes on: opaque to clients, validated when it comes back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Error, Result};

/// First byte of every cursor: the form of the rest.
const FORM: u8 = 1;
/// Longest cursor that is looked at, in characters.
const TEXT_MAX: usize = 4096;

/// A cursor after the child whose folded name is `name_key`.
pub(crate) fn encode(folder: NodeId, name_key: &str) -> String {
    let mut bytes = Vec::with_capacity(17 + name_key.len());
    bytes.push(FORM);
    bytes.extend_from_slice(folder.0.as_bytes());
    bytes.extend_from_slice(name_key.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The folded name to go on after. A cursor of another folder, or none of ours, is refused. It is not authenticated: all
/// that a made-up one can choose is a place within a folder that the caller may list.
pub(crate) fn decode(folder: NodeId, text: &str) -> Result<String> {
    let refused = || Error::invalid_field("cursor_invalid", "cursor", "list again from the beginning");
    if text.len() > TEXT_MAX {
        return Err(refused());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
    let (head, key) = bytes.split_at_checked(17).ok_or_else(refused)?;
    if head[0] != FORM || head[1..] != folder.0.as_bytes()[..] || key.contains(&0) {
        return Err(refused());
    }
    String::from_utf8(key.to_vec()).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_folder_only() {
        let (folder, other) = (NodeId::new(), NodeId::new());
        let cursor = encode(folder, "straße");
        assert_eq!(decode(folder, &cursor).unwrap(), "straße");
        for (folder, text) in [
            (other, cursor.as_str()),
            (folder, ""),
            (folder, "AAAA"),
            (folder, "not base64 !"),
            (folder, &cursor[..cursor.len() - 1]),
        ] {
            assert_eq!(
                decode(folder, text).unwrap_err().reason(),
                "cursor_invalid",
                "{text}"
            );
        }
    }
}
