use crate::assets::Assets;
use crate::zip::Archives;
use crate::{Config, config, extract, grpc, limits, observe, routes, security};
use bitvault_platform::rpc::Transport;
use bitvault_platform::telemetry::RecentTraces;
use bitvault_platform::{Code, Error};
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::internal::v1::link_access_service_client::LinkAccessServiceClient;
use bitvault_proto::v1::access_service_client::AccessServiceClient;
use bitvault_proto::v1::conflicts_service_client::ConflictsServiceClient;
use bitvault_proto::v1::files_service_client::FilesServiceClient;
use bitvault_proto::v1::link_service_client::LinkServiceClient;
use bitvault_proto::v1::metadata_service_client::MetadataServiceClient;
use bitvault_proto::v1::quota_service_client::QuotaServiceClient;
use bitvault_proto::v1::search_service_client::SearchServiceClient;
use bitvault_proto::v1::session_service_client::SessionServiceClient;
use bitvault_proto::v1::sync_service_client::SyncServiceClient;
use bitvault_proto::v1::tenant_service_client::TenantServiceClient;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use tonic::body::Body;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

/// The modules that the gateway calls.
#[derive(Clone)]
pub struct Peers {
    /// `SessionService`, `TenantService` and the internal `IdentityService`.
    pub identity: Transport,
    /// `FilesService`, `AccessService`, `MetadataService`, `QuotaService` and `ConflictsService`.
    pub files: Transport,
    /// `LinkService` and the internal `LinkAccessService`.
    pub sharing: Transport,
    /// `SearchService`.
    pub search: Transport,
    /// `SyncService`.
    pub sync: Transport,
}

/// Looks whether one part that the daemon needs is there; the error's message is shown at `/readyz`.
pub type ReadyCheck = Arc<dyn Fn() -> BoxFuture<'static, Result<(), Error>> + Send + Sync>;

/// Renders all measurements in the Prometheus text format.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// What the daemon hands to the gateway.
#[derive(Clone)]
pub struct Wiring {
    /// The modules.
    pub peers: Peers,
    /// The recent traces, when this process keeps some: shown to administrators, and clients may add spans.
    pub traces: Option<RecentTraces>,
    /// What `/readyz` looks at, by name.
    pub ready: Vec<(String, ReadyCheck)>,
    /// The web app's files.
    pub assets: Assets,
    /// What `/metrics` answers.
    pub metrics: MetricsText,
    /// Origins of presigned URLs, `http://127.0.0.1:7401`: the web app may send to and load from them.
    pub store_origins: Vec<String>,
    /// Where people reach this gateway, `https://vault.example.org`: what links begin with.
    pub public_url: String,
    /// Whether clients reach this gateway by TLS only.
    pub tls: bool,
}

/// The gateway, ready to serve.
#[derive(Clone)]
pub struct Gateway {
    router: axum::Router,
    openapi: Arc<utoipa::openapi::OpenApi>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway")
    }
}

/// What handlers need.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) wiring: Wiring,
    pub(crate) openapi_json: bytes::Bytes,
    pub(crate) archives: Archives,
    identity: Channel,
    files: Channel,
    sharing: Channel,
    search: Channel,
    sync: Channel,
}

impl std::ops::Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// A transport whose error has a plain type: futures of a client over a boxed error are not `Send` in the compiler's
/// eyes.
pub(crate) type Channel = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, tonic::Status>;

fn channel(transport: Transport) -> Channel {
    BoxCloneSyncService::new(transport.map_err(tonic::Status::from_error))
}

impl Inner {
    pub(crate) fn identity(&self) -> IdentityServiceClient<Channel> {
        IdentityServiceClient::new(self.identity.clone())
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.identity.clone())
    }

    pub(crate) fn tenants(&self) -> TenantServiceClient<Channel> {
        TenantServiceClient::new(self.identity.clone())
    }

    pub(crate) fn files(&self) -> FilesServiceClient<Channel> {
        FilesServiceClient::new(self.files.clone()).max_decoding_message_size(extract::ANSWER_BYTES)
    }

    pub(crate) fn links(&self) -> LinkServiceClient<Channel> {
        LinkServiceClient::new(self.sharing.clone())
    }

    pub(crate) fn visits(&self) -> LinkAccessServiceClient<Channel> {
        LinkAccessServiceClient::new(self.sharing.clone())
    }

    pub(crate) fn access(&self) -> AccessServiceClient<Channel> {
        AccessServiceClient::new(self.files.clone())
    }

    pub(crate) fn search(&self) -> SearchServiceClient<Channel> {
        SearchServiceClient::new(self.search.clone())
    }

    pub(crate) fn sync(&self) -> SyncServiceClient<Channel> {
        SyncServiceClient::new(self.sync.clone()).max_decoding_message_size(extract::ANSWER_BYTES)
    }

    pub(crate) fn conflicts(&self) -> ConflictsServiceClient<Channel> {
        ConflictsServiceClient::new(self.files.clone())
    }

    pub(crate) fn metadata(&self) -> MetadataServiceClient<Channel> {
        MetadataServiceClient::new(self.files.clone())
    }

    pub(crate) fn quotas(&self) -> QuotaServiceClient<Channel> {
        QuotaServiceClient::new(self.files.clone())
    }
}

impl Gateway {
    /// Checks the configuration and puts the routes together.
    pub fn new(config: Config, wiring: Wiring) -> Result<Self, Error> {
        config.check()?;
        if let Some(bad) = wiring.store_origins.iter().find(|one| !config::is_origin(one)) {
            return Err(Error::new(
                Code::Invalid,
                "store_origin_invalid",
                format!("{bad} is no origin: it must look like https://store.example.org"),
            ));
        }
        let security = security::Headers::new(&config, &wiring)?;
        let grpc = grpc::Grpc::new(&wiring)?;
        let (router, openapi) = routes::router();
        let openapi_json = openapi
            .to_json()
            .map_err(|cause| Error::internal("write the OpenAPI document", cause))?
            .into();
        let state = AppState(Arc::new(Inner {
            identity: channel(wiring.peers.identity.clone()),
            files: channel(wiring.peers.files.clone()),
            sharing: channel(wiring.peers.sharing.clone()),
            archives: Archives::new(&config.zip)?,
            search: channel(wiring.peers.search.clone()),
            sync: channel(wiring.peers.sync.clone()),
            config,
            wiring,
            openapi_json,
        }));
        let mut router = router
            .with_state(state.clone())
            .layer(axum::middleware::from_fn_with_state(
                grpc::Dispatch {
                    state: state.clone(),
                    grpc,
                },
                grpc::dispatch,
            ))
            .layer(axum::middleware::from_fn(limits::no_panic))
            .layer(axum::middleware::from_fn_with_state(
                state.clone(),
                limits::in_time,
            ))
            .layer(axum::middleware::from_fn_with_state(
                limits::InFlight::new(&state.config),
                limits::shed,
            ));
        if let Some(cors) = security::cors(&state.config)? {
            router = router.layer(cors);
        }
        let router = router
            .layer(axum::middleware::from_fn_with_state(
                Arc::new(security),
                security::protect,
            ))
            .layer(axum::middleware::from_fn(observe::observe));
        Ok(Self {
            router,
            openapi: Arc::new(openapi),
        })
    }

    /// The service behind the listener, REST and gRPC.
    pub fn router(&self) -> axum::Router {
        self.router.clone()
    }

    /// The OpenAPI document.
    pub fn openapi(&self) -> &utoipa::openapi::OpenApi {
        &self.openapi
    }
}
