//! Pure types and rules: no I/O, no clock, no SQL.

pub(crate) mod cursor;
pub(crate) mod device;
pub(crate) mod push;
