use crate::cluster::Server;
use crate::process;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the server is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Pause after a start that failed.
const PAUSE: Duration = Duration::from_secs(2);

/// Starts a server that died again, until `stop`. Requests that come meanwhile are answered `database_unavailable`.
pub(crate) async fn run(server: Arc<Server>, stop: CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(LOOK_EVERY))
        .await
        .is_some()
    {
        if process::read(&server.config.folder).is_some_and(|running| process::alive(running.pid)) {
            continue;
        }
        tracing::error!(log = %server.log().display(), "Postgres has stopped; starting it again");
        let started = match server.spawn() {
            Ok(()) => server.wait_ready().await,
            Err(error) => Err(error),
        };
        if let Err(error) = started {
            tracing::error!(%error, "start Postgres");
            tokio::time::sleep(PAUSE).await;
        }
    }
}
