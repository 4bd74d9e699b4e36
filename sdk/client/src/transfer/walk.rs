//! What is in a local folder.

use std::path::{Path, PathBuf};

/// A folder of the tree; the first is the tree's root.
#[derive(Debug)]
pub(super) struct Dir {
    /// Index of the folder that holds it; its own for the root.
    pub(super) parent: usize,
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) depth: usize,
}

#[derive(Debug)]
pub(super) struct Found {
    /// Index of its folder.
    pub(super) dir: usize,
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Bytes when it was found.
    pub(super) size: u64,
}

/// A tree, in the order of the names; about 200 bytes of memory an entry.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) dirs: Vec<Dir>,
    pub(super) files: Vec<Found>,
    /// Symbolic links and special files.
    pub(super) ignored: Vec<(PathBuf, &'static str)>,
    /// What can't be read or named.
    pub(super) failed: Vec<(PathBuf, std::io::Error)>,
}

/// Walks the tree below `root` without following links; `root` itself may be one. Blocks.
pub(super) fn walk(root: &Path) -> Walked {
    let mut walked = Walked::default();
    // The chain of folders from the root to the entry before.
    let mut chain: Vec<usize> = Vec::new();
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                walked.failed.push((path, error.into()));
                continue;
            }
        };
        let depth = entry.depth();
        chain.truncate(depth);
        let parent = chain.last().copied().unwrap_or(0);
        let kind = entry.file_type();
        let path = entry.path().to_owned();
        let name = match entry.file_name().to_str() {
            Some(name) => name.to_owned(),
            None if depth == 0 => String::new(),
            None => {
                // Below a folder that has no name for the server nothing can be placed; its entries are told as well,
                // since their parent is missing from the chain.
                walked
                    .failed
                    .push((path, std::io::Error::other("the name is not UTF-8")));
                continue;
            }
        };
        if chain.len() < depth {
            walked
                .failed
                .push((path, std::io::Error::other("its folder was left out")));
        } else if kind.is_dir() || depth == 0 {
            chain.push(walked.dirs.len());
            walked.dirs.push(Dir {
                parent,
                name,
                path,
                depth,
            });
        } else if kind.is_file() {
            match entry.metadata() {
                Ok(metadata) => walked.files.push(Found {
                    dir: parent,
                    name,
                    path,
                    size: metadata.len(),
                }),
                Err(error) => walked.failed.push((path, error.into())),
            }
        } else if kind.is_symlink() {
            walked.ignored.push((path, "symbolic link"));
        } else {
            walked.ignored.push((path, "special file"));
        }
    }
    walked
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_found_parents_first_and_links_are_left_out() {
        let dir = tempfile::tempdir().expect("dir");
        let root = dir.path();
        std::fs::create_dir_all(root.join("a/b")).expect("mkdir");
        std::fs::create_dir(root.join("c")).expect("mkdir");
        std::fs::write(root.join("a/b/f"), b"123").expect("write");
        std::fs::write(root.join("z"), b"").expect("write");
        std::os::unix::fs::symlink("z", root.join("link")).expect("link");
        let walked = walk(root);
        let dirs: Vec<_> = walked
            .dirs
            .iter()
            .map(|d| (d.name.as_str(), d.parent, d.depth))
            .skip(1)
            .collect();
        assert_eq!(dirs, [("a", 0, 1), ("b", 1, 2), ("c", 0, 1)]);
        let files: Vec<_> = walked
            .files
            .iter()
            .map(|f| (f.name.as_str(), f.dir, f.size))
            .collect();
        assert_eq!(files, [("f", 2, 3), ("z", 0, 0)]);
        assert_eq!(walked.ignored, [(root.join("link"), "symbolic link")]);
        assert!(walked.failed.is_empty());
    }

    #[test]
    fn a_name_that_is_not_utf8_fails_with_all_that_is_below() {
        use std::os::unix::ffi::OsStrExt as _;
        let dir = tempfile::tempdir().expect("dir");
        let bad = dir.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
        std::fs::create_dir(&bad).expect("mkdir");
        std::fs::write(bad.join("f"), b"").expect("write");
        let walked = walk(dir.path());
        assert_eq!(
            (walked.dirs.len(), walked.files.len(), walked.failed.len()),
            (1, 0, 2)
        );
    }
}
