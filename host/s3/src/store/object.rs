//! The file of an object: its bytes, then what is known about them, then a trailer of fixed size.
//!
//! ```text
//! [bytes, or extents of a multipart upload][meta as JSON][meta offset u64][meta length u32][crc32 of meta u32]
//! [version u32][reserved u32][magic 8 bytes]                                                    (little endian)
//! ```
//!
//! One file, not bytes plus extended attributes: one inode, one fsync, no limit on the size of attributes, and the file
//! survives tools that drop them. The bytes come first so that a body can be streamed before its hash is known. A
//! multipart upload's parts lie where they were received; `extents` gives their order, so completing copies nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::SystemTime;

use s3s::crypto::Crc32;
use serde::{Deserialize, Serialize};

const MAGIC: [u8; 8] = *b"BVOBJECT";
const VERSION: u32 = 1;
const TRAILER_BYTES: usize = 32;

/// One read of this many bytes at the end of a file usually has the trailer and the meta, and for a small object all.
const TAIL_BYTES: usize = 64 * 1024;

/// Upper bound of the meta: 10,000 parts and 8 KiB of headers fit.
const META_MAX_BYTES: u32 = 2 << 20;

/// Everything stored about an object besides its bytes and its time, which is the file's mtime.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// Without quotes.
    pub(crate) etag: String,
    /// Bytes of the object.
    pub(crate) size: u64,
    /// Offset and length of each part in the file, in order. Empty: the bytes are the file's first `size`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) extents: Vec<(u64, u64)>,
    /// The multipart upload that this object came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upload_id: Option<String>,
    #[serde(default)]
    pub(crate) sums: Sums,
    #[serde(default)]
    pub(crate) attrs: Attrs,
}

/// Checksums in base64; of the whole object, or `composite` ones of its parts' checksums with a suffix `-N`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Sums {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crc32: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crc64nvme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) composite: bool,
}

/// Headers and user metadata that came with the object and are given back with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Attrs {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) user: BTreeMap<String, String>,
}

impl Meta {
    /// The end of an object's file whose bytes end at `offset`.
    pub(crate) fn encode(&self, offset: u64) -> io::Result<Vec<u8>> {
        let mut out = serde_json::to_vec(self)?;
        let length = u32::try_from(out.len())
            .ok()
            .filter(|&length| length <= META_MAX_BYTES);
        let length =
            length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "object meta too long"))?;
        let crc = Crc32::checksum_u32(&out);
        out.extend(offset.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend(crc.to_le_bytes());
        out.extend(VERSION.to_le_bytes());
        out.extend(0u32.to_le_bytes());
        out.extend(MAGIC);
        Ok(out)
    }
}

/// An object opened for reading. It stays readable when the key is overwritten or deleted.
pub(crate) struct Object {
    pub(crate) file: File,
    pub(crate) meta: Meta,
    pub(crate) modified: SystemTime,
    /// The end of the file as read on open and the offset where it begins.
    tail: (u64, Vec<u8>),
}

