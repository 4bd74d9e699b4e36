//! Writes a download: to a hidden file beside its destination, in order, hashed on the way, and renamed when it is
//! whole, verified and on disk. The hidden file is always a prefix of the content, so a later run goes on from it.

use super::{STEP_BYTES, blocking};
use crate::{Error, Result};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use tokio::sync::mpsc as tasks;

/// After this many bytes the disk is told to begin writing, so that the last sync finds little left to do.
const SYNC_EVERY_BYTES: u64 = 64 * 1024 * 1024;
/// Longest part of the destination's name that the hidden name repeats, in characters.
const NAME_CHARS: usize = 60;

/// What is to be written where.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) dest: PathBuf,
    pub(super) size: u64,
    /// Hex.
    pub(super) sha256: String,
}

/// An open hidden file, locked.
pub(super) struct Writer {
    wanted: Wanted,
    temp: PathBuf,
    file: File,
    hasher: Sha256,
    /// Bytes written and hashed.
    at: u64,
}

impl Writer {
    /// Opens the hidden file. With `resume`, what an earlier run left in it is hashed and counts as written. Blocks.
    pub(super) fn open(wanted: Wanted, resume: bool) -> Result<Self> {
        let temp = hidden(&wanted);
        let local = |cause| Error::Local {
            path: temp.clone(),
            cause,
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&temp).map_err(local)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy { path: wanted.dest }),
            Err(TryLockError::Error(cause)) => return Err(local(cause)),
        }
        // Another process may have finished and renamed this very file between our open and our lock.
        if !same_file(&file, &temp).map_err(local)? {
            return Err(Error::Busy { path: wanted.dest });
        }
        let mut writer = Self {
            temp: temp.clone(),
            file,
            hasher: Sha256::new(),
            at: 0,
            wanted,
        };
        let kept = writer.file.metadata().map_err(local)?.len();
        if resume && kept <= writer.wanted.size {
            writer.hash_kept().map_err(local)?;
        } else {
            writer.restart().map_err(local)?;
        }
        Ok(writer)
    }

    /// Bytes that are there.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    fn hash_kept(&mut self) -> std::io::Result<()> {
        let mut step = vec![0; STEP_BYTES];
        loop {
            let got = self.file.read(&mut step)?;
            if got == 0 {
                return Ok(());
            }
            self.hasher.update(&step[..got]);
            self.at += got as u64;
        }
    }

    fn restart(&mut self) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = Sha256::new();
        self.at = 0;
        Ok(())
    }

    /// Writes what arrives until the sender is dropped, on a thread of its own. Answers the writer.
    pub(super) async fn run(self, arriving: tasks::Receiver<Bytes>) -> Result<Self> {
        blocking(move || self.write_all(arriving)).await
    }

    fn write_all(mut self, mut arriving: tasks::Receiver<Bytes>) -> Result<Self> {
        let temp = self.temp.clone();
        let local = |cause| Error::Local {
            path: temp.clone(),
            cause,
        };
        let mut early = None;
        let mut unsynced = 0;
        while let Some(bytes) = arriving.blocking_recv() {
            for step in bytes.chunks(STEP_BYTES) {
                self.file.write_all(step).map_err(local)?;
                self.hasher.update(step);
            }
            self.at += bytes.len() as u64;
            unsynced += bytes.len() as u64;
            if unsynced >= SYNC_EVERY_BYTES {
                unsynced = 0;
                let nudge = match &early {
                    Some(nudge) => nudge,
                    None => early.insert(early_sync(self.file.try_clone().map_err(local)?)),
                };
                // Full means that a sync is under way already.
                let _ = nudge.try_send(());
            }
        }
        Ok(self)
    }

    /// Whether the hash is the promised one.
    fn verified(&self) -> Result<(), String> {
        let actual = hex::encode(self.hasher.clone().finalize());
        if self.at == self.wanted.size && actual == self.wanted.sha256 {
            Ok(())
        } else {
            Err(actual)
        }
    }

    /// Verifies, brings to disk and renames. Damaged content is removed. Blocks.
    pub(super) fn finish(self) -> Result<()> {
        let local = |cause| Error::Local {
            path: self.wanted.dest.clone(),
            cause,
        };
        if let Err(actual) = self.verified() {
            std::fs::remove_file(&self.temp).map_err(local)?;
            let what = self.wanted.dest.display().to_string();
            return Err(Error::Damaged {
                what,
                expected: self.wanted.sha256.clone(),
                actual,
            });
        }
        self.file.sync_all().map_err(local)?;
        std::fs::rename(&self.temp, &self.wanted.dest).map_err(local)?;
        #[cfg(unix)]
        File::open(folder_of(&self.wanted.dest))
            .and_then(|dir| dir.sync_all())
            .map_err(local)?;
        Ok(())
    }
}

