//! Generated files: the description of every SQL query, which sqlx's macros check against the schema.
//!
//! `cargo xtask generate` starts a temporary Postgres, applies `migrations/`, compiles the crates that hold queries
//! against it and keeps what the macros write, in `.sqlx/`. `cargo xtask check` does the same into a temporary folder and
//! wants no difference. It is what `cargo sqlx prepare` does, without a program to install.
//!
//! Invariant: sources keep their contents and their modification times, so that other builds stay fresh.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::dirs::Dirs;
use crate::members::{Member, Members};
use crate::postgres::Throwaway;
use crate::run;
use crate::tools;

/// Where the descriptions are committed, below the checkout.
const DATA_DIR: &str = ".sqlx";

/// Where the migrations are, below the checkout.
const MIGRATIONS_DIR: &str = "migrations";

/// The database that the queries are checked in.
const DATABASE: &str = "bitvault";

/// What `cargo xtask generate` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only the queries of this crate (may be given several times); the others' stay as they are
    #[arg(short, long = "package", value_name = "CRATE")]
    packages: Vec<String>,
}

/// Writes `.sqlx/` anew.
pub(crate) fn write(dirs: &Dirs, args: &Args) -> Result<()> {
    let chosen = choose(crates_with_queries(dirs)?, &args.packages)?;
    let fresh = tempfile::tempdir().context("make a temporary folder for the query data")?;
    let compiled = describe(dirs, &chosen, fresh.path());
    let complete = compiled.is_ok() && args.packages.is_empty();

    let committed = dirs.repo.join(DATA_DIR);
    std::fs::create_dir_all(&committed).with_context(|| format!("create {}", committed.display()))?;
    let difference = Difference::between(&read_dir(&committed)?, &read_dir(fresh.path())?);
    let new = read_dir(fresh.path())?;
    for name in difference.changed.iter().chain(&difference.missing) {
        std::fs::write(committed.join(name), &new[name])
            .with_context(|| format!("write {DATA_DIR}/{name}"))?;
    }
    if complete {
        for name in &difference.stale {
            std::fs::remove_file(committed.join(name))
                .with_context(|| format!("remove {DATA_DIR}/{name}"))?;
        }
    }
    run::say(format!(
        "{DATA_DIR}: {} queries in {}; {} written, {} removed",
        new.len(),
        names(&chosen),
        difference.changed.len() + difference.missing.len(),
        if complete { difference.stale.len() } else { 0 },
    ));
    compiled.context("compile the queries; those that could be described were written, none was removed")
}

/// Fails when `.sqlx/` is not what [`write`] would make of the sources and migrations.
pub(crate) fn verify(dirs: &Dirs) -> Result<()> {
    let crates = crates_with_queries(dirs)?;
    let fresh = tempfile::tempdir().context("make a temporary folder for the query data")?;
    describe(dirs, &crates, fresh.path())?;
    let difference = Difference::between(&read_dir(&dirs.repo.join(DATA_DIR))?, &read_dir(fresh.path())?);
    if difference.is_empty() {
        return Ok(());
    }
    bail!(
        "{DATA_DIR} is not what the sources and migrations make: {difference}\nrun `cargo xtask generate` and commit {DATA_DIR}/"
    )
}

/// Compiles the crates against a database that has the schema; sqlx writes a file for each query into `into`.
fn describe(dirs: &Dirs, crates: &[Member], into: &Path) -> Result<()> {
    if crates.is_empty() {
        return Ok(());
    }
    tools::ensure(
        dirs,
        &[tools::Tool::Postgres],
        "the queries are checked against a real server",
    )?;
    let bin = tools::postgres_bin()?;
    let server = run::step("start a temporary Postgres", || Throwaway::start(&bin))?;
    migrate(dirs, &server)?;

    let touched = Touched::sources(crates)?;
    let mut command = run::cargo(dirs, ["check", "--all-targets", "--quiet"]);
    for member in crates {
        command.args(["-p", &member.name]);
    }
    command
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", into)
        .env("DATABASE_URL", server.url(DATABASE));
    let outcome = run::step("compile the queries against the schema", || {
        run::show(&mut command)
    });
    touched.restore();
    outcome
}

/// Applies every migration in order, each in a transaction, as `sqlx::migrate!` does.
fn migrate(dirs: &Dirs, server: &Throwaway) -> Result<()> {
    server.psql("postgres", &["-c", &format!("create database {DATABASE}")])?;
    for (name, path) in migrations(&dirs.repo.join(MIGRATIONS_DIR))? {
        let path = path
            .to_str()
            .with_context(|| format!("the path of migration {name} is not UTF-8"))?;
        let no_transaction = std::fs::read_to_string(path)
            .with_context(|| format!("read migration {name}"))?
            .starts_with("-- no-transaction");
        let mut args = vec!["-f", path];
        if !no_transaction {
            args.push("-1");
        }
        server
            .psql(DATABASE, &args)
            .with_context(|| format!("apply migration {name}"))?;
    }
    Ok(())
}

/// The migrations (`<version>_<name>.sql`, not the `.down.sql` ones) by version.
fn migrations(dir: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("list {}", dir.display()))? {
        let path = entry.with_context(|| format!("list {}", dir.display()))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if !name.ends_with(".sql") || name.ends_with(".down.sql") {
            continue;
        }
        if let Some(version) = name
            .split_once('_')
            .and_then(|(version, _)| version.parse::<u64>().ok())
        {
            found.push((version, name.to_owned(), path.clone()));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, name, path)| (name, path)).collect())
}

