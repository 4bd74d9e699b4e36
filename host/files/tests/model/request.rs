//! What is put both to the model and to the service, and what they answer.

use crate::model::{Key, Role, Subject, User};
use std::collections::BTreeSet;
use std::fmt;

/// A node, as it is named to the service: by its id, or as the caller's home.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Id(Key),
    Home,
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(key) => write!(f, "#{key}"),
            Self::Home => f.write_str("root"),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    File { parent: At, name: &'static str },
    Version { node: At, base: Option<Key> },
}

#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) node: At,
    pub(crate) name: Option<&'static str>,
    pub(crate) parent: Option<At>,
    pub(crate) revision: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Remove {
    pub(crate) node: At,
    pub(crate) permanent: bool,
    pub(crate) revision: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) enum Request {
    CreateFolder {
        parent: At,
        name: &'static str,
    },
    /// Start and send, and perhaps commit.
    Upload {
        wanted: Wanted,
        content: u8,
        commit: bool,
    },
    Commit {
        upload: Key,
    },
    Abort {
        upload: Key,
    },
    Update(Place),
    UpdateMany(Vec<Place>),
    Delete(Remove),
    DeleteMany(Vec<Remove>),
    Restore(Place),
    EmptyTrash {
        within: Option<At>,
    },
    ListTrash {
        within: Option<At>,
    },
    PutGrant {
        node: At,
        subject: Subject,
        role: Role,
    },
    DeleteGrant {
        node: At,
        subject: Subject,
    },
    SetInheritance {
        node: At,
        inherits: bool,
    },
    ListGrants {
        node: At,
    },
    PutMember {
        user: User,
    },
    DeleteMember {
        user: User,
    },
    Get {
        node: At,
    },
    List {
        node: At,
    },
    Lookup {
        below: Option<At>,
        path: String,
    },
    Read {
        node: At,
        version: Option<Key>,
    },
    RestoreVersion {
        file: At,
        version: Key,
        revision: Option<i64>,
    },
    DeleteVersion {
        file: At,
        version: Key,
    },
    Copy {
        node: At,
        parent: At,
        name: Option<&'static str>,
    },
    SetQuota {
        node: At,
        max: u64,
    },
    DeleteQuota {
        node: At,
    },
}

/// A node as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) key: Key,
    /// Absent on the top of a tree.
    pub(crate) parent: Option<Key>,
    pub(crate) name: String,
    pub(crate) is_folder: bool,
    pub(crate) revision: i64,
    /// The current version and its content.
    pub(crate) version: Option<(Key, u8)>,
}

/// A node in the trash as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrashView {
    /// The step; 0 where it is not known.
    pub(crate) at: u64,
    pub(crate) view: View,
    pub(crate) by: User,
    pub(crate) origin: Option<Key>,
    pub(crate) path: Option<String>,
}

/// A limit, what lies below, and what uploads have reserved of it, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) max: u64,
    /// Absent: it was not counted yet.
    pub(crate) used: Option<u64>,
    pub(crate) reserved: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Removed(u64),
    Node(View),
    Nodes(Vec<View>),
    /// A result per item of a batch, with its node where the service answers one.
    Each(Vec<Result<Option<View>, String>>),
    Trash(Vec<TrashView>),
    Content(u8),
    Quota(Quota),
    Grants {
        grants: BTreeSet<(Key, Subject, Role)>,
        inherits: bool,
        role: Option<Role>,
    },
}

/// What a request comes to: an answer, or the reason of the refusal.
pub(crate) type Outcome = Result<Answer, String>;

impl Request {
    /// Whether the verb takes an idempotency key. Starting an upload does as well, but what it answers are the requests to
    /// send to, which are signed anew.
    pub(crate) fn is_keyed(&self) -> bool {
        matches!(
            self,
            Self::CreateFolder { .. }
                | Self::Update(_)
                | Self::UpdateMany(_)
                | Self::DeleteMany(_)
                | Self::Restore(_)
                | Self::RestoreVersion { .. }
                | Self::Copy { .. }
        )
    }
}
