//! Presigned requests: PUT of a part, GET of a range. The bearer token never goes here.

use super::{Event, Pace, Progress, STEP_BYTES};
use crate::retry::retry_after;
use crate::trace::unsampled;
use crate::{Client, Error, Result, Retry, TraceSource};
use bitvault_api::{Content, PartRequest};
use bytes::Bytes;
use reqwest::header::{HOST, RANGE};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tracing::Instrument as _;
use url::Url;

/// A try that is slower than this, in bytes a second, is given up and repeated.
const RATE_MIN: u64 = 32 * 1024;
/// What a try may take beside its bytes.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// A download that brings no byte for this long is given up and repeated.
pub(super) const STALLED_AFTER: Duration = Duration::from_secs(30);
/// Most of an error answer that is read, in bytes.
const ERROR_BYTES_MAX: usize = 16 * 1024;

/// How a presigned request shows in the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traced {
    /// A span of its own.
    Span,
    /// It belongs to the caller's span.
    Context,
    /// It belongs to the caller's trace but nobody records it.
    Unsampled,
}

/// What a PUT came to.
pub(crate) enum Stored {
    /// The bytes are there; the store's tag of them.
    Now { etag: Option<String> },
    /// An object was there already (412): an earlier try got through. Commit verifies it.
    Before,
}

#[derive(Clone)]
pub(crate) struct Store {
    http: reqwest::Client,
    trace: Arc<dyn TraceSource>,
    retry: Retry,
    progress: Arc<dyn Progress>,
    up: Option<Arc<Pace>>,
    down: Option<Arc<Pace>>,
}

impl Store {
    pub(crate) fn new(client: &Client, jobs: usize, progress: Arc<dyn Progress>) -> Result<Self> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("bitvault-client/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .pool_max_idle_per_host(jobs.max(super::PARTS_AT_ONCE))
            .http1_only()
            .build()
            .map_err(|error| Error::protocol(format!("set up HTTP: {error}")))?;
        Ok(Self {
            http,
            trace: Arc::clone(client.trace()),
            retry: client.retry(),
            progress,
            up: None,
            down: None,
        })
    }

    /// Keeps to these rates from now on.
    pub(crate) fn set_pace(&mut self, up: Option<Arc<Pace>>, down: Option<Arc<Pace>>) {
        (self.up, self.down) = (up, down);
    }

    /// So many bytes have arrived; waits when they came too fast.
    pub(crate) async fn arrived(&self, bytes: usize) {
        if let Some(down) = &self.down {
            down.pass(bytes as u64).await;
        }
    }

    /// Sends the bytes of one part, repeating what may be repeated. 403 means that the URL has ended: the caller asks
    /// for another.
    pub(crate) async fn put(&self, part: &PartRequest, body: Bytes, traced: Traced) -> Result<Stored> {
        let span = match traced {
            Traced::Span => tracing::info_span!(
                "put part",
                otel.name = "PUT object",
                otel.kind = "client",
                http.request.method = "PUT",
                bitvault.part = part.number,
                bitvault.bytes = part.size,
                otel.status_code = tracing::field::Empty,
            ),
            Traced::Context | Traced::Unsampled => tracing::Span::none(),
        };
        let result = self
            .put_repeating(part, body, traced)
            .instrument(span.clone())
            .await;
        if result.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        result
    }

