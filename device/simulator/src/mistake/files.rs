//! Mistakes with files.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bitvault_device::fs::{
    Aside, FileSystem, Found, FsError, Inventory, Listing, Marker, RelPath, Root, Source, Temp, Written,
};
use bitvault_device::planner::{Date, Fingerprint, LocalKind, Sha256};
use bytes::Bytes;

use super::{Mistake, Mistaken};
use crate::store::SimStore;

pub(super) struct WrongFs {
    fs: Arc<dyn FileSystem>,
    mistaken: Mistaken,
    store: SimStore,
}

impl WrongFs {
    pub(super) fn new(fs: Arc<dyn FileSystem>, mistaken: Mistaken, store: SimStore) -> Self {
        Self { fs, mistaken, store }
    }

    /// What is at a path, instead of what was expected.
    async fn now(&self, path: &RelPath, expected: Found) -> Result<Found, FsError> {
        let found = self.fs.look(path).await?.unwrap_or(expected);
        Ok(match found.kind == expected.kind {
            true => found,
            false => expected,
        })
    }

    /// Everything that lies at and below a path.
    async fn inventory(&self, path: &RelPath, inventory: &Inventory) -> Result<Inventory, FsError> {
        let mut all = Inventory {
            ignored: inventory.ignored.clone(),
            ..Inventory::default()
        };
        let top = self.fs.look(path).await?.ok_or(FsError::Changed)?;
        all.expected.insert(RelPath::root(), top);
        let mut open = vec![(path.clone(), RelPath::root(), top)];
        while let Some((path, below, found)) = open.pop() {
            if found.kind != LocalKind::Folder {
                continue;
            }
            for entry in self.fs.list(&path).await?.entries {
                let (path, below) = (path.join(entry.name.as_str()), below.join(entry.name.as_str()));
                all.expected.insert(below.clone(), entry.found);
                open.push((path, below, entry.found));
            }
        }
        Ok(all)
    }

    /// Files that keep size and modification time are told as they were before.
    fn without_change_time(&self, folder: &RelPath, listing: &mut Listing) {
        let mut memory = self.mistaken.lock();
        for entry in listing
            .entries
            .iter_mut()
            .filter(|entry| entry.found.kind == LocalKind::File)
        {
            let path = folder.join(entry.name.as_str());
            let without = |found: &Found| Fingerprint {
                changed: 0,
                ..found.fingerprint
            };
            match memory.found.get(&path) {
                Some(before) if without(before) == without(&entry.found) => entry.found = *before,
                _ => drop(memory.found.insert(path, entry.found)),
            }
        }
    }
}

#[async_trait]
impl FileSystem for WrongFs {
    async fn root(&self) -> Result<Root, FsError> {
        let root = self.fs.root().await;
        if self.mistaken.is(Mistake::ForgetsTheMarker) {
            let mut memory = self.mistaken.lock();
            return match (&memory.root, root) {
                (_, Ok(root)) if root.marker.is_some() => {
                    memory.root = Some(root.clone());
                    Ok(root)
                }
                (Some(before), _) => Ok(before.clone()),
                (None, root) => root,
            };
        }
        let mut root = root?;
        if self.mistaken.is(Mistake::IgnoresTheSeal)
            && let Some(meta) = self.store.rows().meta()
            && root.marker.is_some()
        {
            root.fingerprint.inode = meta.folder.1;
            root.marker = Some(Marker {
                state: meta.state.clone(),
                seal: meta.seal.clone(),
            });
        }
        Ok(root)
    }

    async fn mark(&self, marker: &Marker) -> Result<(), FsError> {
        self.mistaken.lock().root = None;
        self.fs.mark(marker).await
    }

    async fn list(&self, folder: &RelPath) -> Result<Listing, FsError> {
        let listed = self.fs.list(folder).await;
        match (self.mistaken.mistake, listed) {
            (Mistake::IgnoresChangeTime, Ok(mut listing)) => {
                self.without_change_time(folder, &mut listing);
                Ok(listing)
            }
            (_, listed) => listed,
        }
    }

    async fn look(&self, path: &RelPath) -> Result<Option<Found>, FsError> {
        self.fs.look(path).await
    }

    async fn read_start(&self, path: &RelPath, most: usize) -> Result<Option<Vec<u8>>, FsError> {
        self.fs.read_start(path, most).await
    }

    async fn open(&self, path: &RelPath, expected: Fingerprint) -> Result<Arc<dyn Source>, FsError> {
        if self.mistaken.is(Mistake::SendsWhatIsThere) {
            let source = Restless {
                fs: Arc::clone(&self.fs),
                path: path.clone(),
                expected,
            };
            return Ok(Arc::new(source));
        }
        self.fs.open(path, expected).await
    }

    async fn create_folder(&self, path: &RelPath) -> Result<Fingerprint, FsError> {
        self.fs.create_folder(path).await
    }

    async fn resume_temp(
        &self,
        folder: &RelPath,
        tag: u64,
        size: u64,
    ) -> Result<(Box<dyn Temp>, u64), FsError> {
        self.fs.resume_temp(folder, tag, size).await
    }

