//! Public gRPC: authenticated calls are handed on to the modules as they are, without code for any one of them.
//!
//! Only the services listed here can be named from outside. What a client says about who it is, other than by its bearer
//! token, is removed.

use crate::auth::{self, PEER_HEADER, Peer};
use crate::health::Readiness;
use crate::state::{AppState, Wiring};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bitvault_platform::rpc::{CTX_HEADER, Transport};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::PUBLIC_DESCRIPTORS;
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use tonic::Status;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;
use tower::ServiceExt as _;

/// Calls that open a session, or show what would: they need no token.
const ANONYMOUS: [&str; 4] = [
    "/bitvault.v1.SessionService/CreateSession",
    "/bitvault.v1.SessionService/RefreshSession",
    "/bitvault.v1.TenantService/AcceptInvitation",
    "/bitvault.v1.TenantService/LookupInvitation",
];

/// Where each public service is served.
#[derive(Clone)]
pub(crate) struct Grpc {
    identity: Transport,
    files: Transport,
    sharing: Transport,
    search: Transport,
    sync: Transport,
    /// Health and reflection, which the gateway answers itself.
    own: Routes,
}

/// What [`dispatch`] needs.
#[derive(Clone)]
pub(crate) struct Dispatch {
    pub(crate) state: AppState,
    pub(crate) grpc: Grpc,
}

impl Grpc {
    pub(crate) fn new(wiring: &Wiring) -> Result<Self, Error> {
        let health = HealthServer::new(Readiness(wiring.ready.clone()));
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(PUBLIC_DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let broken = |cause| Error::internal("read our own gRPC descriptors", format!("{cause}"));
        let own = Routes::new(health)
            .add_service(reflection().build_v1().map_err(broken)?)
            .add_service(reflection().build_v1alpha().map_err(broken)?)
            .prepare();
        Ok(Self {
            identity: wiring.peers.identity.clone(),
            files: wiring.peers.files.clone(),
            sharing: wiring.peers.sharing.clone(),
            search: wiring.peers.search.clone(),
            sync: wiring.peers.sync.clone(),
            own,
        })
    }

    fn module(&self, service: &str) -> Option<Transport> {
        match service {
            "bitvault.v1.SessionService" | "bitvault.v1.TenantService" => Some(self.identity.clone()),
            "bitvault.v1.LinkService" => Some(self.sharing.clone()),
            "bitvault.v1.FilesService"
            | "bitvault.v1.AccessService"
            | "bitvault.v1.MetadataService"
            | "bitvault.v1.QuotaService"
            | "bitvault.v1.ConflictsService" => Some(self.files.clone()),
            "bitvault.v1.SearchService" => Some(self.search.clone()),
            "bitvault.v1.SyncService" => Some(self.sync.clone()),
            _ => None,
        }
    }
}

/// Whether a request speaks gRPC.
pub(crate) fn is_grpc(request: &Request) -> bool {
    request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| {
            kind == "application/grpc"
                || kind.starts_with("application/grpc+")
                || kind.starts_with("application/grpc;")
        })
}

/// The path of a call to a public service, for labels: anything else has no name.
pub(crate) fn public_route(path: &str) -> Option<&str> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    let ours = matches!(
        service,
        "bitvault.v1.SessionService"
            | "bitvault.v1.TenantService"
            | "bitvault.v1.FilesService"
            | "bitvault.v1.LinkService"
            | "bitvault.v1.AccessService"
            | "bitvault.v1.SearchService"
            | "bitvault.v1.SyncService"
            | "bitvault.v1.MetadataService"
            | "bitvault.v1.QuotaService"
            | "bitvault.v1.ConflictsService"
            | "grpc.health.v1.Health"
            | "grpc.reflection.v1.ServerReflection"
            | "grpc.reflection.v1alpha.ServerReflection"
    );
    let plausible = method.len() <= 64 && method.bytes().all(|b| b.is_ascii_alphanumeric());
    (ours && plausible).then_some(path)
}

/// Answers gRPC requests; everything else goes on to the routes.
pub(crate) async fn dispatch(State(this): State<Dispatch>, request: Request, next: Next) -> Response {
    if !is_grpc(&request) {
        return next.run(request).await;
    }
    match call(&this, request).await {
        Ok(response) => response,
        Err(error) => Status::from(error).into_http::<axum::body::Body>(),
    }
}

async fn call(this: &Dispatch, mut request: Request) -> Result<Response, Error> {
    let path = request.uri().path().to_owned();
    let service = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let Some(module) = this.grpc.module(service) else {
        let response = this
            .grpc
            .own
            .clone()
            .oneshot(request.map(tonic::body::Body::new))
            .await;
        return match response {
            Ok(response) => Ok(response.map(axum::body::Body::new)),
            Err(never) => match never {},
        };
    };
    let ctx = if ANONYMOUS.contains(&path.as_str()) {
        Ctx::anonymous()
    } else {
        auth::authenticate(&this.state, request.headers()).await?
    };
    let peer = Peer::of(request.extensions()).0;
    let headers = request.headers_mut();
    for name in [CTX_HEADER, AUTHORIZATION.as_str(), COOKIE.as_str()] {
        headers.remove(name);
    }
    let peer = HeaderValue::try_from(peer).map_err(|cause| Error::internal("name the peer", cause))?;
    headers.insert(PEER_HEADER, peer);
    // A fresh set: nothing that the listener or a layer attached means anything to a module.
    *request.extensions_mut() = http::Extensions::new();
    request.extensions_mut().insert(ctx);
    let response = module
        .oneshot(request.map(tonic::body::Body::new))
        .await
        .map_err(|cause| match cause.downcast::<Status>() {
            Ok(status) => Error::from(*status),
            Err(cause) => Error::unavailable("module", cause),
        })?;
    Ok(response.map(axum::body::Body::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_name_public_services_only() {
        assert!(public_route("/bitvault.v1.FilesService/GetNode").is_some());
        for path in [
            "/bitvault.internal.v1.IdentityService/Authenticate",
            "/bitvault.v1.FilesService/Get Node",
            "/bitvault.v1.FilesService",
            "/",
        ] {
            assert!(public_route(path).is_none(), "{path}");
        }
    }
}
