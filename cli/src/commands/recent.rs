use super::whereabouts::Whereabouts;
use crate::args::Recent;
use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use bitvault_client::api::Node;
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
    let mut whereabouts = Whereabouts::new(server).await?;
    let mut rows = Vec::new();
    for node in &found {
        rows.push(vec![whereabouts.path(node).await?, instant(node.updated_at)]);
    }
    output.listing(&["path", "changed"], &rows, "you have not changed any files yet")
}
