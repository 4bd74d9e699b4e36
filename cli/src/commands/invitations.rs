use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use crate::tenant_args::{Invitations, InvitationsCommand};
use serde_json::json;

pub(crate) async fn run(args: &Invitations, server: &Server, output: &Output) -> Result<(), Error> {
    let invitations = server.client.invitations().await?;
    match args.command.as_ref().unwrap_or(&InvitationsCommand::Ls) {
        InvitationsCommand::Ls if output.json => output.document(&json!({ "items": invitations })),
        InvitationsCommand::Ls => {
            let rows = invitations.iter().map(|invitation| {
                vec![
                    invitation.email.clone(),
                    invitation.role.to_string(),
                    instant(invitation.expires_at),
                    match invitation.grants.len() {
                        0 => String::new(),
                        1 => "1 node".to_owned(),
                        count => format!("{count} nodes"),
                    },
                ]
            });
            output.listing(
                &["who", "role", "until", "shared"],
                &rows.collect::<Vec<_>>(),
                "no invitation is open; invite somebody with `bitvault invite`",
            )
        }
        InvitationsCommand::Rm { which } => {
            let found = invitations
                .iter()
                .find(|one| one.id == *which || one.email.to_lowercase() == which.to_lowercase())
                .ok_or_else(|| Error::Missing {
                    what: format!("there is no open invitation of {which}"),
                    hint: "look with `bitvault invitations`".into(),
                })?;
            server.client.revoke_invitation(&found.id).await?;
            if output.json {
                output.document(&json!({ "event": "removed", "invitation": found }))?;
            }
            Ok(())
        }
    }
}
