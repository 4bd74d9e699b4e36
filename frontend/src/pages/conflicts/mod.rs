//! Conflicts: files that two devices changed at once. One page lists them, one shows both sides and settles.

mod choices;
mod comparison;
mod detail;
mod list;
mod people;

pub(crate) use detail::ConflictPage;
pub(crate) use list::ConflictsPage;

use crate::api::ApiError;

/// Something that is asked for.
#[derive(Debug, Clone, PartialEq)]
enum Asked<T> {
    /// On its way.
    Waiting,
    /// There, or not to be had.
    Answered(Result<T, ApiError>),
}
