//! The standard profile: two daemons that share an outside Postgres and a MinIO, and give each other hints through Redis.

mod redis;

use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use bitvault_conformance::stores::{ACCESS_KEY, Kind, SECRET_KEY, Store};
use bitvault_testing::TestDatabase;
use redis::Redis;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::time::Duration;

/// Far longer than any test: what is seen sooner was hinted at.
const PERIOD: &str = "1h";
/// How long something may take that is to come by a hint.
const WITHIN: Duration = Duration::from_secs(20);

struct Standard {
    one: Daemon,
    two: Daemon,
    redis: Redis,
    _store: Store,
    _database: TestDatabase,
}

impl Standard {
    /// Both ready, with `period` between two looks at the journals.
    async fn start(period: &str) -> Result<Self> {
        let database = TestDatabase::new().await.map_err(anyhow::Error::from_boxed)?;
        let store = Store::start(Kind::Minio)?;
        let redis = Redis::start()?;
        let at = database.config();
        let secret = at.role_secret.context("a secret of the roles")?;
        let owner = at.owner.context("an owner")?;
        let config = format!(
            "[sync]\nperiod = \"{period}\"\n\
             [database]\nurl = \"{}\"\nrole_secret = \"{}\"\n[database.owner]\nuser = \"{}\"\n\
             [storage.backend]\naccess_key = \"{ACCESS_KEY}\"\nsecret_key = \"{SECRET_KEY}\"\ncreate_bucket = true\n\
             [storage.backend.settings]\nendpoint = \"{}\"\nbucket = \"standard\"\n\
             [storage.backend.grant]\nallow_private_addresses = true\n{}",
            at.url,
            secret.expose_secret(),
            owner.user,
            store.endpoint(),
            redis.section()
        );
        let mut one = Daemon::with_config(&config)?;
        let mut two = Daemon::with_config(&config)?;
        one.start().await?;
        two.start().await?;
        let standard = Self {
            one,
            two,
            redis,
            _store: store,
            _database: database,
        };
        standard.hints_are(true).await?;
        Ok(standard)
    }

    /// Waits until both daemons say that they have a Redis, or that they have none.
    async fn hints_are(&self, connected: bool) -> Result<()> {
        let wanted = if connected {
            "bitvault_hints_connected 1"
        } else {
            "bitvault_hints_connected 0"
        };
        for daemon in [&self.one, &self.two] {
            let metrics = format!("{}/metrics", daemon.url());
            tokio::time::timeout(WITHIN * 3, async {
                loop {
                    let text = reqwest::get(&metrics).await?.text().await?;
                    if text.lines().any(|line| line == wanted) {
                        return anyhow::Ok(());
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            })
            .await
            .with_context(|| format!("{wanted}: {}", daemon.log()))??;
        }
        Ok(())
    }
}

/// The cursor at the end of all there is now.
async fn caught_up(caller: &Caller) -> Result<String> {
    let mut path = "/v1/changes".to_owned();
    loop {
        let page = caller.get(&path).await?.ok()?;
        let cursor = page["next_cursor"].as_str().context("a cursor")?.to_owned();
        if page["has_more"] == json!(false) {
            return Ok(cursor);
        }
        path = format!("/v1/changes?cursor={cursor}");
    }
}

/// The files that a page tells of.
fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().into_iter().flatten();
    let files = items.filter(|item| item["node"]["kind"] == "file");
    files
        .filter_map(|item| item["node"]["name"].as_str().map(str::to_owned))
        .collect()
}

/// Waits for a change at one daemon while `act` runs at another; answers the names that it tells of.
async fn told_of(caller: &Caller, act: impl Future<Output = Result<Value>>) -> Result<Vec<String>> {
    let path = format!("/v1/changes?wait=50&cursor={}", caught_up(caller).await?);
    let waiting = async {
        let page = tokio::time::timeout(WITHIN, caller.get(&path))
            .await
            .context("nothing came")??
            .ok()?;
        Ok(names(&page))
    };
    let (told, done) = tokio::join!(waiting, act);
    done?;
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_at_one_daemon_is_known_at_the_other_at_once_and_redis_may_go() {
    hints().await.unwrap();
}

async fn hints() -> Result<()> {
    let mut standard = Standard::start(PERIOD).await?;
    let one = Caller::sign_in(standard.one.url(), EMAIL, PASSWORD).await?;
    let two = Caller::sign_in(standard.two.url(), EMAIL, PASSWORD).await?;

    // A change wakes whoever waits elsewhere.
    let told = told_of(&two, one.upload("root", "first", b"first")).await?;
    ensure!(told == ["first"], "{told:?}");
    let told = told_of(&one, two.upload("root", "second", b"second")).await?;
    ensure!(told == ["second"], "{told:?}");

    // What ended at one daemon is refused by the other, which had just let it in.
    let leaving = Caller::sign_in(standard.one.url(), EMAIL, PASSWORD).await?;
    let elsewhere = Caller::anonymous(standard.two.url())?.with_token(leaving.token());
    elsewhere.get("/v1/me").await?.ok()?;
    leaving.delete("/v1/sessions/current").await?;
    let refused = async {
        while elsewhere.get("/v1/me").await?.status != 401 {}
        anyhow::Ok(())
    };
    // The other daemon remembers a token for five seconds when nobody tells it.
    tokio::time::timeout(Duration::from_secs(3), refused)
        .await
        .context("a token that ended elsewhere still works")??;

    // Without Redis everything works; what it would have said is made up for when it is back.
    standard.redis.kill();
    standard.hints_are(false).await?;
    let node = one.upload("root", "third", b"third").await?;
    ensure!(two.content(node["id"].as_str().context("an id")?).await? == b"third");
    let cursor = caught_up(&two).await?;
    let waiting = async {
        let path = format!("/v1/changes?wait=50&cursor={cursor}");
        let page = two.get(&path).await?.ok()?;
        ensure!(names(&page) == ["fourth"], "{page}");
        Ok(())
    };
    let meanwhile = async {
        one.upload("root", "fourth", b"fourth").await?;
        standard.redis.run()?;
        standard.hints_are(true).await
    };
    let (waited, back) = tokio::join!(waiting, meanwhile);
    back?;
    waited?;

    // It holds nothing of ours, so that wiping it changes nothing.
    let told = told_of(&two, one.upload("root", "fifth", b"fifth")).await?;
    ensure!(told == ["fifth"], "{told:?}");
    Ok(())
}
