//! A kill at each named step.

use crate::client::{Acknowledged, abandon, persist};
use crate::{LIVES, on_minio, rest};
use anyhow::{Context as _, Result};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use bitvault_conformance::stores::{Kind, Store};
use std::os::unix::process::ExitStatusExt as _;

const SIGKILL: i32 = 9;

/// What a person does while the daemon is to die: a small file, a large one, and one that is abandoned.
async fn work(caller: Caller, step: &'static str) -> Result<Vec<Acknowledged>> {
    let (small, large) = (format!("{step}.small"), format!("{step}.large"));
    let small = persist(&caller, "root", &small, step.as_bytes().to_vec());
    let large = persist(&caller, "root", &large, vec![step.len() as u8; 11 << 20]);
    let abandoned = format!("{step}.abandoned");
    let (small, large, ()) = tokio::join!(small, large, abandon(&caller, "root", &abandoned, b"gone"));
    Ok(vec![small?, large?])
}

async fn kill_at_each_step(mut daemon: Daemon) -> Result<()> {
    daemon.start().await?;
    let caller = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    let mut acknowledged = Vec::new();
    for step in bitvault_files::failpoints::ALL {
        daemon.stop().await?;
        daemon.set_env("BITVAULT_KILL_AT", step);
        daemon.spawn()?;
        let ready = daemon.wait_ready().await;
        // The collector may pass its steps before the daemon is ready.
        if daemon.exited()?.is_none() {
            ready.with_context(|| format!("start to die at {step}"))?;
        }
        let working = tokio::spawn(work(caller.clone(), step));
        let status = daemon
            .wait_exit()
            .await
            .with_context(|| format!("nothing passed {step}"))?;
        assert_eq!(status.signal(), Some(SIGKILL), "{step}: {status}");
        daemon.set_env("BITVAULT_KILL_AT", "");
        daemon
            .start()
            .await
            .with_context(|| format!("start after dying at {step}"))?;
        acknowledged.extend(
            working
                .await?
                .with_context(|| format!("retry after dying at {step}"))?,
        );
    }
    rest::demand(&daemon, &caller, &acknowledged).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_each_step_loses_nothing_on_the_embedded_endpoint() {
    kill_at_each_step(Daemon::with_config(LIVES).unwrap())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_each_step_loses_nothing_on_minio() {
    let store = Store::start(Kind::Minio).unwrap();
    kill_at_each_step(on_minio(&store).unwrap()).await.unwrap();
}
