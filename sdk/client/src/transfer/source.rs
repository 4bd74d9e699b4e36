//! Local files as the source of an upload: which file it is, what is in it, and whether it held still.

use super::STEP_BYTES;
use crate::{Error, Result};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Tells one state of a local file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    /// Bytes.
    pub(crate) size: u64,
    /// Nanoseconds since 1970 of the last change of its content.
    pub(crate) mtime_ns: i128,
    /// Number of the file on its disk; 0 where the platform has none.
    pub(crate) inode: u64,
}

impl Fingerprint {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let mtime_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Self {
            size: metadata.len(),
            mtime_ns,
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let since = metadata
            .modified()
            .ok()
            .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let mtime_ns = since.map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(i128::MAX));
        Self {
            size: metadata.len(),
            mtime_ns,
            inode: 0,
        }
    }
}

/// A local file that is open for reading.
pub(crate) struct Source {
    path: PathBuf,
    file: File,
    /// The state that it was opened in.
    pub(crate) before: Fingerprint,
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let local = |cause| Error::Local {
            path: path.to_owned(),
            cause,
        };
        let file = File::open(path).map_err(local)?;
        let metadata = file.metadata().map_err(local)?;
        if !metadata.is_file() {
            return Err(local(std::io::Error::other("not a regular file")));
        }
        Ok(Self {
            path: path.to_owned(),
            before: Fingerprint::of(&metadata),
            file,
        })
    }

    /// Appends the next `count` bytes to `into`, handing each step to `seen` while it is in the processor's cache.
    pub(crate) fn read(
        &mut self,
        count: usize,
        into: &mut Vec<u8>,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<()> {
        let end = into.len() + count;
        while into.len() < end {
            let at = into.len();
            let step = STEP_BYTES.min(end - at);
            let got = (&mut self.file)
                .take(step as u64)
                .read_to_end(into)
                .map_err(|cause| Error::Local {
                    path: self.path.clone(),
                    cause,
                })?;
            if got == 0 {
                return Err(Error::Changed {
                    path: self.path.clone(),
                });
            }
            seen(&into[at..]);
        }
        Ok(())
    }

    /// Fails when the file is no longer in the state that it was opened in.
    pub(crate) fn still(&self) -> Result<()> {
        let metadata = self.file.metadata().map_err(|cause| Error::Local {
            path: self.path.clone(),
            cause,
        })?;
        if Fingerprint::of(&metadata) == self.before {
            return Ok(());
        }
        Err(Error::Changed {
            path: self.path.clone(),
        })
    }
}

/// A whole small file in memory.
#[derive(Clone)]
pub(crate) struct Whole {
    pub(crate) bytes: Bytes,
    /// Hex.
    pub(crate) sha256: String,
}

/// Reads and hashes a file of at most `most` bytes. Blocks.
pub(crate) fn read_whole(path: &Path, most: u64) -> Result<Whole> {
    let mut source = Source::open(path)?;
    if source.before.size > most {
        // It grew since it was planned.
        return Err(Error::Changed {
            path: path.to_owned(),
        });
    }
    let size = usize::try_from(source.before.size).map_err(|_| Error::Changed {
        path: path.to_owned(),
    })?;
    let mut data = Vec::with_capacity(size);
    let mut hasher = Sha256::new();
    source.read(size, &mut data, |step| hasher.update(step))?;
    source.still()?;
    Ok(Whole {
        bytes: data.into(),
        sha256: hex::encode(hasher.finalize()),
    })
}

/// Hashes a file of any size. Blocks.
pub(crate) fn hash_file(path: &Path) -> Result<String> {
    let mut source = Source::open(path)?;
    let mut hasher = Sha256::new();
    let mut data = Vec::with_capacity(STEP_BYTES);
    let mut left = source.before.size;
    while left > 0 {
        let step = left.min(STEP_BYTES as u64);
        data.clear();
        source.read(step as usize, &mut data, |bytes| hasher.update(bytes))?;
        left -= step;
    }
    source.still()?;
    Ok(hex::encode(hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_is_read_and_hashed() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("f");
        std::fs::write(&path, b"abc").expect("write");
        let whole = read_whole(&path, 3).expect("read");
        assert_eq!(&whole.bytes[..], b"abc");
        assert_eq!(
            whole.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(hash_file(&path).expect("hash"), whole.sha256);
        assert!(matches!(read_whole(&path, 2), Err(Error::Changed { .. })));
    }

    #[test]
    fn a_file_that_grows_or_shrinks_while_it_is_read_is_noticed() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("f");
        std::fs::write(&path, b"abc").expect("write");
        let source = Source::open(&path).expect("open");
        source.still().expect("nothing happened");
        std::fs::write(&path, b"abcd").expect("grow");
        assert!(matches!(source.still(), Err(Error::Changed { .. })));
        let mut source = Source::open(&path).expect("open");
        std::fs::write(&path, b"a").expect("shrink");
        assert!(matches!(
            source.read(4, &mut Vec::new(), |_| ()),
            Err(Error::Changed { .. })
        ));
    }

    #[test]
    fn folders_are_not_sources() {
        let dir = tempfile::tempdir().expect("dir");
        assert!(matches!(Source::open(dir.path()), Err(Error::Local { .. })));
    }
}
