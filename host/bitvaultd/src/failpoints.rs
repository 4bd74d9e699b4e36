//! Switches of tests; not part of a release.

use bitvault_platform::db::point_filters_at;

/// Failpoints as the environment sets them: `FAILPOINTS` in the syntax of the crate `fail`, and `BITVAULT_KILL_AT`, the
/// name of the step at which this process gets SIGKILL, as from a machine that loses power. `BITVAULT_FILTER_TENANT` is the
/// tenant that the filters of our SQL name, whoever calls.
pub(crate) fn set_up() -> fail::FailScenario<'static> {
    let scenario = fail::FailScenario::setup();
    if let Some(tenant) = switch("BITVAULT_FILTER_TENANT").and_then(|text| text.parse().ok()) {
        point_filters_at(tenant);
    }
    if let Some(step) = switch("BITVAULT_KILL_AT") {
        // Refused only for a name with a bad syntax; then nothing dies and the test says so.
        let _set = fail::cfg_callback(step, || {
            let _sent =
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        });
    }
    scenario
}

fn switch(name: &str) -> Option<String> {
    #[allow(clippy::disallowed_methods, reason = "a test's switch, not configuration")]
    std::env::var(name).ok()
}
