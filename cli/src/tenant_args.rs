//! The command lines about a tenant and its people.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

/// A role in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    Owner,
    Admin,
    Member,
    Guest,
}

impl RoleArg {
    /// As the API writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Guest => "guest",
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Members {
    #[command(subcommand)]
    pub(crate) command: Option<MembersCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MembersCommand {
    /// List them; the default
    Ls,
    /// Add an account, or make one
    ///
    /// A new account gets its password from standard input with --password-stdin, else through an invitation, which goes
    /// out by mail, or is printed to be handed on where the server sends none.
    Add {
        /// Mail address
        email: String,
        /// Its role
        #[arg(long, value_enum, default_value = "member")]
        role: RoleArg,
        /// Name of a new account
        #[arg(long)]
        name: Option<String>,
        /// Read the password of a new account from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give a member another role
    Role {
        /// Mail address or id
        who: String,
        /// The role to be
        #[arg(value_enum)]
        role: RoleArg,
    },
    /// Remove a member; its files stay
    Rm {
        /// Mail address or id
        who: String,
        /// Don't ask
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Invite {
    /// Mail address
    pub(crate) email: String,
    /// The role that is offered
    #[arg(long, value_enum, default_value = "member")]
    pub(crate) role: RoleArg,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Invitations {
    #[command(subcommand)]
    pub(crate) command: Option<InvitationsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InvitationsCommand {
    /// List them; the default
    Ls,
    /// Take one back: its link leads nowhere from now on
    Rm {
        /// Mail address or id
        which: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) command: Option<TokenCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make one and print its secret, once
    Create {
        /// What you call it
        name: String,
        /// Only calls that change nothing
        #[arg(long)]
        read_only: bool,
        /// Days until it ends; as many as the server allows when left out
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
        days: Option<u16>,
    },
    /// List yours; the default
    Ls,
    /// Remove one
    Rm {
        /// Name or id
        which: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Passwd {
    /// Read the current and the new password from two lines of standard input instead of asking for them
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Admin {
    #[command(subcommand)]
    pub(crate) command: AdminCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Show the tenant and its settings
    Show,
    /// Change settings; what is left out stays
    Set {
        /// The tenant's name as people see it
        #[arg(long)]
        display_name: Option<String>,
        /// Who may make public links; those of others are closed until they may again
        #[arg(long, value_parser = ["members", "admins", "nobody"])]
        public_links: Option<String>,
        /// Days in the trash before a node goes for good; 0 leaves it to the server
        #[arg(long, value_parser = clap::value_parser!(u32).range(0..=3650))]
        trash_days: Option<u32>,
        /// Who may invite guests
        #[arg(long, value_parser = ["admins", "members"])]
        guest_invitations: Option<String>,
    },
    /// Delete the tenant with everything in it
    ///
    /// Nobody gets in from now on; after a grace period everything goes for good. Within it, who runs the server can take
    /// it back.
    DeleteTenant {
        /// The tenant's name
        name: String,
        /// Don't ask
        #[arg(long, short)]
        yes: bool,
    },
}
