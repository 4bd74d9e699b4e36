//! What making an invitation and adding a member without a password have in common: the link and its mail.

use super::wire;
use crate::domain::{Caller, Promise, twice};
use crate::mail::InvitationMail;
use crate::service::sessions::no_member;
use crate::store::{InvitationRow, NewInvitation};
use crate::{EmailAddress, Identity};
use bitvault_api::NodeRole;
use bitvault_platform::ids::{InvitationId, NodeId, PromiseId};
use bitvault_platform::token::{Token, TokenKind};
use bitvault_platform::{Error, Role};
use bitvault_proto::v1;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// An invitation on its way: the token exists here and in the link only.
pub(super) struct Draft<'a> {
    token: Token,
    pub(super) new: NewInvitation<'a>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(identity: &Identity, email: &'a EmailAddress, role: Option<Role>) -> Self {
        let token = Token::new(TokenKind::Invitation);
        let now = identity.0.clock.now();
        Self {
            new: NewInvitation {
                id: InvitationId::new(),
                digest: token.digest(),
                email,
                role,
                expires_at: now + identity.0.config.invitation_lifetime,
                promises: Vec::new(),
            },
            token,
        }
    }

    /// Has the invitation carry a role on a node, and its mail name it.
    pub(super) fn share(&mut self, node: NodeId, name: String, role: NodeRole) -> Result<(), Error> {
        // `root` and the id of the same home.
        if self.new.promises.iter().any(|promise| promise.node == node) {
            return Err(twice());
        }
        self.new.promises.push(Promise {
            id: PromiseId::new(),
            node,
            name,
            role,
        });
        Ok(())
    }

    /// Sends the link by mail, or answers it to the inviter where no mail is sent. Called once the invitation is
    /// written, as `row`; one that can't be mailed is taken back.
    pub(super) async fn hand_out(
        self,
        identity: &Identity,
        caller: Caller,
        row: InvitationRow,
    ) -> Result<v1::CreateInvitationResponse, Error> {
        let url = format!(
            "{}/invite#token={}",
            identity.0.public_url,
            self.token.into_text()
        );
        let url = match &identity.0.mailer {
            None => Some(url),
            Some(mailer) => {
                let inviter = identity
                    .0
                    .store
                    .member(caller.tenant, caller.account)
                    .await?
                    .ok_or_else(no_member)?;
                let mail = InvitationMail {
                    to: self.new.email.as_str(),
                    tenant: &inviter.tenant_name,
                    inviter: &inviter.display_name,
                    url: &url,
                    shared: &self.new.promises,
                    days: identity.0.config.invitation_lifetime.as_secs().div_ceil(DAY),
                };
                if let Err(error) = mailer.invite(mail).await {
                    identity
                        .0
                        .store
                        .revoke_invitation(caller.tenant, self.new.id, None)
                        .await?;
                    return Err(error);
                }
                None
            }
        };
        Ok(v1::CreateInvitationResponse {
            invitation: Some(wire::invitation(row)),
            url,
        })
    }
}
