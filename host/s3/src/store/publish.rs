//! How a file becomes an object, and stops being one.
//!
//! The order of a write: bytes synced, then the rename into place, then the folder synced, then the answer. Between
//! rename and sync an object is *pending*: whoever sees it (a reader, the loser of `If-None-Match`) syncs the folder
//! first, so that nothing that anybody was told is lost.
//!
//! Locks, in this order, never held over an fsync: `tree` (shared by renames, exclusive for the removal of a folder, so
//! a folder can't vanish under a rename), then the key's stripe (check of the condition and rename are one step).
//!
//! A folder is `durable` when its own entry and those above it were synced by this process. A writer that finds a
//! folder which isn't (another writer made it a moment ago) syncs the chain itself.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

use rustix::fs::{CWD, RenameFlags};
use s3s::dto::ETagCondition;
use s3s::{S3Error, S3Result, s3_error};

use super::keypath::{KEY_MAX_BYTES, object_path};
use super::object::Object;
use super::{Store, lock};
use crate::error::{during, io_error};

const STRIPES: usize = 64;

/// Folders known as durable; beyond this the set starts anew, which costs an fsync per folder and no more.
const DURABLE_MAX: usize = 100_000;

/// What must hold for a write to happen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    /// `If-Match`.
    pub(crate) matches: Option<ETagCondition>,
    /// `If-None-Match`.
    pub(crate) none_match: Option<ETagCondition>,
}

/// State of renames in progress.
pub(crate) struct Publishing {
    tree: RwLock<()>,
    /// Pending objects and how many writers are at it.
    stripes: Vec<Mutex<HashMap<PathBuf, u32>>>,
    hasher: RandomState,
    durable: Mutex<Durable>,
}

#[derive(Default)]
struct Durable {
    folders: HashSet<PathBuf>,
    /// Grows with each removal, so that a writer that began before doesn't add what was removed since.
    removals: u64,
}

impl Default for Publishing {
    fn default() -> Self {
        Self {
            tree: RwLock::default(),
            stripes: (0..STRIPES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            durable: Mutex::default(),
        }
    }
}

impl Publishing {
    fn stripe(&self, path: &Path) -> MutexGuard<'_, HashMap<PathBuf, u32>> {
        let number = self.hasher.hash_one(path) % STRIPES as u64;
        lock(&self.stripes[usize::try_from(number).unwrap_or(0)])
    }

    /// Nothing is renamed while the guard lives.
    pub(super) fn exclusive(&self) -> RwLockWriteGuard<'_, ()> {
        self.tree.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A folder was removed. Call with the `exclusive` guard held.
    pub(super) fn forget(&self, folder: &Path) {
        let mut durable = lock(&self.durable);
        durable.folders.remove(folder);
        durable.removals += 1;
    }
}

fn precondition_failed() -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the preconditions you specified did not hold."
    )
}

impl Store {
    fn object_path(&self, bucket: &str, key: &str) -> S3Result<PathBuf> {
        self.require_bucket(bucket)?;
        if key.len() > KEY_MAX_BYTES {
            return Err(s3_error!(
                KeyTooLongError,
                "The key is longer than {KEY_MAX_BYTES} bytes."
            ));
        }
        Ok(self.bucket_folder(bucket).join(object_path(key)))
    }

