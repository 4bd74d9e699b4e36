//! One upload through the CLI is one connected trace, as a collector receives it over OTLP/gRPC and as the lite daemon
//! keeps it.

use anyhow::{Context as _, Result, bail};
use bitvault_conformance::api::Caller;
use bitvault_conformance::cli::Cli;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD, TENANT};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue as Wrapped, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tonic::transport::server::TcpIncoming;

const MIB: usize = 1 << 20;
/// Small parts, so that multipart is cheap; a collector's endpoint is added.
const CONFIG: &str = "[files]\nmultipart_threshold = \"6MiB\"\npart_size = \"5MiB\"\n";
/// Longest time until spans that were sent are shown.
const KEPT_WITHIN: Duration = Duration::from_secs(30);

/// What every upload passes through, as `component` of the daemon's spans.
const COMPONENTS: [&str; 3] = ["gateway", "files", "storage"];

/// A span with the service that sent it.
#[derive(Debug, Clone)]
struct Received {
    service: String,
    span: Span,
}

type Spans = Arc<Mutex<Vec<Received>>>;

struct Collector(Spans);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let mut spans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for resource_spans in request.into_inner().resource_spans {
            let attributes = resource_spans.resource.unwrap_or_default().attributes;
            let service = text(&attributes, "service.name").unwrap_or_default();
            for span in resource_spans
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                let service = service.clone();
                spans.push(Received { service, span });
            }
        }
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match &found.value {
        Some(Wrapped {
            value: Some(AnyValue::StringValue(text)),
        }) => Some(text.clone()),
        _ => None,
    }
}

/// A collector on a free port, and what it has received.
fn collector() -> Result<(String, Spans)> {
    let spans = Spans::default();
    let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into())?;
    let url = format!("http://{}", incoming.local_addr()?);
    let served = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(Collector(spans.clone())))
        .serve_with_incoming(incoming);
    tokio::spawn(served);
    Ok((url, spans))
}

fn in_words(trace: &[Received]) -> String {
    trace
        .iter()
        .map(|one| {
            format!(
                "{} {} <- {}: {}\n",
                one.service,
                hex::encode(&one.span.span_id),
                hex::encode(&one.span.parent_span_id),
                one.span.name
            )
        })
        .collect()
}

/// Every trace that a `bitvault put` began.
fn puts(spans: &Spans) -> Vec<Vec<Received>> {
    let mut traces: BTreeMap<Vec<u8>, Vec<Received>> = BTreeMap::new();
    for one in spans.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        traces
            .entry(one.span.trace_id.clone())
            .or_default()
            .push(one.clone());
    }
    let is_put = |one: &Received| one.service == "bitvault-cli" && one.span.name == "bitvault put";
    traces
        .into_values()
        .filter(|trace| trace.iter().any(is_put))
        .collect()
}

/// One root, no span twice, every parent there, every part of the way named.
fn demand_connected(trace: &[Received]) -> Result<()> {
    let ids: BTreeSet<&[u8]> = trace.iter().map(|one| one.span.span_id.as_slice()).collect();
    assert_eq!(ids.len(), trace.len(), "a span came twice:\n{}", in_words(trace));
    let (roots, others): (Vec<_>, Vec<_>) = trace.iter().partition(|one| one.span.parent_span_id.is_empty());
    let [root] = roots.as_slice() else {
        bail!("{} roots:\n{}", roots.len(), in_words(trace));
    };
    assert_eq!(
        (root.service.as_str(), root.span.name.as_str()),
        ("bitvault-cli", "bitvault put")
    );
    for one in others {
        assert!(
            ids.contains(one.span.parent_span_id.as_slice()),
            "the parent of `{}` is missing:\n{}",
            one.span.name,
            in_words(trace)
        );
    }
    let components: BTreeSet<String> = trace
        .iter()
        .filter_map(|one| text(&one.span.attributes, "component"))
        .collect();
    for component in COMPONENTS {
        assert!(
            components.contains(component),
            "{component} is not in {components:?}"
        );
    }
    assert!(
        trace.iter().any(|one| one.span.name == "plugin call"),
        "no plugin call:\n{}",
        in_words(trace)
    );
    Ok(())
}

