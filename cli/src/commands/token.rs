use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use crate::tenant_args::{Token, TokenCommand};
use bitvault_client::api::CreateToken;
use serde_json::json;
use std::time::Duration;
use time::OffsetDateTime;

/// Seconds of a day.
const DAY: u64 = 86_400;

pub(crate) async fn run(args: &Token, server: &Server, output: &Output) -> Result<(), Error> {
    match args.command.as_ref().unwrap_or(&TokenCommand::Ls) {
        TokenCommand::Create {
            name,
            read_only,
            days,
        } => {
            let scopes: &[&str] = if *read_only { &["read"] } else { &["read", "write"] };
            let wanted = CreateToken {
                name: name.clone(),
                scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
                expires_at: days.map(in_days),
            };
            let made = server.client.create_token(&wanted).await?;
            if output.json {
                return output.document(&made);
            }
            output.note(&format!(
                "the secret is shown only now; it is good until {}",
                instant(made.token.expires_at)
            ));
            output.line(&made.secret)
        }
        TokenCommand::Ls => {
            let tokens = server.client.access_tokens().await?;
            if output.json {
                return output.document(&json!({ "items": tokens }));
            }
            let rows = tokens.iter().map(|token| {
                vec![
                    token.name.clone(),
                    token.scopes.join(","),
                    instant(token.expires_at),
                ]
            });
            output.listing(
                &["name", "scopes", "until"],
                &rows.collect::<Vec<_>>(),
                "you have no tokens; make one with `bitvault token create`",
            )
        }
        TokenCommand::Rm { which } => {
            let tokens = server.client.access_tokens().await?;
            let found = tokens
                .iter()
                .find(|token| token.id == *which || token.name == *which)
                .ok_or_else(|| Error::Missing {
                    what: format!("you have no token {which}"),
                    hint: "look with `bitvault token`".into(),
                })?;
            server.client.delete_token(&found.id).await?;
            if output.json {
                output.document(&json!({ "event": "removed", "token": found }))?;
            }
            Ok(())
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the user counts days from now")]
fn in_days(days: u16) -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::from_secs(DAY * u64::from(days))
}
