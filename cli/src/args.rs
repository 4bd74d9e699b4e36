//! The command line.

mod conflicts;
mod look;
mod metadata;
mod quota;
mod sync;
mod trash;
mod versions;

pub(crate) use conflicts::{Conflicts, ConflictsCommand, Keep};
pub(crate) use look::{Stat, Tree, Usage};
pub(crate) use metadata::{Favourites, Metadata, Recent, Sort};
pub(crate) use quota::{Quota, QuotaCommand, SizeOrNone};
pub(crate) use sync::{Sync, SyncChoice, SyncPlace, SyncRun, SyncState};
pub(crate) use trash::{Restore, Restored, Trash, TrashAction};
pub(crate) use versions::{Cp, Versions, VersionsCommand};

use crate::tenant_args::{Admin, Invitations, Invite, Members, Passwd, Token};
use bitvault_client::RemotePath;
use bitvault_client::api::NodeRole;
use clap::{Args as ClapArgs, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 denied, 5 conflict, 6 unreachable.
Paths on the server begin with /, those in a space with its name, as in Team:/plans. Scripts may set BITVAULT_URL and BITVAULT_TOKEN instead of `bitvault login`.";

/// Files on a BitVault server, from the command line.
#[derive(Debug, Parser)]
#[command(name = "bitvault", version, about, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, ClapArgs)]
pub(crate) struct Global {
    /// Print JSON: one document, or one line per event
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Which sign-in to use
    #[arg(
        long,
        global = true,
        env = "BITVAULT_PROFILE",
        default_value = "default",
        value_name = "NAME"
    )]
    pub(crate) profile: String,
    /// Tell on standard error what happens, retries included
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign in to a server and remember it
    Login(Login),
    /// End the session and forget it
    Logout,
    /// Show who is signed in, and where
    Whoami,
    /// List a folder
    Ls(Ls),
    /// Create folders
    Mkdir(Mkdir),
    /// Upload files, or trees with -r
    ///
    /// Into REMOTE when that is a folder or ends with /, else to that very path. A file that is there already gets a
    /// new version; one with the same content is left alone. A large upload that was interrupted goes on when the same
    /// command is run again.
    Put(Put),
    /// Download files, or trees with -r
    ///
    /// Into LOCAL when that is a folder, else to that very path. A file that is there already is replaced, as cp does,
    /// once the new one is complete and verified.
    Get(Get),
    /// Write files to standard output
    Cat(Cat),
    /// Move or rename files and folders
    ///
    /// Into DEST when that is a folder or ends with /, else to that very path. Nothing is ever replaced, and no bytes
    /// move, however large the tree.
    Mv(Mv),
    /// Copy files, or folders with -r, on the server
    ///
    /// Into DEST when that is a folder or ends with /, else to that very path. Nothing is ever replaced, and no bytes
    /// move, however large the tree.
    Cp(Cp),
    /// Move files, or folders with -r, to the trash
    Rm(Rm),
    /// Make and manage public links
    #[command(subcommand)]
    Link(Link),
    /// Give somebody access to a file or folder, or show who has it
    ///
    /// WHO is a mail address, or the name of a group behind `group:`. Without --with and --remove, shows who has access.
    Share(Share),
    /// List what others have shared with you
    Shared,
    /// Groups of accounts
    #[command(subcommand)]
    Group(Group),
    /// Spaces: trees that belong to a group. Paths in one begin with its name, as in Team:/plans
    #[command(subcommand)]
    Space(Space),
    /// List or empty the trash
    ///
    /// What was removed, the latest first: when, by whom, its id, and where it was.
    Trash(Trash),
    /// Take files and folders out of the trash
    ///
    /// Back to where they were; to the top when that folder is not there any more. Where the name is taken they get another
    /// one. A path is what `bitvault trash` shows, and means the one that was removed last.
    Restore(Restore),
    /// Keep a folder of this machine and one on the server in step
    #[command(subcommand)]
    Sync(Sync),
    /// List conflicted copies on the server, and settle them
    ///
    /// Of files that you may see, whichever device they come from. What this machine has is listed by `bitvault sync
    /// conflicts`.
    Conflicts(Conflicts),
    /// Show everything that is known of files and folders
    Stat(Stat),
    /// Show a folder with all that is below it
    Tree(Tree),
    /// Show the space that your files, or those of a space, their old versions and the trash take
    Usage(Usage),
    /// List, set and take away limits on space
    ///
    /// All versions count, and the trash. A folder's limit is set by its owners, that of a member or a space by
    /// administrators of the tenant.
    Quota(Quota),
    /// List the versions of a file, restore, label or remove them
    Versions(Versions),
    /// Find files and folders by name, tag and field
    ///
    /// By words or their beginnings, best first; misspelled words are found as well. Only what you may see is found, and
    /// nothing in the trash.
    Search(Search),
    /// Show or change the tags and fields of a file or folder
    ///
    /// Everybody sees them who sees it. Upper and lower case are alike in tags and in the names of fields.
    Metadata(Metadata),
    /// List your favourites, or change them
    Favourites(Favourites),
    /// List the files that you changed last
    Recent(Recent),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Write the manual
    ///
    /// A page for each command into DIR, such as ~/.local/share/man/man1; without DIR, prints the first page.
    Man(Man),
    /// Show and change who belongs to the tenant
    Members(Members),
    /// Invite somebody to the tenant
    Invite(Invite),
    /// Show open invitations and take them back
    Invitations(Invitations),
    /// Make, show and remove personal access tokens
    Token(Token),
    /// Change your password; all of your other sessions end
    Passwd(Passwd),
    /// Run the tenant: settings, deletion
    Admin(Admin),
}

