//! From profile or environment to a signed-in client.

use crate::args::Global;
use crate::env::{Environment, Secret};
use crate::error::Error;
use crate::profile::{Profile, ProfileFile, state_dir};
use crate::telemetry::{SpanSink, Telemetry};
use bitvault_client::transfer::{Options, Progress, Transfer};
use bitvault_client::{Client, Tokens};
use std::sync::Arc;
use url::Url;

/// A server, and who is signed in there.
pub(crate) struct Server {
    pub(crate) client: Client,
    /// None when the environment names server and token.
    pub(crate) profile: Option<(ProfileFile, Profile)>,
}

/// Signs in with what the environment or the profile hold; asks the server nothing.
pub(crate) fn connect(
    global: &Global,
    environment: &Environment,
    telemetry: &Telemetry,
) -> Result<Server, Error> {
    if let Some(Secret(token)) = &environment.token {
        let hint = "set BITVAULT_URL to the server's address as well";
        let url = environment
            .url
            .as_deref()
            .ok_or_else(|| Error::usage("BITVAULT_TOKEN is set alone", hint))?;
        let builder = Client::builder(server_url(url)?);
        let client = builder
            .tokens(Tokens {
                access: token.clone(),
                refresh: None,
            })
            .trace(telemetry.source())
            .user_agent(USER_AGENT)
            .build()?;
        telemetry.send_to(SpanSink {
            client: client.clone(),
            takes_spans: None,
        });
        return Ok(Server {
            client,
            profile: None,
        });
    }
    let file = ProfileFile::named(&global.profile)?;
    let profile = file
        .load()?
        .ok_or_else(|| Error::SignedOut(global.profile.clone()))?;
    if let Some(url) = &environment.url
        && server_url(url)? != profile.url
    {
        let what = format!(
            "BITVAULT_URL is {url}, but profile {} is signed in at {}",
            global.profile, profile.url
        );
        return Err(Error::usage(
            what,
            "set BITVAULT_TOKEN as well, or choose the server's profile with --profile",
        ));
    }
    let client = Client::builder(profile.url.clone())
        .tokens(profile.tokens())
        .keeper(Arc::new(file.clone()))
        .trace(telemetry.source())
        .user_agent(USER_AGENT)
        .build()?;
    telemetry.send_to(SpanSink {
        client: client.clone(),
        takes_spans: Some(profile.traces),
    });
    Ok(Server {
        client,
        profile: Some((file, profile)),
    })
}

/// Who calls, for the server's log.
pub(crate) const USER_AGENT: &str = concat!("bitvault-cli/", env!("CARGO_PKG_VERSION"));

impl Server {
    /// The transfer engine.
    pub(crate) fn transfer(&self, jobs: u16, progress: Arc<dyn Progress>) -> Result<Transfer, Error> {
        let account = match &self.profile {
            Some((_, profile)) => format!("{} {}", profile.tenant.id, profile.account.id),
            None => "token".to_owned(),
        };
        let options = Options {
            jobs: usize::from(jobs),
            state_dir: Some(state_dir()?),
            account,
        };
        Ok(Transfer::new(self.client.clone(), options, progress)?)
    }
}

/// Reads a server's address as a person writes it.
pub(crate) fn server_url(text: &str) -> Result<Url, Error> {
    let wrong = |why: String| {
        Error::usage(
            format!("{text:?} is not the address of a server: {why}"),
            "write it like https://vault.example.org",
        )
    };
    if !text.contains("://") {
        return Err(wrong("it does not begin with https:// or http://".into()));
    }
    let mut url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("it is not http or https".into()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "it holds a user name; sign in with `bitvault login`".into(),
        ));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, url) in [
            ("https://h", "https://h/"),
            ("http://127.0.0.1:7400/", "http://127.0.0.1:7400/"),
            ("https://h/vault/?x#y", "https://h/vault"),
        ] {
            assert_eq!(server_url(text).expect(text).as_str(), url);
        }
        for bad in ["h", "localhost:7400", "ftp://h", "https://u:p@h", "https://"] {
            assert!(server_url(bad).is_err(), "{bad}");
        }
    }
}
