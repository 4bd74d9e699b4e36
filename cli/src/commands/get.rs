use super::{at_version, find};
use crate::args::Get;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use crate::reporter::Reporter;
use bitvault_client::api::{Node, NodeKind};
use bitvault_client::transfer::{Event, Item, Outcome, Progress as _, Transfer, check_name};
use bitvault_client::{Error as ClientError, RemotePath};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) async fn run(args: &Get, server: &Server, output: &Output) -> Result<(), Error> {
    let is_folder = args.local.is_dir();
    let into = args.local.as_os_str().as_encoded_bytes().ends_with(b"/");
    let mut wanted = Vec::with_capacity(args.remotes.len());
    for path in &args.remotes {
        let mut node = find(server, path).await?;
        if let Some(version) = &args.version {
            node = at_version(server, path, node, version).await?;
        }
        if node.kind == NodeKind::Folder && !args.recursive {
            return Err(Error::usage(
                format!("{path} is a folder"),
                "download it with all that is in it by -r",
            ));
        }
        let needs_folder = args.remotes.len() > 1 || (into && node.kind == NodeKind::File);
        if needs_folder && !is_folder {
            let what = format!("there is no folder {}", args.local.display());
            return Err(Error::Missing {
                what,
                hint: "create it first".into(),
            });
        }
        wanted.push((path, node));
    }

    let reporter = Reporter::new(*output);
    let transfer = server.transfer(args.jobs, reporter.clone())?;
    let get = async {
        for (path, node) in wanted {
            let dest = destination(&args.local, is_folder, path)?;
            match node.kind {
                NodeKind::File => get_file(&transfer, &reporter, path, &node, &dest).await,
                NodeKind::Folder => {
                    let got = transfer.get_tree(&node, path, &dest).await;
                    got.map_err(|error| Error::at(path, error))?;
                }
            }
        }
        Ok(())
    };
    match get.await {
        Ok(()) => reporter.finish("downloaded"),
        Err(error) => {
            reporter.give_up();
            Err(error)
        }
    }
}

/// Where a node goes: under its name into a folder that is there, else to the very path.
fn destination(local: &Path, is_folder: bool, remote: &RemotePath) -> Result<PathBuf, ClientError> {
    match remote.name() {
        Some(name) if is_folder => {
            check_name(name)?;
            Ok(local.join(name))
        }
        _ => Ok(local.to_owned()),
    }
}

async fn get_file(transfer: &Transfer, reporter: &Reporter, path: &RemotePath, node: &Node, dest: &Path) {
    let size = node.size.unwrap_or(0);
    reporter.event(Event::Planned {
        files: 1,
        bytes: size,
    });
    let outcome = match transfer.get_file(node, dest).await {
        Ok(got) => Outcome::Done {
            node_id: node.id.clone(),
            sha256: Some(got.sha256),
        },
        Err(error) => Outcome::Failed(Arc::new(error)),
    };
    reporter.event(Event::Item(Item {
        local: dest.to_owned(),
        remote: path.to_string(),
        size,
        outcome,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_into_a_folder_that_is_there_and_else_to_the_very_path() {
        let remote = RemotePath::parse("/a/b").expect("path");
        let to =
            |local: &str, is_folder| destination(Path::new(local), is_folder, &remote).expect("destination");
        assert_eq!(to("/tmp", true), Path::new("/tmp/b"));
        assert_eq!(to("/tmp/c", false), Path::new("/tmp/c"));
        let root = destination(Path::new("/tmp"), true, &RemotePath::root()).expect("root");
        assert_eq!(root, Path::new("/tmp"));
    }
}