impl Object {
    /// Opens and checks a file. An error of kind `InvalidData` says that it isn't a whole object.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let stat = file.metadata()?;
        if !stat.is_file() {
            return Err(corrupt("not a file"));
        }
        let length = stat.len();
        let tail_start = length.saturating_sub(TAIL_BYTES as u64);
        let mut tail = vec![0; usize::try_from(length - tail_start).map_err(io::Error::other)?];
        file.read_exact_at(&mut tail, tail_start)?;
        let meta = decode(&file, &tail, tail_start, length)?;
        Ok(Self {
            file,
            meta,
            modified: stat.modified()?,
            tail: (tail_start, tail),
        })
    }

    /// Appends `length` bytes of the object from `position`, which must be inside it.
    pub(crate) fn read_at(&self, out: &mut Vec<u8>, position: u64, length: usize) -> io::Result<()> {
        out.reserve_exact(length);
        let end = out.len() + length;
        if self.meta.extents.is_empty() {
            return self.read_file_at(out, position, end);
        }
        let mut skip = position;
        for &(offset, bytes) in &self.meta.extents {
            if out.len() == end {
                break;
            }
            if skip >= bytes {
                skip -= bytes;
                continue;
            }
            let want = usize::try_from(bytes - skip)
                .unwrap_or(usize::MAX)
                .min(end - out.len());
            let until = out.len() + want;
            self.read_file_at(out, offset + skip, until)?;
            skip = 0;
        }
        if out.len() == end {
            Ok(())
        } else {
            Err(corrupt("extents end early"))
        }
    }

    /// Appends the file's bytes from `offset` until `out` has `end`. They go into capacity that nobody has zeroed first.
    fn read_file_at(&self, out: &mut Vec<u8>, mut offset: u64, end: usize) -> io::Result<()> {
        if let Some(start) = offset
            .checked_sub(self.tail.0)
            .and_then(|start| usize::try_from(start).ok())
            && let Some(bytes) = self.tail.1.get(start..start + (end - out.len()))
        {
            out.extend_from_slice(bytes);
            return Ok(());
        }
        while out.len() < end {
            match rustix::io::pread(&self.file, rustix::buffer::spare_capacity(out), offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => offset += bytes as u64,
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        // The capacity may be larger than what was wanted.
        out.truncate(end);
        Ok(())
    }
}

fn corrupt(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn decode(file: &File, tail: &[u8], tail_start: u64, length: u64) -> io::Result<Meta> {
    let trailer_start = tail
        .len()
        .checked_sub(TRAILER_BYTES)
        .ok_or_else(|| corrupt("shorter than a trailer"))?;
    let trailer = &tail[trailer_start..];
    let number32 =
        |at: usize| u32::from_le_bytes([trailer[at], trailer[at + 1], trailer[at + 2], trailer[at + 3]]);
    if trailer[24..] != MAGIC {
        return Err(corrupt("no trailer"));
    }
    if number32(16) != VERSION {
        return Err(corrupt("written by another version"));
    }
    let offset = u64::from(number32(0)) | u64::from(number32(4)) << 32;
    let (meta_bytes, crc) = (number32(8), number32(12));
    if meta_bytes > META_MAX_BYTES
        || offset.checked_add(u64::from(meta_bytes) + TRAILER_BYTES as u64) != Some(length)
    {
        return Err(corrupt("lengths don't fit"));
    }
    let json = match offset
        .checked_sub(tail_start)
        .and_then(|start| usize::try_from(start).ok())
    {
        Some(start) => tail[start..trailer_start].to_vec(),
        None => {
            let mut json = vec![0; meta_bytes as usize];
            file.read_exact_at(&mut json, offset)?;
            json
        }
    };
    if Crc32::checksum_u32(&json) != crc {
        return Err(corrupt("meta checksum differs"));
    }
    let meta: Meta = serde_json::from_slice(&json)?;
    let stored = if meta.extents.is_empty() {
        meta.size
    } else {
        meta.extents.iter().map(|extent| extent.1).sum()
    };
    let fits = meta
        .extents
        .iter()
        .all(|&(start, bytes)| start.checked_add(bytes).is_some_and(|end| end <= offset));
    if stored != meta.size || meta.size > offset || !fits {
        return Err(corrupt("size doesn't fit"));
    }
    Ok(meta)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(size: u64) -> Meta {
        Meta {
            etag: "e-1".into(),
            size,
            ..Meta::default()
        }
    }

    #[test]
    fn a_file_that_lost_any_byte_of_its_end_is_not_an_object() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let mut whole = b"hello".to_vec();
        whole.extend(sample(5).encode(5).unwrap());
        std::fs::write(&path, &whole).unwrap();
        let object = Object::open(&path).unwrap();
        let mut bytes = b">".to_vec();
        object.read_at(&mut bytes, 1, 3).unwrap();
        assert_eq!(bytes, b">ell");
        for end in 0..whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            assert!(Object::open(&path).is_err(), "{end}");
        }
        for at in 5..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 0x40;
            std::fs::write(&path, &broken).unwrap();
            // Four reserved bytes carry nothing.
            let reserved = whole.len() - 12..whole.len() - 8;
            assert_eq!(Object::open(&path).is_err(), !reserved.contains(&at), "{at}");
        }
    }

    #[test]
    fn extents_are_read_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let mut whole = vec![b'.'; 100_000];
        whole[90_000..90_003].copy_from_slice(b"abc");
        whole[10..14].copy_from_slice(b"defg");
        let meta = Meta {
            extents: vec![(90_000, 3), (10, 4)],
            ..sample(7)
        };
        whole.extend(meta.encode(100_000).unwrap());
        std::fs::write(&path, &whole).unwrap();
        let object = Object::open(&path).unwrap();
        for from in 0..7usize {
            for to in from..=7 {
                let mut bytes = Vec::with_capacity(16);
                object.read_at(&mut bytes, from as u64, to - from).unwrap();
                assert_eq!(bytes, b"abcdefg"[from..to]);
            }
        }
    }
}
