//! How calls behave towards a server that is slow, restarts or ends sessions: a scripted server on loopback says exactly
//! that, which the real one can't be made to say on demand.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bitvault_client::api::{CreateSession, Session};
use bitvault_client::{Client, Error, Result, Retry, TokenKeeper, TokenLock, Tokens, TraceSource};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone, Debug)]
struct Seen {
    call: String,
    token: Option<String>,
    key: Option<String>,
    traceparent: Option<String>,
}

type Answer = (StatusCode, Vec<(&'static str, &'static str)>, String);

/// Answers from a list, `/v1/sessions/refresh` aside, and remembers what it was asked.
#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// The access token that is good now; none means that all are.
    good: Arc<Mutex<Option<String>>>,
}

const NODE: &str = r#"{"id":"nod_1","kind":"folder","name":"a","revision":1,
    "created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","later":"field"}"#;

fn problem(status: u16, code: &str, reason: &str) -> String {
    format!(
        r#"{{"type":"about:blank","title":"t","status":{status},"detail":"d","code":"{code}","reason":"{reason}","trace_id":"4bf9"}}"#
    )
}

fn session(access: &str) -> String {
    format!(
        r#"{{"access_token":"{access}","refresh_token":"r-{access}","expires_at":"2026-01-01T00:00:00Z",
        "account":{{"id":"acc_1","email":"e","display_name":"E"}},"tenant":{{"id":"ten_1","name":"t"}}}}"#
    )
}

async fn answer(State(script): State<Script>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let seen = Seen {
        call: format!("{method} {}", uri.path()),
        token: header("authorization"),
        key: header("idempotency-key"),
        traceparent: header("traceparent"),
    };
    script.seen.lock().unwrap().push(seen.clone());
    if uri.path() == "/v1/sessions/refresh" {
        // Lets calls that failed together queue up behind this refresh.
        tokio::task::yield_now().await;
        *script.good.lock().unwrap() = Some("new".into());
        return session("new").into_response();
    }
    let good = script.good.lock().unwrap().clone();
    if good.is_some_and(|good| seen.token != Some(format!("Bearer {good}"))) {
        return (
            StatusCode::UNAUTHORIZED,
            problem(401, "unauthenticated", "token_expired"),
        )
            .into_response();
    }
    let next = script.answers.lock().unwrap().pop_front();
    let (status, headers, body) = next.unwrap_or((StatusCode::OK, vec![], NODE.into()));
    let mut response = (status, body).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

struct Context;

impl TraceSource for Context {
    fn traceparent(&self) -> Option<String> {
        Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into())
    }
}

async fn serve(script: &Script) -> url::Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let app = Router::new().fallback(answer).with_state(script.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{at}").parse().unwrap()
}

fn client(url: url::Url) -> bitvault_client::Client {
    let retry = Retry {
        attempts: 3,
        base: Duration::from_millis(5),
        cap: Duration::from_millis(5),
    };
    let tokens = Tokens {
        access: "old".into(),
        refresh: Some("r-old".into()),
    };
    Client::builder(url)
        .tokens(tokens)
        .retry(retry)
        .trace(Arc::new(Context))
        .build()
        .unwrap()
}

fn script(answers: impl IntoIterator<Item = Answer>) -> Script {
    let script = Script::default();
    script.answers.lock().unwrap().extend(answers);
    script
}

fn unavailable() -> Answer {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        vec![],
        problem(503, "unavailable", "busy"),
    )
}

#[tokio::test]
async fn a_write_is_repeated_with_the_same_key_and_every_call_carries_the_trace() {
    let script = script([unavailable(), unavailable()]);
    let client = client(serve(&script).await);
    client.create_folder("root", "a").await.unwrap();
    let seen = script.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 3);
    assert!(seen[0].key.is_some());
    assert!(
        seen.iter()
            .all(|call| call.key == seen[0].key && call.traceparent.is_some())
    );
    client.create_folder("root", "a").await.unwrap();
    assert_ne!(
        script.seen.lock().unwrap()[3].key,
        seen[0].key,
        "another write has another key"
    );
}

#[tokio::test]
async fn the_server_s_clock_is_known_once_it_answered() {
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    let dated = |date| (StatusCode::OK, vec![("date", date)], NODE.to_owned());
    let script = script([dated(DATE), dated("yesterday")]);
    let client = client(serve(&script).await);
    assert_eq!(client.server_time(), None);
    // What says nothing changes nothing.
    for _ in 0..2 {
        client.node("nod_1").await.unwrap();
        assert_eq!(client.server_time(), Some(784_111_777));
    }
    // Not scripted: every server of ours tells.
    client.node("nod_1").await.unwrap();
    assert!(client.server_time().is_some_and(|now| now > 1_700_000_000));
}

