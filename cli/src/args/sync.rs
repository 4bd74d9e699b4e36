use bitvault_client::RemotePath;
use bytesize::ByteSize;
use clap::{Args as ClapArgs, Subcommand};
use std::path::PathBuf;

/// Keep a folder of this machine and one on the server in step.
#[derive(Debug, Subcommand)]
pub(crate) enum Sync {
    /// Keep a folder in step, until it is stopped
    ///
    /// Files that were changed on both sides are kept on both: one under its name, the other as a conflicted copy beside it.
    /// What is removed goes to a trash first, here below .bitvault/trash. What .bitvaultignore names, in the syntax of
    /// .gitignore, stays on this machine.
    Run(SyncRun),
    /// Show how things stand
    Status(SyncPlace),
    /// Do nothing until `resume`
    Pause(SyncPlace),
    /// Go on, and agree to deletes that wait for that
    Resume(SyncResume),
    /// Leave folders of the server out on this machine; they stay on the server
    Exclude(SyncChoice),
    /// Take in again what was left out
    Include(SyncChoice),
    /// List conflicted copies that are on this machine
    Conflicts(SyncPlace),
    /// Look for what commonly is wrong, and say what to do about it
    ///
    /// Looks at the folder, its file system, what this device remembers, and the server. Ends with 1 when something has to
    /// be done.
    Doctor(SyncPlace),
    /// Show what was done, the latest last
    Log(SyncLog),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SyncRun {
    /// The folder of this machine
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The folder on the server, at first; / when it is left out
    #[arg(long, value_name = "PATH")]
    pub(crate) remote: Option<RemotePath>,
    /// Sync until nothing is left to do, then end
    #[arg(long)]
    pub(crate) once: bool,
    /// What this device is called in the names of conflicted copies; the machine's name when it is left out
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Files on their way at once
    #[arg(short, long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: u16,
    /// Send at most so many bytes a second, as 500KiB
    #[arg(long, value_name = "RATE")]
    pub(crate) limit_up: Option<ByteSize>,
    /// Fetch at most so many bytes a second
    #[arg(long, value_name = "RATE")]
    pub(crate) limit_down: Option<ByteSize>,
    #[command(flatten)]
    pub(crate) state: SyncState,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SyncChoice {
    /// The folder of this machine
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Paths below it, also of what is not here
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<String>,
    #[command(flatten)]
    pub(crate) state: SyncState,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SyncState {
    /// Keep what this device remembers in that folder
    #[arg(long, value_name = "PATH")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SyncPlace {
    /// The folder of this machine; all that are synced when it is left out
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) state: SyncState,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SyncResume {
    #[command(flatten)]
    pub(crate) place: SyncPlace,
    /// Agree to so many deletes at once, on the server or here
    #[arg(long, value_name = "COUNT")]
    pub(crate) delete: Option<usize>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SyncLog {
    #[command(flatten)]
    pub(crate) place: SyncPlace,
    /// Most lines
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
    pub(crate) lines: usize,
}
