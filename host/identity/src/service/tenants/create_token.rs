use super::wire;
use crate::Identity;
use crate::domain::{Caller, scopes};
use crate::store::TokenRow;
use bitvault_platform::ids::TokenId;
use bitvault_platform::token::{Token, TokenKind};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;
use prost_types::Timestamp;
use time::OffsetDateTime;

/// Most characters of a token's name.
const NAME_CHARS: usize = 128;

/// Makes a personal access token. It is shown in this answer and stored as a hash.
pub(super) async fn create_token(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::CreateTokenRequest,
) -> Result<v1::CreateTokenResponse, Error> {
    let caller = Caller::of(ctx)?.require_session()?;
    let name = request.name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS || name.chars().any(char::is_control) {
        return Err(Error::invalid_field(
            "token_name_invalid",
            "name",
            "use 1 to 128 characters and no control characters",
        ));
    }
    let now = identity.0.clock.now();
    let last = now + identity.0.config.token_lifetime_max;
    let expires_at = match request.expires_at {
        None => last,
        Some(wanted) => instant(wanted)
            .filter(|at| *at > now && *at <= last)
            .ok_or_else(|| {
                Error::invalid_field(
                    "expiry_invalid",
                    "expires_at",
                    format!("choose a time between now and {last}"),
                )
            })?,
    };
    let secret = Token::new(TokenKind::Personal);
    let row = TokenRow {
        id: TokenId::new(),
        name: name.to_owned(),
        scopes: scopes(&request.scopes)?,
        created_at: now,
        expires_at,
    };
    identity
        .0
        .store
        .create_token(caller, &row, secret.digest())
        .await?;
    Ok(v1::CreateTokenResponse {
        token: Some(wire::token(row)),
        secret: secret.into_text(),
    })
}

/// To the microsecond: what is stored is what is told.
fn instant(stamp: Timestamp) -> Option<OffsetDateTime> {
    let nanos = u32::try_from(stamp.nanos).ok()? / 1000 * 1000;
    OffsetDateTime::from_unix_timestamp(stamp.seconds)
        .ok()?
        .replace_nanosecond(nanos)
        .ok()
}
