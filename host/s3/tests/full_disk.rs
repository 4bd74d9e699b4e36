//! A full disk is told as such, nothing half written is seen, and room that is made is used.
#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Server, bytes, target};

/// A file system of 8 MiB, unmounted when dropped.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(folder.path())
            .status();
        assert!(status.unwrap().success(), "mount");
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "umount");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "mounts a small file system, which needs root"]
async fn a_full_disk_refuses_writes_keeps_what_it_has_and_takes_more_once_there_is_room() {
    let small = Small::mount();
    let server = Server::start(small.path()).await;
    let client = &server.client;
    client
        .send("PUT", &target("kept"), &[], bytes(1, 3_000_000))
        .await
        .expect(200);
    let answer = client
        .send("PUT", &target("large"), &[], bytes(2, 7_000_000))
        .await
        .expect(507);
    assert_eq!(answer.xml("Code").as_deref(), Some("InsufficientStorage"));
    assert!(common::files(&small.path().join("tmp")).is_empty());
    let mut stored = 0;
    while client
        .send("PUT", &target(&format!("small/{stored}")), &[], bytes(3, 200_000))
        .await
        .status
        != 507
    {
        stored += 1;
    }
    assert!(stored > 10 && common::files(&small.path().join("tmp")).is_empty());
    client
        .send("GET", &target(&format!("small/{stored}")), &[], "")
        .await
        .expect(404);
    client
        .send("DELETE", &target("small/0"), &[], "")
        .await
        .expect(204);
    client
        .send("PUT", &target("again"), &[], bytes(3, 200_000))
        .await
        .expect(200);
    assert!(
        client
            .send("GET", &target("kept"), &[], "")
            .await
            .expect(200)
            .body
            == bytes(1, 3_000_000)
    );
    server.stop().await;
}