/// The PUTs at the embedded endpoint that a client's PUT leads to.
fn puts_at_the_store(trace: &[Received]) -> usize {
    let by_id: HashMap<&[u8], &Received> = trace
        .iter()
        .map(|one| (one.span.span_id.as_slice(), one))
        .collect();
    trace
        .iter()
        .filter(|one| one.span.name == "s3 request")
        .filter(|one| text(&one.span.attributes, "method").as_deref() == Some("PUT"))
        .filter(|one| {
            by_id
                .get(one.span.parent_span_id.as_slice())
                .is_some_and(|parent| parent.service == "bitvault-cli")
        })
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_put_is_one_connected_trace_from_the_command_to_the_store() {
    let (url, spans) = collector().unwrap();
    let config = format!("{CONFIG}[telemetry]\notlp_endpoint = \"{url}\"\n");
    let mut daemon = Daemon::with_config(&config).unwrap();
    daemon.start().await.unwrap();
    let mut cli = Cli::signed_in(daemon.url(), EMAIL, PASSWORD).unwrap();
    cli.set_env("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
    cli.set_env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    fs::write(cli.folder().join("small"), "a small file").unwrap();
    fs::write(cli.folder().join("large"), vec![7; 17 * MIB]).unwrap();
    for name in ["small", "large"] {
        cli.run(&["put", name, "/"]).unwrap().ok().unwrap();
    }
    kept_traces_are_for_administrators(&daemon).await.unwrap();
    // Stopping sends what has not been sent, so from here on nothing is missing that will ever come.
    assert!(daemon.stop().await.unwrap().success());

    let mut traces = puts(&spans);
    assert_eq!(traces.len(), 2, "each command is one trace");
    traces.sort_by_key(|trace| puts_at_the_store(trace));
    for trace in &traces {
        demand_connected(trace).unwrap();
    }
    assert_eq!(puts_at_the_store(&traces[0]), 1, "{}", in_words(&traces[0]));
    assert_eq!(puts_at_the_store(&traces[1]), 4, "{}", in_words(&traces[1]));
}

/// Waits until the daemon shows both puts with their roots, then looks at who may see them.
async fn kept_traces_are_for_administrators(daemon: &Daemon) -> Result<()> {
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    let deadline = Instant::now() + KEPT_WITHIN;
    let kept = loop {
        let listed = owner.get("/v1/admin/traces?limit=500").await?.ok()?;
        let items = listed["items"].as_array().context("items")?.clone();
        let kept: Vec<_> = items
            .into_iter()
            .filter(|trace| trace["root"] == "bitvault put")
            .collect();
        if kept.len() == 2 {
            break kept;
        }
        if Instant::now() > deadline {
            bail!("{listed}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let path = format!(
        "/v1/admin/traces/{}",
        kept[0]["trace_id"].as_str().unwrap_or_default()
    );
    let trace = owner.get(&path).await?.ok()?;
    let spans = trace["spans"].as_array().context("spans")?;
    assert_eq!(kept[0]["service"], "bitvault-cli");
    let components: BTreeSet<&str> = spans
        .iter()
        .filter_map(|span| span["component"].as_str())
        .collect();
    for component in COMPONENTS {
        assert!(components.contains(component), "{components:?}");
    }
    let (email, password) = ("member@example.org", "another-horse-battery");
    daemon.command_with_input(
        &["admin", "create-user", "--tenant", TENANT, "--email", email],
        password,
    )?;
    let member = Caller::sign_in(daemon.url(), email, password).await?;
    for path in ["/v1/admin/traces", path.as_str()] {
        let refused = member.get(path).await?;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, "admin_only"));
        let anonymous = Caller::anonymous(daemon.url())?.get(path).await?;
        assert_eq!(anonymous.status.as_u16(), 401);
    }
    Ok(())
}
