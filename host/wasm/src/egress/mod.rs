//! What leaves the process for a plugin. One way for all of it: check against the grant, sign, send (or hand out presigned).
//!
//! Invariants: the credential is here and nowhere else; a URL is signed only when it is in its normal form, so that what
//! was checked is what travels; a connection goes only to an address that was checked when it was resolved; no redirect is
//! followed; bodies for guests are cut at the limit.

pub(crate) mod address;
mod client;
pub(crate) mod grant;
mod headers;
mod scope;
pub(crate) mod sign;

use crate::bindings::bitvault::plugin::types;
use crate::bindings::exports::bitvault::plugin::storage::Auth;
use crate::error::record;
use address::Resolver;
use bitvault_platform::Clock;
use grant::Grant;
use http::{HeaderMap, Method};
use sign::{Credentials, Payload, Signed};
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument as _;
use url::Url;

/// Bytes of a small answer: error documents are a few hundred.
const SMALL: u64 = 64 << 10;

/// How a plugin's requests are made.
#[derive(Debug)]
pub struct EgressConfig {
    /// Where requests may go.
    pub grant: Grant,
    /// What they are signed with.
    pub credentials: Option<Credentials>,
    /// Time to establish a connection.
    pub connect_timeout: Duration,
    /// Time without a byte before a transfer is given up, and for the whole of a small request.
    pub read_timeout: Duration,
    /// Resolves names; the system's resolver if absent.
    pub resolver: Option<Arc<dyn Resolver>>,
    /// The time that signatures carry.
    pub clock: Clock,
}

/// Checks, signs and sends.
pub struct Egress {
    grant: Grant,
    credentials: Option<Credentials>,
    client: reqwest::Client,
    read_timeout: Duration,
    clock: Clock,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress")
            .field("grant", &self.grant)
            .finish_non_exhaustive()
    }
}

/// A request of a guest that passed the checks.
struct Checked {
    method: Method,
    url: Url,
    headers: HeaderMap,
}

impl Egress {
    /// Opens no connection yet.
    pub fn new(config: EgressConfig) -> Result<Self, crate::Error> {
        let client = client::build(&config).map_err(|error| crate::Error::Engine(error.to_string()))?;
        let EgressConfig {
            grant,
            credentials,
            read_timeout,
            clock,
            ..
        } = config;
        Ok(Self {
            grant,
            credentials,
            client,
            read_timeout,
            clock,
        })
    }

    pub(crate) fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Checks and signs what a guest planned. The error says which grant is missing.
    pub(crate) fn sign_plan(&self, request: &types::Request, auth: Auth) -> Result<Signed, String> {
        if request.body.is_some() {
            return Err("a plan must not have a body".to_owned());
        }
        let checked = self.check(request)?;
        match auth {
            Auth::Header => self.sign(checked, Payload::Unsigned),
            Auth::Presign(seconds) => self.presign(checked, seconds),
        }
    }

    fn check(&self, request: &types::Request) -> Result<Checked, String> {
        let method = self.grant.check_method(&request.method)?;
        let url = self.grant.check_url(&request.url)?;
        let headers = headers::check(&request.headers)?;
        if let Some(scope) = &self.grant.scope {
            scope::check(
                scope,
                &method,
                &url,
                &headers,
                request.body.as_deref().unwrap_or_default(),
            )?;
        }
        Ok(Checked { method, url, headers })
    }

    fn sign(&self, checked: Checked, payload: Payload<'_>) -> Result<Signed, String> {
        let Checked { method, url, headers } = checked;
        let Some(credentials) = &self.credentials else {
            return Ok(Signed {
                method,
                url,
                headers,
                expires_at: None,
            });
        };
        sign::header(credentials, self.clock.now(), method, url, headers, payload)
    }

    fn presign(&self, checked: Checked, seconds: u32) -> Result<Signed, String> {
        let Checked { method, url, headers } = checked;
        let Some(credentials) = &self.credentials else {
            return Err("it has no credential to presign with".to_owned());
        };
        sign::presign(credentials, self.clock.now(), method, url, headers, seconds)
    }

    /// Sends a guest's own small request.
    pub(crate) async fn send(
        &self,
        request: types::Request,
        limit: u64,
    ) -> Result<types::Response, types::Error> {
        let denied = |reason| record("egress_denied", false, reason);
        let checked = self.check(&request).map_err(denied)?;
        client::check_literal(&checked.url, self.grant.allow_private_addresses).map_err(denied)?;
        let body = request.body.unwrap_or_default();
        let signed = self.sign(checked, Payload::Bytes(&body)).map_err(denied)?;
        let whole = Some(self.read_timeout);
        read(self.execute(signed, body.into(), whole).await?, limit).await
    }

    /// Sends a signed plan and answers with the body still to come. Any status is an answer.
    pub async fn transfer(
        &self,
        signed: Signed,
        body: reqwest::Body,
    ) -> Result<reqwest::Response, types::Error> {
        client::check_literal(&signed.url, self.grant.allow_private_addresses)
            .map_err(|reason| record("egress_denied", false, reason))?;
        self.execute(signed, body, None).await
    }

    /// The head of an answer as guests see it, without its body.
    pub fn head(response: &reqwest::Response) -> types::Response {
        let headers = guest_headers(response.headers());
        types::Response {
            status: response.status().as_u16(),
            headers,
            body: Vec::new(),
        }
    }

    /// An answer as guests see it, with its small body: what a PUT answers, or an error document.
    pub async fn small(response: reqwest::Response) -> Result<types::Response, types::Error> {
        read(response, SMALL).await
    }

    /// The record of a transfer that broke off.
    pub fn broken(error: reqwest::Error) -> types::Error {
        client::failure(error)
    }

    async fn execute(
        &self,
        signed: Signed,
        body: reqwest::Body,
        timeout: Option<Duration>,
    ) -> Result<reqwest::Response, types::Error> {
        let Signed {
            method,
            url,
            mut headers,
            ..
        } = signed;
        let span = tracing::info_span!(
            "store request",
            component = "storage",
            otel.kind = "client",
            http.request.method = %method,
            server.address = url.host_str(),
            http.response.status_code = tracing::field::Empty,
        );
        let bodiless = method == Method::GET || method == Method::HEAD || method == Method::DELETE;
        span.in_scope(|| bitvault_platform::telemetry::propagation::inject(&mut headers));
        let mut request = self.client.request(method, url).headers(headers);
        if !bodiless {
            request = request.body(body);
        }
        if let Some(timeout) = timeout {
            request = request.timeout(timeout);
        }
        let response = request
            .send()
            .instrument(span.clone())
            .await
            .map_err(client::failure)?;
        span.record("http.response.status_code", response.status().as_u16());
        Ok(response)
    }
}

/// An answer as guests see it, its body cut off with an error at `limit` bytes.
pub(crate) async fn read(
    mut response: reqwest::Response,
    limit: u64,
) -> Result<types::Response, types::Error> {
    let status = response.status().as_u16();
    let headers = guest_headers(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(client::failure)? {
        if (body.len() + chunk.len()) as u64 > limit {
            let message =
                format!("the answer is longer than `body` in the plugin's limits allows ({limit} bytes)");
            return Err(record("too_large", false, message));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(types::Response {
        status,
        headers,
        body,
    })
}

fn guest_headers(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}
