//! The crate graph: who may depend on whom.
//!
//! The rules of architecture.md, for crates of this workspace and what is built (a test may depend on anything):
//!
//! - a module of `host/` depends on `platform`, `proto` and `sdk/api`; storage and notify on `wasm` as well; never on
//!   another module;
//! - the gateway depends on those three and no more;
//! - what modules stand on depends on no module;
//! - `cli`, `frontend`, `device`, `sdk` and `proto` never see `host/`;
//! - the planner of device sync depends on nothing of ours, and nothing but `device` and what is below it sees it;
//! - the model that device sync is searched against serves tests and xtask's search;
//! - a plugin depends on `sdk` at most;
//! - `host/testing` serves tests: it sees the foundation and the lite profile's parts, and only tests see it;
//! - nothing depends on a program: `bitvaultd`, `cli`, `frontend`, `xtask`, `conformance`; but the benchmarks stand on
//!   the fixtures of the conformance suites.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::members::Members;

/// What modules stand on.
const FOUNDATION: [&str; 3] = ["host/platform", "host/wasm", "proto"];

/// Pieces of the lite profile that the daemon starts and no module knows.
const LITE: [&str; 2] = ["host/s3", "host/postgres"];

/// Modules that run components.
const RUNS_COMPONENTS: [&str; 2] = ["host/storage", "host/notify"];

/// What tests of several crates share.
const TESTING: &str = "host/testing";

/// The pure part of device sync.
const PLANNER: &str = "device/planner";

/// What device sync is searched against.
const SIMULATOR: &str = "device/simulator";

/// The only crate that sees every module.
const ROOT: &str = "host/bitvaultd";

/// A dependency that is not allowed, and why.
#[derive(Debug, PartialEq, Eq)]
struct Offence {
    from: String,
    to: String,
    rule: &'static str,
}

/// Fails with every edge that breaks a rule.
pub(crate) fn verify(members: &Members) -> Result<()> {
    let offences = offences(&edges(members));
    if offences.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = offences
        .iter()
        .map(|Offence { from, to, rule }| format!("  {from} -> {to}: {rule}"))
        .collect();
    bail!(
        "the crate graph breaks the rules of architecture (xtask/src/check/graph.rs):\n{}",
        lines.join("\n")
    )
}

/// Edges between the workspace's crates, by folder.
fn edges(members: &Members) -> BTreeSet<(String, String)> {
    let mut edges = BTreeSet::new();
    for from in &members.0 {
        for name in &from.dependencies {
            if let Some(to) = members.0.iter().find(|member| member.name == *name) {
                edges.insert((from.folder.clone(), to.folder.clone()));
            }
        }
    }
    edges
}

fn offences(edges: &BTreeSet<(String, String)>) -> Vec<Offence> {
    edges
        .iter()
        .filter_map(|(from, to)| {
            broken_rule(from, to).map(|rule| Offence {
                from: from.clone(),
                to: to.clone(),
                rule,
            })
        })
        .collect()
}

/// The rule that this edge breaks.
fn broken_rule(from: &str, to: &str) -> Option<&'static str> {
    let below = |folder: &str, parent: &str| {
        folder
            .strip_prefix(parent)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let is_test_suite = from == "conformance" || (from == "bench" && to == "conformance");
    if is_program(to) && !is_test_suite {
        return Some("nothing depends on a program");
    }
    if to.starts_with("plugins/") {
        return Some("a plugin is loaded as a component, never linked");
    }
    if to == TESTING && !is_test_suite {
        return Some("only tests use the testing crate: make it a dev-dependency");
    }
    if to == PLANNER && from != "device" && !below(from, "device") {
        return Some("only the device sync engine and its simulator see the planner");
    }
    if to == SIMULATOR && !from.starts_with("xtask") {
        return Some("the simulator serves tests and searches: make it a dev-dependency");
    }
    match from {
        ROOT => None,
        PLANNER => Some("the planner sees plain data and nothing of ours"),
        TESTING => is_module(to).then_some("the testing crate sees no module"),
        "conformance" => {
            (is_module(to) || to == ROOT).then_some("the suites are black boxes: they see no module")
        }
        "proto" => Some("the contract stands on nothing of ours").filter(|_| to != "sdk/api"),
        "host/gateway" => (!matches!(to, "host/platform" | "proto" | "sdk/api"))
            .then_some("the gateway sees platform, proto and sdk/api only"),
        "host/wasm" => {
            (to != "host/platform" && to != "sdk/api").then_some("wasm depends on platform at most")
        }
        _ if from == "host/platform" || LITE.contains(&from) => {
            (!matches!(to, "proto" | "sdk/api")).then_some("it depends on proto and sdk/api at most")
        }
        _ if below(from, "host") => match to {
            "host/platform" | "proto" | "sdk/api" => None,
            "host/wasm" if RUNS_COMPONENTS.contains(&from) => None,
            "host/wasm" => Some("only storage and notify run components"),
            _ if is_module(to) => Some("a module never depends on another module: call it through proto"),
            _ => Some("a module depends on platform, proto and sdk/api only"),
        },
        _ if from.starts_with("plugins/") => (!below(to, "sdk")).then_some("a plugin depends on sdk at most"),
        _ if below(to, "host") => Some("what runs at the user's side never sees host/"),
        _ => None,
    }
}