    /// Opens an object; what it shows is durable.
    pub(crate) fn open_object(&self, bucket: &str, key: &str) -> S3Result<Object> {
        let path = self.object_path(bucket, key)?;
        let object = match Object::open(&path) {
            Ok(object) => object,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(s3_error!(NoSuchKey, "The specified key does not exist."));
            }
            Err(error) => return Err(io_error("open object", error)),
        };
        self.settle(&path)?;
        Ok(object)
    }

    /// Makes a pending object durable.
    fn settle(&self, path: &Path) -> S3Result<()> {
        if !self.publishing.stripe(path).contains_key(path) {
            return Ok(());
        }
        self.sync_chain(path, None)
    }

    /// Renames the complete, synced `file` to the key's path if the condition holds, and makes that durable.
    pub(crate) fn publish(
        &self,
        file: &Path,
        bucket: &str,
        key: &str,
        condition: &Condition,
    ) -> S3Result<()> {
        let path = self.object_path(bucket, key)?;
        let result = self.rename(file, &path, bucket, condition);
        match result {
            Ok(removals) => {
                let synced = self.sync_chain(&path, Some(removals));
                self.not_pending(&path);
                synced
            }
            Err(error) => {
                if *error.code() == s3s::S3ErrorCode::PreconditionFailed {
                    self.settle(&path)?;
                }
                Err(error)
            }
        }
    }

    /// The rename, leaving the object pending. Returns the count of removed folders as of the rename.
    fn rename(&self, file: &Path, path: &Path, bucket: &str, condition: &Condition) -> S3Result<u64> {
        let _tree = self
            .publishing
            .tree
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let removals = lock(&self.publishing.durable).removals;
        let mut pending = self.publishing.stripe(path);
        let absent_only = match &condition.none_match {
            Some(ETagCondition::Any) => true,
            Some(ETagCondition::ETag(etag)) => {
                if current_etag(path)?.is_some_and(|current| current == etag.value()) {
                    return Err(precondition_failed());
                }
                false
            }
            None => false,
        };
        if let Some(wanted) = &condition.matches {
            match (current_etag(path)?, wanted) {
                (None, _) => return Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
                (Some(_), ETagCondition::Any) => {}
                (Some(current), ETagCondition::ETag(etag)) if etag.as_strong() == Some(&current) => {}
                _ => return Err(precondition_failed()),
            }
        }
        let flags = if absent_only {
            RenameFlags::NOREPLACE
        } else {
            RenameFlags::empty()
        };
        let rename = || rustix::fs::renameat_with(CWD, file, CWD, path, flags).map_err(io::Error::from);
        let result = match rename() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // `delete_bucket` excludes us, so what is missing now are folders of the key.
                self.require_bucket(bucket)?;
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder).map_err(during("create the key's folders"))?;
                }
                rename()
            }
            result => result,
        };
        match result {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(precondition_failed()),
            Err(error) => return Err(io_error("rename object into place", error)),
        }
        *pending.entry(path.to_owned()).or_default() += 1;
        Ok(removals)
    }

    fn not_pending(&self, path: &Path) {
        let mut pending = self.publishing.stripe(path);
        if let Some(writers) = pending.get_mut(path) {
            *writers -= 1;
            if *writers == 0 {
                pending.remove(path);
            }
        }
    }

    /// Syncs the folder of `path`, and the entry of each folder above it that isn't known as durable. They are known from
    /// then on if no folder was removed since the rename, when there were `removals`.
    fn sync_chain(&self, path: &Path, removals: Option<u64>) -> S3Result<()> {
        let mut chain = Vec::new();
        {
            let durable = lock(&self.publishing.durable);
            for folder in path
                .ancestors()
                .skip(1)
                .take_while(|folder| *folder != self.buckets_folder)
            {
                if durable.folders.contains(folder) {
                    break;
                }
                chain.push(folder.to_owned());
            }
        }
        let sync = |folder: &Path| match self.folders.sync(folder) {
            // Everything in it was deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(during("sync a folder of the key")),
        };
        // From the top, so that a folder's entry is durable before what is in it.
        for folder in chain.iter().rev() {
            if let Some(parent) = folder.parent() {
                sync(parent)?;
            }
        }
        if let Some(folder) = path.parent() {
            sync(folder)?;
        }
        if !chain.is_empty() {
            let mut durable = lock(&self.publishing.durable);
            if removals == Some(durable.removals) {
                if durable.folders.len() + chain.len() > DURABLE_MAX {
                    durable.folders.clear();
                }
                durable.folders.extend(chain);
            }
        }
        Ok(())
    }

    /// Deletes an object if there is one and it matches; durable when it returns. Empty folders go as well.
    pub(crate) fn delete_object(
        &self,
        bucket: &str,
        key: &str,
        matches: Option<&ETagCondition>,
    ) -> S3Result<()> {
        let path = self.object_path(bucket, key)?;
        {
            let _pending = self.publishing.stripe(&path);
            if let Some(wanted) = matches {
                match (current_etag(&path)?, wanted) {
                    (None, _) => return Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
                    (Some(_), ETagCondition::Any) => {}
                    (Some(current), ETagCondition::ETag(etag)) if etag.as_strong() == Some(&current) => {}
                    _ => return Err(precondition_failed()),
                }
            }
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) => {}
                Err(error) => return Err(io_error("delete object", error)),
            }
        }
        // Also when there was none: another delete may be about to sync, and our answer promises that it is gone.
        let bucket_folder = self.bucket_folder(bucket);
        let mut nearest = path.parent();
        while let Some(folder) = nearest {
            match self.folders.sync(folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && folder != bucket_folder => {
                    nearest = folder.parent();
                }
                result => {
                    result.map_err(during("sync a folder of the key"))?;
                    break;
                }
            }
        }
        self.remove_empty_folders(nearest, &bucket_folder)
    }

    fn remove_empty_folders(&self, nearest: Option<&Path>, bucket_folder: &Path) -> S3Result<()> {
        let below = |folder: &&Path| *folder != bucket_folder;
        for folder in nearest.into_iter().flat_map(Path::ancestors).take_while(below) {
            // A look without the lock first: most folders are not empty.
            match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(io_error("read a folder of the key", error)),
            }
            let _no_renames = self.publishing.exclusive();
            match fs::remove_dir(folder) {
                Ok(()) => self.publishing.forget(folder),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => break,
                Err(error) => return Err(io_error("remove an empty folder", error)),
            }
        }
        Ok(())
    }
}

fn current_etag(path: &Path) -> S3Result<Option<String>> {
    match Object::open(path) {
        Ok(object) => Ok(Some(object.meta.etag)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("read the object's state", error)),
    }
}
