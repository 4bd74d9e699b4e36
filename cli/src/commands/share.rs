use super::people::{self, Names};
use super::{find, invite};
use crate::args::Share;
use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use bitvault_client::api::{CreatedInvitation, Grants, InvitedGrant, Node, PutGrant};
use serde_json::json;

pub(crate) async fn run(args: &Share, server: &Server, output: &Output) -> Result<(), Error> {
    let node = find(server, &args.path).await?;
    let failed = |error| Error::at(&args.path, error);
    let mut invited = Vec::new();
    for who in &args.with {
        invited.extend(give(who, &node, args, server).await?);
    }
    for who in &args.remove {
        let subject_id = people::id(who, server).await?;
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
    let grants = grants.map_err(failed)?;
    if !output.json {
        for made in &invited {
            invite::tell(made, output)?;
        }
    }
    show(&node, &grants, &invited, args, server, output).await
}

/// Gives access; who does not belong to the tenant is invited, if that is wanted.
async fn give(
    who: &str,
    node: &Node,
    args: &Share,
    server: &Server,
) -> Result<Option<CreatedInvitation>, Error> {
    // A mail address is the server's to look up: it need not be a member's.
    let (subject_id, email) = match who.contains('@') && !who.starts_with("group:") {
        true => (None, Some(who.to_owned())),
        false => (Some(people::id(who, server).await?), None),
    };
    let grant = PutGrant {
        subject_id,
        email: email.clone(),
        role: args.role,
    };
    let refused = match server.client.put_grant(&node.id, &grant).await {
        Ok(_) => return Ok(None),
        Err(error) => error,
    };
    match email {
        Some(email) if refused.reason() == Some("member_not_found") => {
            if !args.invite {
                return Err(Error::missing(
                    format!("nobody with the mail address {email} belongs to the tenant"),
                    "say --invite to invite them as a guest who gets this access",
                ));
            }
            let grant = InvitedGrant {
                node_id: node.id.clone(),
                role: args.role,
            };
            let made = server.client.invite_to(&email, vec![grant]).await;
            made.map(Some).map_err(|error| Error::at(&args.path, error))
        }
        _ => Err(Error::at(&args.path, refused)),
    }
}

async fn show(
    node: &Node,
    grants: &Grants,
    invited: &[CreatedInvitation],
    args: &Share,
    server: &Server,
    output: &Output,
) -> Result<(), Error> {
    if output.json {
        let mut told = json!({
            "path": args.path.to_string(), "node_id": node.id, "inherits": grants.inherits, "items": grants.items
        });
        if !invited.is_empty() {
            told["invitations"] = json!(invited);
        }
        return output.document(&told);
    }
    let names = Names::of(grants.items.iter().map(|grant| grant.subject_id.as_str()), server).await?;
    let rows: Vec<Vec<String>> = grants
        .items
        .iter()
        .map(|grant| {
            let from = if grant.node_id == node.id { "here" } else { "above" };
            let role = grant.role.name();
            vec![
                names.name(&grant.subject_id),
                role.to_owned(),
                from.to_owned(),
                instant(grant.granted_at),
            ]
        })
        .collect();
    if rows.is_empty() && !invited.is_empty() {
        return Ok(());
    }
    output.listing(
        &["who", "role", "given", "at"],
        &rows,
        "nobody but its owner has access; give it with --with",
    )
}