impl Command {
    /// The name as it is typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Login(_) => "login",
            Self::Logout => "logout",
            Self::Whoami => "whoami",
            Self::Ls(_) => "ls",
            Self::Mkdir(_) => "mkdir",
            Self::Put(_) => "put",
            Self::Get(_) => "get",
            Self::Cat(_) => "cat",
            Self::Mv(_) => "mv",
            Self::Cp(_) => "cp",
            Self::Rm(_) => "rm",
            Self::Link(_) => "link",
            Self::Share(_) => "share",
            Self::Shared => "shared",
            Self::Group(_) => "group",
            Self::Space(_) => "space",
            Self::Sync(_) => "sync",
            Self::Conflicts(_) => "conflicts",
            Self::Trash(_) => "trash",
            Self::Restore(_) => "restore",
            Self::Stat(_) => "stat",
            Self::Tree(_) => "tree",
            Self::Usage(_) => "usage",
            Self::Quota(_) => "quota",
            Self::Versions(_) => "versions",
            Self::Search(_) => "search",
            Self::Metadata(_) => "metadata",
            Self::Favourites(_) => "favourites",
            Self::Recent(_) => "recent",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
            Self::Members(_) => "members",
            Self::Invite(_) => "invite",
            Self::Invitations(_) => "invitations",
            Self::Token(_) => "token",
            Self::Passwd(_) => "passwd",
            Self::Admin(_) => "admin",
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Man {
    /// The folder of the pages; made when it is not there
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Login {
    /// The server, https://vault.example.org
    pub(crate) url: String,
    /// Mail address of the account; asked for when left out
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// The tenant, for an account that belongs to several
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Read the password from the first line of standard input instead of asking for it
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Ls {
    /// The folder, or one file
    #[arg(default_value = "/")]
    pub(crate) path: RemotePath,
    /// Show size, time of the last change and kind
    #[arg(short, long)]
    pub(crate) long: bool,
    /// In which order
    #[arg(short, long, value_enum, default_value_t = Sort::Name)]
    pub(crate) sort: Sort,
    /// The other way round
    #[arg(short, long)]
    pub(crate) reverse: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Mkdir {
    /// The folders
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<RemotePath>,
    /// Create missing parents as well; a folder that exists is fine
    #[arg(short, long)]
    pub(crate) parents: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Put {
    /// Local files and, with -r, folders
    #[arg(required = true, value_name = "LOCAL")]
    pub(crate) locals: Vec<PathBuf>,
    /// Where they go on the server
    pub(crate) remote: RemotePath,
    /// Upload folders with all that is in them
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Transfers at once
    #[arg(short, long, default_value_t = bitvault_client::transfer::JOBS_DEFAULT as u16, value_parser = jobs())]
    pub(crate) jobs: u16,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Get {
    /// Files and, with -r, folders on the server
    #[arg(required = true, value_name = "REMOTE")]
    pub(crate) remotes: Vec<RemotePath>,
    /// Where they go here
    pub(crate) local: PathBuf,
    /// Download folders with all that is in them
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// An older version of the one file, `ver_…`
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<String>,
    /// Transfers at once
    #[arg(short, long, default_value_t = bitvault_client::transfer::JOBS_DEFAULT as u16, value_parser = jobs())]
    pub(crate) jobs: u16,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Cat {
    /// Files on the server
    #[arg(required = true, value_name = "REMOTE")]
    pub(crate) remotes: Vec<RemotePath>,
    /// An older version of the one file, `ver_…`
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Mv {
    /// Files and folders on the server
    #[arg(required = true, value_name = "SOURCE")]
    pub(crate) sources: Vec<RemotePath>,
    /// Where they go
    #[arg(value_name = "DEST")]
    pub(crate) destination: RemotePath,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Rm {
    /// Files and, with -r, folders on the server
    #[arg(required = true, value_name = "REMOTE")]
    pub(crate) remotes: Vec<RemotePath>,
    /// Folders too, with all that is in them
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// For good: not to the trash
    #[arg(long)]
    pub(crate) permanent: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Link {
    /// Make a public link to a file or folder and print its URL, which is shown only now
    Create(LinkCreate),
    /// List your links, or all links on a file or folder that you own
    Ls(LinkLs),
    /// Change what a link asks for
    Edit(LinkEdit),
    /// End links, at once and for good
    Rm(LinkRm),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LinkCreate {
    /// The file or folder
    pub(crate) path: RemotePath,
    /// Visitors may look and list, not download
    #[arg(long, conflicts_with = "drop")]
    pub(crate) view: bool,
    /// Visitors may add files to the folder, and see nothing of it
    #[arg(long)]
    pub(crate) drop: bool,
    /// Read a password from the first line of standard input; visitors are asked for it
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// End after this time: 7d, 12h, 30min
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) expires: Option<Duration>,
    /// End after so many downloads
    #[arg(long, value_name = "N", conflicts_with_all = ["view", "drop"])]
    pub(crate) max_downloads: Option<u32>,
    /// What visitors are told it is
    #[arg(long)]
    pub(crate) label: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LinkLs {
    /// The file or folder
    pub(crate) path: Option<RemotePath>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LinkEdit {
    /// The link, lnk_…
    pub(crate) id: String,
    /// What visitors are told it is; empty for nothing
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// Read a new password from the first line of standard input
    #[arg(long, conflicts_with = "no_password")]
    pub(crate) password_stdin: bool,
    /// Ask for no password any more
    #[arg(long)]
    pub(crate) no_password: bool,
    /// End after this time, from now on: 7d, 12h, 30min
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, conflicts_with = "no_expiry")]
    pub(crate) expires: Option<Duration>,
    /// Do not end by itself
    #[arg(long)]
    pub(crate) no_expiry: bool,
    /// End after so many downloads, those that were included
    #[arg(long, value_name = "N", conflicts_with = "no_max_downloads")]
    pub(crate) max_downloads: Option<u32>,
    /// Do not limit downloads
    #[arg(long)]
    pub(crate) no_max_downloads: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LinkRm {
    /// The links, lnk_…
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Share {
    /// The file or folder
    pub(crate) path: RemotePath,
    /// Give access; may be given several times
    #[arg(long, value_name = "WHO")]
    pub(crate) with: Vec<String>,
    /// What they may do: viewer, commenter, editor or owner
    #[arg(long, default_value = "viewer", requires = "with")]
    pub(crate) role: NodeRole,
    /// Invite mail addresses that belong to nobody here yet, as guests: they get access when they accept
    #[arg(long, requires = "with")]
    pub(crate) invite: bool,
    /// Take access back; may be given several times
    #[arg(long, value_name = "WHO")]
    pub(crate) remove: Vec<String>,
    /// Whether access given on folders above counts here
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pub(crate) inherit: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// List the groups
    Ls,
    /// Create a group
    Create { name: String },
    /// Give a group another name
    Rename { name: String, to: String },
    /// Delete a group, and with it all access that it gave
    Rm { name: String },
    /// List who is in a group
    Members { name: String },
    /// Add members to a group, by their mail addresses or ids
    Add {
        name: String,
        #[arg(required = true)]
        who: Vec<String>,
    },
    /// Take members out of a group
    Remove {
        name: String,
        #[arg(required = true)]
        who: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Space {
    /// List the spaces that you may see
    Ls {
        /// All of the tenant, for its administrators
        #[arg(long)]
        all: bool,
    },
    /// Create a space that belongs to a group
    Create {
        name: String,
        #[arg(long, value_name = "NAME")]
        group: String,
    },
    /// Give a space another name
    Rename { name: String, to: String },
    /// Give a space to another group
    Give {
        name: String,
        #[arg(long, value_name = "NAME")]
        group: String,
    },
    /// Delete a space that holds nothing
    Rm { name: String },
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("use yes or no".to_owned()),
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Search {
    /// Words of the name, of tags and of fields, or their beginnings
    #[arg(required_unless_present_any = ["tags", "fields"], value_name = "QUERY")]
    pub(crate) words: Vec<String>,
    /// Only what carries this tag; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// Only what carries this field with this text; may be repeated
    #[arg(long = "field", value_name = "NAME:TEXT")]
    pub(crate) fields: Vec<String>,
    /// Only below this folder
    #[arg(long = "in", value_name = "PATH")]
    pub(crate) within: Option<RemotePath>,
    /// file, folder, image, video, audio, document, spreadsheet, presentation, text, code, archive, other, or a media type
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Only what this account made: me, or its id
    #[arg(long)]
    pub(crate) owner: Option<String>,
    /// Only what changed on this day or later: 2026-01-31, or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) after: Option<String>,
    /// Only what changed before this day
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) before: Option<String>,
    /// Most hits
    #[arg(short = 'n', long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}

/// A day, or an instant of RFC 3339, as an instant.
fn instant(text: &str) -> Result<String, String> {
    let whole = if text.contains('T') {
        text.to_owned()
    } else {
        format!("{text}T00:00:00Z")
    };
    match OffsetDateTime::parse(&whole, &Rfc3339) {
        Ok(_) => Ok(whole),
        Err(_) => Err("use a day such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z".to_owned()),
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Completions {
    /// Which shell
    pub(crate) shell: Shell,
}

fn jobs() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=bitvault_client::transfer::JOBS_MAX as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn the_last_path_of_put_and_get_is_the_destination() {
        let args = Args::try_parse_from(["bitvault", "put", "a", "b", "/c/"]).expect("parse");
        let Command::Put(put) = args.command else {
            panic!("not put")
        };
        assert_eq!((put.locals.len(), put.remote.is_into()), (2, true));
        let args = Args::try_parse_from(["bitvault", "--json", "get", "/a", "."]).expect("parse");
        assert!(args.global.json);
    }

    #[test]
    fn a_search_takes_a_day_or_a_time_and_nothing_else() {
        for (text, expected) in [
            ("2026-01-31", Some("2026-01-31T00:00:00Z")),
            ("2026-01-31T12:00:00+02:00", Some("2026-01-31T12:00:00+02:00")),
            ("yesterday", None),
            ("2026-02-31", None),
        ] {
            let args = Args::try_parse_from(["bitvault", "search", "a", "b", "--after", text]);
            let after = args.ok().and_then(|args| match args.command {
                Command::Search(search) => search.after,
                _ => None,
            });
            assert_eq!(after.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_remote_path_that_is_none_is_a_usage_error() {
        for bad in ["a", "/a/../b", ""] {
            let error = Args::try_parse_from(["bitvault", "ls", bad]).expect_err(bad);
            assert_eq!(error.exit_code(), 2, "{bad}");
        }
        assert!(Args::try_parse_from(["bitvault", "put", "-j", "0", "a", "/"]).is_err());
    }
}
