//! Multipart uploads: one data file that parts are received into, and one log of what is in it.
//!
//! A part gets a region at the end of `ID.data` as soon as its length is known, so parts arrive in any order and in
//! parallel, and completing only writes the table of regions behind them and renames the file: no byte is copied.
//!
//! Invariants:
//!
//! - `ID.log` is the truth: its first line says what the upload is for, each further line is one received part whose
//!   bytes were synced before. A line has its checksum; reading stops at the first that is torn.
//! - A region that a line names is not written again while that line is the part's newest.
//! - Regions lie below `next_offset` and the end of a completed file begins there, so a straggling part can't touch it.
//! - A log that names parts without a data file belongs to an upload that was completed (the rename took the file).

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use rustix::fs::FallocateFlags;
use s3s::crypto::Crc32;
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::object::{Attrs, Meta, Sums};
use super::{Condition, Store, lock};
use crate::error::{during, io_error};

/// Regions begin at multiples of this, so that two parts never share a page.
const REGION_ALIGN: u64 = 4096;

/// Largest part number, as in S3.
pub(crate) const PART_NUMBER_MAX: u16 = 10_000;

/// What an upload is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) attrs: Attrs,
    /// Checksum that every part is given: an S3 name such as `CRC32`.
    pub(crate) algorithm: Option<String>,
    /// The object's checksum is over its bytes, not over the parts' checksums.
    pub(crate) full_object: bool,
    pub(crate) created: SystemTime,
}

/// One received part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) number: u16,
    offset: u64,
    pub(crate) length: u64,
    pub(crate) etag: String,
    pub(crate) sums: Sums,
    pub(crate) modified: SystemTime,
}

/// An open upload.
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) header: Header,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    parts: BTreeMap<u16, Part>,
    next_offset: u64,
    /// Regions that nothing names: offset and length.
    free: Vec<(u64, u64)>,
    /// Where the next line of the log goes.
    log_bytes: u64,
    /// Completed or aborted.
    ended: bool,
}

/// The uploads of a store by id.
pub(super) struct Uploads {
    open: RwLock<BTreeMap<String, Arc<Upload>>>,
    max: usize,
}

/// A region for a part that is being received. Dropping it gives the region back.
pub(crate) struct Region {
    pub(crate) file: File,
    pub(crate) offset: u64,
    length: u64,
    upload: Arc<Upload>,
    kept: bool,
}

impl Drop for Region {
    fn drop(&mut self) {
        if !self.kept {
            lock(&self.upload.state).free.push((self.offset, self.length));
        }
    }
}

fn log_path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.log"))
}

fn data_path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.data"))
}

fn no_such_upload() -> s3s::S3Error {
    s3_error!(
        NoSuchUpload,
        "The upload does not exist; it may have been completed or aborted."
    )
}

fn line(record: &impl Serialize) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(record)?;
    let mut line = format!("{:08x} ", Crc32::checksum_u32(&json)).into_bytes();
    line.extend(json);
    line.push(b'\n');
    Ok(line)
}

fn parse<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Option<T> {
    let (crc, json) = line.strip_suffix(b"\n")?.split_at_checked(9)?;
    let crc = u32::from_str_radix(std::str::from_utf8(crc).ok()?.trim_end(), 16).ok()?;
    (crc == Crc32::checksum_u32(json))
        .then(|| serde_json::from_slice(json).ok())
        .flatten()
}

impl Uploads {
    /// Reads the logs and removes what belongs to no open upload.
    pub(super) fn load(folder: &Path, max: usize) -> io::Result<Self> {
        let mut open = BTreeMap::new();
        let mut data = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let Some(id) = path.file_stem().and_then(|id| id.to_str()).map(str::to_owned) else {
                continue;
            };
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("log") => match read_log(&path, &id)? {
                    Some(upload)
                        if lock(&upload.state).parts.is_empty() || data_path(folder, &id).exists() =>
                    {
                        open.insert(id, Arc::new(upload));
                    }
                    _ => fs::remove_file(&path)?,
                },
                Some("data") => data.push((id, path)),
                _ => {}
            }
        }
        for (id, path) in data {
            if !open.contains_key(&id) {
                fs::remove_file(path)?;
            }
        }
        Ok(Self {
            open: RwLock::new(open),
            max,
        })
    }
}

