use super::{find, find_maybe};
use crate::args::Put;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use crate::reporter::Reporter;
use bitvault_client::api::{Node, NodeKind};
use bitvault_client::transfer::{Event, FileJob, Origin, Place, Progress as _, Transfer};
use bitvault_client::{Error as ClientError, RemotePath};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub(crate) async fn run(args: &Put, server: &Server, output: &Output) -> Result<(), Error> {
    let locals = args
        .locals
        .iter()
        .map(|path| Local::look(path, args.recursive))
        .collect::<Result<Vec<_>, _>>()?;
    let target = find_maybe(server, &args.remote).await?;
    let into = match &target {
        Some(node) if node.kind == NodeKind::Folder => Some(node),
        Some(_) if locals.len() > 1 || args.remote.is_into() => {
            return Err(ClientError::Mismatch {
                what: args.remote.to_string(),
                there: "file",
            }
            .into());
        }
        Some(_) => None,
        // As with cp, one folder may become the folder that is named; anything else needs one that is there.
        None if locals.len() > 1 || (args.remote.is_into() && !locals[0].folder) => {
            let hint = format!("create it with `bitvault mkdir -p {}`", args.remote);
            return Err(Error::Missing {
                what: format!("there is no folder {}", args.remote),
                hint,
            });
        }
        None => None,
    };

    let reporter = Reporter::new(*output);
    let transfer = server.transfer(args.jobs, reporter.clone())?;
    let put = async {
        let mut files = Vec::new();
        for local in locals {
            if local.folder {
                put_folder(server, &transfer, &args.remote, into, target.as_ref(), &local).await?;
            } else {
                files.push(local);
            }
        }
        put_files(
            server,
            &transfer,
            &reporter,
            &args.remote,
            into,
            target.as_ref(),
            files,
        )
        .await
    };
    match put.await {
        Ok(()) => reporter.finish("uploaded"),
        Err(error) => {
            reporter.give_up();
            Err(error)
        }
    }
}

/// Something local that is to be uploaded.
struct Local {
    path: PathBuf,
    name: String,
    size: u64,
    folder: bool,
    /// Written as `folder/.`: what is in it rather than the folder itself, as with cp.
    inside: bool,
}

impl Local {
    fn look(path: &Path, recursive: bool) -> Result<Self, Error> {
        let shown = path.display().to_string();
        let metadata = std::fs::metadata(path).map_err(|cause| ClientError::Local {
            path: path.to_owned(),
            cause,
        })?;
        let folder = metadata.is_dir();
        if folder && !recursive {
            return Err(Error::usage(
                format!("{shown} is a folder"),
                "upload it with all that is in it by -r",
            ));
        }
        let text = path.as_os_str().as_encoded_bytes();
        let inside = folder && (text == b"." || text.ends_with(b"/."));
        let name = match path.file_name() {
            Some(name) => name.to_owned(),
            // `..` and `/` have no name as they are written.
            None => path
                .canonicalize()
                .ok()
                .and_then(|path| Some(path.file_name()?.to_owned()))
                .unwrap_or_default(),
        };
        let name = name.into_string().map_err(|_| {
            Error::usage(
                format!("the name of {shown} is not UTF-8"),
                "rename it, or name the file on the server",
            )
        })?;
        Ok(Self {
            path: path.to_owned(),
            name,
            size: metadata.len(),
            folder,
            inside,
        })
    }
}

async fn put_folder(
    server: &Server,
    transfer: &Transfer,
    remote: &RemotePath,
    into: Option<&Node>,
    target: Option<&Node>,
    local: &Local,
) -> Result<(), Error> {
    let (path, there) = match into {
        Some(node) if local.inside || local.name.is_empty() => (remote.clone(), Some(node.clone())),
        Some(_) => {
            let path = remote.join(&local.name);
            let there = find_maybe(server, &path).await?;
            (path, there)
        }
        None => (remote.clone(), target.cloned()),
    };
    let (node, fresh) = match there {
        Some(node) if node.kind == NodeKind::Folder => (node, false),
        Some(_) => {
            return Err(ClientError::Mismatch {
                what: path.to_string(),
                there: "file",
            }
            .into());
        }
        None => (create(server, &path).await?, true),
    };
    transfer
        .put_tree(&local.path, &node, &path, fresh)
        .await
        .map_err(|error| Error::at(&path, error))
}

