use crate::args::Recent;
use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use bitvault_client::api::{Node, NodeKind};
use serde_json::json;

pub(crate) async fn run(args: &Recent, server: &Server, output: &Output) -> Result<(), Error> {
    let wanted = args.count as usize;
    let mut found: Vec<Node> = Vec::new();
    let mut cursor: Option<String> = None;
    while found.len() < wanted {
        let page = server.client.recent(args.count, cursor.as_deref()).await?;
        found.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    found.truncate(wanted);
    if output.json {
        return output.document(&json!({ "items": found }));
    }
    let rows = found.iter().map(|node| row(node, instant(node.updated_at)));
    output.listing(
        &["name", "changed", "path"],
        &rows.collect::<Vec<_>>(),
        "you have not changed any files yet",
    )
}

/// A node of anywhere, as a line: its path is written `nod_…:/`.
pub(super) fn row(node: &Node, at: String) -> Vec<String> {
    let slash = if node.kind == NodeKind::Folder { "/" } else { "" };
    vec![format!("{}{slash}", node.name), at, format!("{}:/", node.id)]
}
