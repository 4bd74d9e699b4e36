//! The only SQL of this module.

pub(crate) mod devices;
pub(crate) mod erase;
pub(crate) mod keys;
pub(crate) mod root_sets;
