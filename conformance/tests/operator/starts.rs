//! Starts that can't be: each ends at once with one line that names the next step.

use crate::bitvaultd;
use anyhow::Result;
use bitvault_conformance::daemon::Daemon;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

fn refused(arguments: &[&str], environment: &[(&str, &str)], parts: &[&str]) -> Result<()> {
    let (code, said) = bitvaultd(arguments, environment)?;
    assert_eq!(code, 1, "{arguments:?}: {said}");
    for part in parts {
        assert!(said.contains(part), "`{part}` is missing in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    Ok(())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_port_in_use_is_told_before_anything_is_started() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["serve", "--listen", &address, "--data-dir", &text(&data)];
    refused(&arguments, &[], &[&address, "port", "choose another"]).unwrap();
    assert!(!data.exists(), "nothing was begun");
}

/// A folder that Postgres may pass through when this is root, and it runs as another user.
fn passable() -> std::io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open)?;
    Ok(folder)
}

#[test]
fn a_store_that_can_not_start_is_told_and_leaves_no_postgres_behind() {
    let folder = passable().unwrap();
    let data = folder.path().join("data");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &text(&data)];
    let lock = data.join("postgres/postmaster.pid");

    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listen = [("BITVAULTD_LITE__S3_LISTEN", address.as_str())];
    refused(
        &arguments,
        &listen,
        &["lite.s3_listen", &address, "choose another"],
    )
    .unwrap();
    assert!(!lock.exists(), "Postgres was not started, or stopped");

    std::fs::write(data.join("objects"), "a file where a folder must be").unwrap();
    refused(&arguments, &[], &["open the embedded S3 endpoint"]).unwrap();
    assert!(data.join("postgres").exists(), "Postgres was started");
    assert!(!lock.exists(), "and stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_in_use_names_who_holds_it() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let data = text(&daemon.data_dir());
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &data];
    let pid = daemon.pid().unwrap().to_string();
    refused(&arguments, &[], &["in use by process", &pid, "--data-dir"]).unwrap();
    let ready = reqwest::get(format!("{}/readyz", daemon.url())).await.unwrap();
    assert!(ready.status().is_success(), "the first is not disturbed");
    assert!(daemon.data_dir().join("runtime.json").exists());
}

#[test]
fn a_data_folder_that_can_not_be_is_told_with_the_flag_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "a file").unwrap();
    // Not even root can make a folder in /proc.
    for path in [file.clone(), file.join("below"), "/proc/bitvault".into()] {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &text(&path)];
        refused(&arguments, &[], &[&text(&path), "--data-dir"]).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "a file");
}

#[test]
fn a_data_folder_that_can_not_be_written_is_told_with_the_flag_that_helps() {
    // /proc/self/fdinfo is a folder in which nobody can create or change anything, root included.
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        "/proc/self/fdinfo",
    ];
    refused(
        &arguments,
        &[],
        &["write to the data folder", "make it writable", "--data-dir"],
    )
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_another_postgres_is_left_alone_and_named() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    daemon.stop().await.unwrap();
    let file = daemon.data_dir().join("postgres/PG_VERSION");
    let real = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "12\n").unwrap();
    let data = text(&daemon.data_dir());
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &data];
    refused(&arguments, &[], &["Postgres 12", real.trim()]).unwrap();
    assert!(!daemon.data_dir().join("runtime.json").exists());
    // With the right programs again everything is there.
    std::fs::write(&file, real).unwrap();
    daemon.start().await.unwrap();
}

#[test]
fn every_mistake_of_a_configuration_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bitvault.toml");
    std::fs::write(
        &file,
        "listen = \"nowhere\"\nfrobnicate = true\nroles = [\"files\"]\n\
         [files]\nupload_lifetime = \"soon\"\n[lite]\npostgres_bun = \"/x\"\n",
    )
    .unwrap();
    let wrong = [
        "listen",
        "frobnicate",
        "files.upload_lifetime",
        "postgres_bun",
        "peers.identity",
        "gateway.max_body",
    ];
    let file = text(&file);
    let named = ["--config", file.as_str()];
    for command in [&["config", "check"][..], &["serve"], &["config", "print"]] {
        let arguments = [command, &named].concat();
        let wrong_body = ("BITVAULTD_GATEWAY__MAX_BODY", "plenty");
        let (code, said) = bitvaultd(&arguments, &[wrong_body]).unwrap();
        assert_eq!(code, 1, "{said}");
        for part in wrong {
            assert!(said.contains(part), "`{part}` is missing in: {said}");
        }
    }
    let arguments = ["config", "check", "--config", "/nowhere/bitvault.toml"];
    refused(&arguments, &[], &["/nowhere/bitvault.toml", "does not exist"]).unwrap();
}

