//! `.bitvaultignore`: what a device leaves alone, in gitignore's syntax.

use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::Unlisted;
use crate::fs::{FileSystem, Listing, RelPath};

/// The file with the rules, in any folder, for what is below that.
pub(super) const FILE: &str = ".bitvaultignore";
/// Longest file that is read, in bytes.
const RULES_BYTES: usize = 64 * 1024;

/// The rules that hold in a folder: those of the innermost file that says anything about an entry count.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    innermost: Option<Arc<Level>>,
}

#[derive(Debug)]
struct Level {
    folder: RelPath,
    rules: Gitignore,
    above: Option<Arc<Level>>,
}

impl Rules {
    /// The rules of all folders above this one.
    pub(super) async fn above(fs: &dyn FileSystem, path: &RelPath) -> Result<Self, Unlisted> {
        let mut folders = Vec::new();
        let mut at = path.clone();
        while let Some((folder, _)) = at.split() {
            folders.push(folder.clone());
            at = folder;
        }
        let mut rules = Self::default();
        for folder in folders.iter().rev() {
            rules = rules.read(fs, folder).await?;
        }
        Ok(rules)
    }

    /// These and the rules of a folder that was just listed.
    pub(super) async fn within(
        &self,
        fs: &dyn FileSystem,
        folder: &RelPath,
        listing: &Listing,
    ) -> Result<Self, Unlisted> {
        if listing.entries.iter().any(|entry| entry.name.as_str() == FILE) {
            self.read(fs, folder).await
        } else {
            Ok(self.clone())
        }
    }

    /// Whether they name an entry.
    pub(super) fn name(&self, path: &RelPath, is_folder: bool) -> bool {
        let mut level = self.innermost.as_deref();
        while let Some(Level { folder, rules, above }) = level {
            let below = match folder.is_root() {
                true => Some(path.as_str()),
                false => path
                    .as_str()
                    .strip_prefix(folder.as_str())
                    .and_then(|rest| rest.strip_prefix('/')),
            };
            match below.map(|below| rules.matched(below, is_folder)) {
                Some(Match::Ignore(_)) => return true,
                Some(Match::Whitelist(_)) => return false,
                Some(Match::None) | None => level = above.as_deref(),
            }
        }
        false
    }

    async fn read(&self, fs: &dyn FileSystem, folder: &RelPath) -> Result<Self, Unlisted> {
        let Some(bytes) = fs.read_start(&folder.join(FILE), RULES_BYTES + 1).await? else {
            return Ok(self.clone());
        };
        if bytes.len() > RULES_BYTES {
            return Err(Unlisted::Trouble(format!(
                "its {FILE} is larger than {RULES_BYTES} bytes; shorten it to have the folder synced"
            )));
        }
        let mut builder = GitignoreBuilder::new("");
        for line in String::from_utf8_lossy(&bytes).lines() {
            // As git does: a line that is no pattern names nothing.
            let _ = builder.add_line(None, line);
        }
        let Ok(rules) = builder.build() else {
            return Ok(self.clone());
        };
        Ok(Self {
            innermost: Some(Arc::new(Level {
                folder: folder.clone(),
                rules,
                above: self.innermost.clone(),
            })),
        })
    }
}