fn read_log(path: &Path, id: &str) -> io::Result<Option<Upload>> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut bytes = Vec::new();
    let mut state = State::default();
    // Regions by offset; one that is used again keeps its length.
    let mut regions = BTreeMap::new();
    reader.read_until(b'\n', &mut bytes)?;
    let Some(header) = parse::<Header>(&bytes) else {
        return Ok(None);
    };
    loop {
        state.log_bytes += bytes.len() as u64;
        bytes.clear();
        reader.read_until(b'\n', &mut bytes)?;
        let Some(part) = parse::<Part>(&bytes) else { break };
        state.next_offset = state.next_offset.max(region_end(part.offset, part.length));
        regions.insert(part.offset, part.length);
        state.parts.insert(part.number, part);
    }
    // Only now: a region that was given up may have been given to a later part.
    for part in state.parts.values() {
        regions.remove(&part.offset);
    }
    state.free = regions.into_iter().collect();
    Ok(Some(Upload {
        id: id.to_owned(),
        header,
        state: Mutex::new(state),
    }))
}

fn region_end(offset: u64, length: u64) -> u64 {
    (offset + length).next_multiple_of(REGION_ALIGN)
}

impl Upload {
    /// Parts received so far, by number.
    pub(crate) fn parts(&self) -> Vec<Part> {
        lock(&self.state).parts.values().cloned().collect()
    }
}

