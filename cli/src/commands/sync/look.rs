//! What a synced folder's state tells, and what people ask of it. No server is asked.

use super::place::Place;
use crate::args::{Sync, SyncChoice, SyncPlace};
use crate::error::Error;
use crate::human::{duration, instant, size};
use crate::output::Output;
use bitvault_device::state::{Agreed, Moving, SqliteStore, Status, Store as _};
use serde_json::json;
use std::time::Duration;
use time::OffsetDateTime;

/// How long it counts what a running process noted about how far it is; it does so each second.
const FRESH_FOR: Duration = Duration::from_secs(10);

/// So many of what is left alone are named to a person.
const NAMED: usize = 10;

/// Runs a command that needs nothing but the state.
pub(crate) fn look(args: &Sync, output: &Output) -> Result<(), Error> {
    match args {
        Sync::Run(_) | Sync::Doctor(_) => Ok(()),
        Sync::Status(place) => each(place, |shown, store| status(shown, store, output)),
        Sync::Pause(place) => each(place, |_, store| {
            Ok(store.change_control(|control| control.paused = true)?)
        }),
        Sync::Resume(args) => each(&args.place, |_, store| {
            Ok(store.change_control(|control| {
                control.paused = false;
                if let Some(agreed) = args.delete {
                    control.agreed = Agreed {
                        remote: agreed,
                        local: agreed,
                    };
                }
            })?)
        }),
        Sync::Exclude(choice) => choose(choice, true),
        Sync::Include(choice) => choose(choice, false),
        Sync::Conflicts(place) => each(place, |shown, store| conflicts(shown, store, output)),
        Sync::Log(args) => each(&args.place, |shown, store| log(shown, store, args.lines, output)),
    }
}

fn each(place: &SyncPlace, act: impl Fn(&str, &mut SqliteStore) -> Result<(), Error>) -> Result<(), Error> {
    for place in Place::named(place)? {
        let mut store = SqliteStore::beside(&place.file())?;
        let shown = store.meta()?.map(|meta| meta.shown).unwrap_or_default();
        act(&shown, &mut store)?;
    }
    Ok(())
}

fn choose(choice: &SyncChoice, is_out: bool) -> Result<(), Error> {
    let place = Place::of(&choice.folder, &choice.state)?;
    if !place.file().is_file() {
        return Err(Error::missing(
            "this folder is not synced",
            "begin with `bitvault sync run DIR`",
        ));
    }
    let mut store = SqliteStore::beside(&place.file())?;
    let mut ids = Vec::new();
    for path in &choice.paths {
        let found = store.find(path)?.filter(|_| !path.trim_matches('/').is_empty());
        let id = found.ok_or_else(|| {
            let hint = "write it as it is called on the server, below the folder that is synced";
            Error::missing(format!("there is no {path}"), hint)
        })?;
        ids.push(id.to_string());
    }
    Ok(store.change_control(|control| {
        for id in ids {
            if is_out {
                control.excluded.insert(id);
            } else {
                control.excluded.remove(&id);
            }
        }
    })?)
}

fn status(shown: &str, store: &mut SqliteStore, output: &Output) -> Result<(), Error> {
    let (status, control, meta) = (store.status()?, store.control()?, store.meta()?);
    let left_alone = store.left_alone()?;
    let moving = store.moving()?.filter(|moving| is_fresh(moving, &status));
    if output.json {
        return output.document(&json!({
            "folder": shown,
            "account": meta.as_ref().map(|meta| &meta.account),
            "remote_id": meta.as_ref().map(|meta| &meta.remote_root),
            "device_id": meta.as_ref().map(|meta| &meta.device),
            "paused": control.paused,
            "status": status,
            "moving": moving,
            "left_alone": left_alone,
        }));
    }
    let rest = match (&status.at_rest, &status.stopped) {
        _ if control.paused => "paused".to_owned(),
        (_, Some(why)) => format!("stopped: {why}"),
        (Some(at), None) => format!("in step since {}", instant(*at)),
        (None, None) if !status.pauses.is_empty() || !status.problems.is_empty() => {
            "in step but for what is told below".to_owned()
        }
        (None, None) => "not in step yet".to_owned(),
    };
    output.line(&format!(
        "{}: {rest}, {} files and folders",
        output.name(shown),
        status.synced
    ))?;
    if let Some(moving) = moving {
        let left = moving.eta_s.map_or_else(String::new, |seconds| {
            format!(", {} left", duration(Duration::from_secs(seconds)))
        });
        output.line(&format!(
            "  moving: {} of {} files, {} of {}, {}/s{left}",
            moving.files_done,
            moving.files_total,
            size(moving.bytes_done),
            size(moving.bytes_total),
            size(moving.bytes_per_s)
        ))?;
    }
    for pause in &status.pauses {
        output.line(&format!("  waits: {pause}"))?;
    }
    for problem in &status.problems {
        output.line(&format!("  {}: {}", output.name(&problem.path), problem.reason))?;
    }
    if !left_alone.is_empty() {
        let some: Vec<_> = left_alone
            .iter()
            .take(NAMED)
            .map(|path| output.name(path))
            .collect();
        let more = if left_alone.len() > NAMED { ", …" } else { "" };
        output.line(&format!(
            "  left alone, as links, special files and mounts are not synced ({}): {}{more}",
            left_alone.len(),
            some.join(", ")
        ))?;
    }
    Ok(())
}

/// A process that came to rest or ended says nothing any more.
fn is_fresh(moving: &Moving, status: &Status) -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "compared with what another process noted"
    )]
    let now = OffsetDateTime::now_utc();
    let has_rested = status.at.is_some_and(|at| at > moving.at);
    !has_rested && (now - moving.at).unsigned_abs() < FRESH_FOR
}

fn conflicts(shown: &str, store: &mut SqliteStore, output: &Output) -> Result<(), Error> {
    for path in store.conflicted()? {
        if output.json {
            output.document(&json!({ "folder": shown, "path": path }))?;
        } else {
            output.line(&output.name(&format!("{shown}/{path}")))?;
        }
    }
    Ok(())
}

fn log(shown: &str, store: &mut SqliteStore, lines: usize, output: &Output) -> Result<(), Error> {
    let mut lines = store.log(lines)?;
    lines.reverse();
    if output.json {
        for line in &lines {
            output.document(&json!({ "folder": shown, "line": line }))?;
        }
        return Ok(());
    }
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                instant(line.at),
                line.what.clone(),
                line.path.clone(),
                line.detail.clone(),
            ]
        })
        .collect();
    output.listing(
        &["when", "what", "path", "detail"],
        &rows,
        "nothing has happened in this folder yet",
    )
}
