//! A guest that does everything wrong: each wrong is bounded, named in the error, and others are served meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; a panic is how a test fails"
)]

use bitvault_platform::Clock;
use bitvault_wasm::{
    Auth, Component, Credentials, Egress, EgressConfig, Engine, EngineConfig, Error, Grant, Limit, Limits,
    OriginPattern, PutOptions, Scope, StorageAdapter,
};
use std::path::Path;
use std::time::{Duration, Instant};

fn component(engine: &Engine) -> Component {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = bitvault_wasm::asset(&root, "misbehaving").unwrap();
    engine
        .component("misbehaving", &std::fs::read(path).unwrap())
        .unwrap()
}

fn egress(allow_private_addresses: bool, origins: &[&str]) -> Egress {
    let origins = origins
        .iter()
        .map(|origin| OriginPattern::try_from((*origin).to_owned()).unwrap())
        .collect();
    let scope = Scope {
        bucket: "granted".to_owned(),
        prefix: String::new(),
        virtual_host: false,
    };
    Egress::new(EgressConfig {
        grant: Grant {
            origins,
            methods: vec![http::Method::GET, http::Method::PUT],
            allow_private_addresses,
            scope: Some(scope),
        },
        credentials: Some(Credentials::new("us-east-1", "AKCANARY", &"canary-secret".into())),
        connect_timeout: Duration::from_secs(2),
        read_timeout: Duration::from_secs(2),
        resolver: None,
        clock: Clock::system(),
    })
    .unwrap()
}

/// An origin where nobody listens.
const NOBODY: &str = "http://127.0.0.1:9";

fn adapter_with(limits: Limits) -> StorageAdapter {
    let engine = Engine::new(&EngineConfig::default()).unwrap();
    let settings = format!("\"{NOBODY}\"");
    StorageAdapter::new(&component(&engine), &settings, limits, egress(true, &[NOBODY])).unwrap()
}

fn adapter() -> StorageAdapter {
    adapter_with(Limits {
        wall_time: Duration::from_secs(10),
        ..Limits::default()
    })
}

async fn head(adapter: &StorageAdapter, key: &str) -> Result<(), Error> {
    adapter.call("head").await?.head(key).await.map(drop)
}

async fn limit_of(adapter: &StorageAdapter, key: &str) -> Limit {
    match head(adapter, key).await {
        Err(error @ Error::Limit { limit, .. }) => {
            let text = error.to_string();
            assert!(
                text.contains("misbehaving") && text.contains("head") && text.contains(limit.setting()),
                "{text}"
            );
            limit
        }
        other => panic!("{key}: {other:?}"),
    }
}

#[tokio::test]
async fn a_good_call_works() {
    head(&adapter(), "good").await.unwrap();
}

