//! How much is worked on at once and for how long; what is over is refused at once and told when to come again.

use crate::Config;
use crate::grpc::is_grpc;
use crate::health;
use crate::problem::Refusal;
use crate::state::AppState;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bitvault_platform::{Code, Error};
use futures::FutureExt as _;
use http::Method;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Room for requests that are worked on, and for those that wait for a change most of their time.
#[derive(Clone)]
pub(crate) struct InFlight {
    worked_on: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl InFlight {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            worked_on: Arc::new(Semaphore::new(config.max_in_flight)),
            waiting: Arc::new(Semaphore::new(config.max_waiting)),
        }
    }

    fn of(&self, request: &Request) -> &Semaphore {
        let waits = match request.uri().path() {
            "/v1/changes" => request.method() == Method::GET,
            path => {
                path == "/bitvault.v1.SyncService/ListChanges"
                    || path == "/bitvault.v1.SyncService/WatchChanges"
            }
        };
        if waits { &self.waiting } else { &self.worked_on }
    }
}

fn refuse(grpc: bool, error: Error) -> Response {
    if grpc {
        tonic::Status::from(error).into_http()
    } else {
        Refusal::from(error).into_response()
    }
}

/// Refuses a request when too many are under way. Health is always told.
pub(crate) async fn shed(State(room): State<InFlight>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if matches!(path, "/healthz" | "/readyz" | "/metrics") || path.starts_with(health::PATH) {
        return next.run(request).await;
    }
    let grpc = is_grpc(&request);
    let Ok(_place) = room.of(&request).try_acquire() else {
        metrics::counter!("bitvault_http_shed_total").increment(1);
        let text = "the server has more to do than it can; try again";
        return refuse(grpc, Error::new(Code::Unavailable, "overloaded", text));
    };
    next.run(request).await
}

/// Ends a request that takes too long.
pub(crate) async fn in_time(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let limit = limit_of(&state, &request);
    let grpc = is_grpc(&request);
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let text = format!("this took longer than {} s; try again", limit.as_secs());
            refuse(grpc, Error::new(Code::Unavailable, "timeout", text))
        }
    }
}

fn limit_of(state: &AppState, request: &Request) -> Duration {
    let path = request.uri().path();
    let commits = path.ends_with("/commit")
        || path == "/v1/batch/commits"
        || (path == "/v1/changes" && request.method() == Method::POST)
        || path == "/bitvault.v1.SyncService/PushChanges"
        || path == "/bitvault.v1.FilesService/CommitUploads";
    if commits {
        state.config.commit_timeout
    } else {
        state.config.request_timeout
    }
}

/// Bounds a bug to the request that met it.
pub(crate) async fn no_panic(request: Request, next: Next) -> Response {
    let grpc = is_grpc(&request);
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let text = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            refuse(
                grpc,
                Error::internal("answer a request", format!("panic: {text}")),
            )
        }
    }
}
