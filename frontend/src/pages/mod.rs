//! The pages, one file or folder each.

pub(crate) mod conflicts;
mod create_folder;
mod delete_node;
pub(crate) mod files;
mod folder_table;
pub(crate) mod invite;
pub(crate) mod listing;
pub(crate) mod not_found;
pub(crate) mod sign_in;
mod span_details;
pub(crate) mod traces;
mod waterfall_view;