#[tokio::test]
async fn a_loop_ends_with_its_cpu_time() {
    let adapter = adapter();
    let started = Instant::now();
    assert_eq!(limit_of(&adapter, "loop").await, Limit::CpuTime);
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_sleep_ends_with_its_wall_time() {
    let adapter = adapter_with(Limits {
        wall_time: Duration::from_millis(200),
        ..Limits::default()
    });
    assert_eq!(limit_of(&adapter, "sleep").await, Limit::WallTime);
}

#[tokio::test]
async fn allocating_without_end_is_stopped_at_the_memory_limit() {
    assert_eq!(limit_of(&adapter(), "allocate").await, Limit::Memory);
}

#[tokio::test]
async fn endless_recursion_is_stopped_at_the_stack() {
    assert_eq!(limit_of(&adapter(), "recurse").await, Limit::Stack);
}

#[tokio::test]
async fn requests_are_counted() {
    assert_eq!(limit_of(&adapter(), "many-requests").await, Limit::Requests);
}

#[tokio::test]
async fn traps_panics_and_exits_become_errors() {
    let adapter = adapter();
    for key in ["trap", "panic", "exit", "long-line"] {
        match head(&adapter, key).await {
            Err(Error::Trap {
                plugin, operation, ..
            }) => assert_eq!((&*plugin, operation), ("misbehaving", "head")),
            // A line beyond what one host call may carry never reaches the host.
            Err(Error::Limit { .. }) | Ok(()) if key == "long-line" => {}
            other => panic!("{key}: {other:?}"),
        }
    }
    head(&adapter, "good").await.unwrap();
}

#[tokio::test]
async fn nothing_of_the_machine_is_there() {
    let adapter = adapter();
    head(&adapter, "file").await.unwrap();
    head(&adapter, "connect").await.unwrap();
    head(&adapter, "log").await.unwrap();
}

#[tokio::test]
async fn other_hosts_are_refused_with_the_missing_grant() {
    let adapter = adapter();
    for (key, origin) in [
        ("other-host", "http://203.0.113.7"),
        ("metadata", "http://169.254.169.254"),
    ] {
        match head(&adapter, key).await {
            Err(Error::Guest { error, .. }) => {
                assert_eq!(error.code, "egress_denied");
                assert!(
                    error.message.contains(origin) && error.message.contains("`origins`"),
                    "{}",
                    error.message
                );
            }
            other => panic!("{key}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_granted_origin_at_a_private_or_metadata_address_is_refused() {
    let engine = Engine::new(&EngineConfig::default()).unwrap();
    let component = component(&engine);
    let metadata = egress(true, &["http://169.254.169.254"]);
    let adapter = StorageAdapter::new(&component, "\"x\"", Limits::default(), metadata).unwrap();
    let error = head(&adapter, "metadata").await.unwrap_err().to_string();
    assert!(
        error.contains("not granted") || error.contains("in the bucket") || error.contains("link-local"),
        "{error}"
    );
    let closed = egress(false, &["http://127.0.0.1:9"]);
    let adapter =
        StorageAdapter::new(&component, "\"http://127.0.0.1:9\"", Limits::default(), closed).unwrap();
    // The guest ignores the refusals and goes on asking until it is stopped.
    assert_eq!(limit_of(&adapter, "many-requests").await, Limit::Requests);
}

#[tokio::test]
async fn wrong_plans_are_not_signed() {
    let adapter = adapter();
    for (key, wanted) in [
        ("garbage", "is not granted"),
        ("http://203.0.113.7/granted/x", "`origins`"),
        ("http://127.0.0.1:9/other/x", "`bucket`"),
        ("http://127.0.0.1:9/granted/../other/x", "normal form"),
        ("http://127.0.0.1:9/granted/x?policy=", "query parameter"),
        ("http://user:pass@127.0.0.1:9/granted/x", "user name"),
        ("method:DELETE", "`methods`"),
        ("authorization", "header authorization"),
        ("header", "another authentication"),
        ("longer", "another authentication"),
    ] {
        let mut call = adapter.call("plan-put").await.unwrap();
        match call.plan_put(key, &PutOptions::none(), Auth::Presign(60)).await {
            Err(error @ Error::Refused { .. }) => {
                assert!(error.to_string().contains(wanted), "{key}: {error}")
            }
            other => panic!("{key}: {other:?}"),
        }
    }
    let mut call = adapter.call("plan-put").await.unwrap();
    let too_long = call
        .plan_put(
            "http://127.0.0.1:9/granted/x",
            &PutOptions::none(),
            Auth::Presign(901),
        )
        .await;
    assert!(too_long.unwrap_err().to_string().contains("900"));
    let mut call = adapter.call("plan-put").await.unwrap();
    let good = call
        .plan_put(
            "http://127.0.0.1:9/granted/x",
            &PutOptions::none(),
            Auth::Presign(60),
        )
        .await
        .unwrap();
    assert!(good.url.as_str().contains("X-Amz-Signature=") && !format!("{good:?}").contains("canary-secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_calls_are_served_while_every_thread_has_a_looping_guest() {
    let slow = adapter_with(Limits {
        cpu_time: Duration::from_secs(2),
        ..Limits::default()
    });
    let good = adapter();
    let loops: Vec<_> = (0..4)
        .map(|_| {
            let slow = slow.clone();
            tokio::spawn(async move { head(&slow, "loop").await })
        })
        .collect();
    // The loops run by now or are about to: each good call has to get through between their ticks.
    for _ in 0..20 {
        tokio::time::timeout(Duration::from_secs(5), head(&good, "good"))
            .await
            .unwrap()
            .unwrap();
    }
    assert!(
        loops.iter().all(|running| !running.is_finished()),
        "they were still looping"
    );
    for running in loops {
        assert!(matches!(
            running.await.unwrap(),
            Err(Error::Limit {
                limit: Limit::CpuTime,
                ..
            })
        ));
    }
}

#[tokio::test]
async fn a_full_plugin_refuses_after_its_queue_wait() {
    let limits = Limits {
        concurrency: 1,
        queue_wait: Duration::from_millis(50),
        ..Limits::default()
    };
    let adapter = adapter_with(limits);
    let held = adapter.call("head").await.unwrap();
    assert!(matches!(adapter.call("head").await, Err(Error::Saturated { .. })));
    drop(held);
    head(&adapter, "good").await.unwrap();
}

#[tokio::test]
async fn repeated_crashes_switch_the_plugin_off() {
    let adapter = adapter();
    for _ in 0..8 {
        assert!(matches!(head(&adapter, "trap").await, Err(Error::Trap { .. })));
    }
    assert!(adapter.is_switched_off());
    assert!(matches!(
        head(&adapter, "good").await,
        Err(Error::BreakerOpen { .. })
    ));
}

#[tokio::test]
async fn a_crash_ends_its_call_only() {
    let adapter = adapter();
    let mut call = adapter.call("head").await.unwrap();
    assert!(call.head("trap").await.is_err());
    let again = call.head("good").await.unwrap_err().to_string();
    assert!(again.contains("earlier"), "{again}");
    head(&adapter, "good").await.unwrap();
}
