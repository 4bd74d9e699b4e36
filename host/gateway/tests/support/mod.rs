//! A gateway over stand-ins at the module boundary: an identity that knows two tokens, and files that record the call.

use axum::body::Body;
use bitvault_gateway::{Asset, Config, Gateway, Peers, Wiring};
use bitvault_platform::rpc::{self, Signer, Transport};
use bitvault_platform::telemetry::RecentTraces;
use bitvault_platform::{Clock, Code, Ctx, Error};
use bitvault_proto::internal::v1::identity_service_server::{IdentityService, IdentityServiceServer};
use bitvault_proto::internal::v1::{
    AuthenticateRequest, CreateAccountRequest, CreateAccountResponse, CreateTenantRequest,
    CreateTenantResponse, FindMemberRequest, FindMemberResponse, FindTenantRequest, FindTenantResponse,
    GetMembershipRequest, MarkTenantForDeletionRequest, MarkTenantForDeletionResponse, Membership, Principal,
    ResumeTenantRequest, ResumeTenantResponse, Scopes, SuspendTenantRequest, SuspendTenantResponse,
};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use std::sync::{Arc, Mutex};
use tonic::{Status, service::Routes};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt as _};

pub const OWNER: &str = "bva_owner";
pub const MEMBER: &str = "bva_member";
/// A personal access token that may read.
pub const READER: &str = "bvp_reader";

struct TwoTokens;

#[tonic::async_trait]
impl IdentityService for TwoTokens {
    async fn authenticate(
        &self,
        request: tonic::Request<AuthenticateRequest>,
    ) -> Result<tonic::Response<Principal>, Status> {
        let role = match request.get_ref().access_token.as_str() {
            OWNER | READER => "owner",
            MEMBER => "member",
            _ => return Err(Error::new(Code::Unauthenticated, "token_invalid", "unknown").into()),
        };
        let id = "0190c7c1e2a87b3c9d00000000000000";
        Ok(tonic::Response::new(Principal {
            tenant_id: format!("ten_{id}"),
            account_id: format!("acc_{id}"),
            session_id: format!("ses_{id}"),
            role: role.to_owned(),
            scopes: (request.get_ref().access_token == READER).then_some(Scopes {
                read: true,
                write: false,
            }),
        }))
    }

    async fn find_member(
        &self,
        _: tonic::Request<FindMemberRequest>,
    ) -> Result<tonic::Response<FindMemberResponse>, Status> {
        Err(Error::new(Code::NotFound, "member_not_found", "nobody").into())
    }

    async fn create_tenant(
        &self,
        _: tonic::Request<CreateTenantRequest>,
    ) -> Result<tonic::Response<CreateTenantResponse>, Status> {
        Ok(tonic::Response::new(CreateTenantResponse::default()))
    }

    async fn create_account(
        &self,
        _: tonic::Request<CreateAccountRequest>,
    ) -> Result<tonic::Response<CreateAccountResponse>, Status> {
        Ok(tonic::Response::new(CreateAccountResponse::default()))
    }

    async fn get_membership(
        &self,
        _: tonic::Request<GetMembershipRequest>,
    ) -> Result<tonic::Response<Membership>, Status> {
        Ok(tonic::Response::new(Membership::default()))
    }

    async fn suspend_tenant(
        &self,
        _: tonic::Request<SuspendTenantRequest>,
    ) -> Result<tonic::Response<SuspendTenantResponse>, Status> {
        Ok(tonic::Response::new(SuspendTenantResponse {}))
    }

    async fn resume_tenant(
        &self,
        _: tonic::Request<ResumeTenantRequest>,
    ) -> Result<tonic::Response<ResumeTenantResponse>, Status> {
        Ok(tonic::Response::new(ResumeTenantResponse {}))
    }

    async fn mark_tenant_for_deletion(
        &self,
        _: tonic::Request<MarkTenantForDeletionRequest>,
    ) -> Result<tonic::Response<MarkTenantForDeletionResponse>, Status> {
        Ok(tonic::Response::new(MarkTenantForDeletionResponse::default()))
    }

    async fn find_tenant(
        &self,
        _: tonic::Request<FindTenantRequest>,
    ) -> Result<tonic::Response<FindTenantResponse>, Status> {
        Ok(tonic::Response::new(FindTenantResponse::default()))
    }
}

/// A call as it arrived at the module files.
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub ctx: Option<Ctx>,
}

pub struct Harness {
    pub gateway: Gateway,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

pub fn harness(change: impl FnOnce(&mut Config, &mut Wiring)) -> Harness {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let identity = Routes::new(IdentityServiceServer::new(TwoTokens)).prepare();
    let signer = Signer::ephemeral(Clock::system()).unwrap();
    let identity = rpc::local(rpc::guard(identity, "identity", signer.clone()), signer);
    let files: Transport =
        BoxCloneSyncService::new(tower::service_fn(move |request: Request<tonic::body::Body>| {
            record.lock().unwrap().push(Seen {
                path: request.uri().path().to_owned(),
                headers: request.headers().clone(),
                ctx: request.extensions().get::<Ctx>().cloned(),
            });
            let error = Error::invalid_field("name_taken", "name", "taken \u{1f980}");
            std::future::ready(Ok::<_, BoxError>(
                Status::from(error).into_http::<tonic::body::Body>(),
            ))
        }));
    let mut config = Config::default();
    let mut wiring = Wiring {
        peers: Peers {
            identity,
            sharing: files.clone(),
            search: files.clone(),
            sync: files.clone(),
            files,
        },
        traces: Some(RecentTraces::new(4)),
        ready: Vec::new(),
        assets: Arc::new(|path: &str| {
            let known = ["index.html", "app-0a1b2c3d.js"].contains(&path);
            known.then(|| Asset {
                bytes: path.to_owned().into(),
                mime: "text/html".to_owned(),
                etag: format!("tag-{path}"),
                br: Some("br".into()),
                gz: Some("gz".into()),
            })
        }),
        metrics: Arc::new(|| "up 1\n".to_owned()),
        store_origins: vec!["http://127.0.0.1:7401".to_owned()],
        public_url: "http://127.0.0.1:7400".to_owned(),
        tls: false,
    };
    change(&mut config, &mut wiring);
    Harness {
        gateway: Gateway::new(config, wiring).unwrap(),
        seen,
    }
}

impl Harness {
    pub async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.gateway.router().oneshot(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Response<Body> {
        self.send(request("GET", path).body(Body::empty()).unwrap()).await
    }

    /// Sends and reads problem details; every answer of them has to be whole.
    pub async fn refused(&self, request: Request<Body>) -> (u16, serde_json::Value) {
        let response = self.send(request).await;
        let status = response.status().as_u16();
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem: serde_json::Value = serde_json::from_slice(&body(response).await).unwrap();
        assert_eq!(problem["status"], status);
        for key in ["type", "title", "detail", "code", "reason"] {
            assert!(
                problem[key].as_str().is_some_and(|text| !text.is_empty()),
                "{key}: {problem}"
            );
        }
        (status, problem)
    }
}

pub async fn body(response: Response<Body>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

pub fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

/// A signed-in request with a JSON body.
pub fn post(path: &str, json: &str) -> Request<Body> {
    request("POST", path)
        .header("authorization", format!("Bearer {OWNER}"))
        .header("content-type", "application/json")
        .body(Body::from(json.to_owned()))
        .unwrap()
}

pub fn signed_in(method: &str, path: &str, token: &str) -> Request<Body> {
    request(method, path)
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap()
}
