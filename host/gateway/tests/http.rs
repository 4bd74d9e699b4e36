//! The gateway's HTTP behaviour, without a socket.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "tests share one support module"
)]

mod support;

use axum::body::Body;
use bitvault_platform::{Code, Error};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use support::{MEMBER, OWNER, body, harness, post, request, signed_in};

#[tokio::test]
async fn every_way_to_be_wrong_is_told_as_problem_details() {
    let h = harness(|_, _| {});
    let big = format!("{{\"parent_id\":\"{}\"}}", "x".repeat(2 << 20));
    let folder = r#"{"parent_id":"root","name":"a"}"#;
    let plain = |content_type: &str| {
        request("POST", "/v1/folders")
            .header("authorization", format!("Bearer {OWNER}"))
            .header("content-type", content_type)
            .body(Body::from(folder))
            .unwrap()
    };
    let cases = [
        (post("/v1/folders", "{"), 400, "json_malformed"),
        (
            post("/v1/folders", r#"{"parent_id":"root","name":"a","x":1}"#),
            400,
            "body_invalid",
        ),
        (post("/v1/folders", &big), 413, "body_too_large"),
        (plain("text/plain"), 415, "content_type_unsupported"),
        (plain("application/jsonp"), 415, "content_type_unsupported"),
        (signed_in("GET", "/v1/nothing", OWNER), 404, "route_unknown"),
        (signed_in("GET", "/v1", OWNER), 404, "route_unknown"),
        (signed_in("PUT", "/v1/folders", OWNER), 405, "method_not_allowed"),
        (signed_in("POST", "/index.html", OWNER), 404, "route_unknown"),
        (
            signed_in("GET", "/v1/nodes/root/children?limit=0", OWNER),
            400,
            "limit_invalid",
        ),
        (
            signed_in("GET", "/v1/nodes/root/children?limit=1001", OWNER),
            400,
            "limit_invalid",
        ),
        (
            signed_in("GET", "/v1/nodes/root/children?limit=-1", OWNER),
            400,
            "query_invalid",
        ),
        (
            signed_in("GET", "/v1/nodes/root/children?limit=5&limit=6", OWNER),
            400,
            "query_invalid",
        ),
        (
            signed_in("GET", "/v1/nodes/root/children?x=1", OWNER),
            400,
            "query_invalid",
        ),
        (signed_in("GET", "/v1/lookup", OWNER), 400, "query_invalid"),
        (
            signed_in("GET", "/v1/lookup?path=/a%FF", OWNER),
            400,
            "query_invalid",
        ),
        (signed_in("GET", "/v1/search", OWNER), 400, "query_invalid"),
        (
            signed_in("GET", "/v1/search?q=a&limit=0", OWNER),
            400,
            "limit_invalid",
        ),
        (
            signed_in("GET", "/v1/search?q=a&modified_after=yesterday", OWNER),
            400,
            "query_invalid",
        ),
        (
            signed_in("GET", "/v1/search?q=a&min_size=-1", OWNER),
            400,
            "query_invalid",
        ),
        (signed_in("GET", "/v1/nodes/%FF", OWNER), 404, "not_found"),
        (
            signed_in("GET", "/v1/admin/traces/zz", OWNER),
            404,
            "trace_not_found",
        ),
        (signed_in("GET", "/v1/admin/traces", MEMBER), 403, "admin_only"),
        (signed_in("GET", "/v1/me", "bva_nobody"), 401, "token_invalid"),
        (
            request("GET", "/v1/me").body(Body::empty()).unwrap(),
            401,
            "token_missing",
        ),
        (
            post("/v1/batch/uploads", r#"{"items":[]}"#),
            400,
            "batch_size_invalid",
        ),
        (
            post(
                "/v1/uploads",
                r#"{"parent_id":"root","name":"a","size":1,"sha256":"zz"}"#,
            ),
            400,
            "sha256_invalid",
        ),
        // From the module behind, through gRPC.
        (post("/v1/folders", folder), 400, "name_taken"),
    ];
    for (request, status, reason) in cases {
        let shown = format!("{} {}", request.method(), request.uri());
        let (got, problem) = h.refused(request).await;
        assert_eq!(
            (got, problem["reason"].as_str().unwrap()),
            (status, reason),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn wrong_headers_of_a_write_are_named() {
    let h = harness(|_, _| {});
    let long = "k".repeat(256);
    for (name, value) in [
        ("idempotency-key", ""),
        ("idempotency-key", "two words"),
        ("idempotency-key", long.as_str()),
        ("if-match", "\"new\""),
    ] {
        let request = request("DELETE", "/v1/nodes/nod_1")
            .header("authorization", format!("Bearer {OWNER}"))
            .header(name, value)
            .body(Body::empty())
            .unwrap();
        let (status, problem) = h.refused(request).await;
        assert_eq!(status, 400);
        let field = problem["fields"][0]["field"].as_str().unwrap();
        assert!(field.eq_ignore_ascii_case(name), "{problem}");
    }
    assert!(h.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_overloaded_gateway_sheds_and_still_tells_its_health() {
    let held = Arc::new(tokio::sync::Semaphore::new(0));
    let h = harness(|config, wiring| {
        config.max_in_flight = 1;
        let held = Arc::clone(&held);
        wiring.peers.files = tower::util::BoxCloneSyncService::new(tower::service_fn(
            move |_: http::Request<tonic::body::Body>| {
                let held = Arc::clone(&held);
                async move {
                    held.acquire().await?.forget();
                    Err(tower::BoxError::from("gone"))
                }
            },
        ));
    });
    let router = h.gateway.router();
    let first = tokio::spawn(async move {
        tower::ServiceExt::oneshot(router, signed_in("GET", "/v1/nodes/root", OWNER))
            .await
            .unwrap()
    });
    let shed = loop {
        let response = h.get("/v1/me").await;
        if response.status() == 503 {
            break response;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(shed.headers()["retry-after"], "1");
    assert_eq!(h.get("/healthz").await.status(), 200);
    held.add_permits(1);
    let response = first.await.unwrap();
    assert_eq!(
        response.status(),
        500,
        "{:?}",
        String::from_utf8(body(response).await)
    );
}

#[tokio::test]
async fn a_module_that_does_not_answer_is_given_up() {
    let h = harness(|config, wiring| {
        config.request_timeout = Duration::from_millis(50);
        wiring.peers.files = tower::util::BoxCloneSyncService::new(tower::service_fn(
            |_: http::Request<tonic::body::Body>| {
                std::future::pending::<Result<http::Response<tonic::body::Body>, tower::BoxError>>()
            },
        ));
    });
    let (status, problem) = h.refused(signed_in("GET", "/v1/nodes/root", OWNER)).await;
    assert_eq!((status, problem["reason"].as_str()), (503, Some("timeout")));
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let h = harness(|_, wiring| wiring.tls = true);
    for path in ["/", "/v1/me", "/healthz", "/docs/"] {
        let response = h.get(path).await;
        let headers = response.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(policy.contains("default-src 'none'"), "{path}");
        let script = policy
            .split(';')
            .find(|one| one.trim().starts_with("script-src"))
            .unwrap();
        assert!(
            !script.contains("unsafe-inline") && !script.contains("'unsafe-eval'"),
            "{path}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert!(headers.contains_key("strict-transport-security"));
    }
    let page = h.get("/").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("connect-src 'self' http://127.0.0.1:7401;"));
    let plain = harness(|_, _| {});
    assert!(
        !plain
            .get("/")
            .await
            .headers()
            .contains_key("strict-transport-security")
    );
}

#[tokio::test]
async fn other_origins_and_other_hosts_are_refused_unless_configured() {
    let preflight = || {
        request("OPTIONS", "/v1/me")
            .header("origin", "https://app.example.org")
            .header("access-control-request-method", "GET")
            .body(Body::empty())
            .unwrap()
    };
    let closed = harness(|_, _| {}).send(preflight()).await;
    assert!(!closed.headers().contains_key("access-control-allow-origin"));
    let open = harness(|config, _| {
        config.cors_origins = vec!["https://app.example.org".to_owned()];
        config.allowed_hosts = vec!["vault.example.org".to_owned()];
    });
    let named = |host: &str| {
        request("GET", "/")
            .header("host", host)
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(open.send(named("VAULT.example.org:443")).await.status(), 200);
    assert_eq!(open.refused(named("evil.example.org")).await.0, 421);
    let mut allowed = preflight();
    allowed
        .headers_mut()
        .insert("host", "vault.example.org".parse().unwrap());
    let answer = open.send(allowed).await;
    assert_eq!(
        answer.headers()["access-control-allow-origin"],
        "https://app.example.org"
    );
}

#[tokio::test]
async fn the_web_app_is_served_compressed_and_its_routes_answer_the_page() {
    let h = harness(|_, _| {});
    let with = |path: &str, name: &str, value: &str| {
        request("GET", path)
            .header(name, value)
            .body(Body::empty())
            .unwrap()
    };
    let page = h.get("/folders/nod_1").await;
    assert_eq!(page.headers()["cache-control"], "no-cache");
    assert_eq!(body(page).await, b"index.html");
    let script = h
        .send(with("/app-0a1b2c3d.js", "accept-encoding", "gzip, br"))
        .await;
    assert_eq!(script.headers()["content-encoding"], "br");
    assert!(
        script.headers()["cache-control"]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
    let etag = script.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(body(script).await, b"br");
    let mut again = with("/app-0a1b2c3d.js", "if-none-match", &etag);
    again
        .headers_mut()
        .insert("accept-encoding", "br".parse().unwrap());
    assert_eq!(h.send(again).await.status(), 304);
    for path in ["/missing.js", "/..%2f..%2fetc/passwd.txt", "/%00.js"] {
        assert_eq!(h.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn readiness_names_the_parts_that_fail() {
    let h = harness(|_, wiring| {
        let check = |result: Result<(), Error>| -> bitvault_gateway::ReadyCheck {
            Arc::new(move || {
                let result = result.clone();
                Box::pin(async move { result })
            })
        };
        let away = Error::new(Code::Unavailable, "away", "the store is away");
        wiring.ready = vec![
            ("database".to_owned(), check(Ok(()))),
            ("storage".to_owned(), check(Err(away))),
        ];
    });
    let response = h.get("/readyz").await;
    assert_eq!(response.status(), 503);
    let told: serde_json::Value = serde_json::from_slice(&body(response).await).unwrap();
    let expected = serde_json::json!({
        "status": "degraded", "failing": [{"name": "storage", "detail": "the store is away"}],
    });
    assert_eq!(told, expected);
    assert_eq!(harness(|_, _| {}).get("/readyz").await.status(), 200);
}

#[tokio::test]
async fn the_openapi_document_tells_every_route_and_its_refusals() {
    let h = harness(|_, _| {});
    let response = h.get("/v1/openapi.json").await;
    let document: serde_json::Value = serde_json::from_slice(&body(response).await).unwrap();
    let mut known = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            known.insert(format!("{} {path}", method.to_uppercase()));
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.keys().any(|status| status.starts_with(['2', '3'])),
                "{method} {path}"
            );
            assert!(responses.contains_key("500"), "{method} {path}");
            if path.starts_with("/v1/") {
                for status in ["400", "401", "403", "404", "429", "503"] {
                    let content = &responses[status]["content"]["application/problem+json"];
                    assert_eq!(
                        content["schema"]["$ref"], "#/components/schemas/Problem",
                        "{path} {status}"
                    );
                }
            }
        }
    }
    // In the order of their bytes, one a line.
    let expected = include_str!("routes.txt");
    let known: String = known.into_iter().map(|route| route + "\n").collect();
    assert_eq!(known, expected);
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer} leads nowhere");
    }
}

#[tokio::test]
async fn the_docs_page_needs_nothing_from_elsewhere() {
    let h = harness(|_, _| {});
    let page = String::from_utf8(body(h.get("/docs/").await).await).unwrap();
    assert!(!page.contains("https://") && !page.contains("http://"), "{page}");
    for path in [
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-initializer.js",
        "/docs/swagger-ui.css",
    ] {
        assert_eq!(h.get(path).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn spans_of_a_client_are_kept_for_the_administrator() {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message as _;

    let h = harness(|_, _| {});
    let span = Span {
        trace_id: vec![0xab; 16],
        span_id: vec![1; 8],
        name: "put".to_owned(),
        start_time_unix_nano: 1_000_000_000,
        end_time_unix_nano: 1_000_005_000,
        ..Span::default()
    };
    let export = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    let send = |bytes: Vec<u8>| {
        request("POST", "/v1/traces")
            .header("authorization", format!("Bearer {MEMBER}"))
            .header("content-type", "application/x-protobuf")
            .body(Body::from(bytes))
            .unwrap()
    };
    assert_eq!(h.send(send(export.encode_to_vec())).await.status(), 200);
    assert_eq!(
        h.refused(send(vec![0xff; 9])).await.1["reason"],
        "spans_malformed"
    );
    let list = h.send(signed_in("GET", "/v1/admin/traces", OWNER)).await;
    let list: serde_json::Value = serde_json::from_slice(&body(list).await).unwrap();
    assert_eq!(list["items"][0]["root"], "put");
    let path = format!(
        "/v1/admin/traces/{}",
        list["items"][0]["trace_id"].as_str().unwrap()
    );
    let one = h.send(signed_in("GET", &path, OWNER)).await;
    let one: serde_json::Value = serde_json::from_slice(&body(one).await).unwrap();
    assert_eq!(one["spans"][0]["duration_us"], 5);
    let off = harness(|_, wiring| wiring.traces = None);
    assert_eq!(
        off.refused(signed_in("GET", "/v1/admin/traces", OWNER)).await.1["reason"],
        "traces_off"
    );
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    let config = bitvault_gateway::Config {
        request_timeout: Duration::ZERO,
        ..bitvault_gateway::Config::default()
    };
    assert_eq!(config.check().unwrap_err().reason(), "config_invalid");
}
