use super::ask::first_line;
use super::find;
use crate::args::{Link, LinkCreate, LinkEdit, LinkLs, LinkRm};
use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use bitvault_client::api::{self, CreateLink, Instant, LinkKind, UpdateLink};
use serde_json::json;
use std::time::Duration;
use time::OffsetDateTime;

pub(crate) async fn run(args: &Link, server: &Server, output: &Output) -> Result<(), Error> {
    match args {
        Link::Create(create) => make(create, server, output).await,
        Link::Ls(ls) => list(ls, server, output).await,
        Link::Edit(edit) => change(edit, server, output).await,
        Link::Rm(rm) => end(rm, server, output).await,
    }
}

async fn make(args: &LinkCreate, server: &Server, output: &Output) -> Result<(), Error> {
    let kind = match (args.view, args.drop) {
        (true, _) => LinkKind::View,
        (_, true) => LinkKind::Drop,
        _ => LinkKind::Download,
    };
    let node = find(server, &args.path).await?;
    let link = CreateLink {
        node_id: node.id,
        kind,
        password: password(args.password_stdin).await?,
        expires_at: args.expires.map(from_now),
        max_downloads: args.max_downloads,
        label: args.label.clone(),
    };
    let made = server.client.create_link(&link).await;
    let made = made.map_err(|error| Error::at(&args.path, error))?;
    if output.json {
        return output.document(&made);
    }
    match &made.url {
        Some(url) => output.line(url),
        None => Err(Error::usage(
            format!(
                "link {} was made before, and its URL can't be shown again",
                made.link.id
            ),
            "remove it with `bitvault link rm` and make another",
        )),
    }
}

async fn list(args: &LinkLs, server: &Server, output: &Output) -> Result<(), Error> {
    let node_id = match &args.path {
        Some(path) => Some(find(server, path).await?.id),
        None => None,
    };
    let items = server.client.all_links(node_id.as_deref()).await?;
    if output.json {
        return output.document(&json!({ "items": items }));
    }
    show(&items, output)
}

fn show(links: &[api::Link], output: &Output) -> Result<(), Error> {
    let rows = links.iter().map(|link| {
        let kind = match link.kind {
            LinkKind::View => "view",
            LinkKind::Download => "download",
            LinkKind::Drop => "drop",
        };
        let downloads = match link.max_downloads {
            Some(most) => format!("{}/{most}", link.downloads),
            None => link.downloads.to_string(),
        };
        vec![
            link.id.clone(),
            kind.to_owned(),
            link.expires_at.map_or_else(|| "no end".to_owned(), instant),
            downloads,
            if link.has_password { "yes" } else { "no" }.to_owned(),
            link.label.clone().unwrap_or_default(),
        ]
    });
    output.listing(
        &["id", "kind", "until", "downloads", "password", "label"],
        &rows.collect::<Vec<_>>(),
        "there are no links; make one with `bitvault link create`",
    )
}

async fn change(args: &LinkEdit, server: &Server, output: &Output) -> Result<(), Error> {
    let password = match password(args.password_stdin).await? {
        Some(password) => Some(Some(password)),
        None => args.no_password.then_some(None),
    };
    let change = UpdateLink {
        label: args
            .label
            .clone()
            .map(|label| Some(label).filter(|label| !label.is_empty())),
        password,
        expires_at: match args.expires {
            Some(after) => Some(Some(Instant(from_now(after)))),
            None => args.no_expiry.then_some(None),
        },
        max_downloads: match args.max_downloads {
            Some(most) => Some(Some(most)),
            None => args.no_max_downloads.then_some(None),
        },
    };
    let link = server.client.update_link(&args.id, &change).await;
    let link = link.map_err(|error| Error::at(&args.id, error))?;
    if output.json {
        return output.document(&link);
    }
    show(&[link], output)
}

async fn end(args: &LinkRm, server: &Server, output: &Output) -> Result<(), Error> {
    for id in &args.ids {
        let ended = server.client.delete_link(id).await;
        ended.map_err(|error| Error::at(id, error))?;
        if output.json {
            output.document(&json!({ "event": "removed", "link_id": id }))?;
        }
    }
    Ok(())
}

/// The first line of standard input, when it is asked for.
async fn password(stdin: bool) -> Result<Option<String>, Error> {
    if !stdin {
        return Ok(None);
    }
    let reading = tokio::task::spawn_blocking(first_line).await;
    let line = reading.map_err(|error| Error::Output(std::io::Error::other(error)))??;
    Ok(Some(line))
}

#[allow(
    clippy::disallowed_methods,
    reason = "an end that is named by its distance is counted from now"
)]
fn from_now(after: Duration) -> OffsetDateTime {
    OffsetDateTime::now_utc() + after
}
