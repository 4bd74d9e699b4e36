//! Background work: each a timer, a nudge and an idempotent scan without input. Several processes may run all of them.

pub(crate) mod collect;
mod copy;
pub(crate) mod fsck;
pub(crate) mod high_water;
pub(crate) mod purge;
mod quotas;
mod relay;
mod take_in;
pub(crate) mod thin;
mod verify;

use crate::Files;
use bitvault_platform::jobs::{self, Nudge};
use futures::future::BoxFuture;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often homes take in what an older release adds, should one still run.
const TAKE_IN_EVERY: Duration = Duration::from_secs(60);

impl Files {
    /// The module's background jobs, to be run until `stop`: collector, purge of the trash, outbox relay,
    /// verification, removal of versions that no policy keeps, large copies, homes for what an older release left,
    /// counting for new quotas, the high-water mark.
    pub fn jobs(&self, stop: &CancellationToken) -> Vec<BoxFuture<'static, ()>> {
        let config = &self.core.config;
        let collector = {
            let (files, stop) = (self.clone(), stop.clone());
            jobs::run(
                "files.collector",
                config.collector.period,
                Nudge::default(),
                stop,
                move || {
                    let files = files.clone();
                    async move { files.collect_once().await.map(|_| ()) }
                },
            )
        };
        let purge = {
            let (files, stop) = (self.clone(), stop.clone());
            let period = config.trash.period;
            jobs::run("files.purge", period, Nudge::default(), stop, move || {
                let files = files.clone();
                async move { files.purge_once().await.map(|_| ()) }
            })
        };
        let relay = {
            let (files, stop) = (self.clone(), stop.clone());
            let nudge = self.core.relay.clone();
            jobs::run("files.relay", config.relay.period, nudge, stop, move || {
                let files = files.clone();
                async move {
                    tokio::time::sleep(relay::GATHER).await;
                    files.relay_once().await.map(|_| ())
                }
            })
        };
        let verify = {
            let (files, stop) = (self.clone(), stop.clone());
            jobs::run(
                "files.verify",
                config.verify.period,
                Nudge::default(),
                stop,
                move || {
                    let files = files.clone();
                    async move { files.verify_once().await.map(|_| ()) }
                },
            )
        };
        let thin = {
            let (files, stop) = (self.clone(), stop.clone());
            let nudge = self.core.thin.clone();
            jobs::run("files.versions", config.versions.period, nudge, stop, move || {
                let files = files.clone();
                async move { files.thin_once().await.map(|_| ()) }
            })
        };
        let copy = {
            let (files, stop) = (self.clone(), stop.clone());
            let nudge = self.core.copies.clone();
            jobs::run("files.copies", config.copy.period, nudge, stop, move || {
                let files = files.clone();
                async move { files.copy_once().await.map(|_| ()) }
            })
        };
        let take_in = {
            let (files, stop) = (self.clone(), stop.clone());
            let nudge = Nudge::default();
            // At once: what it takes in is seen by nobody until then.
            nudge.nudge();
            jobs::run("files.homes", TAKE_IN_EVERY, nudge, stop, move || {
                let files = files.clone();
                async move { files.take_in_once().await.map(|_| ()) }
            })
        };
        let quotas = {
            let (files, stop) = (self.clone(), stop.clone());
            jobs::run(
                "files.quotas",
                quotas::PERIOD,
                Nudge::default(),
                stop,
                move || {
                    let files = files.clone();
                    async move { files.count_quotas_once().await.map(|_| ()) }
                },
            )
        };
        let high_water = {
            let (files, ended) = (self.clone(), stop.clone());
            let nudge = self.core.high_water.begin();
            jobs::run(
                "files.high_water",
                high_water::IDLE,
                nudge,
                stop.clone(),
                move || {
                    let (files, ended) = (files.clone(), ended.clone());
                    async move { files.keep_high_water(&ended).await }
                },
            )
        };
        vec![
            Box::pin(collector),
            Box::pin(purge),
            Box::pin(relay),
            Box::pin(verify),
            Box::pin(thin),
            Box::pin(copy),
            Box::pin(take_in),
            Box::pin(quotas),
            Box::pin(high_water),
        ]
    }
}
