//! Hints through a channel of Redis or Valkey: publish and subscribe, nothing is stored.

use super::{Hint, wire};
use crate::{Code, Error, Result};
use ::redis::{AsyncConnectionConfig, Client, IntoConnectionInfo as _, RedisError, cmd};
use futures::StreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Most hints that are told in one round trip.
const AT_ONCE: usize = 256;
/// How long Redis may take to connect or to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time between two questions whether the connection still lives.
const PING: Duration = Duration::from_secs(15);
/// Time before the first try to connect again, and the longest one.
const AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Section `[redis]`: optional, for several daemons that share one database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `redis://HOST:PORT`, `rediss://` for TLS, `redis+unix:///PATH`; `/NUMBER` names a database, which pub/sub does not
    /// look at.
    pub url: String,
    /// User of an access list.
    #[serde(default)]
    pub username: Option<String>,
    /// Password.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// The same from a file.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The channel: one per installation that shares the Redis.
    #[serde(default = "default_channel")]
    pub channel: String,
}

fn default_channel() -> String {
    "bitvault:hints".to_owned()
}

impl Config {
    /// Refuses what makes no sense.
    pub fn check(&self) -> Result<()> {
        Redis::new(self).map(drop)
    }
}

/// A Redis that is not connected.
pub(super) struct Redis {
    client: Client,
    channel: String,
    /// Tells our own messages from those of others.
    own: String,
}

impl Redis {
    pub(super) fn new(config: &Config) -> Result<Self> {
        let invalid =
            |detail: String| Error::new(Code::Invalid, "redis_url_invalid", format!("redis.url: {detail}"));
        let info = config
            .url
            .as_str()
            .into_connection_info()
            .map_err(|cause| invalid(format!("{cause}; use redis://HOST:PORT")))?;
        let mut settings = info.redis_settings().clone();
        if let Some(username) = &config.username {
            settings = settings.set_username(username);
        }
        if let Some(password) =
            crate::config::secret("redis.password", &config.password, &config.password_file)?
        {
            settings = settings.set_password(password.expose_secret());
        }
        if config.channel.is_empty() {
            return Err(Error::new(
                Code::Invalid,
                "redis_channel_invalid",
                "redis.channel: must not be empty",
            ));
        }
        Ok(Self {
            client: Client::open(info.set_redis_settings(settings))
                .map_err(|cause| invalid(cause.to_string()))?,
            channel: config.channel.clone(),
            own: uuid::Uuid::from_u128(rand::random()).simple().to_string(),
        })
    }

    /// Tells and hears until `stop`. What waits to be told while there is no connection is dropped: those who listen are
    /// told on their side that they missed something.
    pub(super) async fn run(
        &self,
        to_tell: &mut mpsc::Receiver<Hint>,
        stop: &CancellationToken,
        hear: impl Fn(Hint),
    ) {
        let mut wait = AGAIN.0;
        loop {
            is_connected(false);
            let outcome = tokio::select! {
                () = stop.cancelled() => return,
                outcome = self.carry(to_tell, &hear, || {
                    is_connected(true);
                    wait = AGAIN.0;
                }) => outcome,
            };
            is_connected(false);
            // Logged once for a Redis that is away: the next tries are told as they succeed.
            if let Err(error) = outcome {
                if wait == AGAIN.0 {
                    tracing::warn!(%error, "hints between daemons are off until Redis is back; changes of others are seen a period later");
                } else {
                    tracing::debug!(%error, "connect to Redis");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            wait = (wait * 2).min(AGAIN.1);
            while to_tell.try_recv().is_ok() {}
        }
    }

    /// One connection's life.
    async fn carry(
        &self,
        to_tell: &mut mpsc::Receiver<Hint>,
        hear: &impl Fn(Hint),
        mut connected: impl FnMut(),
    ) -> std::result::Result<(), RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let mut telling = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let (mut hearing, mut heard) = within(self.client.get_async_pubsub()).await?.split();
        within(hearing.subscribe(&self.channel)).await?;
        tracing::info!(channel = self.channel, "hints between daemons go through Redis");
        connected();
        // What was told before this subscription nobody will say again.
        hear(Hint::Missed);
        let mut ping = tokio::time::interval(PING);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                message = heard.next() => match message {
                    Some(message) => {
                        if let Some(hint) = wire::read(&self.own, message.get_payload_bytes()) {
                            hear(hint);
                        }
                    }
                    None => return Err(closed()),
                },
                taken = to_tell.recv_many(&mut batch, AT_ONCE) => {
                    if taken == 0 {
                        return Ok(());
                    }
                    // A burst of changes in one tenant is one hint.
                    let distinct: HashSet<Hint> = batch.drain(..).collect();
                    let mut pipeline = ::redis::pipe();
                    for text in distinct.into_iter().filter_map(|hint| wire::written(&self.own, hint)) {
                        pipeline.add_command(cmd("PUBLISH").arg(&self.channel).arg(text).to_owned()).ignore();
                    }
                    pipeline.query_async::<()>(&mut telling).await?;
                }
                // A connection that was cut without a word shows nothing else.
                _ = ping.tick() => within(hearing.ping::<::redis::Value>()).await.map(drop)?,
            }
        }
    }
}

fn is_connected(connected: bool) {
    metrics::gauge!("bitvault_hints_connected").set(f64::from(u8::from(connected)));
}

fn closed() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::ConnectionAborted).into()
}

async fn within<T>(
    answer: impl Future<Output = std::result::Result<T, RedisError>>,
) -> std::result::Result<T, RedisError> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}
