use super::ask::first_line;
use crate::args::{Global, Login};
use crate::connect::{USER_AGENT, server_url};
use crate::error::Error;
use crate::output::Output;
use crate::profile::{Profile, ProfileFile};
use crate::telemetry::{SpanSink, Telemetry};
use bitvault_client::Client;
use bitvault_client::api::CreateSession;
use serde_json::json;
use std::io::{IsTerminal as _, Write as _};
use url::Url;

pub(crate) async fn run(
    args: &Login,
    global: &Global,
    output: &Output,
    telemetry: &Telemetry,
) -> Result<(), Error> {
    let url = server_url(&args.url)?;
    // Before the password is asked for, and before a session is begun that could not be kept.
    let file = ProfileFile::named(&global.profile)?;
    if url.scheme() == "http" && !is_local(&url) {
        output.note("the connection is not encrypted: password and files can be read on the way");
    }
    let args = Login {
        url: args.url.clone(),
        email: args.email.clone(),
        tenant: args.tenant.clone(),
        password_stdin: args.password_stdin,
    };
    let asking = tokio::task::spawn_blocking(move || credentials(&args)).await;
    let credentials = asking.map_err(|error| Error::Output(std::io::Error::other(error)))??;

    let client = Client::builder(url.clone())
        .trace(telemetry.source())
        .user_agent(USER_AGENT)
        .build()?;
    let session = client.sign_in(&credentials).await?;
    let me = client.me().await?;
    telemetry.send_to(SpanSink {
        client,
        takes_spans: Some(me.traces),
    });
    file.save(&Profile::new(url.clone(), session, &me))?;
    if output.json {
        return output.document(&json!({
            "profile": global.profile,
            "url": url,
            "account": me.account,
            "tenant": me.tenant,
            "role": me.role,
        }));
    }
    output.line(&format!(
        "Signed in as {} at {} ({url})",
        me.account.email, me.tenant.name
    ))
}

/// Reads what is missing. Blocks.
fn credentials(args: &Login) -> Result<CreateSession, Error> {
    let terminal = std::io::stdin().is_terminal();
    let email = match &args.email {
        Some(email) => email.clone(),
        None if terminal && !args.password_stdin => ask("Mail address: ")?,
        None => {
            return Err(Error::usage(
                "nobody can be asked for the mail address",
                "give it with --email",
            ));
        }
    };
    let password = if args.password_stdin {
        first_line()?
    } else if terminal {
        rpassword::prompt_password("Password: ").map_err(Error::Output)?
    } else {
        return Err(Error::usage(
            "nobody can be asked for the password",
            "pipe it in with --password-stdin",
        ));
    };
    Ok(CreateSession {
        email,
        password,
        tenant: args.tenant.clone(),
    })
}

fn ask(question: &str) -> Result<String, Error> {
    let mut err = std::io::stderr().lock();
    err.write_all(question.as_bytes())
        .and_then(|()| err.flush())
        .map_err(Error::Output)?;
    first_line().map(|line| line.trim().to_owned())
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
