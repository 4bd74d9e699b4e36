//! The workspace's crates and what kind each is, told by its folder.

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::dirs::Dirs;

/// What a crate is for; decides how it is compiled and what it may depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Runs on the machine.
    Host,
    /// A plugin: compiled to a component.
    Component,
    /// The web app: compiled for the browser.
    Web,
}

/// One crate of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Cargo's name of it.
    pub(crate) name: String,
    /// Its folder below the checkout, with `/`.
    pub(crate) folder: String,
    /// What it is for.
    pub(crate) kind: Kind,
    /// The crates that it is built with, in any configuration; not those of its tests.
    pub(crate) dependencies: Vec<String>,
    /// The sources of its targets (crate roots).
    pub(crate) roots: Vec<std::path::PathBuf>,
}

/// The workspace's crates.
#[derive(Debug)]
pub(crate) struct Members(pub(crate) Vec<Member>);

impl Members {
    /// Reads them from cargo.
    pub(crate) fn read(dirs: &Dirs) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(dirs.repo.join("Cargo.toml"))
            .no_deps()
            .exec()
            .context("read the workspace with cargo metadata")?;
        let mut members = Vec::new();
        for package in metadata.workspace_packages() {
            let manifest = package.manifest_path.as_std_path();
            let folder = manifest
                .parent()
                .and_then(|dir| dir.strip_prefix(&metadata.workspace_root).ok());
            let folder = folder
                .and_then(|dir| dir.to_str())
                .with_context(|| format!("find the folder of {}", package.name))?
                .to_owned();
            let mut dependencies: Vec<String> = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind != DependencyKind::Development)
                .map(|dependency| dependency.name.clone())
                .collect();
            dependencies.sort();
            dependencies.dedup();
            members.push(Member {
                name: package.name.to_string(),
                kind: kind(&folder),
                folder,
                dependencies,
                roots: package
                    .targets
                    .iter()
                    .map(|target| target.src_path.clone().into_std_path_buf())
                    .collect(),
            });
        }
        members.sort_by(|a, b| a.folder.cmp(&b.folder));
        Ok(Self(members))
    }

    /// The crates of one kind.
    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = &Member> {
        self.0.iter().filter(move |member| member.kind == kind)
    }

    /// The crates that don't run on the machine.
    pub(crate) fn guests(&self) -> impl Iterator<Item = &Member> {
        self.0.iter().filter(|member| member.kind != Kind::Host)
    }
}

fn kind(folder: &str) -> Kind {
    match folder {
        "frontend" => Kind::Web,
        _ if folder.starts_with("plugins/") => Kind::Component,
        _ => Kind::Host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_tells_what_a_crate_is() {
        assert_eq!(kind("plugins/storage-s3"), Kind::Component);
        assert_eq!(kind("plugins/testing/misbehaving"), Kind::Component);
        assert_eq!(kind("frontend"), Kind::Web);
        assert_eq!(kind("host/wasm"), Kind::Host);
    }
}
