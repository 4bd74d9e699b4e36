//! The versions of everything that is installed. `tools/` in the cache keeps a folder for each, so that raising a version
//! here installs the new one beside the old.

/// A program in Go, built from its module.
#[derive(Debug)]
pub(crate) struct GoTool {
    /// The program's name; what `go install` calls otherwise is renamed to it.
    pub(crate) name: &'static str,
    /// The package that `go install` builds, which names the program after its last folder.
    pub(crate) package: &'static str,
    /// The module's version.
    pub(crate) version: &'static str,
}

/// An S3 server: the store that adapters and benchmarks are measured against.
pub(crate) const MINIO: GoTool = GoTool {
    name: "minio",
    package: "github.com/minio/minio",
    version: "v0.0.0-20260212201848-7aac2a2c5b7c",
};

/// An S3 server on a plain folder: the second store of the adapter suite.
pub(crate) const VERSITYGW: GoTool = GoTool {
    name: "versitygw",
    package: "github.com/versity/versitygw/cmd/versitygw",
    version: "v1.8.0",
};

/// An S3 client that transfers are compared with.
pub(crate) const RCLONE: GoTool = GoTool {
    name: "rclone",
    package: "github.com/rclone/rclone",
    version: "v1.76.0",
};

/// A proxy that cuts, delays and cripples connections: what a bad network does to a sync.
pub(crate) const TOXIPROXY: GoTool = GoTool {
    name: "toxiproxy",
    package: "github.com/Shopify/toxiproxy/v2/cmd/server",
    version: "v2.5.0",
};

/// Debian's package of the PostgreSQL server.
pub(crate) const POSTGRES_PACKAGE: &str = "postgresql-15";

/// Debian's package of Redis.
pub(crate) const REDIS_PACKAGE: &str = "redis-server";

/// Debian's package of the browser.
pub(crate) const CHROMIUM_PACKAGE: &str = "chromium";

/// Debian's package of the program that benchmarks of sync run beside ours.
pub(crate) const SYNCTHING_PACKAGE: &str = "syncthing";

/// npm: drives the browser in tests.
pub(crate) const PLAYWRIGHT_CORE: &str = "1.65.1";

/// PyPI: tries the API by its OpenAPI document.
pub(crate) const SCHEMATHESIS: &str = "4.32.5";

/// crates.io: checks licences, sources and advisories of dependencies.
pub(crate) const CARGO_DENY: &str = "0.20.2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_one_exact_release() {
        for version in [PLAYWRIGHT_CORE, SCHEMATHESIS, CARGO_DENY] {
            assert!(is_exact(version), "{version}");
        }
        for tool in [&MINIO, &VERSITYGW, &RCLONE, &TOXIPROXY] {
            let numbers = tool.version.strip_prefix('v').unwrap();
            assert!(is_exact(numbers.split('-').next().unwrap()), "{}", tool.version);
            assert!(tool.package.starts_with("github.com/"), "{}", tool.package);
        }
    }

    fn is_exact(version: &str) -> bool {
        let parts: Vec<_> = version.split('.').collect();
        parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
    }
}
