//! The endpoint's end of a presigned transfer joins the trace of its client.

mod common;

use common::{Server, target};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing_subscriber::layer::SubscriberExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_put_is_a_span_in_the_trace_that_its_traceparent_names() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let filter = tracing_subscriber::EnvFilter::new("info");
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(filter).with(layer)).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let traceparent = (
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    );
    server
        .client
        .send("PUT", &target("a/k"), &[traceparent], "hello")
        .await
        .expect(200);
    server.stop().await;
    provider.force_flush().unwrap();

    let spans = exporter.get_finished_spans().unwrap();
    let span = spans.iter().find(|span| span.name == "s3 request").unwrap();
    assert_eq!(
        span.span_context.trace_id().to_string(),
        "0af7651916cd43dd8448eb211c80319c"
    );
    assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
    let attribute = |name: &str| {
        let found = span
            .attributes
            .iter()
            .find(|attribute| attribute.key.as_str() == name);
        found.map(|attribute| attribute.value.to_string())
    };
    assert_eq!(attribute("method").as_deref(), Some("PUT"));
    assert_eq!(attribute("key").as_deref(), Some("/test-bucket/a/k"));
    assert_eq!(attribute("bytes").as_deref(), Some("5"));
    assert_eq!(attribute("status").as_deref(), Some("200"));
}
