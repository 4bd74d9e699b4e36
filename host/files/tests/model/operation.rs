//! What may be asked of the service, drawn at random without knowing what is there: an operation picks its targets when it
//! runs, so that any part of a sequence is a sequence.
//!
//! To add a verb: a variant here with its weight in [`Operation::random`], its targets in `choose.rs`, its rules beside the
//! others, and its call in `drive.rs`.

use crate::model::{FIRST, Key, Role, Subject, USERS, User};
use rand::Rng;
use rand::seq::IndexedRandom as _;
use serde::{Deserialize, Serialize};

/// Names of nodes. Some are the same to the service, one is as a restored node gets it.
pub(crate) const NAMES: [&str; 9] = [
    "a",
    "A",
    "b",
    "c",
    "é.txt",
    "E\u{301}.TXT",
    "straße",
    "STRASSE",
    "a (restored)",
];

/// Contents of files.
pub(crate) const CONTENTS: [&[u8]; 4] = [b"", b"one", b"two and more", &[7; 3000]];

/// Limits, in bytes.
const LIMITS: [u64; 5] = [0, 10, 3000, 7000, 20_000];

/// Picks one of the candidates there are, whichever these are: the one that the number likes best. So it stays the same
/// one while others come and go.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Pick(pub(crate) u32);

impl Pick {
    pub(crate) fn of(self, candidates: impl Iterator<Item = Key>) -> Option<Key> {
        candidates.max_by_key(|key| mixed((u64::from(self.0) << 32) | u64::from(*key)))
    }
}

/// Spreads numbers (the finaliser of SplitMix64, Steele et al. 2014).
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The revision that the caller has seen.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Seen {
    Unsaid,
    Current,
    Older,
}

