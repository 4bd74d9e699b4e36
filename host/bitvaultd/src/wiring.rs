//! Connects the modules: each is a guarded gRPC service, called in this process or over a channel, as configured.

use crate::assets;
use crate::config::{Config, Role};
use crate::lite::{Backing, reachable};
use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::Request;
use bitvault_files::Files;
use bitvault_identity::Identity;
use bitvault_platform::bus::{Bus, InProcess};
use bitvault_platform::db::{Database, DbRole};
use bitvault_platform::hints::Hints;
use bitvault_platform::rpc::{self, Signer, Transport};
use bitvault_platform::{Clock, config as sections};
use bitvault_proto::internal::v1::feed_service_server::FeedServiceServer;
use bitvault_proto::internal::v1::files_data_service_server::FilesDataServiceServer;
use bitvault_proto::internal::v1::folders_service_server::FoldersServiceServer;
use bitvault_proto::internal::v1::identity_service_server::IdentityServiceServer;
use bitvault_proto::internal::v1::index_service_server::IndexServiceServer;
use bitvault_proto::internal::v1::link_access_service_server::LinkAccessServiceServer;
use bitvault_proto::internal::v1::node_access_service_server::NodeAccessServiceServer;
use bitvault_proto::internal::v1::search_data_service_server::SearchDataServiceServer;
use bitvault_proto::internal::v1::sharing_data_service_server::SharingDataServiceServer;
use bitvault_proto::internal::v1::storage_service_server::StorageServiceServer;
use bitvault_proto::internal::v1::sync_data_service_server::SyncDataServiceServer;
use bitvault_proto::v1::access_service_server::AccessServiceServer;
use bitvault_proto::v1::conflicts_service_server::ConflictsServiceServer;
use bitvault_proto::v1::files_service_server::FilesServiceServer;
use bitvault_proto::v1::link_service_server::LinkServiceServer;
use bitvault_proto::v1::metadata_service_server::MetadataServiceServer;
use bitvault_proto::v1::quota_service_server::QuotaServiceServer;
use bitvault_proto::v1::search_service_server::SearchServiceServer;
use bitvault_proto::v1::session_service_server::SessionServiceServer;
use bitvault_proto::v1::sync_service_server::SyncServiceServer;
use bitvault_proto::v1::tenant_service_server::TenantServiceServer;
use bitvault_search::Search;
use bitvault_sharing::Sharing;
use bitvault_storage::Storage;
use bitvault_sync::Sync;
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use tonic::body::Body;
use tonic::server::NamedService as _;
use tonic::service::Routes;
use tonic::transport::Endpoint;
use tower::ServiceExt as _;

/// Largest message of a call between modules: a batch of 500 uploads with their presigned URLs is below 2 MiB.
const MESSAGE_BYTES: usize = 8 << 20;

/// The modules of this process and the transports to all of them.
pub(crate) struct Modules {
    pub(crate) identity: Option<Identity>,
    pub(crate) files: Option<Files>,
    pub(crate) storage: Option<Storage>,
    pub(crate) to_identity: Transport,
    pub(crate) search: Option<Search>,
    pub(crate) to_files: Transport,
    pub(crate) to_sharing: Transport,
    /// Absent where neither the module nor anybody who asks it runs.
    pub(crate) to_search: Option<Transport>,
    pub(crate) sync: Option<Sync>,
    /// As `to_search`.
    pub(crate) to_sync: Option<Transport>,
    /// What the daemons tell each other.
    pub(crate) hints: Hints,
    /// What other processes may call here.
    pub(crate) served: Routes,
}

