//! The operator's commands beside a running daemon and on a stopped one.

use anyhow::{Context as _, Result};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD, TENANT};
use serde_json::{Value, json};

async fn every_command(daemon: &mut Daemon, round: &str) -> Result<()> {
    let report: Value = serde_json::from_str(&daemon.command(&["fsck", "--json"])?)?;
    for finding in ["missing_objects", "dangling_versions", "unknown_objects"] {
        assert_eq!(report[finding], json!([]), "{report}");
    }
    assert!(!daemon.command(&["fsck"])?.is_empty());
    let collected: Value = serde_json::from_str(&daemon.command(&["gc", "--json"])?)?;
    assert!(collected.is_object(), "{collected}");
    let rebuilt: Value = serde_json::from_str(&daemon.command(&["rebuild-search", "--json"])?)?;
    assert!(rebuilt["nodes"].as_u64() > Some(0), "{rebuilt}");
    let named = ["rebuild-search", "--json", "--tenant", TENANT];
    let rebuilt: Value = serde_json::from_str(&daemon.command(&named)?)?;
    assert_eq!(rebuilt, json!({"tenants": 1, "nodes": 1}));
    assert!(daemon.command(&["rebuild-search", "--tenant", "nobody"]).is_err());
    let version = daemon.command(&["version"])?;
    assert!(version.starts_with("bitvaultd "), "{version}");
    assert!(daemon.command(&["migrate"])?.contains("up to date"));
    let tenant = format!("tenant-{round}");
    let id = daemon.command(&["admin", "create-tenant", &tenant])?;
    assert!(!id.trim().is_empty());
    for size in ["2TB", "none", "1MB"] {
        let set = daemon.command(&["admin", "set-quota", &tenant, size])?;
        assert_eq!(set.trim(), if size == "none" { "no limit" } else { "set" });
    }
    for bad in [
        [tenant.as_str(), "much"],
        [tenant.as_str(), "99999PB"],
        ["nobody", "1MB"],
    ] {
        assert!(
            daemon.command(&["admin", "set-quota", bad[0], bad[1]]).is_err(),
            "{bad:?}"
        );
    }
    let email = format!("{round}@example.org");
    let create = [
        "admin",
        "create-user",
        "--role",
        "owner",
        "--tenant",
        &tenant,
        "--email",
    ];
    daemon.command_with_input(&[&create[..], &[&email]].concat(), PASSWORD)?;
    let bad = [
        &create[..4],
        &[
            "--tenant",
            &tenant,
            "--role",
            "emperor",
            "--email",
            "x@example.org",
        ],
    ]
    .concat();
    assert!(daemon.command_with_input(&bad, PASSWORD).is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_work_beside_a_running_daemon_and_on_a_stopped_one() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    owner.upload("root", "file", b"bytes").await.unwrap();
    every_command(&mut daemon, "running").await.unwrap();
    assert_eq!(daemon.command(&["healthcheck"]).unwrap().trim(), "ready");
    let running = daemon.url().to_owned();

    daemon.stop().await.unwrap();
    every_command(&mut daemon, "stopped").await.unwrap();
    let unknown = ["admin", "set-quota", "nobody", "1MB"];
    assert!(daemon.command(&unknown).is_err());
    let postgres = daemon.data_dir().join("postgres/postmaster.pid");
    assert!(!postgres.exists(), "what fails stops what it had started, too");
    assert!(daemon.command(&["healthcheck"]).is_err());
    assert!(!daemon.data_dir().join("runtime.json").exists());

    daemon.start().await.unwrap();
    assert_eq!(daemon.url(), running);
    for round in ["running", "stopped"] {
        let email = format!("{round}@example.org");
        let made = Caller::sign_in(daemon.url(), &email, PASSWORD).await.unwrap();
        let me = made.get("/v1/me").await.unwrap().ok().unwrap();
        assert_eq!(me["tenant"]["name"], format!("tenant-{round}"));
        let limits = made.get("/v1/quotas").await.unwrap().ok().unwrap();
        assert_eq!(limits["items"][0]["kind"], "tenant");
        assert_eq!(limits["items"][0]["max_bytes"], 1_000_000);
        let children = made.get("/v1/nodes/root/children").await.unwrap().ok().unwrap();
        assert_eq!(children["items"], json!([]), "a tenant of its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_finds_a_daemon_that_people_reach_under_another_name() {
    let config = "public_url = \"https://files.example.org\"\n";
    let mut daemon = Daemon::with_config(config).unwrap();
    daemon.spawn().unwrap();
    let ready = crate::until("the probe", async || Ok(daemon.command(&["healthcheck"]).ok())).await;
    let runtime = crate::runtime(&daemon.data_dir()).await.unwrap();
    assert_eq!(runtime["url"], "https://files.example.org");
    let last = daemon.command(&["healthcheck"]).context("healthcheck");
    assert_eq!(
        ready
            .map_err(|error| format!("{error}: {last:?}"))
            .unwrap()
            .trim(),
        "ready"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_reach_a_store_that_clients_know_under_another_name() {
    let config = "[lite]\ns3_public_url = \"https://files.invalid\"\n";
    let mut daemon = Daemon::with_config(config).unwrap();
    daemon.start().await.unwrap();
    for command in ["fsck", "gc"] {
        daemon.command(&[command]).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_daemon_told_about_itself_is_not_believed() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    daemon.kill().unwrap();
    // Its process id belongs to somebody else by now.
    let path = daemon.data_dir().join("runtime.json");
    let mut runtime: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    runtime["pid"] = json!(std::process::id());
    std::fs::write(&path, runtime.to_string()).unwrap();
    daemon.command(&["fsck"]).unwrap();
    assert!(!path.exists());
}
