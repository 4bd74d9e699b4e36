use crate::args::{Conflicts, ConflictsCommand, Keep};
use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use bitvault_client::api;
use serde_json::json;

pub(crate) async fn run(args: &Conflicts, server: &Server, output: &Output) -> Result<(), Error> {
    match &args.command {
        None => list(server, output).await,
        Some(ConflictsCommand::Resolve { id, keep, if_match }) => {
            resolve(id, *keep, *if_match, server, output).await
        }
    }
}

async fn list(server: &Server, output: &Output) -> Result<(), Error> {
    let items = server.client.all_conflicts().await?;
    if output.json {
        return output.document(&json!({ "items": items }));
    }
    let rows = items.iter().map(|conflict| {
        vec![
            conflict.id.clone(),
            instant(conflict.created_at),
            conflict.theirs.node.name.clone(),
            conflict.mine.node.name.clone(),
        ]
    });
    output.listing(
        &["id", "since", "theirs", "mine"],
        &rows.collect::<Vec<_>>(),
        "there are no conflicted copies to settle",
    )
}

async fn resolve(
    id: &str,
    keep: Keep,
    revision: Option<i64>,
    server: &Server,
    output: &Output,
) -> Result<(), Error> {
    let keep = match keep {
        Keep::Both => api::Keep::Both,
        Keep::Theirs => api::Keep::Theirs,
        Keep::Mine => api::Keep::Mine,
    };
    let settled = server.client.resolve_conflict(id, revision, keep).await?;
    if output.json {
        return output.document(&json!({ "event": "resolved", "conflict": settled }));
    }
    Ok(())
}
