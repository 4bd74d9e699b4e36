//! Objects on disk: the folder, its recovery, and the parts that act on it. Everything here blocks.

mod dirsync;
pub(crate) mod keypath;
pub(crate) mod object;
mod publish;
pub(crate) mod uploads;
pub(crate) mod walk;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::SystemTime;

use rustix::fs::{CWD, FlockOperation, RenameFlags};
use s3s::{S3Result, s3_error};

use crate::error::{Error, during};
use dirsync::GroupSync;
pub(crate) use publish::Condition;

/// The folder that an endpoint owns.
pub(crate) struct Store {
    buckets_folder: PathBuf,
    tmp_folder: PathBuf,
    uploads_folder: PathBuf,
    buckets: RwLock<BTreeSet<String>>,
    next_temp: AtomicU64,
    folders: GroupSync,
    publishing: publish::Publishing,
    uploads: uploads::Uploads,
    /// Held for as long as the store lives.
    _lock: File,
}

/// Folders that temporary files are spread over: making and renaming a file locks the folder it is in.
const TEMP_FOLDERS: u64 = 16;

/// A file being written, removed when dropped unless it was renamed into place.
pub(crate) struct Temp {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    placed: bool,
}

impl Temp {
    /// The file was renamed; there is nothing to remove.
    pub(crate) fn placed(mut self) {
        self.placed = true;
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if self.placed {
            return;
        }
        // Gone if the rename worked and what followed did not.
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %self.path.display(), "remove temporary file");
        }
    }
}

/// Fails unless files can be made here and renamed without replacing another: `If-None-Match: *` stands on that.
fn probe(folder: &Path) -> io::Result<()> {
    let (from, to) = (folder.join("probe"), folder.join("probed"));
    fs::write(&from, b"")?;
    rustix::fs::renameat_with(CWD, &from, CWD, &to, RenameFlags::NOREPLACE)?;
    fs::remove_file(&to)
}

/// Where temporary file `number` goes.
fn temp_folder(tmp_folder: &Path, number: u64) -> PathBuf {
    tmp_folder.join((number % TEMP_FOLDERS).to_string())
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Opens the folder, creates what is missing and removes what a killed process left.
    pub(crate) fn open(root: &Path, max_open_uploads: usize) -> Result<Self, Error> {
        let fail = |what, path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io { what, path, source }
        };
        fs::create_dir_all(root).map_err(fail("create", root))?;
        let lock_path = root.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(fail("open", &lock_path))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(Error::Locked(root.to_owned())),
            Err(errno) => return Err(fail("lock", &lock_path)(errno.into())),
        }
        let [buckets_folder, tmp_folder, uploads_folder] =
            ["buckets", "tmp", "uploads"].map(|name| root.join(name));
        for folder in [&buckets_folder, &tmp_folder, &uploads_folder] {
            fs::create_dir_all(folder).map_err(fail("create", folder))?;
        }
        // What was being written when a process was killed. Nothing in here was ever told to anybody.
        fs::remove_dir_all(&tmp_folder).map_err(fail("remove", &tmp_folder))?;
        for number in 0..TEMP_FOLDERS {
            let folder = temp_folder(&tmp_folder, number);
            fs::create_dir_all(&folder).map_err(fail("create", &folder))?;
        }
        for folder in [root, &buckets_folder, &tmp_folder, &uploads_folder] {
            dirsync::sync_folder(folder).map_err(fail("sync", folder))?;
        }
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            dirsync::sync_folder(parent).map_err(fail("sync", parent))?;
        }
        probe(&tmp_folder).map_err(fail(
            "rename without replacing (the file system must be able to) in",
            &tmp_folder,
        ))?;
        let mut buckets = BTreeSet::new();
        for entry in fs::read_dir(&buckets_folder).map_err(fail("read", &buckets_folder))? {
            let name = entry.map_err(fail("read", &buckets_folder))?.file_name();
            buckets.extend(
                name.into_string()
                    .ok()
                    .filter(|name| s3s::path::check_bucket_name(name)),
            );
        }
        let uploads = uploads::Uploads::load(&uploads_folder, max_open_uploads)
            .map_err(fail("recover", &uploads_folder))?;
        Ok(Self {
            buckets_folder,
            tmp_folder,
            uploads_folder,
            buckets: RwLock::new(buckets),
            next_temp: AtomicU64::new(0),
            folders: GroupSync::new(),
            publishing: publish::Publishing::default(),
            uploads,
            _lock: lock,
        })
    }

    /// A new, empty temporary file.
    pub(crate) fn temp(&self) -> io::Result<Temp> {
        let number = self.next_temp.fetch_add(1, Ordering::Relaxed);
        let path = temp_folder(&self.tmp_folder, number).join(number.to_string());
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok(Temp {
            path,
            file,
            placed: false,
        })
    }

    fn bucket_folder(&self, bucket: &str) -> PathBuf {
        self.buckets_folder.join(bucket)
    }

    /// `NoSuchBucket` unless the bucket exists.
    pub(crate) fn require_bucket(&self, bucket: &str) -> S3Result<()> {
        if self
            .buckets
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(bucket)
        {
            Ok(())
        } else {
            Err(s3_error!(NoSuchBucket, "The bucket does not exist."))
        }
    }

    /// Creates a bucket; `false` if it was there.
    pub(crate) fn create_bucket(&self, bucket: &str) -> S3Result<bool> {
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        if buckets.contains(bucket) {
            return Ok(false);
        }
        fs::create_dir(self.bucket_folder(bucket)).map_err(during("create bucket"))?;
        self.folders
            .sync(&self.buckets_folder)
            .map_err(during("sync the buckets' folder"))?;
        buckets.insert(bucket.to_owned());
        Ok(true)
    }

    /// Removes an empty bucket.
    pub(crate) fn delete_bucket(&self, bucket: &str) -> S3Result<()> {
        self.require_bucket(bucket)?;
        let _no_publishing = self.publishing.exclusive();
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        match fs::remove_dir(self.bucket_folder(bucket)) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                return Err(s3_error!(BucketNotEmpty, "The bucket still has objects."));
            }
            result => result.map_err(during("delete bucket"))?,
        }
        buckets.remove(bucket);
        self.publishing.forget(&self.bucket_folder(bucket));
        self.folders
            .sync(&self.buckets_folder)
            .map_err(during("sync the buckets' folder"))
    }

    /// Buckets by name, with the time of their last change as near enough to their creation.
    pub(crate) fn buckets(&self) -> S3Result<Vec<(String, SystemTime)>> {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        let with_time = |name: &String| {
            let stat = fs::metadata(self.bucket_folder(name)).map_err(during("read bucket"))?;
            Ok((
                name.clone(),
                stat.created()
                    .or_else(|_| stat.modified())
                    .map_err(during("read bucket"))?,
            ))
        };
        buckets.iter().map(with_time).collect()
    }

    /// One page of a bucket's keys.
    pub(crate) fn list(&self, bucket: &str, query: &walk::Query) -> S3Result<walk::Page> {
        self.require_bucket(bucket)?;
        walk::list(&self.bucket_folder(bucket), query).map_err(during("list objects"))
    }

    /// Opens what a listed path has; `None` if it was deleted meanwhile.
    pub(crate) fn open_listed(path: &Path) -> S3Result<Option<object::Object>> {
        match object::Object::open(path) {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(crate::error::io_error("open object", error)),
        }
    }
}
