use super::ask::confirm;
use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use crate::tenant_args::{Admin, AdminCommand};
use bitvault_client::api::{TenantDetails, UpdateTenant, UpdateTenantSettings};

pub(crate) async fn run(args: &Admin, server: &Server, output: &Output) -> Result<(), Error> {
    match &args.command {
        AdminCommand::Show => tell(&server.client.tenant().await?, output),
        AdminCommand::Set {
            display_name,
            public_links,
            trash_days,
            guest_invitations,
        } => {
            let settings = UpdateTenantSettings {
                public_links: public_links.clone(),
                trash_retention_days: *trash_days,
                guest_invitations: guest_invitations.clone(),
            };
            if display_name.is_none() && settings == UpdateTenantSettings::default() {
                return Err(Error::usage("nothing to change", "name a setting; see --help"));
            }
            let change = UpdateTenant {
                display_name: display_name.clone(),
                settings: Some(settings),
            };
            tell(&server.client.update_tenant(&change).await?, output)
        }
        AdminCommand::DeleteTenant { name, yes } => {
            let question = format!("Everything in {name} will be removed for good. Type its name:");
            confirm(question, name, *yes).await?;
            let marked = server.client.delete_tenant(name).await?;
            if output.json {
                return output.document(&marked);
            }
            output.line(&format!(
                "Nobody gets into {name} any more; everything in it goes for good after {}",
                instant(marked.delete_after)
            ))
        }
    }
}

fn tell(tenant: &TenantDetails, output: &Output) -> Result<(), Error> {
    if output.json {
        return output.document(tenant);
    }
    output.line(&format!(
        "{} ({}), since {}",
        output.name(&tenant.display_name),
        tenant.name,
        instant(tenant.created_at)
    ))?;
    output.line(&format!("public links: {}", tenant.settings.public_links))?;
    let days = tenant.settings.trash_retention_days;
    let days = days.map_or("as the server says".to_owned(), |days| days.to_string());
    output.line(&format!("days in the trash: {days}"))?;
    output.line(&format!(
        "guests are invited by: {}",
        tenant.settings.guest_invitations
    ))
}
