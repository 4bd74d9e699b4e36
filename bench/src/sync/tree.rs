//! The tree that is synced: many small files, each of its own content.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rand::RngCore as _;

/// Files of one folder.
const FILES_PER_FOLDER: usize = 100;
/// Folders of one group.
const FOLDERS_PER_GROUP: usize = 50;
/// Bytes of a file.
const BYTES: usize = 4096;

/// Writes so many files below `root`, in folders of [`FILES_PER_FOLDER`].
pub(super) fn make(root: &Path, files: usize) -> Result<()> {
    let mut content = vec![0; BYTES];
    for number in 0..files {
        let path = root.join(path_of(number));
        if number % FILES_PER_FOLDER == 0 {
            std::fs::create_dir_all(root.join(folder_of(number))).context("make a folder of the tree")?;
        }
        rand::rng().fill_bytes(&mut content);
        std::fs::write(&path, &content).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Where a file of the tree is, below its root.
pub(super) fn path_of(number: usize) -> String {
    format!("{}/file-{:02}.bin", folder_of(number), number % FILES_PER_FOLDER)
}

/// How many folders so many files are in.
pub(super) fn folders(files: usize) -> usize {
    let folders = files.div_ceil(FILES_PER_FOLDER);
    folders + folders.div_ceil(FOLDERS_PER_GROUP)
}

fn folder_of(number: usize) -> String {
    let folder = number / FILES_PER_FOLDER;
    format!("group-{:02}/folder-{folder:04}", folder / FOLDERS_PER_GROUP)
}

/// Fails unless both hold the same files with the same bytes, leaving out what syncing programs keep at the top for themselves.
pub(super) fn ensure_same(one: &Path, other: &Path) -> Result<()> {
    let (files, others) = (files(one)?, files(other)?);
    ensure!(
        files.keys().eq(others.keys()),
        "{} has {} files, {} has {}, or they have other names",
        one.display(),
        files.len(),
        other.display(),
        others.len()
    );
    for path in files.keys() {
        let same = std::fs::read(one.join(path))? == std::fs::read(other.join(path))?;
        ensure!(same, "{path} has another content in {}", other.display());
    }
    Ok(())
}

/// The files below a folder, by path, with their sizes.
fn files(root: &Path) -> Result<BTreeMap<String, u64>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if folder.is_empty() && name.starts_with('.') {
                continue;
            }
            let path = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                files.insert(path, entry.metadata()?.len());
            }
        }
    }
    Ok(files)
}