    async fn create_temp(&self, folder: &RelPath, tag: u64) -> Result<Box<dyn Temp>, FsError> {
        let shares = self.mistaken.is(Mistake::SharesTempNames);
        let tag = if shares { 1 } else { tag };
        let temp = match self.fs.create_temp(folder, tag).await {
            Err(FsError::Occupied) if shares => {
                let leftover = folder.join(&bitvault_device::fs::own::temp_name(tag));
                self.fs.sweep(&leftover, "").await?;
                self.fs.create_temp(folder, tag).await?
            }
            temp => temp?,
        };
        Ok(Box::new(Trusting {
            temp,
            mistaken: self.mistaken.clone(),
        }))
    }

    async fn place(&self, temp: &Written, name: &str) -> Result<Fingerprint, FsError> {
        match self.fs.place(temp, name).await {
            Err(FsError::Occupied) if self.mistaken.is(Mistake::PlacesOver) => {
                let there = self.fs.look(&temp.path.folder().join(name)).await?;
                let there = there.ok_or(FsError::Changed)?;
                let over = Aside {
                    label: "over".to_owned(),
                    device: "over".to_owned(),
                    today: Date {
                        year: 2026,
                        month: 3,
                        day: 9,
                    },
                };
                self.fs.replace(temp, name, there.fingerprint, &over).await
            }
            placed => placed,
        }
    }

    async fn replace(
        &self,
        temp: &Written,
        name: &str,
        expected: Fingerprint,
        aside: &Aside,
    ) -> Result<Fingerprint, FsError> {
        let mut found = Found {
            kind: LocalKind::File,
            fingerprint: expected,
        };
        if self.mistaken.is(Mistake::ReplacesUnseen) {
            found = self.now(&temp.path.folder().join(name), found).await?;
        }
        self.fs.replace(temp, name, found.fingerprint, aside).await
    }

    async fn rename(
        &self,
        from: &RelPath,
        mut expected: Found,
        to: &RelPath,
    ) -> Result<Fingerprint, FsError> {
        if self.mistaken.is(Mistake::RenamesUnseen) {
            expected = self.now(from, expected).await?;
        }
        self.fs.rename(from, expected, to).await
    }

    async fn discard(&self, path: &RelPath, inventory: &Inventory, label: &str) -> Result<(), FsError> {
        if self.mistaken.is(Mistake::RemovesUnseen) {
            let all = self.inventory(path, inventory).await?;
            return self.fs.discard(path, &all, label).await;
        }
        self.fs.discard(path, inventory, label).await
    }

    async fn sweep(&self, leftover: &RelPath, label: &str) -> Result<(), FsError> {
        self.fs.sweep(leftover, label).await
    }

    async fn empty_trash(&self, before: &str) -> Result<(), FsError> {
        self.fs.empty_trash(before).await
    }

    async fn abandon(&self, temp: &Written) {
        self.fs.abandon(temp).await;
    }

    async fn settle(&self, touched: &[RelPath]) -> Result<(), FsError> {
        let wanted = match self.mistaken.mistake {
            Mistake::NeverSettles => return Ok(()),
            Mistake::SettlesFilesOnly => LocalKind::File,
            Mistake::SettlesNamesOnly => LocalKind::Folder,
            _ => return self.fs.settle(touched).await,
        };
        for path in touched {
            let kind = match path.is_root() {
                true => Some(LocalKind::Folder),
                false => self.fs.look(path).await?.map(|found| found.kind),
            };
            if kind == Some(wanted) {
                self.fs.settle(std::slice::from_ref(path)).await?;
            }
        }
        Ok(())
    }
}

/// A file that need not hold still.
struct Restless {
    fs: Arc<dyn FileSystem>,
    path: RelPath,
    expected: Fingerprint,
}

#[async_trait]
impl Source for Restless {
    fn size(&self) -> u64 {
        self.expected.size
    }

    async fn whole(&self) -> Result<(Bytes, Sha256), FsError> {
        use sha2::Digest as _;
        let first = self
            .fs
            .read_start(&self.path, usize::MAX)
            .await?
            .ok_or(FsError::Changed)?;
        let half = first.len() / 2;
        let rest = self
            .fs
            .read_start(&self.path, usize::MAX)
            .await?
            .ok_or(FsError::Changed)?;
        let read = [&first[..half], &rest[half.min(rest.len())..]].concat();
        let sha256 = Sha256(sha2::Sha256::digest(&read).into());
        Ok((read.into(), sha256))
    }

    async fn hash(&self) -> Result<Sha256, FsError> {
        self.whole().await.map(|(_, sha256)| sha256)
    }

    async fn still(&self) -> Result<(), FsError> {
        Ok(())
    }

    fn reopen(&self) -> Option<PathBuf> {
        None
    }
}

/// A temporary file of whom what arrives is what was promised.
struct Trusting {
    temp: Box<dyn Temp>,
    mistaken: Mistaken,
}

#[async_trait]
impl Temp for Trusting {
    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError> {
        self.temp.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<Written, FsError> {
        let this = *self;
        let mut written = this.temp.finish().await?;
        if let Some(promised) = this.mistaken.lock().promised.get(&written.sha256) {
            written.sha256 = *promised;
        }
        Ok(written)
    }
}
