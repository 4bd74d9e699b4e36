//! Programs that building and testing need, installed on demand in pinned versions and never twice.
//!
//! System packages go where the system keeps them; all else goes into the cache: `tools/<name>/<version>/`, made under
//! another name and renamed when complete, so that a folder that exists is whole; and `tools/bin/` has a link to each
//! program. Finding out that a tool is there only looks at files.

mod apt;
mod cache;
mod pins;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::dirs::Dirs;
use crate::env;
use crate::postgres;
use crate::run;

/// A tool that can be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Tool {
    /// Rust's targets for plugin components and the web app
    WasmTargets,
    /// The PostgreSQL server's programs
    Postgres,
    /// MinIO, an S3 server
    Minio,
    /// versitygw, an S3 server on a plain folder
    Versitygw,
    /// rclone, an S3 client
    Rclone,
    /// Redis, through which daemons give each other hints
    Redis,
    /// Syncthing, which keeps folders in step: the peer of benchmarks
    Syncthing,
    /// toxiproxy, a proxy that cuts and cripples connections
    Toxiproxy,
    /// Chromium, the browser of the web app's tests
    Chromium,
    /// playwright-core, which drives the browser
    Playwright,
    /// schemathesis, which tries the API by its OpenAPI document
    Schemathesis,
    /// cargo-deny, which checks the dependencies' licences and sources
    CargoDeny,
}

/// What every test run needs.
pub(crate) const FOR_TESTS: &[Tool] = &[
    Tool::Postgres,
    Tool::Minio,
    Tool::Versitygw,
    Tool::Rclone,
    Tool::Redis,
    Tool::Toxiproxy,
    Tool::Chromium,
    Tool::Playwright,
    Tool::Schemathesis,
];

/// What `cargo xtask tools` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which tools; all of them when none is named
    #[arg(value_enum)]
    tools: Vec<Tool>,
}

/// Installs the tools that were asked for and tells where they are.
pub(crate) fn install(dirs: &Dirs, args: &Args) -> Result<()> {
    let all = <Tool as clap::ValueEnum>::value_variants();
    let wanted = if args.tools.is_empty() { all } else { &args.tools };
    ensure(dirs, wanted, "asked for")?;
    run::say(format!(
        "all there; programs are linked in {}",
        dirs.tools_bin().display()
    ));
    Ok(())
}

/// Installs what is missing of these and tells `why`.
pub(crate) fn ensure(dirs: &Dirs, tools: &[Tool], why: &str) -> Result<()> {
    for tool in tools {
        ensure_one(dirs, *tool, why)?;
    }
    Ok(())
}

fn ensure_one(dirs: &Dirs, tool: Tool, why: &str) -> Result<()> {
    match tool {
        Tool::WasmTargets => wasm_targets(dirs, why),
        Tool::Postgres if postgres::find_bin_dir().is_some() => Ok(()),
        Tool::Postgres => apt::install_postgres(why),
        Tool::Minio => go(dirs, &pins::MINIO, why),
        Tool::Versitygw => go(dirs, &pins::VERSITYGW, why),
        Tool::Rclone => go(dirs, &pins::RCLONE, why),
        Tool::Redis if env::which("redis-server").is_some() => Ok(()),
        Tool::Redis => apt::install_redis(why),
        Tool::Syncthing if env::which("syncthing").is_some() => Ok(()),
        Tool::Syncthing => apt::install(&[pins::SYNCTHING_PACKAGE], why),
        Tool::Toxiproxy => go(dirs, &pins::TOXIPROXY, why),
        Tool::Chromium if chromium().is_some() => Ok(()),
        Tool::Chromium => apt::install(&[pins::CHROMIUM_PACKAGE], why),
        Tool::Playwright => playwright(dirs, why),
        Tool::Schemathesis => schemathesis(dirs, why),
        Tool::CargoDeny => cargo_deny(dirs, why),
    }
}

/// The folder of PostgreSQL's programs, once installed.
pub(crate) fn postgres_bin() -> Result<PathBuf> {
    postgres::find_bin_dir().context(
        "find PostgreSQL's programs; install them with `cargo xtask tools postgres` or set BITVAULT_PG_BIN",
    )
}

/// The browser, when there is one.
pub(crate) fn chromium() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find_map(env::which)
}