/// Builds the modules that run here. Nothing connects yet: pools and channels do so when they are first used.
pub(crate) async fn build(config: &Config, backing: &Backing, clock: &Clock) -> Result<Modules> {
    let signer = signer(config, clock)?;
    let mut served = Router::new();
    let runs = |role| config.roles.contains(&role);

    let storage = match &backing.storage {
        Some(storage) if runs(Role::Storage) => Some(start_storage(config, storage, clock).await?),
        _ => None,
    };
    let storage_routes = storage.clone().map(|storage| {
        let server = StorageServiceServer::new(storage)
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        (Routes::new(server), vec![StorageServiceServer::<Storage>::NAME])
    });
    let to_storage = connect(
        "storage",
        &config.peers.storage,
        storage_routes,
        &signer,
        &mut served,
    )?;

    let identity = if runs(Role::Identity) {
        let database = Database::connect_lazy(&backing.database, DbRole::Identity)?;
        let url = public_url(config);
        Some(Identity::new(
            config.identity.clone(),
            database,
            clock.clone(),
            &url,
        )?)
    } else {
        None
    };
    let identity_routes = identity.clone().map(|identity| {
        let names = vec![
            SessionServiceServer::<Identity>::NAME,
            TenantServiceServer::<Identity>::NAME,
            IdentityServiceServer::<Identity>::NAME,
        ];
        (identity.routes(), names)
    });
    let to_identity = connect(
        "identity",
        &config.peers.identity,
        identity_routes,
        &signer,
        &mut served,
    )?;

    let bus: Arc<dyn Bus> = Arc::new(InProcess::default());
    let hints = match &config.redis {
        Some(redis) => Hints::through(redis)?,
        None => Hints::default(),
    };
    bus.subscribe("hints", "", Arc::new(hints.clone())).await?;
    if let Some(identity) = &identity {
        identity.share(&hints);
    }
    let files = if runs(Role::Files) {
        let tenants = Database::connect_lazy(&backing.database, DbRole::Files)?;
        let worker = Database::connect_lazy(&backing.database, DbRole::Worker)?;
        Some(Files::new(
            config.files.clone(),
            tenants,
            worker,
            to_storage,
            to_identity.clone(),
            Arc::clone(&bus),
            clock.clone(),
        )?)
    } else {
        None
    };
    let files_routes = files.clone().map(|files| {
        let access = AccessServiceServer::new(files.clone());
        let server = FilesServiceServer::new(files.clone())
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        let names = vec![
            FilesServiceServer::<Files>::NAME,
            AccessServiceServer::<Files>::NAME,
            MetadataServiceServer::<Files>::NAME,
            QuotaServiceServer::<Files>::NAME,
            ConflictsServiceServer::<Files>::NAME,
            NodeAccessServiceServer::<Files>::NAME,
            FoldersServiceServer::<Files>::NAME,
            FilesDataServiceServer::<Files>::NAME,
            IndexServiceServer::<Files>::NAME,
            FeedServiceServer::<Files>::NAME,
        ];
        let index = IndexServiceServer::new(files.clone()).max_encoding_message_size(MESSAGE_BYTES);
        let feed = FeedServiceServer::new(files.clone()).max_encoding_message_size(MESSAGE_BYTES);
        let folders = FoldersServiceServer::new(files.clone())
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        let routes = Routes::new(server)
            .add_service(access)
            .add_service(MetadataServiceServer::new(files.clone()))
            .add_service(QuotaServiceServer::new(files.clone()))
            .add_service(ConflictsServiceServer::new(files.clone()))
            .add_service(NodeAccessServiceServer::new(files.clone()))
            .add_service(folders)
            .add_service(FilesDataServiceServer::new(files))
            .add_service(index)
            .add_service(feed);
        (routes, names)
    });
    let to_files = connect("files", &config.peers.files, files_routes, &signer, &mut served)?;
    if let Some(identity) = &identity {
        identity.reach_files(&to_files);
    }

    let sharing = if runs(Role::Sharing) {
        let database = Database::connect_lazy(&backing.database, DbRole::Sharing)?;
        let sharing = Sharing::new(
            config.sharing.clone(),
            database,
            to_identity.clone(),
            to_files.clone(),
            clock.clone(),
        )?;
        Some(sharing)
    } else {
        None
    };
    let sharing_routes = sharing.map(|sharing| {
        let names = vec![
            LinkServiceServer::<Sharing>::NAME,
            LinkAccessServiceServer::<Sharing>::NAME,
            SharingDataServiceServer::<Sharing>::NAME,
        ];
        let links = LinkServiceServer::new(sharing.clone());
        let routes = Routes::new(links)
            .add_service(LinkAccessServiceServer::new(sharing.clone()))
            .add_service(SharingDataServiceServer::new(sharing));
        (routes, names)
    });
    let to_sharing = connect(
        "sharing",
        &config.peers.sharing,
        sharing_routes,
        &signer,
        &mut served,
    )?;

    let search = if runs(Role::Search) {
        let database = Database::connect_lazy(&backing.database, DbRole::Search)?;
        let search = Search::new(config.search.clone(), database, to_files.clone())?;
        search.subscribe(&*bus).await?;
        search.share(&hints);
        Some(search)
    } else {
        None
    };
    let search_routes = search.clone().map(|search| {
        let names = vec![
            SearchServiceServer::<Search>::NAME,
            SearchDataServiceServer::<Search>::NAME,
        ];
        (search.routes(), names)
    });
    let to_search = if search_routes.is_some() || config.peers.search.is_some() {
        Some(connect(
            "search",
            &config.peers.search,
            search_routes,
            &signer,
            &mut served,
        )?)
    } else {
        None
    };

    let sync = if runs(Role::Sync) {
        let database = Database::connect_lazy(&backing.database, DbRole::Sync)?;
        let sync = Sync::new(config.sync.clone(), database, to_files.clone(), clock.clone())?;
        sync.subscribe(&*bus).await?;
        sync.share(&hints);
        Some(sync)
    } else {
        None
    };
    let sync_routes = sync.clone().map(|sync| {
        let names = vec![
            SyncServiceServer::<Sync>::NAME,
            SyncDataServiceServer::<Sync>::NAME,
        ];
        (sync.routes(), names)
    });
    let to_sync = if sync_routes.is_some() || config.peers.sync.is_some() {
        let peer = &config.peers.sync;
        Some(connect("sync", peer, sync_routes, &signer, &mut served)?)
    } else {
        None
    };

    Ok(Modules {
        identity,
        files,
        storage,
        search,
        sync,
        to_identity,
        to_files,
        to_sharing,
        to_search,
        to_sync,
        hints,
        served: served.into(),
    })
}

