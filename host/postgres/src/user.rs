//! Who Postgres runs as: it refuses to run as root.

use crate::Error;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

/// How the server's programs are run.
#[derive(Debug, Clone)]
pub(crate) enum RunAs {
    /// As the daemon itself.
    Myself,
    /// As an unprivileged user, because the daemon is root.
    User {
        name: String,
        uid: u32,
        gid: u32,
        reach: bool,
    },
}

impl RunAs {
    /// Decides for a cluster in `folder`. `reach` is set when a folder above it is closed to the user, such as a
    /// private temporary folder: its processes are then given the one capability that passes closed folders, instead
    /// of opening the folders to everybody.
    pub(crate) fn decide(user: &str, folder: &Path) -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Myself);
        }
        let passwd = std::fs::read_to_string("/etc/passwd").map_err(Error::io("read", "/etc/passwd"))?;
        let (uid, gid) = find(&passwd, user).ok_or_else(|| Error::NoUser(user.to_owned()))?;
        let reach = folder.ancestors().skip(1).any(|above| closed(above, uid, gid));
        Ok(Self::User {
            name: user.to_owned(),
            uid,
            gid,
            reach,
        })
    }

    /// A command that runs `program` so.
    pub(crate) fn command(&self, program: &Path) -> Command {
        match self {
            Self::Myself => Command::new(program),
            Self::User {
                name,
                uid,
                gid,
                reach,
            } => {
                let mut command = Command::new("setpriv");
                command.args([
                    format!("--reuid={uid}"),
                    format!("--regid={gid}"),
                    "--init-groups".to_owned(),
                ]);
                if *reach {
                    command.args(["--inh-caps=-all,+dac_override", "--ambient-caps=+dac_override"]);
                } else {
                    command.arg("--inh-caps=-all");
                }
                command.arg("--").arg(program).env("HOME", "/").env("USER", name);
                command
            }
        }
    }

    /// Gives a file or folder to that user.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Myself => Ok(()),
            Self::User { uid, gid, .. } => {
                std::os::unix::fs::chown(path, Some(*uid), Some(*gid)).map_err(Error::io("give away", path))
            }
        }
    }
}

/// User and group id of a user in the text of /etc/passwd.
fn find(passwd: &str, user: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(user)).then_some(())?;
        let (uid, gid) = (fields.nth(1)?, fields.next()?);
        Some((uid.parse().ok()?, gid.parse().ok()?))
    })
}

/// Whether a folder keeps the user from passing through.
fn closed(folder: &Path, uid: u32, gid: u32) -> bool {
    let Ok(metadata) = std::fs::metadata(folder) else {
        return false;
    };
    let mode = metadata.mode();
    let bit = match () {
        () if metadata.uid() == uid => 0o100,
        () if metadata.gid() == gid => 0o010,
        () => 0o001,
    };
    mode & bit == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\npostgresql:x:7:8::/:\npostgres:x:101:104:PostgreSQL:/var:/bin/bash\n";
        assert_eq!(find(passwd, "postgres"), Some((101, 104)));
        assert_eq!(find(passwd, "post"), None);
    }
}
