//! Start and commit of small files at 16 clients, against pgbench running the SQL of both on the daemon's own Postgres.
//!
//! Ours: each client starts its files, then all objects are put, then each client commits its files; only starts and
//! commits are timed. The peer: `statements.sql`, the statements of host/files for one file's start and commit (which
//! looks at the upload in a statement of its own before the transaction that writes), as the same database role with the same
//! settings, prepared once per connection, in the same order and with the same round trips, of which the database has to
//! tell what the daemon's tell: rows are counted on both sides. A run of the script counts as two requests.
//!
//! What differs from the daemon's statements: ids and names come from a counter that pgbench carries, laid out like the
//! daemon's ids by time; what stays the same is written into the text, where the daemon binds a parameter; instants are
//! the server's. And what is compared: the daemon combines concurrent calls of a tenant into one transaction, pgbench
//! makes three of its own for each file, and sends a file's statements in nine round trips. What the daemon does beside its SQL (HTTP, tokens, presigned requests, looking
//! objects up in the store) is part of its time.
//!
//! On both sides each client has a folder of its own, so that only the tenant's journal counter is contended.

use crate::postgres::{Server, answer};
use crate::report::{Report, median};
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use rand::Rng as _;
use serde_json::{Value, json};
use std::time::Instant;

const SCRIPT: &str = include_str!("statements.sql");
/// The script counts in steps of this.
const CLIENTS: usize = 16;
/// Files of one client in one round.
const FILES: usize = 250;
const ROUNDS: usize = 3;
const BYTES: usize = 1024;
/// Whose statements they are.
const ROLE: &str = "bitvault_files";
/// This transaction's id, from the script's number in its upper 64 bits.
const ID: &str = "rpad(lpad(to_hex(:number::bigint), 16, '0'), 32, '0')::uuid";
/// As long as the one that the daemon keeps.
const TRACEPARENT: &str = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-00";

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let mut daemon = Daemon::lite()?;
    daemon.start().await?;
    let caller = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    let server = Server::of(&daemon)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folders = folders(&caller).await?;
        let before = written(&server)?;
        ours.push(requests_per_second(&caller, &folders).await?);
        ensure_all_written(before, written(&server)?).context("check what the daemon wrote")?;

        let folders = self::folders(&caller).await?;
        let before = written(&server)?;
        theirs.push(pgbench(&server, &folders)?);
        ensure_all_written(before, written(&server)?).context("check what pgbench wrote")?;
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    report.row(
        "upload start + commit of 1 KiB files, 16 clients",
        format!("{ours:.0} requests/s"),
        format!(
            "pgbench, the same SQL a file at a time (the daemon combines concurrent calls) {theirs:.0} requests/s, \
             ratio {:.2}",
            ours / theirs
        ),
        "ratio ≥ 0.5",
    );
    Ok(())
}

/// A new folder for each client.
async fn folders(caller: &Caller) -> Result<Vec<String>> {
    let mut folders = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS {
        let name = format!("{:016x}", rand::rng().random::<u64>());
        let body = json!({"parent_id": "root", "name": name});
        let folder = caller.post("/v1/folders", body).await?.ok()?;
        folders.push(folder["id"].as_str().context("a folder has an id")?.to_owned());
    }
    Ok(folders)
}

/// Starts and commits a second, the PUTs between them left out.
async fn requests_per_second(caller: &Caller, folders: &[String]) -> Result<f64> {
    let begun = Instant::now();
    let started = at_once(folders.iter().enumerate().map(|(client, folder)| {
        let (caller, folder) = (caller.clone(), folder.clone());
        async move {
            let mut uploads = Vec::with_capacity(FILES);
            for number in 0..FILES {
                let content = content(client, number);
                uploads.push(
                    caller
                        .start(&folder, &format!("file-{number}"), &content)
                        .await?
                        .ok()?,
                );
            }
            Ok(uploads)
        }
    }))
    .await?;
    let mut seconds = begun.elapsed().as_secs_f64();

    let sent = at_once(started.into_iter().enumerate().map(|(client, uploads)| {
        let caller = caller.clone();
        async move {
            let mut ids = Vec::with_capacity(FILES);
            for (number, upload) in uploads.iter().enumerate() {
                let content = content(client, number);
                let (status, _) = caller.send_part(&upload["parts"][0], &content).await?;
                ensure!(status.is_success(), "the store answered {status}");
                ids.push(upload_id(upload)?);
            }
            Ok(ids)
        }
    }))
    .await?;

    let begun = Instant::now();
    at_once(sent.into_iter().map(|ids| {
        let caller = caller.clone();
        async move {
            for id in ids {
                caller.commit(&id).await?.ok()?;
            }
            Ok(())
        }
    }))
    .await?;
    seconds += begun.elapsed().as_secs_f64();
    Ok((2 * CLIENTS * FILES) as f64 / seconds)
}

