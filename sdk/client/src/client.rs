//! Sends API calls: token and its refresh, retries, trace context, problem details.

use crate::call::Call;
use crate::retry::retry_after;
use crate::sleep::sleep;
use crate::{Error, NoKeeper, NoTrace, Result, Retry, TokenKeeper, Tokens, TraceSource};
use bitvault_api::{Code, Problem, RefreshSession, Session};
use futures::lock::Mutex;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};
use tracing::Instrument as _;
use url::Url;

/// Tries of a call to a server that has not answered yet: most likely its address is wrong, and that is said soon.
const FIRST_CONTACT_ATTEMPTS: u32 = 3;

/// A client of one server, signed in as one account. Clones share everything.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    base: Url,
    tokens: Mutex<Tokens>,
    /// Held while refreshing, so that calls which fail together refresh once.
    refreshing: Mutex<()>,
    keeper: Arc<dyn TokenKeeper>,
    trace: Arc<dyn TraceSource>,
    retry: Retry,
    reached: AtomicBool,
    /// Seconds since 1970; 0 when it is unknown.
    server_time: AtomicU64,
}

/// Makes a [`Client`].
pub struct Builder {
    base: Url,
    tokens: Tokens,
    keeper: Arc<dyn TokenKeeper>,
    trace: Arc<dyn TraceSource>,
    retry: Retry,
    user_agent: String,
}

impl Builder {
    /// The tokens to begin with.
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = tokens;
        self
    }

    /// Who keeps refreshed tokens.
    #[must_use]
    pub fn keeper(mut self, keeper: Arc<dyn TokenKeeper>) -> Self {
        self.keeper = keeper;
        self
    }

    /// Where trace context comes from.
    #[must_use]
    pub fn trace(mut self, trace: Arc<dyn TraceSource>) -> Self {
        self.trace = trace;
        self
    }

    /// How failed calls are repeated.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// `User-Agent` of every call; browsers send their own.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// The client.
    ///
    /// # Errors
    /// When the platform's HTTP client can't be set up.
    pub fn build(self) -> Result<Client> {
        let http = reqwest::Client::builder();
        #[cfg(not(target_arch = "wasm32"))]
        let http = http
            .user_agent(self.user_agent)
            .connect_timeout(Duration::from_secs(10));
        let http = http
            .build()
            .map_err(|error| Error::protocol(format!("set up HTTP: {error}")))?;
        Ok(Client {
            inner: Arc::new(Inner {
                http,
                base: self.base,
                tokens: Mutex::new(self.tokens),
                refreshing: Mutex::new(()),
                keeper: self.keeper,
                trace: self.trace,
                retry: self.retry,
                reached: AtomicBool::new(false),
                server_time: AtomicU64::new(0),
            }),
        })
    }
}

