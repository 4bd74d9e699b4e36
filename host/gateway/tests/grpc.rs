//! Public gRPC through the gateway: who calls is decided by the token alone, and internal services can't be reached.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "tests share one support module"
)]

mod support;

use axum::body::Body;
use bitvault_platform::{Error, Principal, Scopes};
use http::Request;
use prost::Message as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{OWNER, READER, harness, request};
use tonic::Code;
use tonic_health::pb::HealthCheckResponse;
use tonic_health::pb::health_check_response::ServingStatus;

fn call(path: &str) -> http::request::Builder {
    request("POST", path)
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
}

fn empty(builder: http::request::Builder) -> Request<Body> {
    builder.body(Body::from(vec![0; 5])).unwrap()
}

async fn status(h: &support::Harness, request: Request<Body>) -> tonic::Status {
    let response = h.send(request).await;
    assert_eq!(response.status(), 200);
    match tonic::Status::from_header_map(response.headers()) {
        Some(status) => status,
        None => {
            let body = http_body_util::BodyExt::collect(response.into_body())
                .await
                .unwrap();
            tonic::Status::from_header_map(body.trailers().unwrap()).unwrap()
        }
    }
}

#[tokio::test]
async fn what_a_client_says_about_itself_is_removed() {
    let h = harness(|_, _| {});
    let request = call("/bitvault.v1.FilesService/GetNode")
        .header("authorization", format!("Bearer {OWNER}"))
        .header("bitvault-ctx", "forged")
        .header("bitvault-peer", "forged");
    let answer = status(&h, empty(request)).await;
    assert_eq!(answer.code(), Code::InvalidArgument);
    let seen = h.seen.lock().unwrap();
    let call = seen.first().unwrap();
    assert_eq!(call.path, "/bitvault.v1.FilesService/GetNode");
    assert!(!call.headers.contains_key("bitvault-ctx"));
    assert!(!call.headers.contains_key("authorization"));
    assert_eq!(call.headers["bitvault-peer"], "unknown");
    let ctx = call.ctx.as_ref().unwrap();
    assert!(matches!(ctx.principal(), Principal::Account { .. }));
}

#[tokio::test]
async fn what_a_token_is_limited_to_travels_with_its_call() {
    let h = harness(|_, _| {});
    for token in [OWNER, READER] {
        let call =
            call("/bitvault.v1.FilesService/GetNode").header("authorization", format!("Bearer {token}"));
        status(&h, empty(call)).await;
    }
    let seen = h.seen.lock().unwrap();
    let scopes: Vec<_> = seen
        .iter()
        .map(|call| call.ctx.as_ref().unwrap().scopes())
        .collect();
    let reads = Scopes {
        read: true,
        write: false,
    };
    assert_eq!(scopes, [None, Some(reads)]);
}

#[tokio::test]
async fn calls_without_a_good_token_never_reach_a_module() {
    let h = harness(|_, _| {});
    let path = "/bitvault.v1.FilesService/GetNode";
    let unknown = call(path).header("authorization", "Bearer bva_nobody");
    for request in [call(path), unknown] {
        assert_eq!(status(&h, empty(request)).await.code(), Code::Unauthenticated);
    }
    assert!(h.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn internal_services_do_not_exist_outside() {
    let h = harness(|_, _| {});
    for path in [
        "/bitvault.internal.v1.IdentityService/Authenticate",
        "/bitvault.internal.v1.IdentityService/CreateAccount",
        "/bitvault.internal.v1.IdentityService/SuspendTenant",
        "/bitvault.internal.v1.FilesDataService/EraseTenant",
        "/bitvault.internal.v1.StorageService/DeleteObjects",
        "//bitvault.internal.v1.IdentityService/Authenticate",
        "/bitvault.v1.filesservice/GetNode",
        "/",
    ] {
        let request = call(path).header("authorization", format!("Bearer {OWNER}"));
        assert_eq!(
            status(&h, empty(request)).await.code(),
            Code::Unimplemented,
            "{path}"
        );
    }
    assert!(h.seen.lock().unwrap().is_empty());
    // By HTTP alone there is no way either.
    let plain = request("POST", "/bitvault.internal.v1.IdentityService/Authenticate");
    assert_eq!(h.send(plain.body(Body::empty()).unwrap()).await.status(), 404);
}

#[tokio::test]
async fn health_and_reflection_answer_and_reflection_hides_what_is_internal() {
    let h = harness(|_, _| {});
    let health = status(&h, empty(call("/grpc.health.v1.Health/Check"))).await;
    assert_eq!(health.code(), Code::Ok);
    let descriptors = bitvault_proto::PUBLIC_DESCRIPTORS;
    let holds = |needle: &[u8]| descriptors.windows(needle.len()).any(|part| part == needle);
    assert!(holds(b"bitvault.v1") && !holds(b"internal"));
}

/// The first message of an answer: its bytes after the flag and the length.
async fn first_message(response: http::Response<Body>) -> HealthCheckResponse {
    let mut body = response.into_body();
    let frame = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
    HealthCheckResponse::decode(&frame.into_data().unwrap()[5..]).unwrap()
}

#[tokio::test]
async fn health_follows_readiness() {
    let away = Arc::new(AtomicBool::new(false));
    let look = Arc::clone(&away);
    let h = harness(move |_, wiring| {
        let check = move || {
            let away = look.load(Ordering::Relaxed);
            let error = || Error::new(bitvault_platform::Code::Unavailable, "away", "it is away");
            let answer = if away { Err(error()) } else { Ok(()) };
            Box::pin(std::future::ready(answer)) as _
        };
        wiring.ready = vec![("storage".to_owned(), Arc::new(check))];
    });
    for (is_away, expected) in [
        (false, ServingStatus::Serving),
        (true, ServingStatus::NotServing),
        (false, ServingStatus::Serving),
    ] {
        away.store(is_away, Ordering::Relaxed);
        for method in ["Check", "Watch"] {
            let response = h
                .send(empty(call(&format!("/grpc.health.v1.Health/{method}"))))
                .await;
            assert_eq!(first_message(response).await.status(), expected, "{method}");
        }
    }
}
