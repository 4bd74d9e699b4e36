//! `grpc.health.v1`: the service as a whole, under the empty name, serves while `/readyz` says that it is ready.

use crate::routes::health::failing;
use crate::state::ReadyCheck;
use futures::stream::{self, BoxStream, StreamExt as _};
use std::time::Duration;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// What the paths of this service begin with. Like `/readyz`, it is answered whatever else there is to do, and by any host's name.
pub(crate) const PATH: &str = "/grpc.health.v1.Health/";

/// How often somebody who watches is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Answers with what the parts say when it is asked.
pub(crate) struct Readiness(pub(crate) Vec<(String, ReadyCheck)>);

async fn status(ready: &[(String, ReadyCheck)]) -> ServingStatus {
    if failing(ready).await.is_empty() {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    }
}

fn known(request: &HealthCheckRequest) -> Result<(), Status> {
    if request.service.is_empty() {
        return Ok(());
    }
    Err(Status::not_found(
        "only the service as a whole is told of: leave its name empty",
    ))
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[tonic::async_trait]
impl Health for Readiness {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        known(request.get_ref())?;
        Ok(Response::new(answer(status(&self.0).await)))
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        known(request.get_ref())?;
        let changes = stream::unfold((self.0.clone(), None), |(ready, told)| async move {
            loop {
                let now = status(&ready).await;
                if told != Some(now) {
                    return Some((Ok(answer(now)), (ready, Some(now))));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        Ok(Response::new(changes.boxed()))
    }
}
