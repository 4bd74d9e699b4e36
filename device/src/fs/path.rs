//! Where something lies beneath the synced folder.

use std::fmt;

use bitvault_planner::Name;

/// A path beneath the synced folder, its names joined by `/`; empty is that folder itself.
///
/// Invariants: every part is a name that the file system gave or the planner made for it: never empty, `.` or `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RelPath(String);

impl RelPath {
    /// The synced folder itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// What is called so in this folder.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        debug_assert!(
            !name.is_empty() && name != "." && name != ".." && !name.contains('/'),
            "{name:?}"
        );
        if self.0.is_empty() {
            return Self(name.to_owned());
        }
        Self(format!("{}/{name}", self.0))
    }

    /// The path of these names, from the top.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a Name>) -> Self {
        names
            .into_iter()
            .fold(Self::root(), |path, name| path.join(name.as_str()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the synced folder itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The folder that holds it, and its name there. The root has none.
    pub fn split(&self) -> Option<(Self, &str)> {
        if self.is_root() {
            return None;
        }
        Some(match self.0.rsplit_once('/') {
            Some((folder, name)) => (Self(folder.to_owned()), name),
            None => (Self::root(), &self.0),
        })
    }

    /// The folder that holds it; the root's is the root.
    #[must_use]
    pub fn folder(&self) -> Self {
        self.split().map_or_else(Self::root, |(folder, _)| folder)
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "." } else { &self.0 })
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
