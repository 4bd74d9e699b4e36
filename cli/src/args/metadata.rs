//! Tags, fields, favourites and recent files.

use bitvault_client::RemotePath;
use bitvault_client::api::NodeSort;
use clap::{Args as ClapArgs, ValueEnum};

/// By what a folder is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// By name
    Name,
    /// By the last change, the latest first
    Modified,
    /// By creation, the latest first
    Created,
    /// By size, the largest first
    Size,
}

impl From<Sort> for NodeSort {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Name => Self::Name,
            Sort::Modified => Self::UpdatedAt,
            Sort::Created => Self::CreatedAt,
            Sort::Size => Self::Size,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Metadata {
    /// The file or folder
    pub(crate) path: RemotePath,
    /// Add a tag; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) add_tags: Vec<String>,
    /// Remove a tag; may be repeated
    #[arg(long = "untag", value_name = "TAG")]
    pub(crate) remove_tags: Vec<String>,
    /// Set a field; may be repeated
    #[arg(long = "set", value_name = "NAME=TEXT", value_parser = field)]
    pub(crate) set_fields: Vec<(String, String)>,
    /// Remove a field; may be repeated
    #[arg(long = "unset", value_name = "NAME")]
    pub(crate) remove_fields: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Favourites {
    /// Make a file or folder a favourite; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) add: Vec<RemotePath>,
    /// Make it none any more; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) remove: Vec<RemotePath>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Recent {
    /// How many
    #[arg(short = 'n', long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) count: u32,
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err("write NAME=TEXT".to_owned()),
    }
}
