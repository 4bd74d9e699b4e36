//! `bitvaultd serve`: start in order, serve until SIGTERM or Ctrl-C, stop in the opposite order.

use crate::assets;
use crate::config::{Bootstrap, Config, Role};
use crate::lite::{self, Backing};
use crate::wiring::{self, Modules};
use anyhow::{Context as _, Result};
use bitvault_gateway::{Gateway, Peers, ReadyCheck, Wiring};
use bitvault_identity::Holders;
use bitvault_platform::db::{self, Database, DatabaseConfig, DbRole};
use bitvault_platform::telemetry::{self, Telemetry};
use bitvault_platform::{Clock, Code, Ctx, Error};
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::internal::v1::{CreateAccountRequest, CreateTenantRequest};
use bitvault_storage::Readiness;
use metrics_exporter_prometheus::PrometheusBuilder;
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long requests in flight may take to end after the signal.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);
/// How long the start waits for a database that others migrate.
const DATABASE_ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// Upper bounds of the buckets that durations are counted in, in seconds.
const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

pub(crate) async fn serve(config: Config) -> Result<()> {
    let telemetry = telemetry::init(&config.telemetry, "bitvaultd", env!("CARGO_PKG_VERSION"))?;
    // Listens first: a port in use is told before anything is started.
    let listener = listen(&config).await?;
    let backing = Backing::start(&config).await?;
    let served = run(&config, &backing, listener, &telemetry).await;
    let stopped = backing.stop().await;
    telemetry.shutdown();
    served.and(stopped)
}

async fn run(config: &Config, backing: &Backing, listener: TcpListener, telemetry: &Telemetry) -> Result<()> {
    let address = listener.local_addr().context("read the listening address")?;
    // The port that was found, where any would do.
    let config = &Config {
        listen: address,
        ..config.clone()
    };
    let url = wiring::public_url(config);
    if config.uses_database() {
        prepare_database(&backing.database).await?;
    }
    let clock = Clock::system();
    let modules = wiring::build(config, backing, &clock).await?;
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    if let Some(files) = &modules.files {
        for job in files.jobs(&stop) {
            tasks.spawn(job);
        }
    }
    if let Some(identity) = &modules.identity {
        // Every module that holds rows of tenants.
        let holders = Holders {
            files: modules.to_files.clone(),
            sharing: modules.to_sharing.clone(),
            search: modules
                .to_search
                .clone()
                .context("the deletion of tenants asks the module search")?,
            sync: modules
                .to_sync
                .clone()
                .context("the deletion of tenants asks the module sync")?,
        };
        for job in identity.jobs(&stop, &holders) {
            tasks.spawn(job);
        }
    }
    if let Some(search) = &modules.search {
        for job in search.jobs(&stop) {
            tasks.spawn(job);
        }
    }
    if let Some(sync) = &modules.sync {
        for job in sync.jobs(&stop) {
            tasks.spawn(job);
        }
    }
    if let Some(address) = config.rpc.listen {
        let listener = lite::bind("rpc.listen", address).await?;
        tasks.spawn(serve_rpc(modules.served.clone(), listener, stop.clone()));
    }
    let first_sign_in = match &modules.identity {
        Some(identity) => bootstrap(&config.bootstrap, identity, &modules).await?,
        None => None,
    };
    if config.roles.contains(&Role::Gateway) {
        let wiring = gateway_wiring(config, backing, &modules, telemetry, &url)?;
        let router = Gateway::new(config.gateway.clone(), wiring)?.router();
        let stop = stop.clone();
        let gateway = config.gateway.clone();
        tasks.spawn(async move {
            if let Err(error) = bitvault_gateway::serve(listener, router, &gateway, stop).await {
                tracing::error!(%error, "serve HTTP");
            }
        });
    }
    // After the gateway has made what takes metrics: whether Redis is there is said once.
    tasks.spawn(modules.hints.run(stop.clone()));
    backing.announce(&url, address)?;
    welcome(&url, first_sign_in.as_ref());
    wait_for_signal().await?;
    tracing::info!("stopping: requests in flight are answered first");
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(DRAIN_WITHIN, tasks.wait()).await.is_err() {
        tracing::warn!(
            "some requests did not end within {} s and are cut off",
            DRAIN_WITHIN.as_secs()
        );
    }
    Ok(())
}

/// Migrates; where that is not for this daemon, looks whether the server can be used. One that does not answer yet, or
/// knows no roles yet, is waited for by `/readyz`.
async fn prepare_database(database: &DatabaseConfig) -> Result<()> {
    if database.migrate_at_start {
        return Ok(db::migrate(database).await?);
    }
    let checked = db::check_server(database, DbRole::Identity);
    match tokio::time::timeout(DATABASE_ANSWERS_WITHIN, checked).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) if error.code() == Code::Invalid => return Err(error.into()),
        Ok(Err(error)) => tracing::warn!(%error, "look at the database's version"),
        Err(_) => tracing::warn!("the database does not answer yet"),
    }
    Ok(())
}

