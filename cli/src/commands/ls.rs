use super::find;
use crate::args::Ls;
use crate::connect::Server;
use crate::error::Error;
use crate::human::{instant, size};
use crate::output::Output;
use bitvault_client::api::{Node, NodeKind, NodeSort, SortOrder, limits};
use serde_json::json;

pub(crate) async fn run(args: &Ls, server: &Server, output: &Output) -> Result<(), Error> {
    let node = find(server, &args.path).await?;
    let mut listed = Vec::new();
    let mut each = |node: Node| {
        if output.json {
            listed.push(node);
            return Ok(());
        }
        show(&node, args, output)
    };
    match node.kind {
        NodeKind::File => each(node)?,
        NodeKind::Folder => {
            let mut cursor: Option<String> = None;
            loop {
                let page = server
                    .client
                    .children(&node.id, order(args), limits::PAGE_ITEMS_MAX, cursor.as_deref())
                    .await
                    .map_err(|error| Error::at(&args.path, error))?;
                page.items.into_iter().try_for_each(&mut each)?;
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
        }
    }
    if output.json {
        return output.document(&json!({ "path": args.path.to_string(), "items": listed }));
    }
    Ok(())
}

/// By name from A to Z; by time the latest and by size the largest first, as `ls -t` and `ls -S` do.
fn order(args: &Ls) -> (NodeSort, SortOrder) {
    let sort = args.sort.into();
    let downwards = sort != NodeSort::Name;
    match downwards != args.reverse {
        true => (sort, SortOrder::Desc),
        false => (sort, SortOrder::Asc),
    }
}

fn show(node: &Node, args: &Ls, output: &Output) -> Result<(), Error> {
    let folder = node.kind == NodeKind::Folder;
    let name = output.entry(&node.name, folder);
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