/// Where people reach REST and the web app.
pub(crate) fn public_url(config: &Config) -> String {
    config
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{}", reachable(config.listen)))
}

/// The module storage with the plugin that the configuration names and this binary carries.
async fn start_storage(
    config: &Config,
    storage: &bitvault_storage::Config,
    clock: &Clock,
) -> Result<Storage> {
    let mut storage = storage.clone();
    if storage.engine.cache_dir.is_none() {
        storage.engine.cache_dir = Some(config.data_dir.join("cache"));
    }
    let name = storage.backend.plugin.clone();
    let component = assets::plugin(&name)
        .with_context(|| format!("storage.backend.plugin: this binary has no plugin `{name}`"))?;
    Ok(Storage::start(storage, component.data.into_owned(), clock.clone()).await?)
}

/// A module's guarded server, made callable for other processes; and the transport to wherever the module runs.
fn connect(
    name: &'static str,
    peer: &Option<String>,
    local: Option<(Routes, Vec<&'static str>)>,
    signer: &Signer,
    served: &mut Router,
) -> Result<Transport> {
    let guarded = local.map(|(routes, services)| {
        let guarded = rpc::guard(routes.prepare(), name, signer.clone());
        for service in services {
            let path = format!("/{service}/{{*method}}");
            let service = guarded
                .clone()
                .map_request(|request: Request| request.map(Body::new));
            *served = std::mem::take(served).route_service(&path, service);
        }
        guarded
    });
    match (peer, guarded) {
        (Some(url), _) => {
            let endpoint =
                Endpoint::from_shared(url.clone()).with_context(|| format!("peers.{name}: {url}"))?;
            Ok(rpc::remote(
                endpoint.tcp_nodelay(true).connect_lazy(),
                signer.clone(),
            ))
        }
        (None, Some(guarded)) => Ok(rpc::local(guarded, signer.clone())),
        (None, None) => anyhow::bail!(
            "the module {name} runs neither here nor elsewhere: name it in `roles` or peers.{name}"
        ),
    }
}

/// A key that every process shares, or one of our own when nobody else has to verify it.
fn signer(config: &Config, clock: &Clock) -> Result<Signer> {
    match sections::secret("rpc.secret", &config.rpc.secret, &config.rpc.secret_file)? {
        Some(secret) => Ok(Signer::new(secret.expose_secret().as_bytes(), clock.clone())?),
        None => Ok(Signer::ephemeral(clock.clone())?),
    }
}
