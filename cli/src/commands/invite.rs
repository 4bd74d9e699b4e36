use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use crate::tenant_args::Invite;
use bitvault_client::api::CreatedInvitation;

pub(crate) async fn run(args: &Invite, server: &Server, output: &Output) -> Result<(), Error> {
    let invitation = server.client.invite(&args.email, args.role.name()).await?;
    if output.json {
        return output.document(&invitation);
    }
    tell(&invitation, output)
}

/// Where the link went, or the link itself.
pub(super) fn tell(made: &CreatedInvitation, output: &Output) -> Result<(), Error> {
    match &made.url {
        None => output.line(&format!(
            "An invitation was mailed to {}",
            output.name(&made.invitation.email)
        )),
        Some(url) => {
            output.note(&format!(
                "hand this link on to {}; it is good once, and shown only now",
                made.invitation.email
            ));
            output.line(url)
        }
    }
}
