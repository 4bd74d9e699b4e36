//! `bitvaultd`: the daemon. The only crate that sees every module: it reads the configuration, wires the modules that
//! this process runs to each other and to those that run elsewhere, and starts and stops them in order.

mod assets;
mod command;
mod config;
#[cfg(feature = "failpoints")]
mod failpoints;
mod lite;
mod serve;
mod wiring;

use clap::{Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Small objects are made and dropped all day long: this allocator gives their memory back.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The BitVault daemon. Without a configuration it runs everything it needs itself, in its data folder.
#[derive(Debug, Parser)]
#[command(name = "bitvaultd", version)]
struct Arguments {
    /// Configuration file (TOML).
    #[arg(long, global = true, env = "BITVAULTD_CONFIG")]
    config: Option<PathBuf>,
    /// Data folder.
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    /// Where REST, gRPC and the web app are served; port 0 picks a free one.
    #[arg(long, global = true)]
    listen: Option<SocketAddr>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the daemon. This is the default.
    Serve,
    /// Brings the database schema up to date and sets the passwords of the daemon's roles.
    Migrate,
    /// Shows or checks the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Creates tenants and users; limits, suspends, resumes and deletes tenants.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Runs the collector once and tells what it reclaimed.
    Gc {
        /// Answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compares store and database, both ways, and tells what does not match. Changes nothing.
    Fsck {
        /// Answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Makes the search index anew, from the files. It may be done at any time; until it ends less is found.
    RebuildSearch {
        /// Only the index of this tenant.
        #[arg(long)]
        tenant: Option<String>,
        /// Answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Asks a running daemon whether it is ready; fails when it is not.
    Healthcheck,
    /// Prints the version.
    Version,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Prints the effective values, secrets masked.
    Print,
    /// Says whether the configuration can be used.
    Check,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Creates a tenant.
    CreateTenant {
        /// Its short unique name.
        name: String,
    },
    /// Creates an account in a tenant. The password is read from standard input.
    CreateUser {
        /// The tenant's name.
        #[arg(long)]
        tenant: String,
        /// Mail address.
        #[arg(long)]
        email: String,
        /// Name shown to others; the mail address when left out.
        #[arg(long)]
        name: Option<String>,
        /// owner, admin, member or guest.
        #[arg(long, default_value = "member")]
        role: String,
    },
    /// Limits the bytes that a tenant may hold, old versions and trash included; `none` takes the limit away.
    SetQuota {
        /// The tenant's name.
        name: String,
        /// 500GB, 2TiB, a number of bytes, or none.
        size: String,
    },
    /// Keeps everybody out of a tenant, within seconds. Nothing is lost.
    SuspendTenant {
        /// The tenant's name.
        name: String,
    },
    /// Lets everybody in again, also after `delete-tenant` while the grace period lasts.
    ResumeTenant {
        /// The tenant's name.
        name: String,
    },
    /// Keeps everybody out of a tenant and removes everything in it for good after a grace period; prints when.
    DeleteTenant {
        /// The tenant's name.
        name: String,
        /// Don't ask.
        #[arg(long)]
        yes: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    #[cfg(feature = "failpoints")]
    let _failpoints = failpoints::set_up();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

#[allow(
    clippy::print_stderr,
    reason = "the last word of a program that fails goes to its user"
)]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("bitvaultd: {error:#}");
    ExitCode::FAILURE
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments {
        config,
        data_dir,
        listen,
        command,
    } = arguments;
    if matches!(command, Some(Command::Version)) {
        return command::version();
    }
    let config = config::load(config.as_deref(), data_dir, listen)?;
    match command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(config).await,
        Command::Migrate => command::migrate(config).await,
        Command::Config(ConfigCommand::Print) => command::print_config(&config),
        Command::Config(ConfigCommand::Check) => command::check_config(&config),
        Command::Admin(AdminCommand::CreateTenant { name }) => command::create_tenant(config, name).await,
        Command::Admin(AdminCommand::CreateUser {
            tenant,
            email,
            name,
            role,
        }) => command::create_user(config, tenant, email, name, role).await,
        Command::Admin(AdminCommand::SetQuota { name, size }) => {
            command::set_quota(config, name, &size).await
        }
        Command::Admin(AdminCommand::SuspendTenant { name }) => command::suspend_tenant(config, name).await,
        Command::Admin(AdminCommand::ResumeTenant { name }) => command::resume_tenant(config, name).await,
        Command::Admin(AdminCommand::DeleteTenant { name, yes }) => {
            command::delete_tenant(config, name, yes).await
        }
        Command::Gc { json } => command::gc(config, json).await,
        Command::Fsck { json } => command::fsck(config, json).await,
        Command::RebuildSearch { tenant, json } => command::rebuild_search(config, tenant, json).await,
        Command::Healthcheck => command::healthcheck(&config).await,
        Command::Version => command::version(),
    }
}
