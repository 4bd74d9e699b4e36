//! What Postgres notes to the statements of a task, as sqlx tells it.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tracing::field::{Field, Visit};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

const NOTICE: &str = "sqlx::postgres::notice";

tokio::task_local! {
    /// What has been noted to this task so far, in order.
    static NOTICES: Arc<Mutex<Vec<String>>>;
}

/// Listens while something is done; answers what Postgres noted. What other tasks do meanwhile is not heard, nor what it leaves
/// to others.
///
/// # Panics
///
/// When the process has another subscriber for traces.
pub async fn listen<T>(work: impl Future<Output = T>) -> (T, Vec<String>) {
    // One for all tests: what is enabled is decided once for the process.
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let heard = filter_fn(|metadata| metadata.target() == NOTICE);
        let subscriber = tracing_subscriber::registry().with(Ear.with_filter(heard));
        #[allow(clippy::expect_used, reason = "a test's mistake")]
        tracing::subscriber::set_global_default(subscriber).expect("nothing else listens");
    });
    let notices = Arc::<Mutex<Vec<String>>>::default();
    let answer = NOTICES.scope(Arc::clone(&notices), work).await;
    let notices = notices.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (answer, notices)
}

struct Ear;

impl<S: tracing::Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        // An event of no task that is listened to.
        let _ = NOTICES.try_with(|notices| {
            notices
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(text.0);
        });
    }
}

/// What the notice says.
#[derive(Debug, Default)]
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        // As it is: a plan has lines.
        if field.name() == "message" {
            self.0.push_str(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // Writing to a string can't fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}
