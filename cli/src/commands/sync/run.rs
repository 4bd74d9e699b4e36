use super::place::{Place, canonical};
use super::progress::Shown;
use crate::args::SyncRun;
use crate::commands::find;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_client::RemotePath;
use bitvault_client::transfer::{Options, Pace, Transfer};
use bitvault_device::engine::{Config, Engine, EngineError, Limits, Parts, Rest};
use bitvault_device::fs::LinuxFs;
use bitvault_device::planner::{Guard, NameRules, NodeId};
use bitvault_device::remote::{RemoteError, RestRemote};
use bitvault_device::state::SqliteStore;
use bitvault_device::watch::{FolderWatch, Hints, NoHints};
use bitvault_device::world::{RealWorld, host_name};
use bytesize::ByteSize;
use serde_json::json;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;

pub(crate) async fn run(args: &SyncRun, server: &Server, output: &Output) -> Result<(), Error> {
    let folder = canonical(&args.folder)?;
    let place = Place::of(&folder, &args.state)?;
    place.create()?;
    let shown = Arc::new(Shown::new(*output));
    let synced = async {
        let mut engine = open(args, server, &folder, &place, &shown).await?;
        if args.once {
            return Ok(Some(engine.settle().await?));
        }
        let mut hints = watch(&folder, output);
        tokio::select! {
            ended = engine.run(&mut *hints) => ended.map(|()| None).map_err(Error::from),
            // As safe as a crash, which it is tested for.
            stopped = stop() => stopped.map(|()| None),
        }
    };
    let state = place.file();
    let synced = tokio::select! {
        synced = synced => synced,
        () = shown.note(&state) => Ok(None),
    };
    shown.end();
    match synced? {
        Some(rest) => tell(&rest, &shown, output),
        None => Ok(()),
    }
}

async fn open(
    args: &SyncRun,
    server: &Server,
    folder: &Path,
    place: &Place,
    shown: &Arc<Shown>,
) -> Result<Engine, Error> {
    let mut store = SqliteStore::open(&place.file())?;
    let known = store.meta()?;
    let me = server.client.me().await?;
    let remote_root = match (&args.remote, &known) {
        (None, Some(known)) => known.remote_root.clone(),
        (None, None) => find(server, &RemotePath::root()).await?.id,
        (Some(path), _) => find(server, path).await?.id,
    };
    let remote_root: NodeId = remote_root
        .parse()
        .map_err(|error| EngineError::Remote(RemoteError::Broken(format!("{remote_root}: {error}"))))?;
    let options = Options {
        jobs: usize::from(args.jobs),
        state_dir: Some(place.transfers()),
        account: format!("{} {}", me.tenant.id, me.account.id),
    };
    let transfer = Transfer::new(server.client.clone(), options, Arc::clone(shown) as _)?
        .paced(pace(args.limit_up), pace(args.limit_down));
    let parts = Parts {
        fs: Arc::new(LinuxFs::open(folder).map_err(EngineError::from)?),
        remote: Arc::new(RestRemote::new(transfer)),
        world: Arc::new(RealWorld),
        store: Box::new(store),
        progress: Arc::clone(shown) as _,
    };
    let config = Config {
        device: args.name.clone().unwrap_or_else(host_name),
        account: format!("{} at {}", me.account.id, server.client.base()),
        remote_root,
        shown: folder.display().to_string(),
        names: NameRules::posix(),
        guard: Guard::default(),
        limits: Limits {
            files: usize::from(args.jobs),
            ..Limits::default()
        },
    };
    Ok(Engine::open(parts, config).await?)
}

/// No limit for none, and for a rate of nothing.
fn pace(rate: Option<ByteSize>) -> Option<Arc<Pace>> {
    let bytes_per_s = NonZeroU64::new(rate?.as_u64())?;
    Some(Arc::new(Pace::new(bytes_per_s)))
}

fn watch(folder: &Path, output: &Output) -> Box<dyn Hints> {
    match FolderWatch::begin(folder) {
        Ok(watch) => Box::new(watch),
        Err(error) => {
            output.note(&format!(
                "{error}; changes here are found every few minutes only (see fs.inotify.max_user_watches)"
            ));
            Box::new(NoHints)
        }
    }
}

/// Somebody wants it to stop.
async fn stop() -> Result<(), Error> {
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(Error::Output)?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.map_err(Error::Output),
        _ = terminate.recv() => Ok(()),
    }
}

fn tell(rest: &Rest, shown: &Shown, output: &Output) -> Result<(), Error> {
    let pauses: Vec<String> = rest.pauses.iter().map(bitvault_device::engine::pause).collect();
    if output.json {
        output.document(&json!({
            "event": "rest",
            "done": rest.done,
            "bytes": shown.bytes_moved(),
            "paused": rest.paused,
            "waiting": pauses,
            "problems": rest.troubles,
        }))?;
    } else {
        for trouble in &rest.troubles {
            output.note(&format!("{}: {}", trouble.path, trouble.reason));
        }
        for pause in &pauses {
            output.note(pause);
        }
        if rest.paused {
            output.note("paused; go on with `bitvault sync resume`");
        } else if output.draws() {
            output.note(&format!("in step: {}", shown.summary()));
        }
    }
    match rest.troubles.len() + rest.pauses.len() {
        0 => Ok(()),
        left => Err(Error::Unsynced(left)),
    }
}
