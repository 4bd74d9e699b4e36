use super::find;
use crate::args::Rm;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_client::api::NodeKind;
use serde_json::json;

pub(crate) async fn run(args: &Rm, server: &Server, output: &Output) -> Result<(), Error> {
    for path in &args.remotes {
        if path.is_root() {
            return Err(Error::usage("/ can't be removed", "name what is in it"));
        }
        let node = find(server, path).await?;
        if node.kind == NodeKind::Folder && !args.recursive {
            return Err(Error::usage(
                format!("{path} is a folder"),
                "remove it with all that is in it by -r",
            ));
        }
        server
            .client
            .delete_node(&node.id, false)
            .await
            .map_err(|error| Error::at(path, error))?;
        if output.json {
            let told =
                json!({ "event": "removed", "remote": path.to_string(), "node_id": node.id, "to": "trash" });
            output.document(&told)?;
        }
    }
    Ok(())
}