#[test]
fn a_password_of_digits_is_a_password() {
    let digits = [
        ("BITVAULTD_BOOTSTRAP_PASSWORD", "0123456789"),
        ("BITVAULTD_RPC__SECRET", "01234567890123456789012345678901"),
    ];
    let (code, said) = bitvaultd(&["config", "print"], &digits).unwrap();
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("123456789"), "{said}");
}

#[test]
fn values_out_of_range_are_told_before_anything_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("bitvault.toml"), folder.path().join("data"));
    let text_of = "[files]\nupload_lifetime = \"1s\"\n[telemetry]\nlog_filter = \"x=[\"\n";
    std::fs::write(&file, text_of).unwrap();
    let arguments = [
        "config",
        "check",
        "--config",
        &text(&file),
        "--data-dir",
        &text(&data),
    ];
    refused(&arguments, &[], &["upload_lifetime", "log_filter"]).unwrap();
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--config",
        &text(&file),
        "--data-dir",
        &text(&data),
    ];
    refused(&arguments, &[], &["upload_lifetime"]).unwrap();
    assert!(!data.exists(), "nothing was begun");
}

#[test]
fn a_check_reads_what_the_configuration_points_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bitvault.toml");
    std::fs::write(
        &file,
        "[database]\nurl = \"postgres://db.internal/bitvault\"\nrole_secret_file = \"/nowhere/roles\"\n\
         [database.owner]\nuser = \"owner\"\npassword_file = \"/nowhere/owner\"\n\
         [rpc]\nsecret_file = \"/nowhere/rpc\"\n",
    )
    .unwrap();
    let arguments = ["config", "check", "--config", &text(&file)];
    refused(
        &arguments,
        &[],
        &["/nowhere/roles", "/nowhere/owner", "/nowhere/rpc"],
    )
    .unwrap();
    let short = [
        ("BITVAULTD_RPC__SECRET", "short"),
        ("BITVAULTD_RPC__LISTEN", "127.0.0.1:0"),
    ];
    refused(&["config", "check"], &short, &["rpc.secret", "32"]).unwrap();
}

#[test]
fn a_first_password_that_is_too_short_names_its_key() {
    let folder = passable().unwrap();
    let data = text(&folder.path().join("data"));
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &data];
    let password = [("BITVAULTD_BOOTSTRAP_PASSWORD", "short")];
    refused(&arguments, &password, &["bootstrap_password", "8 characters"]).unwrap();
    let lock = folder.path().join("data/postgres/postmaster.pid");
    assert!(!lock.exists(), "Postgres was stopped");
}

#[test]
fn a_printed_configuration_masks_every_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bitvault.toml");
    std::fs::write(
        &file,
        "bootstrap_password = \"canary-bootstrap\"\npublic_url = \"https://files.example.org\"\n\
         [rpc]\nsecret = \"canary-rpc-secret-that-is-long-enough\"\n\
         [database]\nurl = \"postgres://someone:canary-url@db/bitvault\"\n\
         role_secret = \"canary-roles-that-are-long-enough-too\"\n\
         [database.owner]\nuser = \"owner\"\npassword = \"canary-owner\"\n\
         [storage.backend]\naccess_key = \"key\"\nsecret_key = \"canary-store\"\n\
         [storage.backend.settings]\nendpoint = \"https://s3.example.org\"\nbucket = \"b\"\n\
         [telemetry.otlp_headers]\nauthorization = \"Bearer canary-collector\"\n",
    )
    .unwrap();
    let (code, said) = bitvaultd(&["config", "print", "--config", &text(&file)], &[]).unwrap();
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("canary"), "{said}");
    assert!(
        said.contains("https://files.example.org") && said.contains("s3.example.org"),
        "{said}"
    );
}
