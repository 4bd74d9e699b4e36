//! Typed ids: UUIDv7 inside and in Postgres, prefixed strings (`nod_0190…`, 32 hex digits) on every wire.

use crate::{Code, Error};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

fn parse(prefix: &'static str, text: &str) -> Option<Uuid> {
    let hex = text.strip_prefix(prefix)?.strip_prefix('_')?;
    let plain = hex.len() == 32
        && hex
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    plain.then(|| Uuid::try_parse(hex).ok()).flatten()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id: ordered by time of creation.
            #[allow(clippy::disallowed_methods, reason = "this is where ids are made")]
            #[allow(clippy::new_without_default, reason = "a fresh id is no default value")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// Anything that is no id of this kind names nothing that exists: `not_found`.
            fn from_str(text: &str) -> Result<Self, Error> {
                parse($prefix, text).map(Self).ok_or_else(|| {
                    Error::new(Code::NotFound, concat!($what, "_not_found"), concat!("no such ", $what))
                })
            }
        }
    };
}

id!(/// An organisation on this server.
    TenantId, "ten", "tenant");
id!(/// A person's account.
    AccountId, "acc", "account");
id!(/// A group of accounts.
    GroupId, "grp", "group");
id!(/// A signed-in session.
    SessionId, "ses", "session");
id!(/// An invitation to a tenant.
    InvitationId, "inv", "invitation");
id!(/// A role on a node that an invitation carries.
    PromiseId, "prm", "promise");
id!(/// A personal access token.
    TokenId, "tok", "token");
id!(/// A file or folder.
    NodeId, "nod", "node");
id!(/// A version of a file.
    VersionId, "ver", "version");
id!(/// An upload.
    UploadId, "upl", "upload");
id!(/// An object in the store.
    ObjectId, "obj", "object");
id!(/// A range of an object: the content of a version.
    BlobId, "blb", "blob");
id!(/// A public link.
    LinkId, "lnk", "link");
id!(/// The job of a large copy.
    CopyId, "cpy", "copy");
id!(/// A file and a conflicted copy of it.
    ConflictId, "cnf", "conflict");
id!(/// A device that follows changes.
    DeviceId, "dev", "device");
id!(/// An event of the outbox.
    EventId, "evt", "event");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let id = NodeId::new();
        assert_eq!(id.to_string().parse::<NodeId>().unwrap(), id);
    }

    #[test]
    fn what_is_no_id_of_this_kind_is_not_found() {
        let upper = NodeId::new().to_string().to_uppercase();
        let other = UploadId::new().to_string();
        for text in [
            "",
            "nod_",
            "root",
            "nod_xyz",
            &upper,
            &other,
            "nod_0190c7c1-e2a8-7b3c-9d00-000000000000",
        ] {
            assert_eq!(
                text.parse::<NodeId>().unwrap_err().code(),
                Code::NotFound,
                "{text}"
            );
        }
    }
}
