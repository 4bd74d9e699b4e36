//! How long a storage plan through the component takes, fresh store and instance each, checked and presigned; and what a
//! loaded plugin holds in memory. The benchmark `plugin` runs this:
//! `cargo run --release -p bitvault-wasm --example plan_bench` prints one JSON document.

use bitvault_platform::Clock;
use bitvault_wasm::{
    Auth, Credentials, Egress, EgressConfig, Engine, EngineConfig, Grant, Limits, OriginPattern, PutOptions,
    Scope, StorageAdapter,
};
use std::path::Path;
use std::time::{Duration, Instant};

const ROUNDS: usize = 20_000;
const BATCH: usize = 500;
/// Plugins whose memory is measured together.
const PLUGINS: usize = 16;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let bytes = std::fs::read(bitvault_wasm::asset(&root, "storage-s3")?)?;
    // As a daemon that was started before: compiled code comes from the cache.
    let cache = tempfile::tempdir()?;
    let engine = Engine::new(&EngineConfig {
        cache_dir: Some(cache.path().join("compiled")),
        ..EngineConfig::default()
    })?;
    let started = Instant::now();
    let adapter = adapter(&engine, "storage-s3", &bytes)?;
    let compile = started.elapsed();
    let plans = plans(&adapter).await?;
    let memory = memory(&engine, &bytes).await?;
    #[allow(clippy::print_stdout, reason = "this is what the program is for")]
    {
        println!(
            "{{\"plan_median_us\":{},\"plan_p99_us\":{},\"instance_median_us\":{},\"batched_plan_us\":{},\
             \"compile_ms\":{},\"idle_plugins\":{PLUGINS},\"idle_plugin_kib\":{},\"used_plugin_kib\":{}}}",
            plans.median,
            plans.p99,
            plans.instance,
            plans.batched,
            compile.as_millis(),
            memory.idle,
            memory.used,
        );
    }
    Ok(())
}

/// Microseconds of a plan.
struct Plans {
    median: f64,
    p99: f64,
    instance: f64,
    batched: f64,
}

async fn plans(adapter: &StorageAdapter) -> Result<Plans> {
    let options = options();
    let mut full = Vec::with_capacity(ROUNDS);
    let mut instances = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let key = format!("tenant/batch/{round:08}");
        let started = Instant::now();
        let mut call = adapter.call("plan-put").await?;
        instances.push(started.elapsed());
        call.plan_put(&key, &options, Auth::Presign(900)).await?;
        drop(call);
        full.push(started.elapsed());
    }
    let started = Instant::now();
    let mut call = adapter.call("plan-put").await?;
    for number in 0..BATCH {
        call.plan_put(&format!("tenant/batch/{number:08}"), &options, Auth::Presign(900))
            .await?;
    }
    let batch = started.elapsed() / u32::try_from(BATCH)?;
    full.sort_unstable();
    instances.sort_unstable();
    Ok(Plans {
        median: micros(full[ROUNDS / 2]),
        p99: micros(full[ROUNDS * 99 / 100]),
        instance: micros(instances[ROUNDS / 2]),
        batched: micros(batch),
    })
}

/// KiB of memory that a plugin adds to a process that runs another one already.
struct Memory {
    idle: u64,
    used: u64,
}

async fn memory(engine: &Engine, bytes: &[u8]) -> Result<Memory> {
    let options = options();
    let before = resident();
    let mut plugins = Vec::with_capacity(PLUGINS);
    for number in 0..PLUGINS {
        plugins.push(adapter(engine, &format!("storage-{number}"), bytes)?);
    }
    let idle = resident();
    for plugin in &plugins {
        let mut call = plugin.call("plan-put").await?;
        call.plan_put("tenant/batch/00000000", &options, Auth::Presign(900))
            .await?;
    }
    let used = resident();
    let each = |after: u64| after.saturating_sub(before) / 1024 / PLUGINS as u64;
    Ok(Memory {
        idle: each(idle),
        used: each(used),
    })
}

fn options() -> PutOptions {
    PutOptions {
        content_type: Some("application/octet-stream".to_owned()),
        len: Some(4096),
        sha256: Some(vec![7; 32]),
        if_none_match: true,
        ..PutOptions::none()
    }
}

/// Loads a plugin with everything that is its own.
fn adapter(engine: &Engine, name: &str, bytes: &[u8]) -> Result<StorageAdapter> {
    let component = engine.component(name, bytes)?;
    let scope = Scope {
        bucket: "files".to_owned(),
        prefix: String::new(),
        virtual_host: false,
    };
    let egress = Egress::new(EgressConfig {
        grant: Grant {
            origins: vec![OriginPattern::try_from("http://127.0.0.1:9000".to_owned())?],
            methods: vec![http::Method::PUT],
            allow_private_addresses: true,
            scope: Some(scope),
        },
        credentials: Some(Credentials::new("us-east-1", "benchmark", &"benchmark".into())),
        connect_timeout: Duration::from_secs(1),
        read_timeout: Duration::from_secs(1),
        resolver: None,
        clock: Clock::system(),
    })?;
    let settings = r#"{"endpoint":"http://127.0.0.1:9000","region":"us-east-1","bucket":"files","prefix":"","addressing":"path"}"#;
    Ok(StorageAdapter::new(
        &component,
        settings,
        Limits::default(),
        egress,
    )?)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok())
        .unwrap_or_default();
    pages * rustix::param::page_size() as u64
}
