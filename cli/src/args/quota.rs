use bytesize::ByteSize;
use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, ClapArgs)]
pub(crate) struct Quota {
    #[command(subcommand)]
    pub(crate) command: Option<QuotaCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuotaCommand {
    /// List every limit in the tenant; for its administrators
    Ls,
    /// Set a limit, or another one
    Set {
        /// A folder, a space as in Team:/, or a member's mail address for all of the member's own files
        #[arg(value_name = "PATH|EMAIL")]
        on: String,
        /// The limit: 500MB, 10GiB, or a number of bytes
        size: ByteSize,
    },
    /// Show or set the limit that homes begin with; those that are there keep what they have
    Homes {
        /// The limit, or `none`; left out, it is shown
        #[arg(value_name = "SIZE|none", value_parser = size_or_none)]
        size: Option<SizeOrNone>,
    },
    /// Take a limit away
    Rm {
        /// A folder, a space as in Team:/, or a member's mail address
        #[arg(value_name = "PATH|EMAIL")]
        on: String,
    },
}

/// A limit, or that there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SizeOrNone(pub(crate) Option<ByteSize>);

fn size_or_none(text: &str) -> Result<SizeOrNone, String> {
    match text {
        "none" => Ok(SizeOrNone(None)),
        size => size.parse().map(|size| SizeOrNone(Some(size))),
    }
}
