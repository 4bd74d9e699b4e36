use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use bitvault_client::api::NodeKind;
use serde_json::json;

pub(crate) async fn run(server: &Server, output: &Output) -> Result<(), Error> {
    let shared = server.client.shared().await?;
    if output.json {
        return output.document(&json!({ "items": shared }));
    }
    let rows: Vec<Vec<String>> = shared
        .iter()
        .map(|item| {
            let slash = if item.node.kind == NodeKind::Folder {
                "/"
            } else {
                ""
            };
            vec![
                format!("{}{slash}", item.node.name),
                item.role.name().to_owned(),
                instant(item.granted_at),
                // As a path is written: `bitvault ls nod_…:/`.
                format!("{}:/", item.node.id),
            ]
        })
        .collect();
    output.listing(
        &["name", "role", "since", "path"],
        &rows,
        "nothing has been shared with you yet",
    )
}
