//! The only SQL of this module. Functions take a transaction and set-sized arguments.
//!
//! A tenant's index has one writer at a time: [`cursors::advance`] comes first in every transaction that writes, and
//! locks the tenant's cursor until it ends. No call leaves the process meanwhile.
//!
//! Every look-up is one by key in a B-tree, spelled as a LATERAL with a LIMIT or OFFSET 0 so that it stays one whatever the
//! statistics say. Operators in conditions that lead to an index are leakproof (equality and order of uuid and of text in the
//! collation C), because below row-level security no others may. What is not, such as strpos, filters rows that were found.

pub(crate) mod apply;
pub(crate) mod cursors;
pub(crate) mod erase;
pub(crate) mod find;
pub(crate) mod pending;
pub(crate) mod words;
