//! Named places in the commit protocol where a test may kill the process or make the step fail. Without the feature
//! `failpoints` they compile to nothing.

use bitvault_platform::Result;

/// Before the transaction that records uploads.
pub const START_BEFORE_TX: &str = "start.before_tx";
/// Uploads are recorded, nothing is presigned.
pub const START_AFTER_TX: &str = "start.after_tx";
/// Requests are presigned, the caller has no answer.
pub const START_AFTER_PRESIGN: &str = "start.after_presign";
/// The store began a multipart upload whose id is not recorded yet.
pub const MULTIPART_AFTER_BEGIN: &str = "multipart.after_begin";
/// The store assembled the object, nothing is committed.
pub const MULTIPART_AFTER_FINISH: &str = "multipart.after_finish";
/// Before the store is asked whether the content is there.
pub const COMMIT_BEFORE_VERIFY: &str = "commit.before_verify";
/// The content is there, the transaction has not begun.
pub const COMMIT_AFTER_VERIFY: &str = "commit.after_verify";
/// Everything is written, nothing is durable.
pub const COMMIT_IN_TX: &str = "commit.in_tx";
/// Durable, the caller has no answer.
pub const COMMIT_AFTER_TX: &str = "commit.after_tx";
/// Objects are marked as being deleted, all are still there.
pub const COLLECT_AFTER_MARK: &str = "collect.after_mark";
/// Objects are gone, the rows don't say so yet.
pub const COLLECT_AFTER_DELETE: &str = "collect.after_delete";
/// The rows say so.
pub const COLLECT_AFTER_DONE: &str = "collect.after_done";
/// Events are handed over, their outbox rows are still there.
pub const RELAY_AFTER_PUBLISH: &str = "relay.after_publish";
/// A part of a tree in the trash is gone for good, the rest is not.
pub const REMOVE_AFTER_STEP: &str = "remove.after_step";
/// A large copy is built where nobody sees it; it is not in its place yet.
pub const COPY_AFTER_BUILD: &str = "copy.after_build";
/// A quota is set, what is there has not been counted. Passed only when one is set, so not among [`ALL`].
pub const QUOTA_AFTER_SET: &str = "quota.after_set";
/// A step of removing a tenant is durable, others are left. Passed only while a tenant is removed, so not among [`ALL`].
pub const ERASE_AFTER_BATCH: &str = "erase.after_batch";
/// The high-water mark is raised, its copy is not in the store yet. Passed now and then, so not among [`ALL`].
pub const HIGH_WATER_AFTER_COMMIT: &str = "high_water.after_commit";

/// Every place of the commit protocol, for a test that goes through all of them.
pub const ALL: [&str; 13] = [
    START_BEFORE_TX,
    START_AFTER_TX,
    START_AFTER_PRESIGN,
    MULTIPART_AFTER_BEGIN,
    MULTIPART_AFTER_FINISH,
    COMMIT_BEFORE_VERIFY,
    COMMIT_AFTER_VERIFY,
    COMMIT_IN_TX,
    COMMIT_AFTER_TX,
    COLLECT_AFTER_MARK,
    COLLECT_AFTER_DELETE,
    COLLECT_AFTER_DONE,
    RELAY_AFTER_PUBLISH,
];

/// Passes a failpoint. Its action `return` makes the step fail here; others (`panic`, a callback that kills the process)
/// do what they do.
#[allow(
    unused_variables,
    clippy::unnecessary_wraps,
    reason = "without the feature there is nothing to hit"
)]
pub(crate) fn hit(name: &'static str) -> Result<()> {
    fail::fail_point!(name, |_| Err(bitvault_platform::Error::internal(
        "pass a failpoint",
        name
    )));
    Ok(())
}
