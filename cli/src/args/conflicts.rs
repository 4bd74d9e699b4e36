use clap::{Args as ClapArgs, Subcommand, ValueEnum};

#[derive(Debug, ClapArgs)]
pub(crate) struct Conflicts {
    #[command(subcommand)]
    pub(crate) command: Option<ConflictsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConflictsCommand {
    /// Settle a conflict; whatever is not kept lies in the trash or in the file's history
    Resolve {
        /// The conflict, `cnf_…`
        id: String,
        /// What is kept
        #[arg(long)]
        keep: Keep,
        /// Only if neither file has changed since the conflict had this revision
        #[arg(long, value_name = "REVISION")]
        if_match: Option<i64>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Keep {
    /// Both files: the conflicted copy gets a name of its own
    Both,
    /// The file as it is: the conflicted copy goes to the trash
    Theirs,
    /// The conflicted copy: it becomes a new version of the file
    Mine,
}
