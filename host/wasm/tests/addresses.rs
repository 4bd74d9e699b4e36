//! Names that resolve to somewhere else the next time: the connection goes only where the check looked.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; a panic is how a test fails"
)]

use bitvault_platform::Clock;
use bitvault_wasm::{Auth, Credentials, Egress, EgressConfig, Engine, EngineConfig, Grant, Limits, Resolver};
use bitvault_wasm::{OriginPattern, PutOptions, Scope, Signed, StorageAdapter};
use std::future::Future;
use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Answers a public address first and loopback from then on.
#[derive(Debug, Default)]
struct Flipping(AtomicUsize);

impl Resolver for Flipping {
    fn resolve(&self, _: &str) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        // Of the range for benchmarks: never routed, and refused as well.
        let address = if first { "198.18.0.1" } else { "127.0.0.1" };
        Box::pin(async move { Ok(vec![address.parse().unwrap()]) })
    }
}

#[tokio::test]
async fn a_name_that_flips_to_loopback_is_never_connected() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let origin = format!("http://store.example.com:{port}");
    let resolver = Arc::new(Flipping::default());
    let egress = Egress::new(EgressConfig {
        grant: Grant {
            origins: vec![OriginPattern::try_from(origin.clone()).unwrap()],
            methods: vec![http::Method::PUT],
            allow_private_addresses: false,
            scope: Some(Scope {
                bucket: "granted".to_owned(),
                prefix: String::new(),
                virtual_host: false,
            }),
        },
        credentials: Some(Credentials::new("us-east-1", "AK", &"secret".into())),
        connect_timeout: Duration::from_secs(1),
        read_timeout: Duration::from_secs(1),
        resolver: Some(Arc::<Flipping>::clone(&resolver)),
        clock: Clock::system(),
    })
    .unwrap();
    let engine = Engine::new(&EngineConfig::default()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let bytes = std::fs::read(bitvault_wasm::asset(&root, "misbehaving").unwrap()).unwrap();
    let component = engine.component("misbehaving", &bytes).unwrap();
    let adapter = StorageAdapter::new(&component, "\"x\"", Limits::default(), egress).unwrap();
    for expected in ["for benchmarks", "allow_private_addresses"] {
        let mut call = adapter.call("plan-put").await.unwrap();
        let url = format!("{origin}/granted/x");
        let signed: Signed = call
            .plan_put(&url, &PutOptions::none(), Auth::Header)
            .await
            .unwrap();
        let refused = adapter.egress().transfer(signed, "x".into()).await.unwrap_err();
        assert_eq!(refused.code, "egress_denied");
        assert!(refused.message.contains(expected), "{}", refused.message);
    }
    assert_eq!(resolver.0.load(Ordering::SeqCst), 2);
    let nobody = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(nobody.is_err(), "nobody connected");
}