/// Runs what each client does at the same time as the others; answers in their order.
async fn at_once<T: Send + 'static>(
    clients: impl Iterator<Item = impl Future<Output = Result<T>> + Send + 'static>,
) -> Result<Vec<T>> {
    let tasks: Vec<_> = clients.map(tokio::spawn).collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(task.await??);
    }
    Ok(answers)
}

fn content(client: usize, number: usize) -> Vec<u8> {
    let mut content = vec![client as u8; BYTES];
    content[..8].copy_from_slice(&(number as u64).to_le_bytes());
    content
}

fn upload_id(upload: &Value) -> Result<String> {
    Ok(upload["upload_id"]
        .as_str()
        .context("an upload has an id")?
        .to_owned())
}

/// Rows that a commit leaves behind; the outbox is left out, because its rows go when they have been told.
type Written = [u64; 4];

fn ensure_all_written(before: Written, after: Written) -> Result<()> {
    let grown = [0, 1, 2, 3].map(|at| after[at] - before[at]);
    ensure!(
        grown == [(CLIENTS * FILES) as u64; 4],
        "journal, versions, committed objects and committed uploads grew by {grown:?}"
    );
    Ok(())
}

fn written(server: &Server) -> Result<Written> {
    let counts = server.query(
        "SELECT concat_ws(' ', (SELECT count(*) FROM files.journal WHERE version_id IS NOT NULL),
                 (SELECT count(*) FROM files.versions v JOIN files.nodes n ON n.current_version = v.id),
                 (SELECT count(*) FROM files.objects o JOIN files.blobs b ON b.object_id = o.id
                  WHERE o.state = 'committed'),
                 (SELECT count(*) FROM files.uploads u JOIN files.nodes n ON n.id = u.committed_node))",
    )?;
    let counts = counts
        .split(' ')
        .map(str::parse)
        .collect::<Result<Vec<u64>, _>>()?;
    counts.try_into().ok().context("count what was written")
}

/// Requests a second of the script, whose transactions stand for two each.
fn pgbench(server: &Server, folders: &[String]) -> Result<f64> {
    let folders: Vec<&str> = folders
        .iter()
        .map(|id| id.strip_prefix("nod_").context("a folder's id is a node's"))
        .collect::<Result<_>>()?;
    let row = server.query(&format!(
        "SELECT concat_ws(' ', tenant_id, created_by) FROM files.nodes WHERE id = '{}'",
        folders[0]
    ))?;
    let (tenant, account) = row.split_once(' ').context("read who made the folder")?;
    // Placed in the text like the other values that stay: pgbench knows no arrays.
    let parent = format!("('{{{}}}'::uuid[])[:client_id::int + 1]", folders.join(","));
    let text = SCRIPT
        .replace("{id}", ID)
        .replace("{parent}", &parent)
        .replace("{tenant}", tenant)
        .replace("{account}", account)
        .replace("{traceparent}", TRACEPARENT);
    let folder = tempfile::tempdir().context("make a folder")?;
    let script = folder.path().join("statements.sql");
    std::fs::write(&script, text).context("write the script")?;
    // Settings of a role come with its login alone; here the administrator takes the role on.
    let settings = server.query(&format!(
        "SELECT string_agg('-c ' || setting, ' ')
             FROM pg_db_role_setting, unnest(setconfig) AS setting WHERE setrole = '{ROLE}'::regrole"
    ))?;
    // Ids of a round come after those of all before it, as UUIDv7 does it.
    let first = server.query("SELECT (1000 * extract(epoch FROM clock_timestamp()))::bigint << 16")?;
    let mut command = server.program("pgbench");
    command
        .env("PGOPTIONS", format!("-c role={ROLE} {settings}"))
        .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "2"])
        .args([
            "--client",
            &CLIENTS.to_string(),
            "--transactions",
            &FILES.to_string(),
        ])
        .args(["--define", "n=0", "--define", &format!("first={first}"), "--file"])
        .arg(&script)
        .arg(&server.url);
    let said = answer(&mut command)?;
    let per_second = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let per_second = per_second.and_then(|rest| rest.split(' ').next());
    let per_second: f64 = per_second.context("pgbench tells no tps")?.parse()?;
    Ok(2.0 * per_second)
}
