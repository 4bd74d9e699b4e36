use super::ask::{confirm, first_line};
use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use crate::tenant_args::{Members, MembersCommand};
use bitvault_client::api::{AddMember, Member};
use serde_json::json;

pub(crate) async fn run(args: &Members, server: &Server, output: &Output) -> Result<(), Error> {
    match args.command.as_ref().unwrap_or(&MembersCommand::Ls) {
        MembersCommand::Ls => list(server, output).await,
        MembersCommand::Add {
            email,
            role,
            name,
            password_stdin,
        } => {
            let password = if *password_stdin {
                let asking = tokio::task::spawn_blocking(first_line).await;
                Some(asking.map_err(|error| Error::Output(std::io::Error::other(error)))??)
            } else {
                None
            };
            let member = AddMember {
                email: email.clone(),
                role: role.name().to_owned(),
                display_name: name.clone(),
                password,
            };
            add(&member, server, output).await
        }
        MembersCommand::Role { who, role } => {
            let member = find(server, who).await?;
            let changed = server.client.update_member(&member.id, role.name()).await?;
            told(&changed, output)
        }
        MembersCommand::Rm { who, yes } => {
            let member = find(server, who).await?;
            let question = format!("Remove {} from the tenant? Type yes:", member.email);
            confirm(question, "yes", *yes).await?;
            server.client.remove_member(&member.id).await?;
            if output.json {
                output.document(&json!({ "event": "removed", "member": member }))?;
            }
            Ok(())
        }
    }
}

async fn list(server: &Server, output: &Output) -> Result<(), Error> {
    let members = server.client.members().await?;
    if output.json {
        return output.document(&json!({ "items": members }));
    }
    let rows = members.iter().map(|member| {
        let name = &member.display_name;
        vec![
            member.email.clone(),
            member.role.to_string(),
            instant(member.joined_at),
            match member.pending {
                true => format!("{name} (no password yet)"),
                false => name.clone(),
            },
        ]
    });
    output.listing(
        &["who", "role", "since", "name"],
        &rows.collect::<Vec<_>>(),
        "nobody belongs to the tenant",
    )
}

async fn add(member: &AddMember, server: &Server, output: &Output) -> Result<(), Error> {
    let added = server.client.add_member(member).await?;
    if output.json {
        return output.document(&added);
    }
    match added.invitation {
        None => Ok(()),
        Some(invitation) => super::invite::tell(&invitation, output),
    }
}

fn told(member: &Member, output: &Output) -> Result<(), Error> {
    if output.json {
        output.document(member)?;
    }
    Ok(())
}

/// The member with this mail address or id.
pub(crate) async fn find(server: &Server, who: &str) -> Result<Member, Error> {
    let members = server.client.members().await?;
    let found = members
        .into_iter()
        .find(|member| member.id == who || member.email.to_lowercase() == who.to_lowercase());
    found.ok_or_else(|| Error::Missing {
        what: format!("{who} is no member"),
        hint: "look with `bitvault members`".into(),
    })
}
