//! Signing in and out.

use crate::call::Call;
use crate::{Client, Result, Tokens};
use bitvault_api::{CreateSession, Me, Session};

impl Client {
    /// `POST /v1/sessions`: signs in, and uses the session from now on. The caller keeps it.
    ///
    /// # Errors
    /// `unauthenticated` for a wrong mail address or password; as any call.
    pub async fn sign_in(&self, credentials: &CreateSession) -> Result<Session> {
        let call = Call::post("/v1/sessions", [], credentials)?.signed_out();
        let session: Session = self.send(call).await?;
        self.set_tokens(Tokens::from(&session)).await;
        Ok(session)
    }

    /// `DELETE /v1/sessions/current`: ends the session on the server.
    ///
    /// # Errors
    /// As any call.
    pub async fn sign_out(&self) -> Result<()> {
        self.send(Call::delete("/v1/sessions/current", [])).await
    }

    /// `GET /v1/me`: who is signed in, and where.
    ///
    /// # Errors
    /// As any call.
    pub async fn me(&self) -> Result<Me> {
        self.send(Call::get("/v1/me", [])).await
    }
}
