//! A real endpoint on a free loopback port and a client that signs like any other.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of this")]
#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::path::Path;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bitvault_s3::{Config, Endpoint};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub const ACCESS_KEY: &str = "test-access-key";
pub const SECRET_KEY: &str = "test-secret-key";
pub const BUCKET: &str = "test-bucket";

pub struct Server {
    pub client: Client,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), bitvault_s3::Error>>,
}

pub fn config(root: &Path) -> Config {
    let mut config = Config::new(root, ACCESS_KEY, SECRET_KEY);
    config.buckets = vec![BUCKET.to_owned()];
    config.cors_allowed_origins = vec!["http://app.example:8080".to_owned()];
    config
}

impl Server {
    pub async fn start(root: &Path) -> Self {
        Self::start_with(config(root)).await
    }

    pub async fn start_with(config: Config) -> Self {
        let endpoint = Endpoint::open(config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(endpoint.serve(listener, shutdown.clone()));
        Self {
            client: Client::new(base),
            shutdown,
            task,
        }
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        drop(self.client);
        self.task.await.unwrap().unwrap();
    }
}

#[derive(Clone)]
pub struct Client {
    pub base: String,
    hyper: Hyper<HttpConnector, Full<Bytes>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    /// The text of the first XML element of that name.
    pub fn xml(&self, name: &str) -> Option<String> {
        self.xml_all(name).into_iter().next()
    }

    pub fn xml_all(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let unescape = |text: &str| {
            text.replace("&quot;", "\"")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&")
        };
        text.split(&open)
            .skip(1)
            .map(|rest| unescape(rest.split(&close).next().unwrap()))
            .collect()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        self
    }
}

pub type Headers<'a> = &'a [(&'a str, &'a str)];

impl Client {
    pub fn new(base: String) -> Self {
        Self {
            base,
            hyper: Hyper::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// A request signed in its headers.
    pub async fn send(
        &self,
        method: &str,
        target: &str,
        headers: Headers<'_>,
        body: impl Into<Bytes>,
    ) -> Answer {
        let body = body.into();
        let uri = format!("{}{target}", self.base);
        let mut settings = settings();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let mut request = Request::builder().method(method).uri(&uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Full::new(body.clone())).unwrap();
        let signable = SignableRequest::new(
            method,
            uri.as_str(),
            headers.iter().copied(),
            SignableBody::Bytes(&body),
        )
        .unwrap();
        instructions(signable, settings, now()).apply_to_request_http1x(&mut request);
        self.answer(request).await
    }

    /// A URL that does one thing until it expires, and the headers that must come with it.
    pub fn presign(&self, method: &str, target: &str, headers: Headers<'_>, expires: Duration) -> String {
        self.presign_at(method, target, headers, expires, now())
    }

    pub fn presign_at(
        &self,
        method: &str,
        target: &str,
        headers: Headers<'_>,
        expires: Duration,
        time: SystemTime,
    ) -> String {
        let uri = format!("{}{target}", self.base);
        let mut settings = settings();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(expires);
        let signable = SignableRequest::new(
            method,
            uri.as_str(),
            headers.iter().copied(),
            SignableBody::UnsignedPayload,
        )
        .unwrap();
        let mut request = Request::builder().method(method).uri(&uri).body(()).unwrap();
        instructions(signable, settings, time).apply_to_request_http1x(&mut request);
        request.uri().to_string()
    }

    /// A request as it is.
    pub async fn raw(&self, method: &str, url: &str, headers: Headers<'_>, body: impl Into<Bytes>) -> Answer {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(Full::new(body.into())).unwrap()).await
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Answer {
        self.try_answer(request).await.unwrap()
    }

    async fn try_answer(&self, request: Request<Full<Bytes>>) -> Option<Answer> {
        let (parts, body) = self.hyper.request(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    /// A presigned request whose server may be killed at any moment.
    pub async fn try_raw(
        &self,
        method: &str,
        url: &str,
        headers: Headers<'_>,
        body: Bytes,
    ) -> Option<Answer> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.try_answer(request.body(Full::new(body)).unwrap()).await
    }
}

fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings
}

fn instructions(
    request: SignableRequest<'_>,
    settings: SigningSettings,
    time: SystemTime,
) -> aws_sigv4::http_request::SigningInstructions {
    let identity = Credentials::from_keys(ACCESS_KEY, SECRET_KEY, None).into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("s3")
        .time(time)
        .settings(settings)
        .build()
        .unwrap()
        .into();
    sign(request, &params).unwrap().into_parts().0
}

#[allow(clippy::disallowed_methods, reason = "clients sign with the real time")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

pub fn sha256_base64(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

/// A key as the path of a URL in the test bucket.
pub fn target(key: &str) -> String {
    format!("/{BUCKET}/{}", encode(key))
}

/// As S3 encodes keys: all but unreserved characters and `/`.
pub fn encode(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~')
        .remove(b'/');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

/// Files below a folder, besides the folders that hold them.
pub fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path))
        } else {
            found.push(path)
        }
    }
    found
}

/// Bytes that differ by seed and don't repeat early.
pub fn bytes(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend(state.to_le_bytes());
    }
    out.truncate(length);
    out.into()
}
