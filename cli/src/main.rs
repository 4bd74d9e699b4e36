//! `bitvault`, the command line client.
//!
//! Owns: arguments, profiles with their tokens, what is printed, hints and exit codes. Everything that talks to a server
//! is `bitvault-client`.
//!
//! Invariants: standard output carries results only (with `--json`, nothing but JSON); progress, warnings and errors go
//! to standard error; tokens and passwords are never printed; every failure ends with one of the documented exit codes.

mod args;
mod commands;
mod connect;
mod env;
mod error;
mod exit;
mod human;
mod output;
mod profile;
mod reporter;
mod telemetry;
mod tenant_args;

use args::{Args, Command};
use clap::Parser as _;
use env::Environment;
use error::Error;
use output::Output;
use std::process::ExitCode;
use telemetry::Telemetry;
use tracing::Instrument as _;

fn main() -> ExitCode {
    let args = Args::parse();
    let output = Output::new(args.global.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return output.failed(&Error::Output(cause)),
    };
    let environment = Environment::read();
    let telemetry = Telemetry::begin(&args, &environment);
    let root = tracing::info_span!(
        "command",
        otel.name = format!("bitvault {}", args.command.name()),
        otel.status_code = tracing::field::Empty,
    );
    let code = runtime.block_on(async {
        let run = async {
            let result = run(&args, &environment, &output, &telemetry).await;
            if result.is_err() {
                tracing::Span::current().record("otel.status_code", "ERROR");
            }
            result
        };
        let (code, reached) = match run.instrument(root).await {
            Ok(()) => (ExitCode::SUCCESS, true),
            Err(error) => (
                output.failed(&error),
                exit::exit(&error) != exit::Exit::Unreachable,
            ),
        };
        telemetry.end(reached).await;
        code
    });
    // A reader of standard input that never ends must not keep the process.
    runtime.shutdown_background();
    code
}

async fn run(
    args: &Args,
    environment: &Environment,
    output: &Output,
    telemetry: &Telemetry,
) -> Result<(), Error> {
    match &args.command {
        Command::Completions(completions) => return commands::completions::run(completions, output),
        Command::Man(man) => return commands::man::run(man, output),
        Command::Sync(args::Sync::Doctor(place)) => {
            let connect = || connect::connect(&args.global, environment, telemetry);
            return commands::sync::doctor(place, connect, output).await;
        }
        Command::Sync(args) if !matches!(args, args::Sync::Run(_)) => {
            return commands::sync::look(args, output);
        }
        Command::Login(login) => return commands::login::run(login, &args.global, output, telemetry).await,
        _ => {}
    }
    let server = connect::connect(&args.global, environment, telemetry)?;
    match &args.command {
        Command::Logout => commands::logout::run(&server, output).await,
        Command::Whoami => commands::whoami::run(&server, output).await,
        Command::Ls(ls) => commands::ls::run(ls, &server, output).await,
        Command::Mkdir(mkdir) => commands::mkdir::run(mkdir, &server, output).await,
        Command::Put(put) => commands::put::run(put, &server, output).await,
        Command::Get(get) => commands::get::run(get, &server, output).await,
        Command::Cat(cat) => commands::cat::run(cat, &server, output).await,
        Command::Mv(mv) => commands::mv::run(mv, &server, output).await,
        Command::Rm(rm) => commands::rm::run(rm, &server, output).await,
        Command::Link(link) => commands::link::run(link, &server, output).await,
        Command::Share(share) => commands::share::run(share, &server, output).await,
        Command::Shared => commands::shared::run(&server, output).await,
        Command::Group(group) => commands::group::run(group, &server, output).await,
        Command::Space(space) => commands::space::run(space, &server, output).await,
        Command::Trash(trash) => commands::trash::run(trash, &server, output).await,
        Command::Restore(restore) => commands::restore::run(restore, &server, output).await,
        Command::Metadata(metadata) => commands::metadata::run(metadata, &server, output).await,
        Command::Favourites(favourites) => commands::favourites::run(favourites, &server, output).await,
        Command::Recent(recent) => commands::recent::run(recent, &server, output).await,
        Command::Members(members) => commands::members::run(members, &server, output).await,
        Command::Invite(invite) => commands::invite::run(invite, &server, output).await,
        Command::Invitations(args) => commands::invitations::run(args, &server, output).await,
        Command::Token(token) => commands::token::run(token, &server, output).await,
        Command::Passwd(passwd) => commands::passwd::run(passwd, &server, output).await,
        Command::Admin(admin) => commands::admin::run(admin, &server, output).await,
        Command::Cp(cp) => commands::cp::run(cp, &server, output).await,
        Command::Stat(stat) => commands::stat::run(stat, &server, output).await,
        Command::Tree(tree) => commands::tree::run(tree, &server, output).await,
        Command::Usage(usage) => commands::usage::run(usage, &server, output).await,
        Command::Quota(quota) => commands::quota::run(quota, &server, output).await,
        Command::Conflicts(conflicts) => commands::conflicts::run(conflicts, &server, output).await,
        Command::Versions(versions) => commands::versions::run(versions, &server, output).await,
        Command::Sync(args::Sync::Run(run)) => commands::sync::run(run, &server, output).await,
        Command::Search(search) => commands::search::run(search, &server, output).await,
        Command::Completions(_) | Command::Man(_) | Command::Login(_) | Command::Sync(_) => Ok(()),
    }
}
