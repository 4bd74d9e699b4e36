use super::find;
use crate::args::Ls;
use crate::connect::Server;
use crate::error::Error;
use crate::human::{instant, size};
use crate::output::Output;
use bitvault_client::api::{Node, NodeKind, limits};
use serde_json::json;

pub(crate) async fn run(args: &Ls, server: &Server, output: &Output) -> Result<(), Error> {
    let node = find(server, &args.path).await?;
    if output.json {
        let items = match node.kind {
            NodeKind::Folder => server
                .client
                .all_children(&node.id)
                .await
                .map_err(|error| Error::at(&args.path, error))?,
            NodeKind::File => vec![node],
        };
        return output.document(&json!({ "path": args.path.to_string(), "items": items }));
    }
    if node.kind == NodeKind::File {
        return show(&node, args, output);
    }
    let mut cursor: Option<String> = None;
    loop {
        let page = server
            .client
            .children(&node.id, limits::PAGE_ITEMS_MAX, cursor.as_deref())
            .await;
        let page = page.map_err(|error| Error::at(&args.path, error))?;
        for child in &page.items {
            show(child, args, output)?;
        }
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

fn show(node: &Node, args: &Ls, output: &Output) -> Result<(), Error> {
    let folder = node.kind == NodeKind::Folder;
    let name = format!("{}{}", output.name(&node.name), if folder { "/" } else { "" });
    if !args.long {
        return output.line(&name);
    }
    let size = node.size.map_or_else(|| "-".to_owned(), size);
    let kind = node
        .content_type
        .as_deref()
        .unwrap_or(if folder { "folder" } else { "-" });
    output.line(&format!(
        "{size:>9}  {}  {:<24}  {name}",
        instant(node.updated_at),
        output.name(kind)
    ))
}