#[tokio::test]
async fn tries_end_and_the_last_reason_is_told() {
    let script = script([unavailable(), unavailable(), unavailable()]);
    let error = client(serve(&script).await).node("nod_1").await.unwrap_err();
    assert_eq!(error.reason(), Some("busy"));
    assert_eq!(script.seen.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_not_repeated_and_a_rate_limit_only_as_the_server_asks() {
    let limited = |headers| {
        (
            StatusCode::TOO_MANY_REQUESTS,
            headers,
            problem(429, "exhausted", "rate"),
        )
    };
    let refused = (
        StatusCode::NOT_FOUND,
        vec![],
        problem(404, "not_found", "node_not_found"),
    );
    let script = script([refused, limited(vec![]), limited(vec![("retry-after", "0")])]);
    let client = client(serve(&script).await);
    assert_eq!(
        client.node("nod_1").await.unwrap_err().reason(),
        Some("node_not_found")
    );
    assert_eq!(client.node("nod_1").await.unwrap_err().reason(), Some("rate"));
    client.node("nod_1").await.unwrap();
    assert_eq!(script.seen.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn signing_in_is_never_repeated_and_carries_no_token() {
    let script = script([unavailable()]);
    let client = client(serve(&script).await);
    let credentials = CreateSession {
        email: "e".into(),
        password: "p".into(),
        tenant: None,
    };
    assert!(client.sign_in(&credentials).await.is_err());
    let seen = script.seen.lock().unwrap().clone();
    assert_eq!((seen.len(), &seen[0].token, &seen[0].key), (1, &None, &None));
}

#[tokio::test]
async fn calls_that_fail_together_refresh_once() {
    let script = Script::default();
    *script.good.lock().unwrap() = Some("none".into());
    let client = client(serve(&script).await);
    let calls = (0..8).map(|_| client.node("nod_1"));
    for result in futures::future::join_all(calls).await {
        result.unwrap();
    }
    let seen = script.seen.lock().unwrap().clone();
    assert_eq!(
        seen.iter()
            .filter(|call| call.call == "POST /v1/sessions/refresh")
            .count(),
        1
    );
    assert_eq!(
        client.tokens().await,
        Tokens {
            access: "new".into(),
            refresh: Some("r-new".into())
        }
    );
}

/// Another process has refreshed already.
struct Elsewhere;

impl TokenKeeper for Elsewhere {
    fn lock(&self) -> Result<Box<dyn TokenLock>> {
        Ok(Box::new(Self))
    }
}

impl TokenLock for Elsewhere {
    fn load(&self) -> Option<Tokens> {
        Some(Tokens {
            access: "theirs".into(),
            refresh: Some("r-theirs".into()),
        })
    }

    fn save(&self, _session: &Session) -> Result<()> {
        panic!("nothing is refreshed here");
    }
}

#[tokio::test]
async fn tokens_that_another_process_refreshed_are_taken_over() {
    let script = Script::default();
    *script.good.lock().unwrap() = Some("theirs".into());
    let tokens = Tokens {
        access: "old".into(),
        refresh: Some("r-old".into()),
    };
    let builder = Client::builder(serve(&script).await)
        .tokens(tokens)
        .keeper(Arc::new(Elsewhere));
    builder.build().unwrap().node("nod_1").await.unwrap();
}

#[tokio::test]
async fn a_token_that_can_not_be_refreshed_is_refused_at_once() {
    let script = Script::default();
    *script.good.lock().unwrap() = Some("none".into());
    let tokens = Tokens {
        access: "old".into(),
        refresh: None,
    };
    let client = Client::builder(serve(&script).await)
        .tokens(tokens)
        .build()
        .unwrap();
    assert_eq!(
        client.node("nod_1").await.unwrap_err().reason(),
        Some("token_expired")
    );
    assert_eq!(script.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_and_one_that_is_something_else_are_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    drop(listener);
    assert!(matches!(client(url).me().await, Err(Error::Unreachable { .. })));
    let script = script([
        (StatusCode::OK, vec![], "<html>".into()),
        (StatusCode::NOT_FOUND, vec![], "x".into()),
    ]);
    let client = client(serve(&script).await);
    assert!(matches!(
        client.me().await,
        Err(Error::Protocol {
            status: Some(200),
            ..
        })
    ));
    assert!(matches!(
        client.me().await,
        Err(Error::Protocol {
            status: Some(404),
            ..
        })
    ));
}