    async fn put_repeating(&self, part: &PartRequest, body: Bytes, traced: Traced) -> Result<Stored> {
        let mut attempt = 1;
        loop {
            let moved = Arc::new(AtomicI64::new(0));
            let (error, asked) = match self.put_once(part, body.clone(), traced, &moved).await {
                Ok(stored) => return Ok(stored),
                Err(failed) => failed,
            };
            self.progress.event(Event::Moved(-moved.load(Ordering::Relaxed)));
            let Some(wait) = self.retry.wait(attempt, asked).filter(|_| error.is_transient()) else {
                return Err(error);
            };
            tracing::debug!(part = part.number, attempt, %error, "repeat PUT");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn put_once(
        &self,
        part: &PartRequest,
        body: Bytes,
        traced: Traced,
        moved: &Arc<AtomicI64>,
    ) -> Result<Stored, (Error, Option<Duration>)> {
        let url = parse(&part.url).map_err(|error| (error, None))?;
        if part.size != body.len() as u64 || part.method != "PUT" {
            let detail = format!(
                "asked to {} {} bytes, have {}",
                part.method,
                part.size,
                body.len()
            );
            return Err((Error::protocol(detail), None));
        }
        let size = part.size;
        if let Some(up) = &self.up {
            up.pass(size).await;
        }
        let body = Counted {
            rest: body,
            moved: Arc::clone(moved),
            progress: Arc::clone(&self.progress),
        };
        let request = self
            .http
            .put(url.clone())
            .timeout(ANSWER_WITHIN + Duration::from_secs(size / RATE_MIN))
            .body(reqwest::Body::wrap(body));
        let response = self
            .with_headers(request, &part.headers, traced)
            .send()
            .await
            .map_err(|error| (Error::transport(&url, &error), None))?;
        let status = response.status();
        if status.is_success() {
            let etag = response
                .headers()
                .get("etag")
                .and_then(|etag| etag.to_str().ok())
                .map(str::to_owned);
            // Read to the end, or the connection can't be used again; the answer is complete without it.
            let _ = response.bytes().await;
            return Ok(Stored::Now { etag });
        }
        if status.as_u16() == 412 {
            let _ = response.bytes().await;
            return Ok(Stored::Before);
        }
        let asked = retry_after(response.headers());
        Err((refusal(response).await, asked))
    }

    /// Begins to read content, the whole or a range. One try: the caller keeps what arrived and asks for the rest.
    pub(crate) async fn get(
        &self,
        content: &Content,
        range: Option<Range<u64>>,
    ) -> Result<reqwest::Response> {
        let url = parse(&content.url)?;
        let mut request = self.http.get(url.clone());
        if let Some(range) = &range {
            request = request.header(
                RANGE,
                format!("bytes={}-{}", range.start, range.end.saturating_sub(1)),
            );
        }
        let sending = self
            .with_headers(request, &content.headers, Traced::Context)
            .send();
        let response = match tokio::time::timeout(ANSWER_WITHIN, sending).await {
            Ok(response) => response.map_err(|error| Error::transport(&url, &error))?,
            Err(_) => return Err(Error::no_answer(&url)),
        };
        match (response.status().as_u16(), range) {
            (206, Some(_)) | (200, None) => Ok(response),
            (200, Some(_)) => Err(Error::protocol("the store ignored the range of a download")),
            _ => Err(refusal(response).await),
        }
    }

    fn with_headers(
        &self,
        mut request: reqwest::RequestBuilder,
        headers: &std::collections::BTreeMap<String, String>,
        traced: Traced,
    ) -> reqwest::RequestBuilder {
        for (name, value) in headers {
            // The HTTP library writes the host itself, from the same URL.
            if !name.eq_ignore_ascii_case(HOST.as_str()) {
                request = request.header(name, value);
            }
        }
        match (self.trace.traceparent(), traced) {
            (None, _) => request,
            (Some(context), Traced::Unsampled) => request.header("traceparent", unsampled(&context)),
            (Some(context), _) => request.header("traceparent", context),
        }
    }
}

fn parse(url: &str) -> Result<Url> {
    Url::parse(url).map_err(|error| Error::protocol(format!("the server gave a URL that is none: {error}")))
}

async fn refusal(response: reqwest::Response) -> Error {
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap_or_default();
    let text = String::from_utf8_lossy(&body[..body.len().min(ERROR_BYTES_MAX)]);
    let field = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    };
    Error::Store {
        status,
        code: field("Code").unwrap_or_default(),
        message: field("Message").unwrap_or_default(),
    }
}

/// A body of known length that tells how far it has gone.
struct Counted {
    rest: Bytes,
    moved: Arc<AtomicI64>,
    progress: Arc<dyn Progress>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let step = STEP_BYTES.min(self.rest.len());
        let step = self.rest.split_to(step);
        let count = i64::try_from(step.len()).unwrap_or(i64::MAX);
        self.moved.fetch_add(count, Ordering::Relaxed);
        self.progress.event(Event::Moved(count));
        Poll::Ready(Some(Ok(http_body::Frame::data(step))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.rest.len() as u64)
    }
}
