//! Sending files straight to the store.
//!
//! [`queue`] says what runs next and is pure; [`engine`] runs it: [`folders`] makes the folders of a dropped tree, [`file`]
//! sends one file by the commit protocol, [`send`] is one transfer to the store, [`hash`] reads and hashes, [`pick`] reads
//! what was dropped or chosen.
//!
//! Invariants: a file is never held in memory as a whole; the store never sees our bearer token; an upload that is given
//! up is aborted on the server.

pub(crate) mod engine;
mod file;
mod folders;
mod hash;
pub(crate) mod names;
pub(crate) mod pick;
mod plan;
pub(crate) mod queue;
pub(crate) mod rate;
mod send;
