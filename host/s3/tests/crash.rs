//! The endpoint is killed under load; what it acknowledged is there, whole, and nothing else is left.
//!
//! SIGKILL shows the order of renames, conditions and logs. It keeps the page cache, so it says nothing about fsync; that
//! each answer comes after its fsyncs is shown by `dirsync`'s tests and by the order in `publish`.
#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod common;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Client, Server, bytes, sha256_base64, target};

const ROOT: &str = "BITVAULT_S3_TEST_ROOT";
const MARK: &str = "listening on ";
const ROUNDS: usize = 12;
const MINUTE: Duration = Duration::from_secs(60);

/// Not a test by itself: the process that is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the crash test as a child process"]
async fn child_serves_until_it_is_killed() {
    let Some(root) = std::env::var_os(ROOT) else {
        return;
    };
    let endpoint = bitvault_s3::Endpoint::open(common::config(Path::new(&root))).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("\n{MARK}{}", listener.local_addr().unwrap());
    endpoint
        .serve(listener, tokio_util::sync::CancellationToken::new())
        .await
        .unwrap();
}

struct Victim {
    child: Child,
    client: Client,
}

fn start(root: &Path) -> Victim {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "child_serves_until_it_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(ROOT, root)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines
        .map(Result::unwrap)
        .find_map(|line| line.strip_prefix(MARK).map(str::to_owned))
        .unwrap();
    Victim {
        child,
        client: Client::new(format!("http://{address}")),
    }
}

/// Body of a writer's n-th object: mostly small, at times larger than one batch.
fn body(seed: usize) -> bytes::Bytes {
    let length = if seed.is_multiple_of(7) {
        1_500_000
    } else {
        seed * 37 % 5000
    };
    bytes(seed as u64, length)
}

async fn put(client: &Client, key: &str, body: bytes::Bytes) -> Option<u16> {
    let sum = sha256_base64(&body);
    let headers = [("if-none-match", "*"), ("x-amz-checksum-sha256", sum.as_str())];
    let url = client.presign("PUT", &target(key), &headers, MINUTE);
    Some(client.try_raw("PUT", &url, &headers, body).await?.status.as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_loses_nothing_acknowledged_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = HashMap::new();
    let mut torn_by_kill = 0;
    for round in 0..ROUNDS {
        let mut victim = start(folder.path());
        let acks = Arc::new(AtomicUsize::new(0));
        let done: Arc<Mutex<Vec<(String, usize)>>> = Arc::default();
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (client, acks, done) = (victim.client.clone(), acks.clone(), done.clone());
                tokio::spawn(async move {
                    for number in 0.. {
                        let seed = (round * 8 + writer) * 10_000 + number;
                        let key = format!("r{round}/w{writer}/f{}/{seed}", number % 3);
                        match put(&client, &key, body(seed)).await {
                            Some(200) => {
                                done.lock().unwrap().push((key, seed));
                                acks.fetch_add(1, Ordering::SeqCst);
                            }
                            Some(status) => panic!("{status}"),
                            None => return (key, seed),
                        }
                    }
                    unreachable!()
                })
            })
            .collect();
        // The moment differs by round and with the scheduler.
        while acks.load(Ordering::SeqCst) < 20 + round * 17 {
            tokio::task::yield_now().await;
        }
        victim.child.kill().unwrap();
        victim.child.wait().unwrap();
        let mut interrupted = Vec::new();
        for writer in writers {
            interrupted.push(writer.await.unwrap());
        }
        torn_by_kill += common::files(&folder.path().join("tmp")).len();
        let fresh = std::mem::take(&mut *done.lock().unwrap());
        acknowledged.extend(fresh.iter().cloned());

        let server = Server::start(folder.path()).await;
        assert!(common::files(&folder.path().join("tmp")).is_empty());
        let last = round + 1 == ROUNDS;
        // All of them at the end: a later recovery must not harm what an earlier one kept.
        let check: Vec<_> = if last {
            acknowledged.clone().into_iter().collect()
        } else {
            fresh
        };
        for (key, seed) in &check {
            let answer = server.client.send("GET", &target(key), &[], "").await.expect(200);
            assert!(answer.body == body(*seed), "{key}");
        }
        // What was in flight is there whole or not at all, and the client's retry ends well either way.
        for (key, seed) in interrupted {
            let status = put(&server.client, &key, body(seed)).await.unwrap();
            assert!([200, 412].contains(&status), "{status}");
            let answer = server
                .client
                .send("GET", &target(&key), &[], "")
                .await
                .expect(200);
            assert!(answer.body == body(seed), "{key}");
            acknowledged.insert(key, seed);
        }
        let objects = common::files(&folder.path().join("buckets"));
        assert_eq!(objects.len(), acknowledged.len(), "an object that nobody put");
        server.stop().await;
    }
    println!(
        "{} objects, {torn_by_kill} temporary files left by kills",
        acknowledged.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_parts_survive_a_kill_and_the_upload_can_be_completed() {
    let folder = tempfile::tempdir().unwrap();
    let part = |number: u64| bytes(number, 5 << 20);
    let mut victim = start(folder.path());
    let create = victim
        .client
        .send("POST", &format!("{}?uploads=", target("k")), &[], "")
        .await
        .expect(200);
    let id = create.xml("UploadId").unwrap();
    for round in 0..4u64 {
        let writers: Vec<_> = (1..=6u64)
            .map(|number| {
                let (client, id) = (victim.client.clone(), id.clone());
                let body = part(number);
                tokio::spawn(async move {
                    let query = format!("{}?partNumber={number}&uploadId={id}", target("k"));
                    let url = client.presign("PUT", &query, &[], MINUTE);
                    client
                        .try_raw("PUT", &url, &[], body)
                        .await
                        .map(|answer| (number, answer.expect(200)))
                })
            })
            .collect();
        let count = usize::try_from(round).unwrap() + 1;
        while writers.iter().filter(|writer| writer.is_finished()).count() < count {
            tokio::task::yield_now().await;
        }
        victim.child.kill().unwrap();
        victim.child.wait().unwrap();
        victim = start(folder.path());
        let query = format!("{}?uploadId={id}", target("k"));
        let listed = victim
            .client
            .send("GET", &query, &[], "")
            .await
            .expect(200)
            .xml_all("PartNumber");
        for writer in writers {
            if let Some((number, _)) = writer.await.unwrap() {
                assert!(
                    listed.contains(&number.to_string()),
                    "part {number} was lost, there are {listed:?}"
                );
            }
        }
    }
    let mut manifest = String::new();
    for number in 1..=6u64 {
        let query = format!("{}?partNumber={number}&uploadId={id}", target("k"));
        let answer = victim
            .client
            .send("PUT", &query, &[], part(number))
            .await
            .expect(200);
        let etag = answer.header("etag").unwrap();
        manifest += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
    }
    let manifest = format!("<CompleteMultipartUpload>{manifest}</CompleteMultipartUpload>");
    victim
        .client
        .send("POST", &format!("{}?uploadId={id}", target("k")), &[], manifest)
        .await
        .expect(200);
    victim.child.kill().unwrap();
    victim.child.wait().unwrap();
    let server = Server::start(folder.path()).await;
    let whole: Vec<u8> = (1..=6).flat_map(part).collect();
    assert!(
        server
            .client
            .send("GET", &target("k"), &[], "")
            .await
            .expect(200)
            .body
            == whole
    );
    assert!(common::files(&folder.path().join("uploads")).is_empty());
    server.stop().await;
}
