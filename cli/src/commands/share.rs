use super::{find, group};
use crate::args::Share;
use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use bitvault_client::api::{Grants, Node, PutGrant};
use serde_json::json;

pub(crate) async fn run(args: &Share, server: &Server, output: &Output) -> Result<(), Error> {
    let node = find(server, &args.path).await?;
    let failed = |error| Error::at(&args.path, error);
    for who in &args.with {
        let (subject_id, email) = subject(server, who).await?;
        let grant = PutGrant {
            subject_id,
            email,
            role: args.role,
        };
        server.client.put_grant(&node.id, &grant).await.map_err(failed)?;
    }
    for who in &args.remove {
        let subject_id = match subject(server, who).await? {
            (Some(subject_id), _) => subject_id,
            (None, _) => {
                let hint = "name the account as `bitvault share PATH` shows it, acc_…";
                return Err(Error::usage(format!("{who} is a mail address"), hint));
            }
        };
        server
            .client
            .delete_grant(&node.id, &subject_id)
            .await
            .map_err(failed)?;
    }
    let grants = match args.inherit {
        Some(inherits) => server.client.set_inheritance(&node.id, inherits).await,
        None => server.client.grants(&node.id).await,
    };
    show(&node, &grants.map_err(failed)?, args, output)
}

/// Whom a person means: an id as it is, a group by its name, or a mail address.
async fn subject(server: &Server, who: &str) -> Result<(Option<String>, Option<String>), Error> {
    if let Some(name) = who.strip_prefix("group:") {
        return Ok((Some(group::named(server, name).await?.id), None));
    }
    if who.starts_with("acc_") || who.starts_with("grp_") {
        return Ok((Some(who.to_owned()), None));
    }
    Ok((None, Some(who.to_owned())))
}

fn show(node: &Node, grants: &Grants, args: &Share, output: &Output) -> Result<(), Error> {
    if output.json {
        let told = json!({
            "path": args.path.to_string(), "node_id": node.id, "inherits": grants.inherits, "items": grants.items
        });
        return output.document(&told);
    }
    let rows: Vec<Vec<String>> = grants
        .items
        .iter()
        .map(|grant| {
            let from = if grant.node_id == node.id { "here" } else { "above" };
            let role = grant.role.name();
            vec![
                grant.subject_id.clone(),
                role.to_owned(),
                from.to_owned(),
                instant(grant.granted_at),
            ]
        })
        .collect();
    if rows.is_empty() {
        output.note("nobody but its owner has access; give it with --with");
    }
    output.table(&["who", "role", "given", "at"], &rows)
}
