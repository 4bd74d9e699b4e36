use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// One item of `GET /v1/admin/traces`: a recent trace in short, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TraceSummary {
    /// W3C trace id, 32 hex digits.
    pub trace_id: String,
    /// Name of the root span.
    pub root: String,
    /// The service that the root span belongs to.
    pub service: String,
    /// When the root span began.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// From the first span's begin to the last span's end, in microseconds.
    pub duration_us: u64,
    /// How many spans are known.
    pub spans: u32,
    /// Whether a span ended in an error.
    pub error: bool,
}

/// How a span ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SpanStatus {
    /// As it should.
    Ok,
    /// With an error.
    Error,
}

/// One span of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TraceSpan {
    /// 16 hex digits.
    pub span_id: String,
    /// The span that caused it; absent on the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<String>,
    /// What was done.
    pub name: String,
    /// The process that did it: `bitvaultd`, `bitvault-cli`, …
    pub service: String,
    /// The part of the service: `gateway`, `files`, `storage`, `s3`, `plugin`, …
    pub component: String,
    /// When it began, in microseconds since the Unix epoch.
    pub started_at_us: i64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// How it ended.
    pub status: SpanStatus,
    /// Its attributes, as text.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// Answer of `GET /v1/admin/traces/{trace_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trace {
    /// W3C trace id, 32 hex digits.
    pub trace_id: String,
    /// Its spans, in no promised order.
    pub spans: Vec<TraceSpan>,
}
