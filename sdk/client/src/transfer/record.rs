//! Resume records: what is known of an upload in parts, so that it goes on after a kill.
//!
//! One file per upload under `STATE/uploads/`, named by the hash of its key: a head line, then a line per part that the
//! store has acknowledged. The head is on disk before the first part is sent; part lines are not forced to disk, since
//! a lost one only means that the part is sent again. A part counts as sent only when the store lists it and the
//! re-read bytes have the recorded hash. The file is locked while an upload runs.

use super::source::Fingerprint;
use crate::{Error, Result};
use bitvault_api::UploadPart;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Which upload a record belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) server: String,
    pub(crate) account: String,
    pub(crate) remote: String,
    pub(crate) local: PathBuf,
    pub(crate) fingerprint: Fingerprint,
}

impl Key {
    /// Name of the record's file.
    fn file_name(&self) -> String {
        let mut hasher = Sha256::new();
        let Fingerprint {
            size,
            mtime_ns,
            inode,
        } = self.fingerprint;
        let numbers = format!("{size} {mtime_ns} {inode}");
        for part in [
            self.server.as_bytes(),
            self.account.as_bytes(),
            self.remote.as_bytes(),
            self.local.as_os_str().as_encoded_bytes(),
            numbers.as_bytes(),
        ] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        format!("{}.jsonl", hex::encode(hasher.finalize()))
    }
}

#[derive(Serialize, Deserialize)]
struct Head {
    key: Key,
    upload_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SentPart {
    pub(crate) number: u32,
    /// Hex.
    pub(crate) sha256: String,
    pub(crate) etag: String,
}

impl From<&SentPart> for UploadPart {
    fn from(part: &SentPart) -> Self {
        Self {
            number: part.number,
            etag: part.etag.clone(),
        }
    }
}

/// An upload that an earlier run began.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) upload_id: String,
    pub(crate) parts: BTreeMap<u32, SentPart>,
}

/// An open, locked record.
pub(crate) struct Record {
    key: Key,
    path: PathBuf,
    file: File,
}

impl Record {
    /// Opens the record of `key`, with what an earlier run left in it. Blocks.
    pub(crate) fn open(state_dir: &Path, key: Key) -> Result<(Self, Option<Begun>)> {
        let dir = state_dir.join("uploads");
        let path = dir.join(key.file_name());
        let local = |cause| Error::Local {
            path: path.clone(),
            cause,
        };
        std::fs::create_dir_all(&dir).map_err(local)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(local)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy { path: key.local }),
            Err(TryLockError::Error(cause)) => return Err(local(cause)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(local)?;
        let begun = parse(&bytes, &key);
        Ok((Self { key, path, file }, begun))
    }

    /// Records a new upload, on disk when this returns. Blocks.
    pub(crate) fn begin(&mut self, upload_id: &str) -> Result<()> {
        let head = Head {
            key: self.key.clone(),
            upload_id: upload_id.to_owned(),
        };
        let line = line(&head)?;
        let write = || {
            self.file.set_len(0)?;
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&line)?;
            self.file.sync_all()?;
            match self.path.parent() {
                Some(dir) => File::open(dir)?.sync_all(),
                None => Ok(()),
            }
        };
        let mut write = write;
        write().map_err(|cause| Error::Local {
            path: self.path.clone(),
            cause,
        })
    }

    /// Records a part that the store has acknowledged. One small write; not forced to disk.
    pub(crate) fn sent(&mut self, part: &SentPart) -> Result<()> {
        let line = line(part)?;
        self.file
            .seek(SeekFrom::End(0))
            .and_then(|_| self.file.write_all(&line))
            .map_err(|cause| Error::Local {
                path: self.path.clone(),
                cause,
            })
    }

    /// The upload has ended: nothing to resume.
    pub(crate) fn remove(self) -> Result<()> {
        std::fs::remove_file(&self.path).map_err(|cause| Error::Local {
            path: self.path,
            cause,
        })
    }
}

fn line(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)
        .map_err(|error| Error::protocol(format!("write resume record: {error}")))?;
    line.push(b'\n');
    Ok(line)
}

/// Reads a record. What a kill tore off at the end, or what belongs to another upload, counts as absent.
fn parse(bytes: &[u8], key: &Key) -> Option<Begun> {
    let mut lines = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_suffix(b"\n"));
    let head: Head = serde_json::from_slice(lines.next()?).ok()?;
    if head.key != *key {
        return None;
    }
    let parts = lines
        .map_while(|line| serde_json::from_slice::<SentPart>(line).ok())
        .map(|part| (part.number, part))
        .collect();
    Some(Begun {
        upload_id: head.upload_id,
        parts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            server: "https://h/".into(),
            account: "acc_1".into(),
            remote: "/a".into(),
            local: "/tmp/a".into(),
            fingerprint: Fingerprint {
                size: 7,
                mtime_ns: 1_700_000_000_123_456_789,
                inode: 3,
            },
        }
    }

    fn part(number: u32) -> SentPart {
        SentPart {
            number,
            sha256: "ab".repeat(32),
            etag: format!("\"{number}\""),
        }
    }

    #[test]
    fn a_record_is_read_back_and_a_torn_line_is_left_out() {
        let dir = tempfile::tempdir().expect("dir");
        let (mut record, begun) = Record::open(dir.path(), key()).expect("open");
        assert_eq!(begun, None);
        record.begin("upl_1").expect("begin");
        record.sent(&part(2)).expect("sent");
        record.sent(&part(1)).expect("sent");
        record.file.write_all(b"{\"number\":3,\"sha").expect("tear");
        drop(record);
        let (record, begun) = Record::open(dir.path(), key()).expect("open again");
        let begun = begun.expect("begun");
        assert_eq!(begun.upload_id, "upl_1");
        assert_eq!(begun.parts.keys().copied().collect::<Vec<_>>(), [1, 2]);
        record.remove().expect("remove");
        assert_eq!(Record::open(dir.path(), key()).expect("open").1, None);
    }

    #[test]
    fn any_difference_in_the_key_is_another_record() {
        let mut names = std::collections::HashSet::from([key().file_name()]);
        let mut other = |change: &dyn Fn(&mut Key)| {
            let mut changed = key();
            change(&mut changed);
            assert!(names.insert(changed.file_name()), "{changed:?}");
        };
        other(&|key| key.server = "https://i/".into());
        other(&|key| key.account = "acc_2".into());
        other(&|key| key.remote = "/b".into());
        other(&|key| key.local = "/tmp/b".into());
        other(&|key| key.fingerprint.size = 8);
        other(&|key| key.fingerprint.mtime_ns += 1);
        other(&|key| key.fingerprint.inode = 4);
        // Moving a character from one field to the next must not lead to the same name.
        other(&|key| {
            key.account = "acc_1/".into();
            key.remote = "a".into();
        });
    }

    #[test]
    fn a_record_in_use_is_refused() {
        let dir = tempfile::tempdir().expect("dir");
        let _held = Record::open(dir.path(), key()).expect("open");
        assert!(matches!(Record::open(dir.path(), key()), Err(Error::Busy { .. })));
    }
}
