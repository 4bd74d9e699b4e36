//! A disk that fills up. Needs root, for a file system of its own; without it the test says so and ends.

use anyhow::Result;
use bitvault_conformance::api::Caller;
use bitvault_conformance::cli::Cli;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use bitvault_conformance::disk::SmallDisk;
use serde_json::json;

const MIB: usize = 1 << 20;
const DISK_MIB: u64 = 48;
/// Less than the file that is sent.
const FREE: u64 = 12 * MIB as u64;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_shows_nothing_and_takes_the_retry() {
    let Some(disk) = SmallDisk::mount(DISK_MIB).unwrap() else {
        return;
    };
    let mut daemon = Daemon::lite().unwrap();
    // Only the objects are on the small disk.
    std::fs::create_dir(daemon.data_dir()).unwrap();
    std::fs::create_dir(disk.path().join("objects")).unwrap();
    std::os::unix::fs::symlink(disk.path().join("objects"), daemon.data_dir().join("objects")).unwrap();
    daemon.start().await.unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    owner.upload("root", "before", b"before").await.unwrap();

    disk.leave(FREE).unwrap();
    let content = vec![2; 16 * MIB];
    let upload = owner.start("root", "file", &content).await.unwrap().ok().unwrap();
    let (status, _) = owner.send_part(&upload["parts"][0], &content).await.unwrap();
    assert!([503, 507].contains(&status.as_u16()), "{status}");
    let id = upload["upload_id"].as_str().unwrap();
    let refused = owner.commit(id).await.unwrap();
    assert_eq!(
        (refused.status.as_u16(), refused.reason()),
        (409, "upload_incomplete")
    );
    let listed = owner.get("/v1/nodes/root/children").await.unwrap().ok().unwrap();
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 1, "no half state is visible: {listed}");
    the_command_line_says_it(&daemon).unwrap();
    // What was begun and refused takes no room.
    let free = disk.free().unwrap();
    assert!(free > FREE - 2 * MIB as u64, "{free}");

    disk.make_room().unwrap();
    let (status, _) = owner.send_part(&upload["parts"][0], &content).await.unwrap();
    assert!(status.is_success(), "{status}");
    let node = owner.commit(id).await.unwrap().ok().unwrap();
    assert!(
        owner.content(node["id"].as_str().unwrap()).await.unwrap() == content,
        "the retry arrived whole"
    );
    let report = daemon.command(&["fsck", "--json"]).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["missing_objects"], json!([]), "{report}");
    assert_eq!(report["wrong_sizes"], json!([]), "{report}");
}

fn the_command_line_says_it(daemon: &Daemon) -> Result<()> {
    let cli = Cli::signed_in(daemon.url(), EMAIL, PASSWORD)?;
    std::fs::write(cli.folder().join("big"), vec![3; 16 * MIB])?;
    let put = cli.run(&["put", "big", "/big"])?;
    assert_ne!(put.code, 0);
    assert!(
        put.stderr.contains("507") || put.stderr.to_lowercase().contains("full"),
        "{}",
        put.stderr
    );
    Ok(())
}
