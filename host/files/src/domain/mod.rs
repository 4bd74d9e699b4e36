//! Pure types and rules: no I/O, no clock, no SQL.

pub(crate) mod access;
pub(crate) mod change_kind;
pub(crate) mod conflict;
pub(crate) mod covers;
pub(crate) mod cursor;
pub(crate) mod extent;
pub(crate) mod feed;
pub(crate) mod free_name;
pub(crate) mod high_water;
pub(crate) mod key;
pub(crate) mod lineage;
pub(crate) mod media_type;
pub(crate) mod metadata;
pub(crate) mod moment;
pub(crate) mod name;
pub(crate) mod page;
pub(crate) mod plan;
pub(crate) mod quota;
pub(crate) mod retention;
pub(crate) mod sort;
pub(crate) mod start;
pub(crate) mod state;
