use crate::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Oldest major version that is served.
pub(crate) const MAJOR_MIN: u32 = 15;
/// Where distributions keep the server programs, newest version wins.
const FOLDERS: [&str; 4] = [
    "/usr/lib/postgresql",
    "/usr/pgsql",
    "/opt/homebrew/opt",
    "/usr/local/pgsql",
];

/// A folder with the server programs of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// Holds `initdb` and `postgres`.
    pub folder: PathBuf,
    /// Major version.
    pub major: u32,
}

impl Binaries {
    /// Finds the programs: in `named` alone when given, otherwise newest first where distributions put them and where
    /// `pg_config` points. A cluster that exists says in its PG_VERSION which major version it needs.
    pub fn find(named: Option<&Path>, cluster: &Path) -> Result<Self, Error> {
        let folders = named.map_or_else(usual_folders, |folder| vec![folder.to_owned()]);
        let mut found: Vec<Self> = folders.iter().filter_map(|folder| Self::at(folder)).collect();
        found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
        let looked = || {
            folders
                .iter()
                .map(|folder| folder.display().to_string())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let Ok(text) = std::fs::read_to_string(cluster.join("PG_VERSION")) else {
            return found
                .into_iter()
                .find(|binaries| binaries.major >= MAJOR_MIN)
                .ok_or_else(|| Error::NoBinaries {
                    wanted: format!("{MAJOR_MIN} or newer"),
                    looked: looked(),
                });
        };
        let wanted = text.trim();
        match found.iter().find(|binaries| binaries.major.to_string() == wanted) {
            Some(binaries) => Ok(binaries.clone()),
            None if found.is_empty() => Err(Error::NoBinaries {
                wanted: wanted.to_owned(),
                looked: looked(),
            }),
            None => Err(Error::WrongVersion {
                folder: cluster.to_owned(),
                cluster: wanted.to_owned(),
                found: found
                    .iter()
                    .map(|binaries| binaries.major.to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }

    fn at(folder: &Path) -> Option<Self> {
        let output = Command::new(folder.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        folder.join("initdb").exists().then_some(())?;
        // "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"
        let text = String::from_utf8(output.stdout).ok()?;
        let version = text.split(") ").nth(1)?;
        let major = version
            .split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()?;
        Some(Self {
            folder: folder.to_owned(),
            major,
        })
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn usual_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for parent in FOLDERS {
        let Ok(entries) = std::fs::read_dir(parent) else {
            continue;
        };
        folders.extend(
            entries
                .flatten()
                .map(|entry| entry.path().join("bin"))
                .filter(|bin| bin.join("postgres").exists()),
        );
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output()
        && let Ok(text) = String::from_utf8(output.stdout)
    {
        let folder = PathBuf::from(text.trim());
        if folder.join("postgres").exists() && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_of_another_version_is_refused_with_both_versions() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("PG_VERSION"), "9\n").unwrap();
        let error = Binaries::find(None, folder.path()).unwrap_err().to_string();
        assert!(error.contains("Postgres 9"), "{error}");
    }

    #[test]
    fn a_folder_without_programs_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = Binaries::find(Some(folder.path()), folder.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains(&folder.path().display().to_string()), "{error}");
    }
}
