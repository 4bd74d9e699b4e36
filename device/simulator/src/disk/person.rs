//! What people and their programs do to a disk. What can't be done is not done.

use bitvault_device::fs::{RelPath, own};
use bitvault_device::planner::LocalKind;
use bytes::Bytes;

use super::{Disk, Errno, Ino};

impl Disk {
    /// Everything that people see, by path: entries and what they are.
    pub(crate) fn seen(&self) -> Vec<(RelPath, Ino, LocalKind)> {
        let mut seen = Vec::new();
        let mut open = vec![RelPath::root()];
        while let Some(folder) = open.pop() {
            let entries = self.at(&folder).and_then(|ino| self.entries(ino));
            for (name, ino) in entries.unwrap_or_default() {
                if own::is_own(&name, folder.is_root()) {
                    continue;
                }
                let path = folder.join(&name);
                let Ok(found) = self.stat(ino) else { continue };
                if found.kind == LocalKind::Folder {
                    open.push(path.clone());
                }
                seen.push((path, ino, found.kind));
            }
        }
        seen.sort();
        seen
    }

    /// The contents of the files at and below a path.
    pub(crate) fn contents(&self, path: &RelPath) -> Vec<Bytes> {
        let prefix = format!("{path}/");
        self.files()
            .into_iter()
            .filter(|(file, _, _)| file == path || path.is_root() || file.as_str().starts_with(&prefix))
            .map(|(_, _, bytes)| bytes)
            .collect()
    }

    /// Writes a new file.
    pub(crate) fn write_new(&mut self, path: &RelPath, bytes: &[u8]) -> Result<Ino, Errno> {
        let (folder, name) = self.holder(path)?;
        let ino = self.create(folder, name, LocalKind::File)?;
        self.append(ino, bytes)?;
        Ok(ino)
    }

    /// Writes over a file, as simple programs do.
    pub(crate) fn write_over(&mut self, path: &RelPath, bytes: &[u8]) -> Result<(), Errno> {
        let ino = self.at(path)?;
        self.read(ino)?;
        if self.is_full {
            return Err(Errno::NoSpace);
        }
        self.truncate(ino);
        self.append(ino, bytes)
    }

    /// Writes another file and renames it over this one, as good programs do; with an fsync if the program is a very good
    /// one.
    pub(crate) fn save_by_rename(
        &mut self,
        path: &RelPath,
        bytes: &[u8],
        is_synced: bool,
    ) -> Result<(), Errno> {
        let old = self.at(path)?;
        self.read(old)?;
        let (folder, name) = self.holder(path)?;
        let temp = format!("{name}~new");
        let ino = self.create(folder, &temp, LocalKind::File)?;
        self.append(ino, bytes)?;
        if is_synced {
            self.fsync(ino);
        }
        self.rename((folder, &temp), (folder, name), ino)
    }

    /// Renames or moves, over a file if there is one.
    pub(crate) fn rename_over(&mut self, from: &RelPath, to: &RelPath) -> Result<(), Errno> {
        let ((from, name), (to, new)) = (self.holder(from)?, self.holder(to)?);
        let ino = self.child(from, name)?;
        if let Ok(there) = self.child(to, new)
            && there != ino
            && (self.read(there).is_err() || self.read(ino).is_err())
        {
            return Err(Errno::Exists);
        }
        self.rename((from, name), (to, new), ino)
    }

    /// Deletes, with all below.
    pub(crate) fn delete(&mut self, path: &RelPath) -> Result<(), Errno> {
        let (folder, name) = self.holder(path)?;
        self.unlink(folder, name)
    }
}