/// The version that an upload goes on top of.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Base {
    Unsaid,
    Current,
    First,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Move {
    pub(crate) node: Pick,
    pub(crate) name: Option<usize>,
    pub(crate) parent: Option<Pick>,
    pub(crate) seen: Seen,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delete {
    pub(crate) node: Pick,
    pub(crate) permanent: bool,
    pub(crate) seen: Seen,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Operation {
    CreateFolder {
        parent: Pick,
        name: usize,
    },
    /// Start, send and commit.
    Upload {
        parent: Pick,
        name: usize,
        content: u8,
    },
    UploadVersion {
        file: Pick,
        base: Base,
        content: u8,
    },
    /// Start and send; it is committed later, or never.
    Start {
        parent: Pick,
        name: usize,
        content: u8,
    },
    StartVersion {
        file: Pick,
        base: Base,
        content: u8,
    },
    Commit {
        upload: Pick,
    },
    Abort {
        upload: Pick,
    },
    Update(Move),
    UpdateMany(Vec<Move>),
    Delete(Delete),
    DeleteMany(Vec<Delete>),
    Restore {
        node: Pick,
        parent: Option<Pick>,
        name: Option<usize>,
        seen: Seen,
    },
    EmptyTrash {
        within: Option<Pick>,
    },
    ListTrash {
        within: Option<Pick>,
    },
    PutGrant {
        node: Pick,
        subject: Subject,
        role: Role,
    },
    DeleteGrant {
        node: Pick,
        subject: Subject,
    },
    SetInheritance {
        node: Pick,
        inherits: bool,
    },
    ListGrants {
        node: Pick,
    },
    PutMember {
        user: User,
    },
    DeleteMember {
        user: User,
    },
    Get {
        node: Pick,
    },
    List {
        node: Pick,
    },
    Lookup {
        node: Pick,
    },
    Read {
        node: Pick,
        version: Base,
    },
    RestoreVersion {
        file: Pick,
        version: Base,
        seen: Seen,
    },
    DeleteVersion {
        file: Pick,
        version: Base,
    },
    Copy {
        node: Pick,
        parent: Pick,
        name: Option<usize>,
    },
    SetQuota {
        node: Pick,
        /// Absent: what is used, so that nothing more fits.
        max: Option<u64>,
    },
    DeleteQuota {
        node: Pick,
    },
}

/// An operation, who asks for it, and the number that what it makes goes by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) key: Key,
    pub(crate) by: User,
    /// Ask again under the same idempotency key, where the verb takes one: nothing more may happen.
    pub(crate) again: bool,
    pub(crate) operation: Operation,
}

/// The steps of a run.
pub(crate) fn steps(random: &mut impl Rng, count: usize) -> Vec<Step> {
    let keys = FIRST..;
    keys.take(count)
        .map(|key| Step {
            key,
            by: user(random),
            again: random.random_ratio(1, 8),
            operation: Operation::random(random),
        })
        .collect()
}

fn user(random: &mut impl Rng) -> User {
    random.random_range(0..USERS.len())
}

fn pick(random: &mut impl Rng) -> Pick {
    Pick(random.random())
}

fn name(random: &mut impl Rng) -> usize {
    random.random_range(0..NAMES.len())
}

/// Something that is said in one of `of` cases.
fn maybe<R: Rng, T>(random: &mut R, of: u32, say: impl FnOnce(&mut R) -> T) -> Option<T> {
    random.random_ratio(1, of).then(|| say(random))
}

fn seen(random: &mut impl Rng) -> Seen {
    match random.random_range(0..10) {
        0 => Seen::Older,
        1 | 2 => Seen::Current,
        _ => Seen::Unsaid,
    }
}

fn base(random: &mut impl Rng) -> Base {
    *[Base::Unsaid, Base::Current, Base::Current, Base::First]
        .choose(random)
        .unwrap()
}

/// Mostly not the current version.
fn old(random: &mut impl Rng) -> Base {
    *[Base::First, Base::First, Base::Current].choose(random).unwrap()
}

fn subject(random: &mut impl Rng) -> Subject {
    if random.random_ratio(1, 3) {
        Subject::Group
    } else {
        Subject::User(user(random))
    }
}

impl Move {
    fn random(random: &mut impl Rng) -> Self {
        let (name, parent) = match random.random_range(0..20) {
            0..6 => (Some(name(random)), None),
            6..14 => (None, Some(pick(random))),
            14..19 => (Some(name(random)), Some(pick(random))),
            _ => (None, None),
        };
        Self {
            node: pick(random),
            name,
            parent,
            seen: seen(random),
        }
    }
}

impl Delete {
    fn random(random: &mut impl Rng, permanent: u32) -> Self {
        Self {
            node: pick(random),
            permanent: random.random_ratio(permanent, 10),
            seen: seen(random),
        }
    }
}

impl Operation {
    fn random(r: &mut impl Rng) -> Self {
        let content = r.random_range(0..CONTENTS.len()) as u8;
        // Out of 115.
        match r.random_range(0..115) {
            0..13 => Self::CreateFolder {
                parent: pick(r),
                name: name(r),
            },
            13..20 => Self::Upload {
                parent: pick(r),
                name: name(r),
                content,
            },
            20..24 => Self::UploadVersion {
                file: pick(r),
                base: base(r),
                content,
            },
            24..26 => Self::Start {
                parent: pick(r),
                name: name(r),
                content,
            },
            26..29 => Self::StartVersion {
                file: pick(r),
                base: base(r),
                content,
            },
            29..33 => Self::Commit { upload: pick(r) },
            33 => Self::Abort { upload: pick(r) },
            34..48 => Self::Update(Move::random(r)),
            48..51 => Self::UpdateMany((0..r.random_range(1..6)).map(|_| Move::random(r)).collect()),
            51..60 => Self::Delete(Delete::random(r, 3)),
            60..62 => Self::DeleteMany((0..r.random_range(1..6)).map(|_| Delete::random(r, 5)).collect()),
            62..71 => Self::Restore {
                node: pick(r),
                parent: maybe(r, 3, pick),
                name: maybe(r, 4, name),
                seen: seen(r),
            },
            71 => Self::EmptyTrash {
                within: maybe(r, 2, pick),
            },
            72..74 => Self::ListTrash {
                within: maybe(r, 2, pick),
            },
            74..81 => Self::PutGrant {
                node: pick(r),
                subject: subject(r),
                role: *[Role::Viewer, Role::Commenter, Role::Editor, Role::Owner]
                    .choose(r)
                    .unwrap(),
            },
            81..84 => Self::DeleteGrant {
                node: pick(r),
                subject: subject(r),
            },
            84..88 => Self::SetInheritance {
                node: pick(r),
                inherits: r.random_ratio(1, 3),
            },
            88 => Self::ListGrants { node: pick(r) },
            89 => Self::PutMember { user: user(r) },
            90 => Self::DeleteMember { user: user(r) },
            91..93 => Self::Get { node: pick(r) },
            93..95 => Self::List { node: pick(r) },
            95..98 => Self::Lookup { node: pick(r) },
            98..100 => Self::Read {
                node: pick(r),
                version: base(r),
            },
            100..103 => Self::RestoreVersion {
                file: pick(r),
                version: old(r),
                seen: seen(r),
            },
            103..106 => Self::DeleteVersion {
                file: pick(r),
                version: old(r),
            },
            106..109 => Self::Copy {
                node: pick(r),
                parent: pick(r),
                name: maybe(r, 3, name),
            },
            109..113 => Self::SetQuota {
                node: pick(r),
                max: maybe(r, 2, |r| *LIMITS.choose(r).unwrap()),
            },
            _ => Self::DeleteQuota { node: pick(r) },
        }
    }
}
