//! Keys as paths, injectively and in an order that can be walked.
//!
//! A key is split at `/`. Each component but the last becomes a folder `NAME,`, the last a file `NAME@`; as every name has
//! a suffix, `a` and `a/b` live side by side, and `.`, `..` and empty components are ordinary names. Inside `NAME`,
//! control bytes, DEL and `%` are written `%XX`.
//!
//! A name has at most 255 bytes on disk, a component up to 1024. A component whose escaped form reaches
//! [`CHUNK_BYTES`] is cut there, always: the chunk becomes a folder `CHUNK~` and the rest (perhaps empty) continues inside.
//! As the cut depends on the first bytes only, all keys that share a chunk are in one folder, so the subtrees of
//! siblings never interleave and walking them sorted by decoded bytes gives the order of the keys.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Longest key in bytes, as in S3.
pub(crate) const KEY_MAX_BYTES: usize = 1024;

/// Escaped bytes after which a component is continued in a folder. With an escape and the suffix it stays below 255.
const CHUNK_BYTES: usize = 200;

const OBJECT: u8 = b'@';
const FOLDER: u8 = b',';
const CHUNK: u8 = b'~';

/// What a name in a bucket's folder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file with an object.
    Object,
    /// A folder that ends a component: `/` follows in the key.
    Folder,
    /// A folder with the continuations of a long component.
    Chunk,
}

/// The path of a key's object, relative to its bucket's folder.
pub(crate) fn object_path(key: &str) -> PathBuf {
    let mut path = Vec::with_capacity(key.len() + 16);
    let mut components = key.as_bytes().split(|&byte| byte == b'/').peekable();
    while let Some(component) = components.next() {
        let mut name_bytes = 0;
        for &byte in component {
            let before = path.len();
            escape(byte, &mut path);
            name_bytes += path.len() - before;
            if name_bytes >= CHUNK_BYTES {
                path.extend([CHUNK, b'/']);
                name_bytes = 0;
            }
        }
        if components.peek().is_some() {
            path.extend([FOLDER, b'/']);
        } else {
            path.push(OBJECT);
        }
    }
    PathBuf::from(OsString::from_vec(path))
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if byte < 0x20 || byte == 0x7f || byte == b'%' {
        out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    } else {
        out.push(byte);
    }
}

/// What a name stands for and the bytes of the key that it adds (`/` included for a folder). `None` if we didn't make it.
pub(crate) fn decode_name(name: &[u8]) -> Option<(Kind, Vec<u8>)> {
    let (&suffix, escaped) = name.split_last()?;
    let kind = match suffix {
        OBJECT => Kind::Object,
        FOLDER => Kind::Folder,
        CHUNK => Kind::Chunk,
        _ => return None,
    };
    let mut decoded = Vec::with_capacity(escaped.len() + 1);
    let mut bytes = escaped.iter();
    while let Some(&byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(*bytes.next()?).to_digit(16)?;
            let low = char::from(*bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    if kind == Kind::Folder {
        decoded.push(b'/');
    }
    Some((kind, decoded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Component;

    fn decode_path(path: &std::path::Path) -> Vec<u8> {
        let mut key = Vec::new();
        let count = path.components().count();
        for (index, component) in path.components().enumerate() {
            let (kind, bytes) = decode_name(component.as_os_str().as_bytes()).unwrap();
            assert_eq!(kind == Kind::Object, index + 1 == count);
            key.extend(bytes);
        }
        key
    }

    fn keys() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("/".to_owned()),
            Just("..".to_owned()),
            Just(".".to_owned()),
            "[a-c@,~%]{1,3}",
            "[\\x00-\\x1f\\x7f%]{1,80}",
            "[a-b]{190,210}",
            "\\PC{1,12}",
        ];
        proptest::collection::vec(piece, 1..8).prop_map(|pieces| {
            let mut key = pieces.concat();
            while key.len() > KEY_MAX_BYTES {
                key.pop();
            }
            key
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn every_key_has_a_path_of_its_own_inside_the_bucket(key in keys()) {
            let path = object_path(&key);
            prop_assert!(path.is_relative());
            for component in path.components() {
                prop_assert!(matches!(component, Component::Normal(name) if name.len() < 255));
            }
            prop_assert!(path.as_os_str().len() < 4096 - 600);
            // Decoding gives the key back, so no two keys share a path.
            prop_assert_eq!(decode_path(&path), key.into_bytes());
        }
    }

    #[test]
    fn the_longest_keys_fit_into_a_path() {
        for key in [
            "\u{1}".repeat(1024),
            "\u{1}/".repeat(512),
            "/".repeat(1024),
            "é".repeat(512),
            "%a/".repeat(341),
        ] {
            let path = object_path(&key);
            assert!(path.as_os_str().len() < 4096 - 600, "{}", path.as_os_str().len());
            assert_eq!(decode_path(&path), key.into_bytes());
        }
    }
}
