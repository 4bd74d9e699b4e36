//! The server, and whether it still knows this account and device.

use super::{Findings, Known};
use crate::connect::Server;
use crate::error::Error;
use crate::exit::{client_hint, hint};
use crate::human::duration;
use bitvault_client::api::Code;
use bitvault_client::{Changes, Client, Error as ClientError};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// How long the server may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Clocks further apart than this make presigned requests fail and dates of conflicted copies wrong.
const SKEW_MOST: Duration = Duration::from_secs(60);

pub(super) async fn look(
    known: &Known,
    connect: impl Fn() -> Result<Server, Error>,
    findings: &mut Findings,
) {
    let server = match connect() {
        Ok(server) => server,
        Err(error) => {
            let cure = hint(&error).unwrap_or_else(|| "sign in with `bitvault login URL`".to_owned());
            return findings.wrong("session", error.to_string(), cure);
        }
    };
    if answers(&server.client, findings).await {
        session(known, &server.client, findings).await;
    }
}

/// Whether it can be reached; with version and clock.
async fn answers(client: &Client, findings: &mut Findings) -> bool {
    let base = client.base();
    let get = async |path: &str| -> Result<reqwest::Response, String> {
        let url = base.join(path).map_err(|error| error.to_string())?;
        let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).build();
        let asked = http.map_err(|error| error.to_string())?.get(url).send().await;
        asked.map_err(|error| error.without_url().to_string())
    };
    let ready = match get("readyz").await {
        Ok(ready) => ready,
        Err(error) => {
            findings.wrong(
                "server",
                format!("{base} can't be reached: {error}"),
                "check the network and whether the server runs; the sync goes on by itself",
            );
            return false;
        }
    };
    let date = ready.headers().get(reqwest::header::DATE);
    let date = date.and_then(|date| OffsetDateTime::parse(date.to_str().ok()?, &Rfc2822).ok());
    if !ready.status().is_success() {
        let why = ready.text().await.unwrap_or_default();
        let cure = "tell who runs the server";
        findings.wrong("server", format!("{base} is not ready: {why}"), cure);
    } else {
        let api: Option<serde_json::Value> = match get("v1/openapi.json").await {
            Ok(answer) => answer.json().await.ok(),
            Err(_) => None,
        };
        let version = api.as_ref().and_then(|api| api["info"]["version"].as_str());
        let (version, ours) = (version.unwrap_or("unknown"), env!("CARGO_PKG_VERSION"));
        findings.well(
            "server",
            format!("{base} is ready, version {version}; this is {ours}"),
        );
    }
    let skew = date.map(|date| (now() - date).unsigned_abs());
    match skew {
        Some(skew) if skew > SKEW_MOST => findings.wrong(
            "clock",
            format!(
                "this machine's clock and the server's are {} apart",
                duration(skew)
            ),
            "set both by NTP",
        ),
        Some(_) => findings.well("clock", "it agrees with the server's"),
        None => findings.note("clock", "the server does not tell the time"),
    }
    true
}

#[expect(clippy::disallowed_methods, reason = "the machine's clock is what is checked")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

async fn session(known: &Known, client: &Client, findings: &mut Findings) {
    let meta = &known.loaded.meta;
    let refused =
        |error: &ClientError, otherwise: &str| client_hint(error).unwrap_or_else(|| otherwise.to_owned());
    match client.me().await {
        Ok(me) if !meta.account.starts_with(&format!("{} at ", me.account.id)) => {
            return findings.wrong(
                "session",
                format!(
                    "you are signed in as {}, and another account synced this folder",
                    me.account.email
                ),
                "choose its profile with --profile",
            );
        }
        Ok(me) => findings.well("session", format!("signed in as {}", me.account.email)),
        Err(error) => {
            let cure = refused(&error, "sign in again with `bitvault login URL`");
            return findings.wrong("session", error.to_string(), cure);
        }
    }
    match &meta.device {
        None => findings.wrong("device", "the server does not know it yet", "sync once"),
        Some(id) => match client.device(id).await {
            Ok(device) => findings.well("device", format!("the server knows it as {}", device.name)),
            Err(error) if error.code() == Some(Code::NotFound) => findings.wrong(
                "device",
                "it was removed on the server",
                "if that was not meant, sync again: it is made known anew",
            ),
            Err(error) => findings.wrong("device", error.to_string(), refused(&error, "try again later")),
        },
    }
    let root = client.node(&meta.remote_root).await;
    if let Err(error) = root {
        findings.wrong(
            "remote",
            format!("the folder on the server: {error}"),
            "ask who owns it, or restore it from the trash; nothing is changed here meanwhile",
        );
    }
    let Some(cursor) = meta.cursor.clone().filter(|_| !meta.anew) else {
        return findings.note("journal", "it is being read from the beginning");
    };
    let wanted = Changes {
        cursor: Some(cursor),
        limit: Some(1),
        device: meta.device.clone(),
        ..Changes::default()
    };
    match client.changes(&wanted).await {
        Ok(page) if page.items.is_empty() => findings.well("journal", "it is read to its end"),
        Ok(_) => findings.note(
            "journal",
            "the server has changes that this device did not read yet",
        ),
        Err(error) => match error.reason() {
            Some("cursor_expired" | "cursor_invalid" | "epoch_changed") => findings.note(
                "journal",
                format!("the next sync compares everything anew: {error}"),
            ),
            _ => findings.wrong("journal", error.to_string(), refused(&error, "try again later")),
        },
    }
}
