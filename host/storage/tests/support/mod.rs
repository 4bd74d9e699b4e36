//! Stores that the tests run against, and the module opened on one.

#![allow(
    unreachable_pub,
    dead_code,
    reason = "shared by several test programs, each of which uses a part"
)]

use bitvault_conformance::stores::{ACCESS_KEY, DOMAIN, Kind, SECRET_KEY, Store};
use bitvault_platform::Clock;
use bitvault_proto::internal::v1 as rpc;
use bitvault_proto::internal::v1::storage_service_server::StorageService as _;
use bitvault_proto::v1::PresignedRequest;
use bitvault_storage::{Addressing, BackendConfig, Config, GrantConfig, S3Settings, Storage};
use sha2::{Digest as _, Sha256};
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A running store.
pub enum Running {
    Embedded {
        endpoint: String,
        stop: CancellationToken,
        _folder: tempfile::TempDir,
    },
    Program(Store),
}

impl Running {
    pub async fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = bitvault_s3::Config::new(folder.path().join("objects"), ACCESS_KEY, SECRET_KEY);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        config.domain = Some(format!("{DOMAIN}:{}", address.port()));
        let endpoint = format!("http://{address}");
        let stop = CancellationToken::new();
        let served = bitvault_s3::Endpoint::open(config)
            .unwrap()
            .serve(listener, stop.clone());
        tokio::spawn(async move { served.await.unwrap() });
        Self::Embedded {
            endpoint,
            stop,
            _folder: folder,
        }
    }

    pub async fn program(kind: Kind) -> Self {
        let started = tokio::task::spawn_blocking(move || Store::start(kind))
            .await
            .unwrap();
        Self::Program(started.unwrap())
    }

    pub fn endpoint(&self) -> String {
        match self {
            Self::Embedded { endpoint, .. } => endpoint.clone(),
            Self::Program(store) => store.endpoint(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Embedded { stop, .. } = self {
            stop.cancel();
        }
    }
}

/// A configuration for a store on loopback.
pub fn config(endpoint: &str, prefix: &str) -> Config {
    Config {
        backend: BackendConfig {
            name: "main".to_owned(),
            plugin: "storage-s3".to_owned(),
            settings: S3Settings {
                endpoint: endpoint.parse().unwrap(),
                region: "us-east-1".to_owned(),
                bucket: "files".to_owned(),
                prefix: prefix.to_owned(),
                addressing: Addressing::Path,
            },
            access_key: ACCESS_KEY.to_owned(),
            secret_key: Some(SECRET_KEY.into()),
            secret_key_file: None,
            grant: GrantConfig {
                allow_private_addresses: true,
                ..GrantConfig::default()
            },
            public_endpoint: None,
            create_bucket: true,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(30),
            resolver: None,
        },
        engine: Default::default(),
        limits: Default::default(),
        look_every: Duration::from_millis(20),
    }
}

pub fn component() -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read(bitvault_wasm::asset(&root, "storage-s3").unwrap()).unwrap()
}

pub async fn open(config: Config) -> Storage {
    Storage::start(config, component(), Clock::system())
        .await
        .unwrap()
}

/// The module on a store, ready.
pub async fn ready(running: &Running, prefix: &str) -> Storage {
    let storage = open(config(&running.endpoint(), prefix)).await;
    let ready = tokio::time::timeout(Duration::from_secs(30), storage.wait_until_ready()).await;
    assert!(ready.is_ok(), "{:?}", storage.readiness());
    storage
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

pub async fn presign_put(storage: &Storage, key: &str, content: &[u8]) -> PresignedRequest {
    let put = rpc::PutWanted {
        key: key.to_owned(),
        size: content.len() as u64,
        sha256: sha256(content),
        content_type: "application/octet-stream".to_owned(),
    };
    let request = rpc::PresignPutsRequest {
        puts: vec![put],
        lifetime_s: 60,
    };
    let answer = storage
        .presign_puts(tonic::Request::new(request))
        .await
        .unwrap()
        .into_inner();
    answer.requests.into_iter().next().unwrap()
}

/// Sends a presigned request as a client would. The client's own length takes the place of the signed one.
pub async fn send(request: &PresignedRequest, body: Vec<u8>) -> reqwest::Response {
    send_with(&reqwest::Client::new(), request, body).await
}

/// The same with a client of one's own.
pub async fn send_with(
    client: &reqwest::Client,
    request: &PresignedRequest,
    body: Vec<u8>,
) -> reqwest::Response {
    let method = request.method.parse().unwrap();
    let mut sent = client.request(method, &request.url);
    for (name, value) in &request.headers {
        if name != "content-length" {
            sent = sent.header(name, value);
        }
    }
    sent.body(body).send().await.unwrap()
}
