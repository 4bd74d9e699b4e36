//! The listener's loop, over real sockets.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "tests share one support module"
)]

mod support;

use bitvault_gateway::{Config, serve};
use bitvault_platform::Error;
use bitvault_proto::v1::GetNodeRequest;
use bitvault_proto::v1::files_service_client::FilesServiceClient;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use support::{OWNER, harness};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<Result<(), Error>>,
}

async fn start(router: axum::Router, config: Config) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let stop = stop.clone();
        async move { serve(listener, router, &config, stop).await }
    });
    Served { address, stop, task }
}

async fn talk(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn rest_and_grpc_share_the_port() {
    let h = harness(|_, _| {});
    let served = start(h.gateway.router(), Config::default()).await;
    let answer = talk(
        served.address,
        "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");

    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", served.address)).unwrap();
    let mut files = FilesServiceClient::new(channel.connect().await.unwrap());
    let mut request = tonic::Request::new(GetNodeRequest {
        id: "root".to_owned(),
    });
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {OWNER}").parse().unwrap());
    let refused = Error::from(files.get_node(request).await.unwrap_err());
    assert_eq!((refused.reason(), refused.fields().len()), ("name_taken", 1));
    assert_eq!(h.seen.lock().unwrap()[0].headers["bitvault-peer"], "127.0.0.1");
    let missing = files.get_node(GetNodeRequest::default()).await.unwrap_err();
    assert_eq!(Error::from(missing).reason(), "token_missing");
    drop(files);
    served.stop.cancel();
    served.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_sends_its_head_slowly_is_cut_off() {
    let config = Config {
        header_timeout: Duration::from_millis(100),
        ..Config::default()
    };
    let served = start(harness(|_, _| {}).gateway.router(), config).await;
    let answer = talk(served.address, "GET /healthz HTTP/1.1\r\nhost: x\r\nslow").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let served = start(harness(|_, _| {}).gateway.router(), Config::default()).await;
    let head = format!(
        "GET /healthz HTTP/1.1\r\nhost: x\r\nlong: {}\r\n",
        "x".repeat(80 * 1024)
    );
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    // The server may hang up before everything is written.
    let _cut = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_listener_stops() {
    let arrived = Arc::new(tokio::sync::Notify::new());
    let go_on = Arc::new(tokio::sync::Notify::new());
    let h = harness(|_, wiring| {
        let (arrived, go_on) = (Arc::clone(&arrived), Arc::clone(&go_on));
        wiring.ready = vec![(
            "slow".to_owned(),
            Arc::new(move || {
                let (arrived, go_on) = (Arc::clone(&arrived), Arc::clone(&go_on));
                Box::pin(async move {
                    arrived.notify_one();
                    go_on.notified().await;
                    Ok(())
                })
            }),
        )];
    });
    let served = start(h.gateway.router(), Config::default()).await;
    let address = served.address;
    let request = tokio::spawn(talk(address, "GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n"));
    arrived.notified().await;
    served.stop.cancel();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go_on.notify_one();
    assert!(request.await.unwrap().starts_with("HTTP/1.1 200 OK"));
    served.task.await.unwrap().unwrap();
}