/// A thread that syncs when nudged and ends with the sender. Its errors are not lost: the last sync meets them too.
fn early_sync(file: File) -> mpsc::SyncSender<()> {
    let (nudge, nudged) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        while nudged.recv().is_ok() {
            if file.sync_data().is_err() {
                return;
            }
        }
    });
    nudge
}

/// The folder that holds a path.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The hidden file: one per destination and content, so that another version never goes on from it.
fn hidden(wanted: &Wanted) -> PathBuf {
    let name = wanted.dest.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().take(NAME_CHARS).collect();
    let mut key = Sha256::new();
    key.update(wanted.dest.as_os_str().as_encoded_bytes());
    key.update(&wanted.sha256);
    let key = hex::encode(key.finalize());
    folder_of(&wanted.dest).join(format!(".{name}.{}.part", &key[..16]))
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let ours = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(theirs) => Ok((ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn same_file(_file: &File, path: &Path) -> std::io::Result<bool> {
    path.try_exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(dir: &Path, content: &[u8]) -> Wanted {
        let sha256 = hex::encode(Sha256::digest(content));
        Wanted {
            dest: dir.join("f"),
            size: content.len() as u64,
            sha256,
        }
    }

    async fn write(writer: Writer, content: &'static [u8]) -> Writer {
        let (send, arriving) = tasks::channel(1);
        let writing = tokio::spawn(writer.run(arriving));
        send.send(Bytes::from_static(content)).await.expect("send");
        drop(send);
        writing.await.expect("join").expect("write")
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).expect("list");
        entries
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect()
    }

    #[tokio::test]
    async fn a_download_appears_whole_and_replaces_what_was_there() {
        let dir = tempfile::tempdir().expect("dir");
        std::fs::write(dir.path().join("f"), b"old").expect("old");
        let writer = Writer::open(wanted(dir.path(), b"hello"), true).expect("open");
        let writer = write(writer, b"hello").await;
        assert_eq!(std::fs::read(dir.path().join("f")).expect("read"), b"old");
        writer.finish().expect("finish");
        assert_eq!(std::fs::read(dir.path().join("f")).expect("read"), b"hello");
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[tokio::test]
    async fn damaged_content_never_gets_the_name_and_leaves_nothing() {
        let dir = tempfile::tempdir().expect("dir");
        let writer = Writer::open(wanted(dir.path(), b"hello"), true).expect("open");
        let writer = write(writer, b"hellO").await;
        assert!(matches!(writer.finish(), Err(Error::Damaged { .. })));
        assert!(names(dir.path()).is_empty());
    }

    #[tokio::test]
    async fn a_killed_download_goes_on_where_it_was() {
        let dir = tempfile::tempdir().expect("dir");
        let writer = Writer::open(wanted(dir.path(), b"hello"), true).expect("open");
        drop(write(writer, b"hel").await);
        let writer = Writer::open(wanted(dir.path(), b"hello"), true).expect("open again");
        assert_eq!(writer.at(), 3);
        write(writer, b"lo").await.finish().expect("finish");
        assert_eq!(std::fs::read(dir.path().join("f")).expect("read"), b"hello");
    }

    #[test]
    fn two_downloads_of_one_file_do_not_meet() {
        let dir = tempfile::tempdir().expect("dir");
        let _held = Writer::open(wanted(dir.path(), b"x"), true).expect("open");
        assert!(matches!(
            Writer::open(wanted(dir.path(), b"x"), true),
            Err(Error::Busy { .. })
        ));
    }
}