fn is_program(folder: &str) -> bool {
    matches!(folder, ROOT | "cli" | "frontend" | "conformance") || folder.starts_with("xtask")
}

/// Everything in `host/` that is neither foundation nor the lite profile's parts nor the root.
fn is_module(folder: &str) -> bool {
    folder.starts_with("host/")
        && folder != ROOT
        && folder != TESTING
        && !FOUNDATION.contains(&folder)
        && !LITE.contains(&folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::{Kind, Member};

    #[track_caller]
    fn allowed(from: &str, to: &str) {
        assert_eq!(broken_rule(from, to), None, "{from} -> {to}");
    }

    #[track_caller]
    fn forbidden(from: &str, to: &str) {
        assert!(broken_rule(from, to).is_some(), "{from} -> {to}");
    }

    #[test]
    fn a_module_stands_on_platform_proto_and_api_and_never_on_another_module() {
        for to in ["host/platform", "proto", "sdk/api"] {
            allowed("host/files", to);
            allowed("host/gateway", to);
        }
        forbidden("host/files", "host/identity");
        forbidden("host/files", "host/storage");
        forbidden("host/files", "host/gateway");
        forbidden("host/gateway", "host/files");
        forbidden("host/files", "host/s3");
    }

    #[test]
    fn only_storage_and_notify_run_components() {
        allowed("host/storage", "host/wasm");
        allowed("host/notify", "host/wasm");
        forbidden("host/files", "host/wasm");
        forbidden("host/gateway", "host/wasm");
    }

    #[test]
    fn the_daemon_sees_everything_and_is_seen_by_nobody() {
        allowed("host/bitvaultd", "host/files");
        allowed("host/bitvaultd", "host/s3");
        forbidden("host/files", "host/bitvaultd");
        forbidden("conformance", "host/files");
    }

    #[test]
    fn the_testing_crate_is_for_tests_and_knows_no_module() {
        allowed("host/testing", "host/postgres");
        allowed("conformance", "host/testing");
        forbidden("host/testing", "host/files");
        forbidden("host/files", "host/testing");
    }

    #[test]
    fn what_modules_stand_on_knows_no_module() {
        allowed("host/platform", "proto");
        forbidden("host/platform", "host/files");
        forbidden("host/wasm", "host/storage");
        forbidden("proto", "host/platform");
        forbidden("host/s3", "host/storage");
    }

    #[test]
    fn the_users_side_never_sees_the_host() {
        for from in ["cli", "frontend", "device", "sdk/client"] {
            forbidden(from, "host/platform");
            allowed(from, "sdk/api");
        }
        allowed("cli", "sdk/client");
        forbidden("plugins/storage-s3", "host/wasm");
        forbidden("host/storage", "plugins/storage-s3");
    }

    #[test]
    fn the_planner_stands_alone_and_only_device_crates_see_it() {
        for to in [
            "sdk/api",
            "sdk/client",
            "proto",
            "host/platform",
            "device",
            "device/simulator",
        ] {
            forbidden("device/planner", to);
        }
        allowed("device", "device/planner");
        allowed("device/simulator", "device/planner");
        for from in [
            "cli",
            "frontend",
            "sdk/client",
            "host/files",
            "host/bitvaultd",
            "conformance",
            "bench",
            "devices",
        ] {
            forbidden(from, "device/planner");
        }
    }

    #[test]
    fn the_engine_is_for_who_runs_it_and_the_simulator_for_tests() {
        allowed("cli", "device");
        allowed("device/simulator", "device");
        allowed("device", "sdk/client");
        allowed("xtask", "device/simulator");
        for from in ["cli", "device", "bench", "frontend"] {
            forbidden(from, "device/simulator");
        }
        forbidden("device", "host/platform");
        forbidden("device/simulator", "host/platform");
    }

    #[test]
    fn the_error_prints_the_offending_edge() {
        let member = |name: &str, folder: &str, dependencies: &[&str]| Member {
            name: name.into(),
            folder: folder.into(),
            kind: Kind::Host,
            dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
            roots: Vec::new(),
        };
        let members = Members(vec![
            member("bitvault-files", "host/files", &["bitvault-identity", "serde"]),
            member("bitvault-identity", "host/identity", &[]),
        ]);
        let error = verify(&members).unwrap_err().to_string();
        assert!(
            error.contains("host/files -> host/identity: a module never depends"),
            "{error}"
        );
    }
}