fn choose(all: Vec<Member>, wanted: &[String]) -> Result<Vec<Member>> {
    for name in wanted {
        if !all.iter().any(|member| member.name == *name) {
            bail!(
                "{name} has no checked queries; crates that have some: {}",
                names(&all)
            );
        }
    }
    Ok(all
        .into_iter()
        .filter(|member| wanted.is_empty() || wanted.contains(&member.name))
        .collect())
}

fn names(members: &[Member]) -> String {
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    if names.is_empty() {
        "no crate".to_owned()
    } else {
        names.join(", ")
    }
}

/// The workspace's crates whose sources use a macro of sqlx that checks a query.
fn crates_with_queries(dirs: &Dirs) -> Result<Vec<Member>> {
    let mut found = Vec::new();
    for member in Members::read(dirs)?.0 {
        let uses_sqlx = member.dependencies.iter().any(|name| name == "sqlx");
        if uses_sqlx && folder_has_queries(&dirs.repo.join(&member.folder))? {
            found.push(member);
        }
    }
    Ok(found)
}

fn folder_has_queries(folder: &Path) -> Result<bool> {
    for part in ["src", "tests"] {
        let mut pending = vec![folder.join(part)];
        while let Some(dir) = pending.pop() {
            for entry in std::fs::read_dir(&dir).into_iter().flatten() {
                let path = entry.with_context(|| format!("list {}", dir.display()))?.path();
                if path.is_dir() {
                    pending.push(path);
                } else if path.extension().is_some_and(|ext| ext == "rs") {
                    let text =
                        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
                    if has_query_macro(&text) {
                        return Ok(true);
                    }
                }
            }
        }
    }
    Ok(false)
}

fn has_query_macro(text: &str) -> bool {
    [
        "query!",
        "query_as!",
        "query_scalar!",
        "query_file!",
        "query_file_as!",
        "query_file_scalar!",
    ]
    .iter()
    .any(|name| text.contains(name))
}

/// Crate roots that look changed to cargo, so that it expands their macros again; put back afterwards.
struct Touched(Vec<(PathBuf, SystemTime, SystemTime)>);

impl Touched {
    fn sources(crates: &[Member]) -> Result<Self> {
        let mut touched = Self(Vec::new());
        for member in crates {
            for path in &member.roots {
                let file = std::fs::File::options().append(true).open(path);
                let file = file.with_context(|| format!("open {}", path.display()))?;
                let meta = file
                    .metadata()
                    .with_context(|| format!("read the times of {}", path.display()))?;
                let before = meta
                    .modified()
                    .with_context(|| format!("read the times of {}", path.display()))?;
                let now = now();
                file.set_modified(now)
                    .with_context(|| format!("touch {}", path.display()))?;
                touched.0.push((path.clone(), before, now));
            }
        }
        Ok(touched)
    }

    /// Gives every file its time back, unless somebody has written it since.
    fn restore(self) {
        for (path, before, touched) in self.0 {
            let put_back = std::fs::File::options()
                .append(true)
                .open(&path)
                .and_then(|file| {
                    if file.metadata()?.modified()? == touched {
                        file.set_modified(before)
                    } else {
                        Ok(())
                    }
                });
            if let Err(error) = put_back {
                run::say(format!(
                    "could not restore the modification time of {}: {error}",
                    path.display()
                ));
            }
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "file times are compared with the file system's clock"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

type Files = BTreeMap<String, Vec<u8>>;

fn read_dir(dir: &Path) -> Result<Files> {
    let mut files = Files::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.with_context(|| format!("list {}", dir.display()))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if name.starts_with("query-") && name.ends_with(".json") {
            let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            files.insert(name.to_owned(), bytes);
        }
    }
    Ok(files)
}

/// How the committed files differ from fresh ones.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    missing: Vec<String>,
    changed: Vec<String>,
    stale: Vec<String>,
}

impl Difference {
    fn between(committed: &Files, fresh: &Files) -> Self {
        let mut difference = Self::default();
        for (name, bytes) in fresh {
            match committed.get(name) {
                None => difference.missing.push(name.clone()),
                Some(old) if old != bytes => difference.changed.push(name.clone()),
                Some(_) => {}
            }
        }
        difference.stale = committed
            .keys()
            .filter(|name| !fresh.contains_key(*name))
            .cloned()
            .collect();
        difference
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (what, names) in [
            ("missing", &self.missing),
            ("changed", &self.changed),
            ("stale", &self.stale),
        ] {
            for name in names {
                write!(f, "\n  {what}: {name}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Files {
        list.iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn a_difference_names_missing_changed_and_stale_files() {
        let committed = files(&[("same", "1"), ("old", "1"), ("changed", "1")]);
        let fresh = files(&[("same", "1"), ("new", "1"), ("changed", "2")]);
        let difference = Difference::between(&committed, &fresh);
        assert_eq!(difference.missing, ["new"]);
        assert_eq!(difference.changed, ["changed"]);
        assert_eq!(difference.stale, ["old"]);
        assert!(Difference::between(&committed, &committed).is_empty());
    }

    #[test]
    fn migrations_run_by_number_and_not_by_name() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["10_b.sql", "9_a.sql", "9_a.down.sql", "notes.md", "readme.sql"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let names: Vec<_> = migrations(dir.path())
            .unwrap()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["9_a.sql", "10_b.sql"]);
    }

    #[test]
    fn only_macros_that_check_a_query_count() {
        assert!(has_query_macro("sqlx::query_as!(Row, \"select 1\")"));
        assert!(!has_query_macro("sqlx::query(\"select 1\")"));
    }
}
