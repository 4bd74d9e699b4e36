//! The endpoint: an opened folder that can be served.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use s3s::auth::{SecretKey, SimpleAuth};
use s3s::host::SingleDomain;
use s3s::service::{S3Service, S3ServiceBuilder};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::util::BoxCloneSyncService;

use crate::config::{Config, Limits};
use crate::error::Error;
use crate::s3::{Backend, ReadAhead};
use crate::store::Store;

/// What answers requests: a tower service for hyper's request bodies, cheap to clone.
pub type Service = BoxCloneSyncService<Request<Incoming>, Response<s3s::Body>, Infallible>;

/// Pause after an error of `accept` that may pass, such as too many open files.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// Largest buffer of a connection in bytes.
const CONNECTION_BUFFER_BYTES: usize = 512 * 1024;

/// An opened folder. Clones share it; the folder is unlocked when the last one and all its services are gone.
#[derive(Clone)]
pub struct Endpoint {
    service: Service,
    limits: Arc<Limits>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Endpoint")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Opens the folder: creates what is missing, takes its lock, removes what a killed process left behind, creates the
    /// configured buckets. Blocks for as long as that takes (milliseconds, plus a moment per unfinished upload).
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a value that can't be used, [`Error::Locked`] if another process has the folder,
    /// [`Error::Io`] if it can't be used (not writable, no rename without replacing, full).
    pub fn open(config: Config) -> Result<Self, Error> {
        config.check()?;
        let store = Store::open(&config.root, config.limits.max_open_uploads)?;
        for bucket in &config.buckets {
            let source = |error: s3s::S3Error| Error::Io {
                what: "create a bucket in",
                path: config.root.clone(),
                source: io::Error::other(error),
            };
            store.create_bucket(bucket).map_err(source)?;
        }
        let limits = Arc::new(config.limits.clone());
        let backend = Backend {
            store: Arc::new(store),
            limits: limits.clone(),
            region: Arc::from(config.region.as_str()),
            read_ahead: ReadAhead::new(limits.read_ahead_bytes),
        };
        let service = service(&config, backend)?;
        Ok(Self { service, limits })
    }

    /// The service, for those who bring their own server.
    pub fn service(&self) -> Service {
        self.service.clone()
    }

    /// Serves until `shutdown`, then lets requests in progress finish for
    /// [`Limits::shutdown_grace`](crate::Limits::shutdown_grace) and drops the rest.
    ///
    /// # Errors
    ///
    /// [`Error::Accept`] if the listener is broken.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> Result<(), Error> {
        let connections = TaskTracker::new();
        let free = Arc::new(Semaphore::new(self.limits.max_connections));
        let abort = CancellationToken::new();
        let result = loop {
            let accepted = async {
                let permit = free.clone().acquire_owned().await.map_err(io::Error::other)?;
                Ok((listener.accept().await?.0, permit))
            };
            let (stream, permit) = tokio::select! {
                () = shutdown.cancelled() => break Ok(()),
                accepted = accepted => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) if passes(&error) => {
                        tracing::warn!(%error, "accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                    Err(error) => break Err(Error::Accept(error)),
                },
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "set TCP_NODELAY");
            }
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.limits.header_timeout)
                .max_buf_size(CONNECTION_BUFFER_BYTES)
                .serve_connection(
                    TokioIo::new(stream),
                    TowerToHyperService::new(self.service.clone()),
                );
            let (shutdown, abort) = (shutdown.clone(), abort.clone());
            connections.spawn(async move {
                let _permit = permit;
                let mut connection = std::pin::pin!(connection);
                let ended = tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = shutdown.cancelled() => {
                        connection.as_mut().graceful_shutdown();
                        tokio::select! {
                            ended = connection.as_mut() => ended,
                            () = abort.cancelled() => return,
                        }
                    }
                };
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
            });
        };
        connections.close();
        if tokio::time::timeout(self.limits.shutdown_grace, connections.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                connections = connections.len(),
                "dropped connections that did not finish in time"
            );
            abort.cancel();
            connections.wait().await;
        }
        result
    }
}

fn passes(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let temporary = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::CONNABORTED,
        Errno::INTR,
    ];
    error
        .raw_os_error()
        .is_some_and(|raw| temporary.iter().any(|errno| errno.raw_os_error() == raw))
}

fn service(config: &Config, backend: Backend) -> Result<Service, Error> {
    let mut builder = S3ServiceBuilder::new(backend);
    let secret = SecretKey::from(config.secret_key.expose_secret());
    builder.set_auth(SimpleAuth::from_single(config.access_key.clone(), secret));
    if let Some(domain) = &config.domain {
        let domain = SingleDomain::new(domain).map_err(|error| Error::Config {
            field: "domain",
            reason: error.to_string(),
        })?;
        builder.set_host(domain);
    }
    let s3: S3Service = builder.build();
    let answer = tower::service_fn(move |request| crate::http::answer(s3.clone(), request));
    let service = tower::ServiceBuilder::new()
        .layer(crate::http::cors(&config.cors_allowed_origins))
        .service(answer);
    Ok(BoxCloneSyncService::new(service))
}
