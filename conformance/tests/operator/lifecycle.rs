//! The end and the beginning again.

use crate::{lives, postgres_pid, readiness};
use anyhow::{Context as _, Result};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The bound is 3 s for a release build on an idle machine; this is a debug build on a busy one.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// Stopping waits for requests in flight, but not for ever.
const STOPS_WITHIN: Duration = Duration::from_secs(60);

/// A PUT of which only the head and the first half were sent.
struct HalfSent {
    connection: TcpStream,
    rest: Vec<u8>,
}

impl HalfSent {
    async fn begin(part: &Value, content: &[u8]) -> Result<Self> {
        let url = part["url"].as_str().context("a url")?;
        let (host, path) = url
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
            .context("a plain url")?;
        let mut head = format!("PUT /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        for (name, value) in part["headers"].as_object().context("headers")? {
            if !["content-length", "host"].contains(&name.to_lowercase().as_str()) {
                head += &format!("{name}: {}\r\n", value.as_str().unwrap_or_default());
            }
        }
        head += &format!("content-length: {}\r\n\r\n", content.len());
        let mut connection = TcpStream::connect(host).await?;
        connection.write_all(head.as_bytes()).await?;
        let (first, rest) = content.split_at(content.len() / 2);
        connection.write_all(first).await?;
        Ok(Self {
            connection,
            rest: rest.to_vec(),
        })
    }

    /// Sends the rest; the head of the answer.
    async fn finish(mut self) -> Result<String> {
        self.connection.write_all(&self.rest).await?;
        let mut answer = String::new();
        self.connection.read_to_string(&mut answer).await?;
        Ok(answer.lines().next().unwrap_or_default().to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_answers_what_is_in_flight_and_leaves_no_postgres_behind() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let content = vec![7; 4 << 20];
    let upload = owner.start("root", "file", &content).await.unwrap().ok().unwrap();
    let half = HalfSent::begin(&upload["parts"][0], &content).await.unwrap();
    let postgres = postgres_pid(&daemon.data_dir()).unwrap();
    assert!(lives(postgres));
    // The rest is sent when the daemon is stopping: it says so by taking `runtime.json` away.
    let runtime = daemon.data_dir().join("runtime.json");
    let finish = tokio::spawn(async move {
        while runtime.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        half.finish().await
    });
    let status = daemon.stop().await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(!lives(postgres), "Postgres runs still");
    let answer = finish.await.unwrap().unwrap();
    assert!(answer.contains(" 200 "), "{answer}");
    // What was acknowledged is there.
    daemon.start().await.unwrap();
    owner
        .commit(upload["upload_id"].as_str().unwrap())
        .await
        .unwrap()
        .ok()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_although_an_upload_does_not() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let content = vec![7; 4 << 20];
    let upload = owner.start("root", "file", &content).await.unwrap().ok().unwrap();
    let _half = HalfSent::begin(&upload["parts"][0], &content).await.unwrap();
    let postgres = postgres_pid(&daemon.data_dir()).unwrap();
    let began = Instant::now();
    let status = daemon.stop().await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(began.elapsed() < STOPS_WITHIN, "{:?}", began.elapsed());
    assert!(!lives(postgres), "Postgres runs still");
    assert!(!daemon.data_dir().join("runtime.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stderr, reason = "the figure is what this test is for")]
async fn a_restart_after_a_kill_is_ready_soon() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let node = owner.upload("root", "file", b"kept").await.unwrap();
    let url = daemon.url().to_owned();
    daemon.kill().unwrap();
    let began = Instant::now();
    daemon.start().await.unwrap();
    let took = began.elapsed();
    eprintln!(
        "ready {} ms after a restart that followed SIGKILL",
        took.as_millis()
    );
    assert!(took < READY_WITHIN, "{took:?}");
    assert_eq!(daemon.url(), url, "open pages and profiles keep working");
    assert_eq!(readiness(&url).await.unwrap().0, 200);
    assert_eq!(
        owner.content(node["id"].as_str().unwrap()).await.unwrap(),
        b"kept"
    );
}
