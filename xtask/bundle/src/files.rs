//! A set of files in memory, and writing it as the whole content of a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest as _, Sha256};

/// Hex digits of a content hash in a file name.
const NAME_HASH_DIGITS: usize = 16;

/// Files by their path with `/` below the folder.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    pub(crate) fn add(&mut self, name: &str, bytes: Vec<u8>) {
        self.0.insert(name.to_owned(), bytes);
    }

    /// Adds every file of a folder, its path after `prefix`.
    pub(crate) fn add_folder(&mut self, prefix: &str, folder: &Path) -> Result<()> {
        for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
            let entry = entry.with_context(|| format!("list {}", folder.display()))?;
            if !entry.file_type().is_file() {
                continue;
            }
            let below = entry
                .path()
                .strip_prefix(folder)
                .context("a listed file is below its folder")?;
            let below = below
                .to_str()
                .with_context(|| format!("{} is not UTF-8", entry.path().display()))?;
            let name = format!("{prefix}{below}");
            if self.contains(&name) {
                bail!(
                    "{name} is there twice: {} has the name of another file",
                    entry.path().display()
                );
            }
            let bytes = fs::read(entry.path()).with_context(|| format!("read {}", entry.path().display()))?;
            self.add(&name, bytes);
        }
        Ok(())
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Vec<u8>> {
        self.0.remove(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Vec<u8>)> {
        self.0.iter()
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = (String, Vec<u8>)> {
        self.0.into_iter()
    }

    /// One hash over all names and contents.
    pub(crate) fn digest(&self) -> String {
        let lines: String = self
            .0
            .iter()
            .map(|(name, bytes)| format!("{name} {}\n", hash(bytes)))
            .collect();
        hash(lines.as_bytes())
    }

    /// The size of a file and of its compressed siblings, for people.
    pub(crate) fn sizes(&self, name: &str) -> String {
        let size = |name: &str| self.0.get(name).map_or(0, |bytes| bytes.len() / 1024);
        format!(
            "{} KiB, br {} KiB, gz {} KiB",
            size(name),
            size(&format!("{name}.br")),
            size(&format!("{name}.gz"))
        )
    }

    /// Makes the folder hold exactly these files. Equal ones are left alone; the page is written last, so that it
    /// never names a file that is not there.
    pub(crate) fn write_as(&self, folder: &Path) -> Result<()> {
        let (pages, rest): (Vec<_>, Vec<_>) = self
            .0
            .iter()
            .partition(|(name, _)| name.starts_with("index.html"));
        for (name, bytes) in rest.into_iter().chain(pages) {
            let path = folder.join(name);
            if fs::read(&path).is_ok_and(|old| old == *bytes) {
                continue;
            }
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
            }
            fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
        }
        for entry in walkdir::WalkDir::new(folder) {
            let entry = entry.with_context(|| format!("list {}", folder.display()))?;
            let below = entry
                .path()
                .strip_prefix(folder)
                .context("a listed file is below its folder")?;
            if entry.file_type().is_file() && !below.to_str().is_some_and(|name| self.contains(name)) {
                fs::remove_file(entry.path())
                    .with_context(|| format!("remove {}", entry.path().display()))?;
            }
        }
        Ok(())
    }
}

/// SHA-256 in hex.
pub(crate) fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The part of the hash that goes into file names.
pub(crate) fn short_hash(bytes: &[u8]) -> String {
    let mut hash = hash(bytes);
    hash.truncate(NAME_HASH_DIGITS);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_ends_up_with_exactly_these_files_and_equal_ones_are_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::default();
        files.add("index.html", b"page".to_vec());
        files.add("sub/a.js", b"1".to_vec());
        files.add("old.js", b"1".to_vec());
        files.write_as(folder.path()).unwrap();
        let before = fs::metadata(folder.path().join("sub/a.js"))
            .unwrap()
            .modified()
            .unwrap();

        files.take("old.js");
        files.add("new.js", b"1".to_vec());
        files.write_as(folder.path()).unwrap();
        let mut found = Files::default();
        found.add_folder("", folder.path()).unwrap();
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["index.html", "new.js", "sub/a.js"]);
        assert_eq!(
            fs::metadata(folder.path().join("sub/a.js"))
                .unwrap()
                .modified()
                .unwrap(),
            before
        );
    }

    #[test]
    fn the_digest_sees_names_and_contents() {
        let digest = |name: &str, text: &str| {
            let mut files = Files::default();
            files.add(name, text.as_bytes().to_vec());
            files.digest()
        };
        assert_eq!(digest("a", "1"), digest("a", "1"));
        assert_ne!(digest("a", "1"), digest("a", "2"));
        assert_ne!(digest("a", "1"), digest("b", "1"));
    }
}
