//! What sqlx tells of a task's work on a database: the statements, each of which is a round trip, and what Postgres notes to them.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tracing::field::{Field, Visit};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

const STATEMENT: &str = "sqlx::query";
const NOTICE: &str = "sqlx::postgres::notice";

tokio::task_local! {
    /// What has been told of this task so far.
    static TOLD: Arc<Mutex<Told>>;
}

/// What was told, in order.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// How each statement begins. What begins and ends a transaction is left out, as in `docs/benchmarks.md`.
    pub statements: Vec<String>,
    /// What Postgres noted.
    pub notices: Vec<String>,
}

/// Listens while something is done. What other tasks do meanwhile is not heard, nor what it leaves to others.
///
/// # Panics
///
/// When the process has another subscriber for traces.
pub async fn listen<T>(work: impl Future<Output = T>) -> (T, Told) {
    // One for all tests: what is enabled is decided once for the process.
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let heard = filter_fn(|metadata| [STATEMENT, NOTICE].contains(&metadata.target()));
        let subscriber = tracing_subscriber::registry().with(Ear.with_filter(heard));
        #[allow(clippy::expect_used, reason = "a test's mistake")]
        tracing::subscriber::set_global_default(subscriber).expect("nothing else listens");
    });
    let told = Arc::<Mutex<Told>>::default();
    let answer = TOLD.scope(Arc::clone(&told), work).await;
    let told = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (answer, told)
}

struct Ear;

impl<S: tracing::Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let is_statement = event.metadata().target() == STATEMENT;
        // An event of no task that is listened to.
        let _ = TOLD.try_with(|told| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if !is_statement {
                told.notices.push(text.0);
            } else if !text.0.contains("COMMIT") {
                told.statements.push(text.0);
            }
        });
    }
}

/// The statement's beginning, or the notice.
#[derive(Debug, Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if ["summary", "message"].contains(&field.name()) {
            // Writing to a string can't fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}
