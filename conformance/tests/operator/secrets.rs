//! Canaries: secrets that were planted show in nothing that the daemon writes or answers.

use crate::on_minio;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD, TENANT, free_port};
use bitvault_conformance::stores::{Kind, SECRET_KEY, Store};
use serde_json::{Value, json};

const RPC_SECRET: &str = "canary-rpc-secret-of-enough-characters";
const USERS_PASSWORD: &str = "canary-password-of-a-member";
const WRONG_PASSWORD: &str = "canary-password-that-is-wrong";

#[tokio::test(flavor = "multi_thread")]
async fn planted_secrets_show_nowhere() {
    let store = Store::start(Kind::Minio).unwrap();
    let port = free_port().unwrap();
    let config = format!(
        "[rpc]\nlisten = \"127.0.0.1:{port}\"\nsecret = \"{RPC_SECRET}\"\n\
         [peers]\nfiles = \"http://127.0.0.1:{port}\"\nstorage = \"http://127.0.0.1:{port}\"\n\
         [telemetry]\nlog_format = \"json\"\nlog_filter = \"debug\"\n{}",
        on_minio(&store.endpoint(), SECRET_KEY)
    );
    let mut daemon = Daemon::with_config(&config).unwrap();
    daemon.start().await.unwrap();
    let mut said = Vec::new();
    let tokens = live(&daemon, &mut said).await.unwrap();
    let mut secrets = vec![PASSWORD, SECRET_KEY, RPC_SECRET, USERS_PASSWORD, WRONG_PASSWORD];
    secrets.extend(tokens.iter().map(String::as_str));
    let own = std::fs::read(daemon.data_dir().join("secrets.json")).unwrap();
    let own: Value = serde_json::from_slice(&own).unwrap();
    secrets.extend(
        own.as_object()
            .unwrap()
            .iter()
            // The key's name is no secret: it stands in each presigned URL.
            .filter(|(name, _)| *name != "s3_access_key")
            .filter_map(|(_, value)| value.as_str()),
    );
    assert!(secrets.len() >= 12, "{} secrets", secrets.len());
    said.push(("arguments".to_owned(), arguments(daemon.pid().unwrap()).unwrap()));
    daemon.stop().await.unwrap();
    let log = daemon.log();
    assert!(log.lines().count() > 50, "the log is on");
    said.push(("the log".to_owned(), log));
    for (place, text) in &said {
        assert!(!text.is_empty(), "{place} says nothing");
        for (at, secret) in secrets.iter().enumerate() {
            // The secret itself stays out of the test's output.
            if let Some(found) = text.find(secret) {
                let line = text[..found].lines().last().unwrap_or_default();
                panic!("secret {at} of {} shows in {place} after: {line}", secrets.len());
            }
        }
        assert!(
            !text.contains("X-Amz-Signature="),
            "a presigned URL shows in {place}"
        );
    }
}

/// Does everything that handles secrets, gathers what is answered, and answers the tokens that were given out.
async fn live(daemon: &Daemon, said: &mut Vec<(String, String)>) -> Result<Vec<String>> {
    let anonymous = Caller::anonymous(daemon.url())?;
    let create = [
        "admin",
        "create-user",
        "--tenant",
        TENANT,
        "--email",
        "member@example.org",
    ];
    said.push((
        "create-user".to_owned(),
        daemon.command_with_input(&create, USERS_PASSWORD)?,
    ));
    let mut tokens = Vec::new();
    for (email, password) in [(EMAIL, PASSWORD), ("member@example.org", USERS_PASSWORD)] {
        let session = anonymous
            .post("/v1/sessions", json!({"email": email, "password": password}))
            .await?
            .ok()?;
        let refresh = session["refresh_token"].as_str().context("a refresh token")?;
        tokens.push(session["access_token"].as_str().context("a token")?.to_owned());
        tokens.push(refresh.to_owned());
        let again = anonymous
            .post("/v1/sessions/refresh", json!({"refresh_token": refresh}))
            .await?
            .ok()?;
        tokens.push(again["access_token"].as_str().context("a token")?.to_owned());
    }
    // The last token is the one that is good.
    let caller = anonymous.clone().with_token(&tokens[2]);
    caller.upload("root", "file", b"some bytes").await?;
    errors(&anonymous, &caller, &tokens, said).await?;
    let traces = caller.get("/v1/admin/traces?limit=500").await?.ok()?;
    for trace in traces["items"].as_array().context("items")? {
        let id = trace["trace_id"].as_str().unwrap_or_default();
        let trace = caller.get(&format!("/v1/admin/traces/{id}")).await?.ok()?;
        said.push(("a trace".to_owned(), trace.to_string()));
    }
    said.push(("the traces".to_owned(), traces.to_string()));
    let metrics = anonymous.get("/metrics").await?.ok()?;
    said.push(("the metrics".to_owned(), metrics.to_string()));
    said.push(("config print".to_owned(), daemon.command(&["config", "print"])?));
    Ok(tokens)
}

/// Requests that are refused, with secrets in them where people and programs put them by mistake.
async fn errors(
    anonymous: &Caller,
    caller: &Caller,
    tokens: &[String],
    said: &mut Vec<(String, String)>,
) -> Result<()> {
    let refused = [
        anonymous
            .post(
                "/v1/sessions",
                json!({"email": EMAIL, "password": WRONG_PASSWORD}),
            )
            .await?,
        anonymous
            .post(
                "/v1/sessions",
                json!({"email": EMAIL, "password": PASSWORD, "pasword": 1}),
            )
            .await?,
        anonymous
            .post(
                "/v1/sessions",
                json!({"email": EMAIL, "password": [USERS_PASSWORD]}),
            )
            .await?,
        anonymous
            .clone()
            .with_token(&format!("{}x", tokens[2]))
            .get("/v1/me")
            .await?,
        anonymous.get(&format!("/v1/me?token={}", tokens[2])).await?,
        caller.get("/v1/nodes/nod_nowhere").await?,
        // The member's refresh token was used already; this ends the member's session.
        anonymous
            .post("/v1/sessions/refresh", json!({"refresh_token": tokens[4]}))
            .await?,
    ];
    for answer in refused {
        assert!(answer.status.is_client_error(), "{}", answer.status);
        said.push((format!("the answer {}", answer.reason()), answer.body.to_string()));
    }
    Ok(())
}

/// Arguments of the daemon and everything that it started, as any user of the machine may read them.
fn arguments(daemon: u64) -> Result<String> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u64>().ok()) else {
            continue;
        };
        // Processes end meanwhile. The parent is the second word behind the name in parentheses.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
            continue;
        };
        let behind = stat.rsplit(')').next().unwrap_or_default();
        let parent = behind
            .split_whitespace()
            .nth(1)
            .and_then(|text| text.parse().ok());
        parents.push((pid, parent.unwrap_or(0)));
    }
    let mut ours = vec![daemon];
    let mut at = 0;
    while at < ours.len() {
        let children = parents.iter().filter(|(_, parent)| *parent == ours[at]);
        let children: Vec<u64> = children.map(|(pid, _)| *pid).collect();
        ours.extend(children);
        at += 1;
    }
    let mut all = String::new();
    for pid in ours {
        let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = bytes.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        all.push_str(&words.collect::<Vec<_>>().join(" "));
        all.push('\n');
    }
    assert!(all.contains("bitvaultd") && all.contains("postgres"), "{all}");
    Ok(all)
}
