//! Paths on the server: `/a/b` in the caller's own files, `Space:/a/b` in a space, `nod_…:/a/b` below any folder. Pure.

use std::fmt;

/// An absolute path on the server, normalised: no empty parts. A trailing slash is remembered, since `put` and `get`
/// read it as "into this folder".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemotePath {
    /// The space's name or the folder's id before the colon.
    below: Option<String>,
    parts: Vec<String>,
    into: bool,
}

/// Why a text is not a path on the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with a slash.
    #[error("{0:?} is not a path on the server: those begin with /, or with the name of a space and :/")]
    Relative(String),
    /// It holds `.` or `..`.
    #[error("{0:?} holds {1:?}: paths on the server have no relative parts")]
    Dots(String, String),
    /// A name is longer than a node's name may be.
    #[error("a name in {0:?} is longer than {max} bytes", max = bitvault_api::limits::NAME_BYTES)]
    Long(String),
    /// It holds a NUL.
    #[error("{0:?} holds a NUL")]
    Nul(String),
}

impl RemotePath {
    /// The root folder.
    #[must_use]
    pub fn root() -> Self {
        Self {
            below: None,
            parts: Vec::new(),
            into: true,
        }
    }

    /// Reads a path as a person writes it.
    ///
    /// # Errors
    /// When it is not absolute, holds `.`, `..` or NUL, or a name that is too long.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let (below, rest) = match (text.strip_prefix('/'), text.split_once(":/")) {
            (Some(rest), _) => (None, rest),
            (None, Some((below, rest))) if !below.is_empty() && !below.contains('/') => {
                (Some(below.to_owned()), rest)
            }
            _ => return Err(PathError::Relative(text.to_owned())),
        };
        if text.contains('\0') {
            return Err(PathError::Nul(text.to_owned()));
        }
        let mut parts = Vec::new();
        for part in rest.split('/').filter(|part| !part.is_empty()) {
            if part == "." || part == ".." {
                return Err(PathError::Dots(text.to_owned(), part.to_owned()));
            }
            if part.len() > bitvault_api::limits::NAME_BYTES {
                return Err(PathError::Long(text.to_owned()));
            }
            parts.push(part.to_owned());
        }
        Ok(Self {
            below,
            parts,
            into: text.ends_with('/'),
        })
    }

    /// The space's name or the folder's id that the path begins at; none for the caller's own files.
    #[must_use]
    pub fn below(&self) -> Option<&str> {
        self.below.as_deref()
    }

    /// The path without what it begins at: `/a/b`.
    #[must_use]
    pub fn inner(&self) -> String {
        format!("/{}", self.parts.join("/"))
    }

    /// Whether it is the root folder, or the one that it begins at.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether it was written with a trailing slash (the root always counts as such).
    #[must_use]
    pub fn is_into(&self) -> bool {
        self.into
    }

    /// The last part; none for the root.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.parts.last().map(String::as_str)
    }

    /// The folder that holds it; none for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.parts.split_last()?;
        Some(Self {
            below: self.below.clone(),
            parts: rest.to_vec(),
            into: true,
        })
    }

    /// The path of a child.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let mut parts = self.parts.clone();
        parts.push(name.to_owned());
        Self {
            below: self.below.clone(),
            parts,
            into: false,
        }
    }

    /// The folders from the first below the root down to the path itself.
    pub fn prefixes(&self) -> impl Iterator<Item = Self> + '_ {
        (1..=self.parts.len()).map(|n| Self {
            below: self.below.clone(),
            parts: self.parts[..n].to_vec(),
            into: false,
        })
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(below) = &self.below {
            write!(f, "{below}:")?;
        }
        f.write_str(&self.inner())
    }
}

impl std::str::FromStr for RemotePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_and_remember_a_trailing_slash() {
        for (text, shown, into) in [
            ("/", "/", true),
            ("//", "/", true),
            ("/a", "/a", false),
            ("/a//b/", "/a/b", true),
            ("/ä ö/…", "/ä ö/…", false),
            ("/a:/b", "/a:/b", false),
            ("Team A:/", "Team A:/", true),
            ("Team: A:/x//y", "Team: A:/x/y", false),
        ] {
            let path = RemotePath::parse(text).expect(text);
            assert_eq!(
                (path.to_string().as_str(), path.is_into()),
                (shown, into),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_path_is_refused_with_its_reason() {
        assert!(matches!(RemotePath::parse("a"), Err(PathError::Relative(_))));
        for bad in ["", ":/a", "a/b:/c", "a:b"] {
            assert!(
                matches!(RemotePath::parse(bad), Err(PathError::Relative(_))),
                "{bad}"
            );
        }
        assert!(matches!(RemotePath::parse("/a/../b"), Err(PathError::Dots(_, _))));
        assert!(matches!(RemotePath::parse("/a\0"), Err(PathError::Nul(_))));
        assert!(matches!(
            RemotePath::parse(&format!("/{}", "x".repeat(256))),
            Err(PathError::Long(_))
        ));
    }

    #[test]
    fn parents_children_and_prefixes_agree() {
        let path = RemotePath::parse("/a/b").expect("path");
        assert_eq!(path.name(), Some("b"));
        assert_eq!(path.parent().map(|parent| parent.join("b")), Some(path.clone()));
        assert_eq!(
            path.prefixes().map(|p| p.to_string()).collect::<Vec<_>>(),
            ["/a", "/a/b"]
        );
        let below = RemotePath::parse("Team:/a").expect("path");
        assert_eq!(
            below.parent().map(|top| top.to_string()).as_deref(),
            Some("Team:/")
        );
        assert_eq!(below.join("b").to_string(), "Team:/a/b");
        assert_eq!((below.below(), below.inner().as_str()), (Some("Team"), "/a"));
        assert_eq!(RemotePath::root().parent(), None);
        assert_eq!(RemotePath::root().prefixes().count(), 0);
    }
}
