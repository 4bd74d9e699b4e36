use super::find;
use crate::args::{Versions, VersionsCommand};
use crate::connect::Server;
use crate::error::Error;
use crate::human::{instant, size};
use crate::output::Output;
use bitvault_client::RemotePath;
use bitvault_client::api::FileVersion;
use serde_json::json;

pub(crate) async fn run(args: &Versions, server: &Server, output: &Output) -> Result<(), Error> {
    match (&args.command, &args.path) {
        (Some(VersionsCommand::Restore { path, version }), _) => restore(path, version, server, output).await,
        (
            Some(VersionsCommand::Label {
                path, version, label, ..
            }),
            _,
        ) => set_label(path, version, label.as_deref(), server, output).await,
        (Some(VersionsCommand::Rm { path, versions }), _) => remove(path, versions, server, output).await,
        (None, Some(path)) => list(path, server, output).await,
        (None, None) => Err(Error::usage(
            "no file is named",
            "name a file: `bitvault versions /a.txt`",
        )),
    }
}

async fn list(path: &RemotePath, server: &Server, output: &Output) -> Result<(), Error> {
    let node = find(server, path).await?;
    let items = server.client.all_versions(&node.id).await;
    let items = items.map_err(|error| Error::at(path, error))?;
    if output.json {
        return output.document(&json!({ "path": path.to_string(), "items": items }));
    }
    let rows = items.iter().map(|version: &FileVersion| {
        let current = if version.current { "current" } else { "" };
        vec![
            version.id.clone(),
            instant(version.created_at),
            size(version.size),
            current.to_owned(),
            version.label.clone().unwrap_or_default(),
        ]
    });
    output.listing(
        &["id", "when", "size", "state", "label"],
        &rows.collect::<Vec<_>>(),
        "there are no versions of it",
    )
}

async fn restore(path: &RemotePath, version: &str, server: &Server, output: &Output) -> Result<(), Error> {
    let node = find(server, path).await?;
    let node = server.client.restore_version(&node.id, version).await;
    let node = node.map_err(|error| Error::at(path, error))?;
    tell(
        output,
        &json!({ "event": "restored", "remote": path.to_string(), "node": node }),
    )
}

async fn set_label(
    path: &RemotePath,
    version: &str,
    label: Option<&str>,
    server: &Server,
    output: &Output,
) -> Result<(), Error> {
    let node = find(server, path).await?;
    let version = server.client.label_version(&node.id, version, label).await;
    let version = version.map_err(|error| Error::at(path, error))?;
    tell(
        output,
        &json!({ "event": "labelled", "remote": path.to_string(), "version": version }),
    )
}

async fn remove(
    path: &RemotePath,
    versions: &[String],
    server: &Server,
    output: &Output,
) -> Result<(), Error> {
    let node = find(server, path).await?;
    for version in versions {
        let removed = server.client.delete_version(&node.id, version).await;
        removed.map_err(|error| Error::at(path, error))?;
        tell(
            output,
            &json!({ "event": "removed", "remote": path.to_string(), "version_id": version }),
        )?;
    }
    Ok(())
}

fn tell(output: &Output, event: &serde_json::Value) -> Result<(), Error> {
    if output.json {
        return output.document(event);
    }
    Ok(())
}
