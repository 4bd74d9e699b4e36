//! The engine's file system on a simulated disk.
//!
//! Owns nothing but where it was opened. Does step by step what the real one does (`device/src/fs/linux`), so that people
//! act, and crashes happen, between any two of its steps.

mod place;
mod source;
mod temp;
mod trash;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bitvault_device::fs::{
    Aside, Entry, FileSystem, Found, FsError, Inventory, Listing, Marker, RelPath, Root, Source, Temp,
    Written, own,
};
use bitvault_device::planner::{Fingerprint, LocalKind, Name};

use crate::disk::{Disk, Errno, Ino, ROOT};
use crate::machine::Machine;

/// Above so many files and folders everything is made durable at once.
const SYNCED_SINGLY: usize = 16;

/// The folder that is synced, on a machine.
#[derive(Clone)]
pub(crate) struct SimFs {
    machine: Machine,
    /// It was opened when the disk was mounted.
    is_disk: bool,
}

impl SimFs {
    /// Opens what is seen now.
    pub(crate) fn open(machine: &Machine) -> Self {
        let is_disk = machine.lock().is_mounted;
        Self {
            machine: machine.clone(),
            is_disk,
        }
    }

    /// One step: waits until it may be done, and does it.
    async fn step<T>(
        &self,
        _what: &'static str,
        act: impl FnOnce(&mut Disk) -> Result<T, FsError> + Send,
    ) -> Result<T, FsError> {
        self.machine.hub.gate(self.machine.number).await;
        let mut machine = self.machine.lock();
        if self.is_disk && !machine.is_mounted {
            return Err(broken("the disk is gone"));
        }
        if machine.disk_errors > 0 && self.machine.hub.happens(machine.disk_errors) {
            self.machine.hub.met("disk error");
            return Err(broken("the disk answers with an error"));
        }
        match self.is_disk {
            true => act(&mut machine.disk),
            false => act(&mut machine.under),
        }
    }

    /// Tells the trace what came of a call.
    fn tell<T: fmt::Debug>(
        &self,
        what: &str,
        with: &dyn fmt::Debug,
        result: Result<T, FsError>,
    ) -> Result<T, FsError> {
        let number = self.machine.number;
        match &result {
            Ok(done) => self
                .machine
                .hub
                .tell(format_args!("d{number} {what} {with:?}: {done:?}")),
            Err(error) => self
                .machine
                .hub
                .tell(format_args!("d{number} {what} {with:?} fails: {error}")),
        }
        result
    }

    /// The engine begins, or ends, to change what is at a path.
    fn changing(&self, path: Option<&RelPath>) {
        let mut machine = self.machine.lock();
        machine.changing = path.cloned();
        machine.renaming_to = None;
    }
}

/// A refusal that says nothing of use.
fn broken(why: &str) -> FsError {
    FsError::Io {
        act: "work with",
        path: RelPath::root(),
        cause: std::io::Error::other(why.to_owned()),
    }
}

/// What a refusal of the disk means for the engine.
fn failed(errno: Errno) -> FsError {
    match errno {
        Errno::NoEntry | Errno::WrongKind => FsError::Changed,
        Errno::Exists => FsError::Occupied,
        Errno::NoSpace => FsError::Full,
    }
}

