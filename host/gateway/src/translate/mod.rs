//! Messages of `proto` to and from the REST types. Pure.

mod access;
mod conflicts;
mod copies;
mod links;
mod metadata;
mod nodes;
mod quotas;
mod search;
mod sessions;
mod sync;
mod tenants;
mod traces;
mod trash;
mod uploads;
mod versions;

pub(crate) use access::{grant, grants, group, group_member, shared, space};
pub(crate) use conflicts::{conflict, keep};
pub(crate) use copies::copy;
pub(crate) use links::{at_maybe, create_link, created_link, link, link_kind, update_link};
pub(crate) use metadata::{favourite, metadata, sort};
pub(crate) use nodes::{content, content_result, node};
pub(crate) use quotas::quota;
pub(crate) use search::found;
pub(crate) use sessions::{account, me, session};
pub(crate) use sync::{changes, device, push_item, push_result};
pub(crate) use tenants::{
    added_member, create_invitation, created_invitation, created_token, invitation, member,
    offered_invitation, tenant_deletion, tenant_details, token, update_tenant,
};
pub(crate) use traces::{summary, trace};
pub(crate) use trash::{delete_result, move_result, node_delete, node_move, trash_item};
pub(crate) use uploads::{commit, commit_result, parts, start, start_result, upload, wanted_part};
pub(crate) use versions::{policy, retention, usage, version};

use bitvault_platform::Error;
use prost_types::Timestamp;
use time::OffsetDateTime;

/// A module left a field out that it promises.
fn missing(what: &str) -> Error {
    Error::internal("read a module's answer", format!("{what} is missing"))
}

fn at(stamp: Option<Timestamp>, what: &str) -> Result<OffsetDateTime, Error> {
    let stamp = stamp.ok_or_else(|| missing(what))?;
    let nanos = i128::from(stamp.seconds) * 1_000_000_000 + i128::from(stamp.nanos);
    OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|cause| Error::internal("read a time", cause))
}

/// 64 hex digits as 32 bytes.
fn sha256(text: &str) -> Result<Vec<u8>, Error> {
    let bytes = hex::decode(text).ok().filter(|bytes| bytes.len() == 32);
    bytes.ok_or_else(|| Error::invalid_field("sha256_invalid", "sha256", "use 64 hex digits"))
}

/// What a deletion covers, as the module files takes it.
pub(crate) fn covers(text: Option<&str>) -> Result<Option<Vec<u8>>, Error> {
    let invalid = || Error::invalid_field("covers_invalid", "covers", "give 64 hex digits");
    let bytes = |text| hex::decode(text).ok().filter(|bytes| bytes.len() == 32);
    text.map(|text| bytes(text).ok_or_else(invalid)).transpose()
}

fn sha256_option(text: Option<&str>) -> Result<Option<Vec<u8>>, Error> {
    text.map(sha256).transpose()
}

/// An instant as a message.
pub(crate) fn stamp(at: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: at.unix_timestamp(),
        nanos: i32::try_from(at.nanosecond()).unwrap_or_default(),
    }
}
