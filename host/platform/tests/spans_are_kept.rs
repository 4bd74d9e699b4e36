//! The whole process's telemetry, and so the only test of its program.

use bitvault_platform::telemetry::{TelemetryConfig, init};

#[test]
fn a_span_is_kept_although_a_log_line_was_only_asked_about_before() {
    let telemetry = init(&TelemetryConfig::default(), "test", "0").unwrap();
    // What crates do before they put together an expensive line, which then is not written.
    let _wanted = tracing::enabled!(tracing::Level::INFO);
    let server = "server";
    tracing::info_span!(target: "bitvault_test", "asked before", otel.kind = server).in_scope(|| {});
    tracing::info_span!(target: "bitvault_test", "after it", otel.kind = server).in_scope(|| {});
    let mut names: Vec<String> = telemetry
        .recent
        .newest(9)
        .iter()
        .flatten()
        .map(|(_, span)| span.name.clone())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["after it", "asked before"]);
}
