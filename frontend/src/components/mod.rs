//! Pieces that several pages are made of.

pub(crate) mod breadcrumbs;
pub(crate) mod dialog;
pub(crate) mod icon;
pub(crate) mod list_keys;
pub(crate) mod notice;
pub(crate) mod offline;
pub(crate) mod toast;
pub(crate) mod top_bar;
pub(crate) mod upload_panel;
mod upload_row;
