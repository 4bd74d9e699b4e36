use crate::domain::{display_name, shown_name};
use crate::service::closed;
use crate::service::passwords::sign_in_failed;
use crate::service::sessions::no_member;
use crate::store::{Entry, Invited};
use crate::{EmailAddress, Identity, Password};
use bitvault_platform::token::{Token, TokenKind};
use bitvault_platform::{Code, Error};
use bitvault_proto::v1;

/// Uses an invitation up and signs in. An address without a password gets the one that is given; an account that has one
/// must show it: a link alone never opens somebody's account.
pub(super) async fn accept_invitation(
    identity: &Identity,
    peer: &str,
    request: v1::AcceptInvitationRequest,
) -> Result<v1::Session, Error> {
    let parts = &identity.0;
    let invited = open(identity, &request.token).await?;
    let known = parts.store.account_by_email(invited.email_digest).await?;
    let given = request.display_name.as_deref();
    let (account, password_hash) = match known {
        Some(known) if known.password_set => {
            let attempt = identity.attempt(invited.email_digest, peer)?;
            let stored = Some(known.password_hash.clone());
            if !identity.matches(&request.password, stored).await? {
                return Err(sign_in_failed());
            }
            attempt.succeeded();
            let entry = Entry::Known {
                account: known.id,
                password_hash: &known.password_hash,
            };
            return enter(identity, &invited, entry).await;
        }
        known => {
            let password = Password::new(&request.password)?;
            (known.map(|known| known.id), identity.hash(&password).await?)
        }
    };
    let shown = match (given, account) {
        (Some(name), Some(_)) => Some(shown_name(name)?),
        (None, Some(_)) => None,
        (given, None) => {
            let email = EmailAddress::new(&invited.email)?;
            Some(display_name(given.unwrap_or_default(), &email)?)
        }
    };
    let entry = match account {
        Some(account) => Entry::Pending {
            account,
            display_name: shown.as_deref(),
            password_hash: &password_hash,
        },
        None => Entry::New {
            display_name: shown.as_deref().unwrap_or_default(),
            password_hash: &password_hash,
        },
    };
    enter(identity, &invited, entry).await
}

/// The open invitation of a link.
pub(super) async fn open(identity: &Identity, token: &str) -> Result<Invited, Error> {
    let now = identity.0.clock.now();
    let token = Token::parse(TokenKind::Invitation, token).ok_or_else(invalid)?;
    let found = identity.0.store.invited(token.digest()).await?;
    let invited = found
        .filter(|invited| invited.expires_at > now)
        .ok_or_else(invalid)?;
    if invited.closed {
        return Err(closed());
    }
    Ok(invited)
}

async fn enter(identity: &Identity, invited: &Invited, entry: Entry<'_>) -> Result<v1::Session, Error> {
    let (fresh, tokens) = identity.fresh_tokens();
    let store = &identity.0.store;
    let (account, due) = store
        .accept(invited, entry, tokens, identity.0.clock.now())
        .await?
        .ok_or_else(invalid)?;
    if due {
        identity.welcome(invited.tenant, account).await;
    }
    let member = store
        .member(invited.tenant, account)
        .await?
        .ok_or_else(no_member)?;
    Ok(fresh.session(&member, tokens))
}

/// Unknown, expired, used and taken back look alike.
fn invalid() -> Error {
    Error::new(
        Code::NotFound,
        "invitation_invalid",
        "this invitation is not good any more: ask for another one",
    )
}
