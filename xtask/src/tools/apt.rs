//! Debian packages. Needs root, by being it or by sudo without a password; says what to run when there is neither.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::env;
use crate::run;

/// Keeps Debian's scripts from making and starting a cluster of their own, which nobody asked for. Where PostgreSQL is
/// configured already, its owner has decided.
const NO_DEFAULT_CLUSTER: &str = "test -e /etc/postgresql-common || { mkdir -p /etc/postgresql-common/createcluster.d && \
                                  echo create_main_cluster = false > /etc/postgresql-common/createcluster.d/bitvault.conf; }";

/// Masks the service of a Redis that is not installed yet; `systemctl unmask redis-server` takes that back.
const NO_REDIS_SERVICE: &str = "mkdir -p /etc/systemd/system && \
                                ln -sf /dev/null /etc/systemd/system/redis-server.service";

/// Installs Debian packages.
pub(crate) fn install(packages: &[&str], why: &str) -> Result<()> {
    install_after(None, packages, why)
}

/// Installs the server without the cluster that Debian makes by default.
pub(crate) fn install_postgres(why: &str) -> Result<()> {
    install_after(Some(NO_DEFAULT_CLUSTER), &[super::pins::POSTGRES_PACKAGE], why)
}

/// Installs Redis without the service that Debian would start, now and at every boot.
pub(crate) fn install_redis(why: &str) -> Result<()> {
    install_after(Some(NO_REDIS_SERVICE), &[super::pins::REDIS_PACKAGE], why)
}

/// Installs Debian packages after a shell command that prepares the system for them.
fn install_after(before: Option<&str>, packages: &[&str], why: &str) -> Result<()> {
    let wanted = packages.join(" ");
    let prepare = before.map(|before| format!("{before} && ")).unwrap_or_default();
    let by_hand =
        format!("{prepare}apt-get update && apt-get install --yes --no-install-recommends {wanted}");
    if env::which("apt-get").is_none() {
        bail!(
            "{wanted} missing ({why}), and this system has no apt-get: install the same with your package manager"
        );
    }
    if !env::is_root() && !sudo_works() {
        bail!(
            "{wanted} missing ({why}), and installing needs root. Run:\n  sudo sh -c '{by_hand}'\nand then this again"
        );
    }
    run::step(&format!("install {wanted} from Debian: {why}"), || {
        if let Some(before) = before {
            run::quiet(as_root("sh").args(["-c", before])).context("prepare the system")?;
        }
        run::quiet(as_root("apt-get").args(["update", "-qq"])).context("update the package lists")?;
        run::quiet(
            as_root("env")
                .args([
                    "DEBIAN_FRONTEND=noninteractive",
                    // Without systemd: no service is started in this runlevel.
                    "RUNLEVEL=1",
                    "apt-get",
                    "install",
                    "--yes",
                    "-qq",
                ])
                .arg("--no-install-recommends")
                .args(packages),
        )
        .with_context(|| format!("install {wanted}; by hand: {by_hand}"))
    })
}

fn as_root(program: &str) -> Command {
    if env::is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

fn sudo_works() -> bool {
    env::which("sudo").is_some()
        && Command::new("sudo")
            .args(["-n", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
}
