//! Figures of the endpoint alone: `cargo run --release -p bitvault-s3 --example measure -- FOLDER`.
//!
//! With a URL instead of a folder it measures another store, which must know the tests' keys. Server and clients share the
//! machine (and with a folder the process). URLs are signed beforehand, so that clients cost little.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints, and stops at any error"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use common::{Client, Server, bytes, target};

const CLIENTS: usize = 16;
const SMALL_PUTS: usize = 30_000;
const SMALL_BYTES: usize = 1024;
const LARGE_BYTES: usize = 1 << 30;
const PART_BYTES: usize = 16 << 20;
const PARTS_AT_ONCE: usize = 4;
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::main]
async fn main() {
    let target_of_run = std::env::args().nth(1).unwrap();
    if target_of_run.starts_with("http://") {
        let client = Client::new(target_of_run);
        client.send("PUT", &format!("/{}", common::BUCKET), &[], "").await;
        return measure(client).await;
    }
    let folder = tempfile::tempdir_in(target_of_run).unwrap();
    let server = Server::start(folder.path()).await;
    measure(server.client.clone()).await;
    server.stop().await;
}

async fn measure(client: Client) {
    let absent = [("if-none-match", "*")];
    let url = |number| {
        client.presign(
            "PUT",
            &target(&format!("small/{:02x}/{number}", number % 16)),
            &absent,
            HOUR,
        )
    };
    let mut urls: Vec<Vec<String>> = vec![Vec::new(); CLIENTS];
    for number in 0..SMALL_PUTS {
        urls[number % CLIENTS].push(url(number));
    }
    let start = Instant::now();
    let tasks = urls.into_iter().map(|urls| {
        let client = client.clone();
        tokio::spawn(async move {
            let body = bytes(1, SMALL_BYTES);
            for url in urls {
                client.raw("PUT", &url, &absent, body.clone()).await.expect(200);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    println!(
        "{:.0} puts/s of 1 KiB, {CLIENTS} clients",
        SMALL_PUTS as f64 / start.elapsed().as_secs_f64()
    );

    let gigabytes = LARGE_BYTES as f64 / 1e9;
    let body = bytes(2, LARGE_BYTES);
    let put = client.presign("PUT", &target("large"), &[], HOUR);
    let start = Instant::now();
    client.raw("PUT", &put, &[], body.clone()).await.expect(200);
    println!(
        "{:.2} GB/s one put of 1 GiB",
        gigabytes / start.elapsed().as_secs_f64()
    );

    let get = client.presign("GET", &target("large"), &[], HOUR);
    let start = Instant::now();
    let length = client.raw("GET", &get, &[], "").await.expect(200).body.len();
    println!(
        "{:.2} GB/s one get of it",
        gigabytes / start.elapsed().as_secs_f64()
    );
    assert_eq!(length, LARGE_BYTES);

    let create = client
        .send("POST", &format!("{}?uploads=", target("parts")), &[], "")
        .await
        .expect(200);
    let id = create.xml("UploadId").unwrap();
    let start = Instant::now();
    let count = LARGE_BYTES / PART_BYTES;
    let lanes = (0..PARTS_AT_ONCE).map(|lane| {
        let (client, id, body) = (client.clone(), id.clone(), body.clone());
        tokio::spawn(async move {
            let mut etags = Vec::new();
            for index in (lane..count).step_by(PARTS_AT_ONCE) {
                let query = format!("{}?partNumber={}&uploadId={id}", target("parts"), index + 1);
                let url = client.presign("PUT", &query, &[], HOUR);
                let part = body.slice(index * PART_BYTES..(index + 1) * PART_BYTES);
                let answer = client.raw("PUT", &url, &[], part).await.expect(200);
                etags.push((index + 1, answer.header("etag").unwrap().to_owned()));
            }
            etags
        })
    });
    let mut etags = Vec::new();
    for lane in lanes.collect::<Vec<_>>() {
        etags.extend(lane.await.unwrap());
    }
    println!(
        "{:.2} GB/s in parts of 16 MiB, 4 at once",
        gigabytes / start.elapsed().as_secs_f64()
    );
    etags.sort_unstable();
    let part = |(number, etag): &(usize, String)| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    let parts: String = etags.iter().map(part).collect();
    let manifest = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    let start = Instant::now();
    client
        .send(
            "POST",
            &format!("{}?uploadId={id}", target("parts")),
            &[],
            manifest,
        )
        .await
        .expect(200);
    println!("{:.1} ms to complete it", start.elapsed().as_secs_f64() * 1e3);
}
