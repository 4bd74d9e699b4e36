use bitvault_client::RemotePath;
use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, ClapArgs)]
pub(crate) struct Cp {
    /// Files and, with -r, folders on the server
    #[arg(required = true, value_name = "SOURCE")]
    pub(crate) sources: Vec<RemotePath>,
    /// Where the copies go
    #[arg(value_name = "DEST")]
    pub(crate) destination: RemotePath,
    /// Folders too, with all that is in them
    #[arg(short, long)]
    pub(crate) recursive: bool,
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(crate) struct Versions {
    /// The file
    pub(crate) path: Option<RemotePath>,
    #[command(subcommand)]
    pub(crate) command: Option<VersionsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VersionsCommand {
    /// Make a new version with the content of an old one, without moving a byte
    Restore {
        /// The file
        path: RemotePath,
        /// The version, `ver_…`
        version: String,
    },
    /// Give a version a label; it is kept then whatever the retention policy says
    Label {
        /// The file
        path: RemotePath,
        /// The version, `ver_…`
        version: String,
        /// The label
        #[arg(required_unless_present = "clear")]
        label: Option<String>,
        /// Take the label away
        #[arg(long, conflicts_with = "label")]
        clear: bool,
    },
    /// Remove old versions for good
    Rm {
        /// The file
        path: RemotePath,
        /// The versions, `ver_…`
        #[arg(required = true, value_name = "VERSION")]
        versions: Vec<String>,
    },
}