async fn create(server: &Server, path: &RemotePath) -> Result<Node, Error> {
    let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
        return find(server, path).await;
    };
    let parent = find(server, &parent).await?;
    server
        .client
        .create_folder(&parent.id, name)
        .await
        .map_err(|error| Error::at(path, error))
}

async fn put_files(
    server: &Server,
    transfer: &Transfer,
    reporter: &Reporter,
    remote: &RemotePath,
    into: Option<&Node>,
    target: Option<&Node>,
    files: Vec<Local>,
) -> Result<(), Error> {
    if files.is_empty() {
        return Ok(());
    }
    let bytes = files.iter().map(|file| file.size).sum();
    reporter.event(Event::Planned {
        files: files.len() as u64,
        bytes,
    });
    // One listing tells about many names; a few are looked up one by one, however large the folder is.
    let listed = match into {
        Some(folder) if files.len() > LOOKUPS_MAX => {
            let children = server
                .client
                .all_children(&folder.id)
                .await
                .map_err(|error| Error::at(remote, error))?;
            Some(
                children
                    .into_iter()
                    .map(|child| (child.name.clone(), child))
                    .collect::<HashMap<_, _>>(),
            )
        }
        _ => None,
    };
    let mut jobs = Vec::with_capacity(files.len());
    for file in files {
        let (path, place) = match (into, target) {
            (Some(folder), _) => {
                let path = remote.join(&file.name);
                let there = match &listed {
                    Some(children) => children.get(&file.name).cloned(),
                    None => find_maybe(server, &path).await?,
                };
                let new = || Place::New {
                    parent_id: folder.id.clone(),
                    name: file.name.clone(),
                };
                (path, there.map_or_else(new, Place::Replace))
            }
            (None, Some(node)) => (remote.clone(), Place::Replace(node.clone())),
            (None, None) => (remote.clone(), new_at(server, remote).await?),
        };
        if matches!(&place, Place::Replace(node) if node.kind == NodeKind::Folder) {
            return Err(ClientError::Mismatch {
                what: path.to_string(),
                there: "folder",
            }
            .into());
        }
        jobs.push((
            FileJob {
                local: file.path,
                remote: path.to_string(),
                place,
                origin: Origin::default(),
            },
            file.size,
        ));
    }
    transfer.put_jobs(jobs).await;
    Ok(())
}

/// Up to this many names are looked up rather than the folder listed.
const LOOKUPS_MAX: usize = 4;

/// A new file at this very path; its folder must be there.
async fn new_at(server: &Server, path: &RemotePath) -> Result<Place, Error> {
    let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
        return Err(Error::usage("/ is a folder", "name the file on the server"));
    };
    let folder = match find_maybe(server, &parent).await? {
        Some(node) if node.kind == NodeKind::Folder => node,
        Some(_) => {
            return Err(ClientError::Mismatch {
                what: parent.to_string(),
                there: "file",
            }
            .into());
        }
        None => {
            let hint = format!("create it with `bitvault mkdir -p {parent}`");
            return Err(Error::Missing {
                what: format!("there is no folder {parent}"),
                hint,
            });
        }
    };
    Ok(Place::New {
        parent_id: folder.id,
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_folders_need_r_and_a_dot_means_what_is_inside() {
        let dir = tempfile::tempdir().expect("dir");
        let folder = dir.path().join("d");
        std::fs::create_dir(&folder).expect("mkdir");
        assert!(matches!(Local::look(&folder, false), Err(Error::Usage { .. })));
        let local = Local::look(&folder, true).expect("look");
        assert_eq!(
            (local.name.as_str(), local.folder, local.inside),
            ("d", true, false)
        );
        assert!(Local::look(&folder.join("."), true).expect("look").inside);
        assert!(Local::look(&dir.path().join("missing"), true).is_err());
    }
}
