use crate::auth::{Admin, Caller};
use crate::extract::{Id, Protobuf, Query};
use crate::problem::{Answer, Refusal};
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bitvault_api::{Page, Trace, TraceSummary};
use bitvault_platform::telemetry::RecentTraces;
use bitvault_platform::{Code, Error};
use http::header::CONTENT_TYPE;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use serde::Deserialize;

/// Traces of one answer when no `limit` is given.
const TRACES_DEFAULT: usize = 50;
/// Most traces of one answer.
const TRACES_MAX: usize = 500;

fn kept(state: &AppState) -> Result<&RecentTraces, Refusal> {
    state.wiring.traces.as_ref().ok_or_else(|| {
        Error::new(
            Code::NotFound,
            "traces_off",
            "this server keeps no traces; look in the collector that it exports to",
        )
        .into()
    })
}

/// Add a client's spans
///
/// OTLP/HTTP in protobuf, so that a trace begins where the person is. Taken only when `GET /v1/me` says `traces`.
#[utoipa::path(post, path = "/v1/traces", tag = "telemetry",
    request_body(content = Vec<u8>, content_type = "application/x-protobuf",
        description = "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest"),
    responses((status = 200, description = "Taken", content_type = "application/x-protobuf")))]
pub(super) async fn add_spans(
    State(state): State<AppState>,
    _caller: Caller,
    Protobuf(body): Protobuf,
) -> Answer<Response> {
    let recent = kept(&state)?;
    let export = ExportTraceServiceRequest::decode(body).map_err(|cause| {
        Error::new(
            Code::Invalid,
            "spans_malformed",
            format!("this is no OTLP trace export: {cause}"),
        )
    })?;
    recent.add(export.resource_spans);
    let answer = ExportTraceServiceResponse::default().encode_to_vec();
    Ok(([(CONTENT_TYPE, "application/x-protobuf")], answer).into_response())
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TracesParams {
    /// Most traces of the answer; 50 when left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// List recent traces
///
/// Newest first. For the roles admin and owner.
#[utoipa::path(get, path = "/v1/admin/traces", tag = "telemetry", params(TracesParams),
    responses((status = 200, description = "The traces in short", body = Page<TraceSummary>)))]
pub(super) async fn list_traces(
    State(state): State<AppState>,
    _admin: Admin,
    Query(params): Query<TracesParams>,
) -> Answer<axum::Json<Page<TraceSummary>>> {
    let limit = params.limit.unwrap_or(TRACES_DEFAULT);
    if !(1..=TRACES_MAX).contains(&limit) {
        let detail = format!("use 1 to {TRACES_MAX}");
        return Err(Error::invalid_field("limit_invalid", "limit", detail).into());
    }
    let traces = kept(&state)?.newest(limit);
    Ok(axum::Json(Page {
        items: traces
            .iter()
            .filter_map(|spans| translate::summary(spans))
            .collect(),
        next_cursor: None,
    }))
}

/// Get a recent trace
///
/// For the roles admin and owner.
#[utoipa::path(get, path = "/v1/admin/traces/{trace_id}", tag = "telemetry",
    params(("trace_id" = String, Path, description = "32 hex digits")),
    responses((status = 200, description = "Its spans", body = Trace)))]
pub(super) async fn get_trace(
    State(state): State<AppState>,
    _admin: Admin,
    Id(id): Id,
) -> Answer<axum::Json<Trace>> {
    let mut trace_id = [0; 16];
    let known = hex::decode_to_slice(&id, &mut trace_id)
        .ok()
        .and(kept(&state)?.get(trace_id))
        .ok_or_else(|| Error::new(Code::NotFound, "trace_not_found", "no such trace is kept"))?;
    Ok(axum::Json(translate::trace(trace_id, &known)))
}