/// The folder that holds `node_modules/playwright-core`, once installed.
pub(crate) fn playwright_dir(dirs: &Dirs) -> PathBuf {
    cache::home(dirs, "playwright-core", pins::PLAYWRIGHT_CORE)
}

/// The program cargo-deny, once installed.
pub(crate) fn cargo_deny_program(dirs: &Dirs) -> PathBuf {
    cache::home(dirs, "cargo-deny", pins::CARGO_DENY).join("bin/cargo-deny")
}

fn wasm_targets(dirs: &Dirs, why: &str) -> Result<()> {
    const TARGETS: [&str; 2] = ["wasm32-wasip2", "wasm32-unknown-unknown"];
    let sysroot =
        run::output(run::rustc(dirs).args(["--print", "sysroot"])).context("find Rust's libraries")?;
    let libraries = Path::new(sysroot.trim()).join("lib/rustlib");
    let missing: Vec<_> = TARGETS
        .into_iter()
        .filter(|target| !libraries.join(target).is_dir())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    run::step(
        &format!("add Rust's targets {}: {why}", missing.join(" ")),
        || {
            run::quiet(
                Command::new("rustup")
                    .args(["target", "add"])
                    .args(&missing)
                    .current_dir(&dirs.repo),
            )
            .with_context(|| {
                format!(
                    "add Rust's targets; install rustup, or the libraries for {}",
                    missing.join(", ")
                )
            })
        },
    )
}

fn go(dirs: &Dirs, tool: &pins::GoTool, why: &str) -> Result<()> {
    cache::ensure(dirs, tool.name, tool.version, &[tool.name], why, |into| {
        run::quiet(
            Command::new("go")
                .args([
                    "install",
                    "-ldflags=-s -w",
                    &format!("{}@{}", tool.package, tool.version),
                ])
                .env("GOBIN", into)
                .env("GOFLAGS", "")
                .current_dir(into),
        )
        .context("build it with go; install Go (https://go.dev) when it is missing")?;
        let built = into.join(tool.package.rsplit('/').next().unwrap_or(tool.name));
        std::fs::rename(&built, into.join(tool.name))
            .with_context(|| format!("find what go built as {}", built.display()))
    })
}

fn playwright(dirs: &Dirs, why: &str) -> Result<()> {
    let package = format!("playwright-core@{}", pins::PLAYWRIGHT_CORE);
    cache::ensure(dirs, "playwright-core", pins::PLAYWRIGHT_CORE, &[], why, |into| {
        run::quiet(
            Command::new("npm")
                .args([
                    "install",
                    "--no-audit",
                    "--no-fund",
                    "--ignore-scripts",
                    "--prefix",
                ])
                .arg(into)
                .arg(&package)
                .current_dir(into),
        )
        .context("install it with npm; install Node.js when it is missing")
    })
}

fn schemathesis(dirs: &Dirs, why: &str) -> Result<()> {
    let package = format!("schemathesis=={}", pins::SCHEMATHESIS);
    cache::ensure_in_place(
        dirs,
        "schemathesis",
        pins::SCHEMATHESIS,
        &["bin/schemathesis"],
        why,
        |into| {
            run::quiet(
                Command::new("python3")
                    .args(["-m", "venv"])
                    .arg(into)
                    .current_dir(into),
            )
            .context("make a Python environment; install python3 with its venv module when it is missing")?;
            run::quiet(
                Command::new(into.join("bin/pip"))
                    .args(["install", "--quiet", "--disable-pip-version-check", &package])
                    .current_dir(into),
            )
            .context("install it with pip")
        },
    )
}

fn cargo_deny(dirs: &Dirs, why: &str) -> Result<()> {
    cache::ensure(
        dirs,
        "cargo-deny",
        pins::CARGO_DENY,
        &["bin/cargo-deny"],
        why,
        |into| {
            // Its own target folder, thrown away: it shares no lockfile with the workspace.
            let build = tempfile::tempdir_in(dirs.tools()).context("make a folder to build it in")?;
            run::quiet(
                run::cargo(
                    dirs,
                    [
                        "install",
                        "cargo-deny",
                        "--locked",
                        "--quiet",
                        "--version",
                        pins::CARGO_DENY,
                        "--root",
                    ],
                )
                .arg(into)
                .env("CARGO_TARGET_DIR", build.path()),
            )
        },
    )
}