/// With port 0 the port of the last start, if nobody took it: open pages and profiles keep working.
async fn listen(config: &Config) -> Result<TcpListener> {
    if config.listen.port() == 0
        && let Some(port) = lite::last_http_port(&config.data_dir)
        && let Ok(listener) = TcpListener::bind((config.listen.ip(), port)).await
    {
        return Ok(listener);
    }
    lite::bind("REST and the web app", config.listen).await
}

async fn serve_rpc(routes: tonic::service::Routes, listener: TcpListener, stop: CancellationToken) {
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    let served = tonic::transport::Server::builder()
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "serve calls between processes");
    }
}

fn gateway_wiring(
    config: &Config,
    backing: &Backing,
    modules: &Modules,
    telemetry: &Telemetry,
    url: &str,
) -> Result<Wiring> {
    let metrics = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .install_recorder()
        .context("start metrics")?;
    let upkeep = metrics.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    let mut ready: Vec<(String, ReadyCheck)> = Vec::new();
    if modules.identity.is_some() || modules.files.is_some() {
        let database = Database::connect_lazy(&backing.database, DbRole::Identity)?;
        ready.push((
            "database".to_owned(),
            Arc::new(move || {
                let database = database.clone();
                Box::pin(async move { database.ping().await })
            }),
        ));
    }
    if let Some(storage) = &modules.storage {
        let storage = storage.clone();
        ready.push((
            "storage".to_owned(),
            Arc::new(move || {
                let storage = storage.clone();
                Box::pin(std::future::ready(storage_ready(&storage.readiness())))
            }),
        ));
    }
    let store_origins = backing
        .storage
        .iter()
        .map(|storage| storage.backend.client_origin())
        .collect();
    Ok(Wiring {
        peers: Peers {
            identity: modules.to_identity.clone(),
            files: modules.to_files.clone(),
            sharing: modules.to_sharing.clone(),
            search: modules
                .to_search
                .clone()
                .context("the gateway asks the module search")?,
            sync: modules
                .to_sync
                .clone()
                .context("the gateway asks the module sync")?,
        },
        traces: (config.telemetry.keep_traces > 0).then(|| telemetry.recent.clone()),
        ready,
        assets: Arc::new(assets::web),
        metrics: Arc::new(move || metrics.render()),
        store_origins,
        public_url: url.to_owned(),
        tls: config
            .public_url
            .as_ref()
            .is_some_and(|url| url.starts_with("https://")),
    })
}

fn storage_ready(readiness: &Readiness) -> Result<(), Error> {
    let reason = match readiness {
        Readiness::Ready => return Ok(()),
        Readiness::Starting => "the store is being tried",
        Readiness::Unavailable(reason) | Readiness::Refused(reason) => reason,
    };
    Err(Error::new(Code::Unavailable, "storage_unavailable", reason))
}

/// How to sign in the first time; the password only when it was made up here.
struct FirstSignIn {
    email: String,
    tenant: String,
    made_up: Option<String>,
}

/// While there is no tenant: makes one and its owner. A kill in between leaves a tenant without an owner, so both steps
/// are repeated until an account exists.
async fn bootstrap(
    wanted: &Bootstrap,
    identity: &bitvault_identity::Identity,
    modules: &Modules,
) -> Result<Option<FirstSignIn>> {
    if identity.has_accounts().await? {
        return Ok(None);
    }
    let made_up = wanted.password.is_none().then(lite::random_password);
    let password = match (&wanted.password, &made_up) {
        (Some(given), _) => given.expose_secret().to_owned(),
        (None, made_up) => made_up.clone().unwrap_or_default(),
    };
    let mut client = IdentityServiceClient::new(modules.to_identity.clone());
    let ctx = Ctx::system("bootstrap");
    let tenant = ctx.request(CreateTenantRequest {
        name: wanted.tenant.clone(),
    });
    let tenant = client
        .create_tenant(tenant)
        .await
        .map_err(Error::from)
        .context("make the first tenant from bootstrap_tenant")?
        .into_inner();
    let account = CreateAccountRequest {
        tenant_id: tenant.tenant_id,
        email: wanted.email.clone(),
        password,
        display_name: wanted.email.clone(),
        role: "owner".to_owned(),
    };
    client
        .create_account(ctx.request(account))
        .await
        .map_err(Error::from)
        .context("make the first owner from bootstrap_email and bootstrap_password")?;
    Ok(Some(FirstSignIn {
        email: wanted.email.clone(),
        tenant: wanted.tenant.clone(),
        made_up,
    }))
}

/// Says where it is and, the first time, how to sign in.
#[allow(
    clippy::print_stdout,
    reason = "this is for the person who started the daemon"
)]
fn welcome(url: &str, first: Option<&FirstSignIn>) {
    println!("BitVault is ready at {url}");
    if let Some(FirstSignIn {
        email,
        tenant,
        made_up,
    }) = first
    {
        println!("The tenant `{tenant}` was made. Sign in as {email}");
        if let Some(password) = made_up {
            println!("with the password {password} (shown only now)");
        }
    }
}

async fn wait_for_signal() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for Ctrl-C")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
