//! Failpoints of the chaos test; not part of a release.

/// Failpoints as the environment sets them: `FAILPOINTS` in the syntax of the crate `fail`, and `BITVAULT_KILL_AT`, the
/// name of the step at which this process gets SIGKILL, as from a machine that loses power.
pub(crate) fn set_up() -> fail::FailScenario<'static> {
    let scenario = fail::FailScenario::setup();
    #[allow(clippy::disallowed_methods, reason = "a test's switch, not configuration")]
    let step = std::env::var("BITVAULT_KILL_AT").ok();
    if let Some(step) = step {
        // Refused only for a name with a bad syntax; then nothing dies and the test says so.
        let _set = fail::cfg_callback(step, || {
            let _sent =
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        });
    }
    scenario
}