impl Store {
    /// Begins an upload; durable when it returns.
    pub(crate) fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        attrs: Attrs,
        algorithm: Option<String>,
        full_object: bool,
    ) -> S3Result<Arc<Upload>> {
        self.require_bucket(bucket)?;
        if self
            .uploads
            .open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
            >= self.uploads.max
        {
            return Err(s3_error!(
                SlowDown,
                "Too many multipart uploads are open; complete or abort some."
            ));
        }
        let what = || during("create upload");
        let temp = self.temp().map_err(what())?;
        let created = temp
            .file
            .metadata()
            .and_then(|stat| stat.modified())
            .map_err(what())?;
        let header = Header {
            bucket: bucket.into(),
            key: key.into(),
            attrs,
            algorithm,
            full_object,
            created,
        };
        let id = uuid::Uuid::new_v4().simple().to_string();
        let line = line(&header).map_err(what())?;
        temp.file.write_all_at(&line, 0).map_err(what())?;
        temp.file.sync_all().map_err(what())?;
        fs::rename(&temp.path, log_path(&self.uploads_folder, &id)).map_err(what())?;
        temp.placed();
        self.folders.sync(&self.uploads_folder).map_err(what())?;
        let state = State {
            log_bytes: line.len() as u64,
            ..State::default()
        };
        let upload = Arc::new(Upload {
            id: id.clone(),
            header,
            state: Mutex::new(state),
        });
        self.uploads
            .open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, upload.clone());
        Ok(upload)
    }

    /// The open upload of that id, if it is for that key.
    pub(crate) fn upload(&self, bucket: &str, key: &str, id: &str) -> S3Result<Arc<Upload>> {
        let open = self.uploads.open.read().unwrap_or_else(PoisonError::into_inner);
        let upload = open
            .get(id)
            .filter(|upload| upload.header.bucket == bucket && upload.header.key == key);
        upload.cloned().ok_or_else(no_such_upload)
    }

    /// Open uploads of a bucket whose key has the prefix, by key and id.
    pub(crate) fn uploads(&self, bucket: &str, prefix: &str) -> Vec<Arc<Upload>> {
        let open = self.uploads.open.read().unwrap_or_else(PoisonError::into_inner);
        let wanted =
            |upload: &&Arc<Upload>| upload.header.bucket == bucket && upload.header.key.starts_with(prefix);
        let mut uploads: Vec<_> = open.values().filter(wanted).cloned().collect();
        uploads.sort_by(|left, right| (&left.header.key, &left.id).cmp(&(&right.header.key, &right.id)));
        uploads
    }

    /// A place for a part of `length` bytes.
    pub(crate) fn begin_part(&self, upload: &Arc<Upload>, length: u64) -> S3Result<Region> {
        let path = data_path(&self.uploads_folder, &upload.id);
        let mut state = lock(&upload.state);
        if state.ended {
            return Err(no_such_upload());
        }
        let what = || during("open the upload's data");
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create_new(true)
                    .open(&path)
                    .map_err(what())?;
                self.folders.sync(&self.uploads_folder).map_err(what())?;
                file
            }
            result => result.map_err(what())?,
        };
        let fits = state.free.iter().position(|&(_, free)| free == length);
        let offset = match fits {
            Some(index) => state.free.swap_remove(index).0,
            None => {
                let offset = state.next_offset;
                state.next_offset = region_end(offset, length);
                offset
            }
        };
        Ok(Region {
            file,
            offset,
            length,
            upload: upload.clone(),
            kept: false,
        })
    }

    /// Records a part whose bytes are in its region; durable when it returns.
    pub(crate) fn finish_part(
        &self,
        mut region: Region,
        number: u16,
        etag: String,
        sums: Sums,
    ) -> S3Result<Part> {
        let what = || during("record the part");
        region.file.sync_data().map_err(during("sync the part"))?;
        let modified = region
            .file
            .metadata()
            .and_then(|stat| stat.modified())
            .map_err(what())?;
        let part = Part {
            number,
            offset: region.offset,
            length: region.length,
            etag,
            sums,
            modified,
        };
        let line = line(&part).map_err(what())?;
        let upload = region.upload.clone();
        let mut state = lock(&upload.state);
        if state.ended {
            // Not given back: the file is another object's by now, or gone.
            region.kept = true;
            return Err(no_such_upload());
        }
        let log = OpenOptions::new()
            .write(true)
            .open(log_path(&self.uploads_folder, &upload.id))
            .map_err(what());
        let written = log.and_then(|log| {
            log.write_all_at(&line, state.log_bytes).map_err(what())?;
            log.sync_data().map_err(what())
        });
        if let Err(error) = written {
            // The line may be on disk all the same, so the region stays out of use.
            region.kept = true;
            return Err(error);
        }
        region.kept = true;
        state.log_bytes += line.len() as u64;
        if let Some(old) = state.parts.insert(number, part.clone()) {
            state.free.push((old.offset, old.length));
        }
        Ok(part)
    }

    /// Turns an upload into an object. `plan` gets the received parts by number and gives the object's meta (its
    /// extents are filled in here) and the numbers of the parts that it is made of, in order.
    pub(crate) fn complete_upload(
        &self,
        upload: &Upload,
        condition: &Condition,
        plan: impl FnOnce(&BTreeMap<u16, Part>) -> S3Result<(Meta, Vec<u16>)>,
    ) -> S3Result<Meta> {
        let mut state = lock(&upload.state);
        if state.ended {
            return Err(no_such_upload());
        }
        let (mut meta, numbers) = plan(&state.parts)?;
        let used = |part: &&Part| numbers.binary_search(&part.number).is_ok();
        meta.extents = state
            .parts
            .values()
            .filter(used)
            .map(|part| (part.offset, part.length))
            .collect();
        meta.size = meta.extents.iter().map(|extent| extent.1).sum();
        meta.upload_id = Some(upload.id.clone());
        let what = || during("complete the upload");
        let path = data_path(&self.uploads_folder, &upload.id);
        let file = OpenOptions::new().write(true).open(&path).map_err(what())?;
        let end = meta.encode(state.next_offset).map_err(what())?;
        file.set_len(state.next_offset).map_err(what())?;
        file.write_all_at(&end, state.next_offset).map_err(what())?;
        file.sync_all().map_err(what())?;
        self.publish(&path, &upload.header.bucket, &upload.header.key, condition)?;
        state.ended = true;
        let unused = state
            .parts
            .values()
            .filter(|part| !used(part))
            .map(|part| (part.offset, part.length));
        for (offset, length) in unused
            .chain(state.free.iter().copied())
            .filter(|region| region.1 > 0)
        {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            if let Err(error) = rustix::fs::fallocate(&file, flags, offset, length) {
                tracing::debug!(%error, "give back the space of an unused part");
            }
        }
        self.forget_upload(&upload.id);
        fs::remove_file(log_path(&self.uploads_folder, &upload.id)).map_err(what())?;
        Ok(meta)
    }

    /// Ends an upload and frees its space.
    pub(crate) fn abort_upload(&self, upload: &Upload) -> S3Result<()> {
        let mut state = lock(&upload.state);
        if state.ended {
            return Err(no_such_upload());
        }
        let what = || during("abort the upload");
        fs::remove_file(log_path(&self.uploads_folder, &upload.id)).map_err(what())?;
        state.ended = true;
        self.forget_upload(&upload.id);
        match fs::remove_file(data_path(&self.uploads_folder, &upload.id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_error("abort the upload", error));
            }
            _ => {}
        }
        self.folders.sync(&self.uploads_folder).map_err(what())
    }

    fn forget_upload(&self, id: &str) {
        self.uploads
            .open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
    }
}
