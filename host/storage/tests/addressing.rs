//! The bucket in the host's name, on stores that take it from there: the probe, and what clients are handed out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; a panic is how a test fails"
)]

mod support;

use bitvault_conformance::stores::{DOMAIN, Kind};
use bitvault_proto::internal::v1 as rpc;
use bitvault_proto::internal::v1::storage_service_server::StorageService as _;
use bitvault_storage::Addressing;
use bitvault_wasm::Resolver;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Running, config, open, presign_put, send_with};
use tonic::Request;

/// Leads every name to loopback, and remembers which were asked for.
#[derive(Debug, Default)]
struct Loopback(Mutex<Vec<String>>);

impl Resolver for Loopback {
    fn resolve(&self, name: &str) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        self.0.lock().unwrap().push(name.to_owned());
        Box::pin(async { Ok(vec![Ipv4Addr::LOCALHOST.into()]) })
    }
}

async fn the_bucket_stands_in_the_host(running: &Running) {
    let address: SocketAddr = running
        .endpoint()
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    let host = format!("files.{DOMAIN}");
    let asked = Arc::new(Loopback::default());
    let mut config = config(&format!("http://{DOMAIN}:{}", address.port()), "p/");
    config.backend.settings.addressing = Addressing::Virtual;
    config.backend.resolver = Some(Arc::<Loopback>::clone(&asked));
    let storage = open(config).await;
    // The probe makes the bucket, puts, reads ranges, lists, deletes, and does an upload in parts.
    let ready = tokio::time::timeout(Duration::from_secs(30), storage.wait_until_ready()).await;
    assert!(ready.is_ok(), "{:?}", storage.readiness());

    let (key, content) = ("t/it's a key.bin", b"hello".to_vec());
    let put = presign_put(&storage, key, &content).await;
    let prefix = format!("http://{host}:{}/p/t/it%27s%20a%20key.bin?", address.port());
    assert!(put.url.starts_with(&prefix), "{}", put.url);
    let client = reqwest::Client::builder()
        .resolve(&host, address)
        .build()
        .unwrap();
    let response = send_with(&client, &put, content).await;
    assert!(
        response.status().is_success(),
        "{}",
        response.text().await.unwrap()
    );
    let keys = vec![key.to_owned()];
    let found = storage
        .head_objects(Request::new(rpc::HeadObjectsRequest { keys }))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.results[0].object.as_ref().unwrap().size, 5);
    let names = asked.0.lock().unwrap();
    assert!(
        !names.is_empty() && names.iter().all(|name| *name == host),
        "{names:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_endpoint_takes_the_bucket_from_the_host() {
    the_bucket_stands_in_the_host(&Running::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn minio_takes_the_bucket_from_the_host() {
    the_bucket_stands_in_the_host(&Running::program(Kind::Minio).await).await;
}