/// A failure, and the wait that the server asked for with it.
struct Failed {
    error: Error,
    retry_after: Option<Duration>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

impl Client {
    /// Begins a client of the server at `base`, `https://vault.example.org`.
    #[must_use]
    pub fn builder(base: Url) -> Builder {
        Builder {
            base,
            tokens: Tokens::default(),
            keeper: Arc::new(NoKeeper),
            trace: Arc::new(NoTrace),
            retry: Retry::default(),
            user_agent: concat!("bitvault-client/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// The server's URL.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.inner.base
    }

    /// Where this client takes its trace context from.
    #[must_use]
    pub fn trace(&self) -> &Arc<dyn TraceSource> {
        &self.inner.trace
    }

    /// What the server's clock showed when it last answered, in seconds since 1970. Absent before that, and with a server
    /// that does not tell (`Date` of HTTP).
    #[must_use]
    pub fn server_time(&self) -> Option<u64> {
        Some(self.inner.server_time.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }

    /// How this client repeats.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.inner.retry
    }

    /// The tokens in use, refreshed ones included.
    pub async fn tokens(&self) -> Tokens {
        self.inner.tokens.lock().await.clone()
    }

    /// Uses these tokens from now on.
    pub async fn set_tokens(&self, tokens: Tokens) {
        *self.inner.tokens.lock().await = tokens;
    }

    /// Sends a call, with refresh and retries, in a span of its own.
    pub(crate) async fn send<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T> {
        let span = tracing::info_span!(
            "api call",
            otel.name = format!("{} {}", call.method, call.route),
            otel.kind = "client",
            http.request.method = %call.method,
            http.route = call.route,
            http.request.resend_count = tracing::field::Empty,
            http.response.status_code = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        );
        let result = self.repeat(&call).instrument(span.clone()).await;
        // That something is not there is an answer; whether it is a mistake, the caller knows.
        if result
            .as_ref()
            .is_err_and(|error| error.code() != Some(Code::NotFound))
        {
            span.record("otel.status_code", "ERROR");
        }
        result
    }

    async fn repeat<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T> {
        let mut attempt = 1;
        let mut refreshed = false;
        loop {
            let token = if call.signed_in {
                Some(self.tokens().await.access)
            } else {
                None
            };
            let failed = match self.once(call, token.as_deref()).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            if let (Some(used), false, Some(Code::Unauthenticated)) = (token, refreshed, failed.error.code())
            {
                refreshed = true;
                if self.refresh(&used).await? {
                    continue;
                }
                return Err(failed.error);
            }
            let asked_to_wait = failed.retry_after.is_some() && failed.error.code() == Some(Code::Exhausted);
            let worth_it = call.repeatable && (failed.error.is_transient() || asked_to_wait);
            let unknown = !self.inner.reached.load(Ordering::Relaxed) && attempt >= FIRST_CONTACT_ATTEMPTS;
            let wait = self
                .inner
                .retry
                .wait(attempt, failed.retry_after)
                .filter(|_| worth_it && !unknown);
            let Some(wait) = wait else {
                return Err(failed.error);
            };
            tracing::debug!(route = call.route, attempt, error = %failed.error, "repeat call");
            tracing::Span::current().record("http.request.resend_count", attempt);
            sleep(wait).await;
            attempt += 1;
        }
    }

    async fn once<T: DeserializeOwned>(&self, call: &Call<'_>, token: Option<&str>) -> Result<T, Failed> {
        let url = call.url(&self.inner.base)?;
        let mut request = self
            .inner
            .http
            .request(call.method.clone(), url.clone())
            .timeout(call.answer_within);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = &call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(revision) = call.if_match {
            request = request.header(IF_MATCH, format!("\"{revision}\""));
        }
        if let Some(traceparent) = self.inner.trace.traceparent() {
            request = request.header("traceparent", traceparent);
        }
        if let Some(body) = &call.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        let response = request
            .send()
            .await
            .map_err(|error| Error::transport(&url, &error))?;
        self.inner.reached.store(true, Ordering::Relaxed);
        if let Some(seconds) = date(response.headers()) {
            self.inner.server_time.store(seconds, Ordering::Relaxed);
        }
        let status = response.status();
        tracing::Span::current().record("http.response.status_code", status.as_u16());
        let retry_after = retry_after(response.headers());
        let body = response
            .bytes()
            .await
            .map_err(|error| Error::transport(&url, &error))?;
        if !status.is_success() {
            return Err(Failed {
                error: refusal(status.as_u16(), &body),
                retry_after,
            });
        }
        // An answer without content (204) reads as the unit value.
        let body: &[u8] = if body.is_empty() { b"null" } else { &body };
        serde_json::from_slice(body).map_err(|error| {
            Error::Protocol {
                status: Some(status.as_u16()),
                detail: format!(
                    "{} {} answered something that is not of this API: {error}",
                    call.method, call.route
                ),
            }
            .into()
        })
    }

    /// Gets a new access token in place of `used`, unless somebody did so already. False when there is no refresh
    /// token to do it with.
    async fn refresh(&self, used: &str) -> Result<bool> {
        let _single = self.inner.refreshing.lock().await;
        let mut tokens = self.tokens().await;
        if tokens.access != used {
            return Ok(true);
        }
        if tokens.refresh.is_none() {
            return Ok(false);
        }
        let lock = self.inner.keeper.lock()?;
        if let Some(kept) = lock.load() {
            if kept.access != used {
                self.set_tokens(kept).await;
                return Ok(true);
            }
            tokens = kept;
        }
        let Some(refresh_token) = tokens.refresh else {
            return Ok(false);
        };
        let call = Call::post("/v1/sessions/refresh", [], &RefreshSession { refresh_token })?.signed_out();
        let session: Session = self.once(&call, None).await.map_err(|failed| failed.error)?;
        lock.save(&session)?;
        self.set_tokens(Tokens::from(&session)).await;
        Ok(true)
    }
}

/// The error of an answer that is no success.
fn refusal(status: u16, body: &[u8]) -> Error {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Error::Problem(Box::new(problem)),
        Err(_) => Error::Protocol {
            status: Some(status),
            detail: format!("the server answered {status} without a reason; is this a BitVault server?"),
        },
    }
}

/// When an answer was sent by the server's clock, in seconds since 1970.
fn date(headers: &reqwest::header::HeaderMap) -> Option<u64> {
    let text = headers.get(reqwest::header::DATE)?.to_str().ok()?;
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(UNIX_EPOCH).ok()?.as_secs())
}
