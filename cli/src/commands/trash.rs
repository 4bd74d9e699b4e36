use super::find;
use crate::args::{Trash, TrashAction};
use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use bitvault_client::RemotePath;
use bitvault_client::api::{NodeKind, TrashItem};
use serde_json::json;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

pub(crate) async fn run(args: &Trash, server: &Server, output: &Output) -> Result<(), Error> {
    let within = match &args.within {
        Some(path) => Some(find(server, path).await?.id),
        None => None,
    };
    match &args.action {
        None => {
            let below = args.within.as_ref().and_then(RemotePath::below);
            list(within.as_deref(), below, server, output).await
        }
        Some(TrashAction::Empty { yes }) => empty(within.as_deref(), *yes, server, output).await,
    }
}

async fn list(
    within: Option<&str>,
    below: Option<&str>,
    server: &Server,
    output: &Output,
) -> Result<(), Error> {
    let items = server.client.trash(within).await?;
    if output.json {
        return output.document(&json!({ "items": items }));
    }
    let me = server.client.me().await?.account.id;
    let rows = items.iter().map(|item| {
        let by = match &item.trashed_by {
            Some(account) if *account == me => "you",
            Some(account) => account,
            None => "-",
        };
        vec![
            instant(item.trashed_at),
            instant(item.purge_at),
            by.to_owned(),
            item.node.id.clone(),
            path(item, below),
        ]
    });
    output.listing(
        &["when", "gone after", "by", "id", "from"],
        &rows.collect::<Vec<_>>(),
        "the trash is empty",
    )
}

/// Where it was, as paths are written; folders end with a slash. `below` is the space that is looked at.
pub(super) fn path(item: &TrashItem, below: Option<&str>) -> String {
    let slash = if item.node.kind == NodeKind::Folder {
        "/"
    } else {
        ""
    };
    let folder = match item.origin_path.as_deref() {
        Some("/") => "",
        Some(folder) => folder,
        None => "…",
    };
    let path = format!("{folder}/{}{slash}", item.node.name);
    let inside = below.and_then(|space| Some((space, path.strip_prefix(space)?)));
    match inside {
        Some((space, inside)) if inside.starts_with('/') => format!("{space}:{inside}"),
        _ => path,
    }
}

async fn empty(within: Option<&str>, yes: bool, server: &Server, output: &Output) -> Result<(), Error> {
    if !yes {
        if !std::io::stdin().is_terminal() {
            return Err(Error::usage(
                "emptying the trash can't be undone, and nobody can be asked",
                "say --yes",
            ));
        }
        let agreed = tokio::task::spawn_blocking(agreed).await;
        if !agreed.map_err(|error| Error::Output(std::io::Error::other(error)))?? {
            return Ok(());
        }
    }
    let removed = server.client.empty_trash(within).await?;
    if output.json {
        return output.document(&json!({ "removed": removed }));
    }
    if std::io::stdout().is_terminal() {
        output.line(&format!("{removed} removed for good"))?;
    }
    Ok(())
}

/// Asks. Blocks.
fn agreed() -> Result<bool, Error> {
    let mut err = std::io::stderr().lock();
    err.write_all(b"Remove everything in the trash for good? [y/N] ")
        .and_then(|()| err.flush())
        .map_err(Error::Output)?;
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Error::Output)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