fn own_folder(disk: &mut Disk, path: &RelPath) -> Result<Ino, FsError> {
    let (folder, name) = disk.holder(path).map_err(failed)?;
    match disk.create(folder, name, LocalKind::Folder) {
        Ok(ino) => Ok(ino),
        Err(Errno::Exists) => disk.child(folder, name).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

#[async_trait]
impl FileSystem for SimFs {
    async fn root(&self) -> Result<Root, FsError> {
        self.machine.hub.gate(self.machine.number).await;
        let mut machine = self.machine.lock();
        if self.is_disk != machine.is_mounted {
            return Err(FsError::RootGone("another folder is there now".to_owned()));
        }
        let disk = machine.seen();
        let at = RelPath::root().join(own::FOLDER).join(own::MARKER);
        let marker = disk.at(&at).and_then(|ino| disk.read(ino)).ok();
        Ok(Root {
            fingerprint: disk.stat(ROOT).map_err(failed)?.fingerprint,
            marker: marker.and_then(|bytes| read_marker(&bytes)),
        })
    }

    async fn mark(&self, marker: &Marker) -> Result<(), FsError> {
        let folder = RelPath::root().join(own::FOLDER);
        let new = format!("{}.new", own::MARKER);
        self.step("write the marker", |disk| {
            let folder = own_folder(disk, &folder)?;
            let _ = disk.unlink(folder, &new);
            let file = disk.create(folder, &new, LocalKind::File).map_err(failed)?;
            let text = format!("{} {}", marker.state, marker.seal);
            disk.append(file, text.as_bytes()).map_err(failed)?;
            disk.fsync(file);
            Ok(())
        })
        .await?;
        self.step("put the marker in place", |disk| {
            let folder = disk.at(&folder).map_err(failed)?;
            let _ = disk.unlink(folder, own::MARKER);
            disk.rename_free((folder, &new), (folder, own::MARKER))
                .map_err(failed)
        })
        .await?;
        let marked = self
            .step("make the marker durable", |disk| {
                let folder = disk.at(&folder).map_err(failed)?;
                disk.fsync(folder);
                disk.fsync(ROOT);
                Ok(())
            })
            .await;
        self.tell("mark", marker, marked)
    }

    async fn list(&self, folder: &RelPath) -> Result<Listing, FsError> {
        let listed = self.step("list", |disk| list(disk, folder)).await;
        self.tell("list", folder, listed)
    }

    async fn look(&self, path: &RelPath) -> Result<Option<Found>, FsError> {
        self.step("look", |disk| {
            Ok(disk.at(path).and_then(|ino| disk.stat(ino)).ok())
        })
        .await
    }

    async fn read_start(&self, path: &RelPath, most: usize) -> Result<Option<Vec<u8>>, FsError> {
        self.step("read", |disk| {
            let read = disk.at(path).and_then(|ino| disk.read(ino)).ok();
            Ok(read.map(|bytes| bytes.slice(..most.min(bytes.len())).to_vec()))
        })
        .await
    }

    async fn open(&self, path: &RelPath, expected: Fingerprint) -> Result<Arc<dyn Source>, FsError> {
        source::open(self, path, expected).await
    }

    async fn create_folder(&self, path: &RelPath) -> Result<Fingerprint, FsError> {
        let created = self
            .step("create a folder", |disk| {
                let (folder, name) = disk.holder(path).map_err(failed)?;
                let ino = disk.create(folder, name, LocalKind::Folder).map_err(failed)?;
                Ok(disk.stat(ino).map_err(failed)?.fingerprint)
            })
            .await;
        self.tell("create folder", path, created)
    }

    async fn create_temp(&self, folder: &RelPath, tag: u64) -> Result<Box<dyn Temp>, FsError> {
        temp::create(self, folder, tag).await
    }

    async fn resume_temp(
        &self,
        folder: &RelPath,
        tag: u64,
        size: u64,
    ) -> Result<(Box<dyn Temp>, u64), FsError> {
        temp::resume(self, folder, tag, size).await
    }

    async fn place(&self, temp: &Written, name: &str) -> Result<Fingerprint, FsError> {
        let path = temp.path.folder().join(name);
        self.changing(Some(&path));
        self.machine.lock().renaming_to = Some(path.clone());
        let placed = place::place(self, temp, name).await;
        self.changing(None);
        self.tell("place", &path, placed)
    }

    async fn replace(
        &self,
        temp: &Written,
        name: &str,
        expected: Fingerprint,
        aside: &Aside,
    ) -> Result<Fingerprint, FsError> {
        let path = temp.path.folder().join(name);
        self.changing(Some(&path));
        let replaced = place::replace(self, temp, name, expected, aside).await;
        self.changing(None);
        self.tell("replace", &path, replaced)
    }

    async fn rename(&self, from: &RelPath, expected: Found, to: &RelPath) -> Result<Fingerprint, FsError> {
        self.changing(Some(from));
        self.machine.lock().renaming_to = Some(to.clone());
        let renamed = place::rename(self, from, expected, to).await;
        self.changing(None);
        self.tell("rename", &(from, to), renamed)
    }

    async fn discard(&self, path: &RelPath, inventory: &Inventory, label: &str) -> Result<(), FsError> {
        self.changing(Some(path));
        let discarded = trash::discard(self, path, inventory, label).await;
        self.changing(None);
        self.tell("discard", path, discarded)
    }

    async fn sweep(&self, leftover: &RelPath, label: &str) -> Result<(), FsError> {
        self.machine.hub.met("own temp file");
        let swept = trash::sweep(self, leftover, label).await;
        self.tell("sweep", leftover, swept)
    }

    async fn empty_trash(&self, before: &str) -> Result<(), FsError> {
        self.step("empty the trash", |disk| trash::empty(disk, before))
            .await
    }

    async fn abandon(&self, temp: &Written) {
        let gone = self.step("abandon", |disk| temp::remove(disk, temp)).await;
        let _ = self.tell("abandon", &temp.path, gone);
    }

    async fn settle(&self, touched: &[RelPath]) -> Result<(), FsError> {
        let settled = self
            .step("make durable", |disk| {
                if touched.len() > SYNCED_SINGLY {
                    disk.sync_all();
                    return Ok(());
                }
                for path in touched {
                    match disk.at(path) {
                        Ok(ino) => disk.fsync(ino),
                        Err(_) => disk.sync_all(),
                    }
                }
                Ok(())
            })
            .await;
        self.tell("settle", &touched, settled)
    }
}

fn read_marker(bytes: &[u8]) -> Option<Marker> {
    let (state, seal) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
    Some(Marker {
        state: state.to_owned(),
        seal: seal.to_owned(),
    })
}

fn list(disk: &mut Disk, folder: &RelPath) -> Result<Listing, FsError> {
    let at = disk.at(folder).map_err(failed)?;
    let mut listing = Listing::default();
    for (name, ino) in disk.entries(at).map_err(failed)? {
        if folder.is_root() && name == own::FOLDER {
            continue;
        }
        let found = disk.stat(ino).map_err(failed)?;
        if own::is_leftover(&name) && (found.kind != LocalKind::Folder || !own::is_temp(&name)) {
            listing.leftovers.push(name);
            continue;
        }
        listing.entries.push(Entry {
            name: Name::from(name),
            found: folder_without_size(found),
        });
    }
    Ok(listing)
}

fn folder_without_size(mut found: Found) -> Found {
    if found.kind != LocalKind::File {
        found.fingerprint.size = 0;
    }
    found
}
