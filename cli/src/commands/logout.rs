use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_client::api::Code;
use serde_json::json;

/// Ends the session on the server and forgets it here. It is forgotten here in any case; when the server could not be
/// told, that is an error, since the session lives on there until it expires.
pub(crate) async fn run(server: &Server, output: &Output) -> Result<(), Error> {
    let Some((file, profile)) = &server.profile else {
        let hint = "unset BITVAULT_TOKEN, or end the token on the server";
        return Err(Error::usage(
            "BITVAULT_TOKEN is not a sign-in of this program",
            hint,
        ));
    };
    let ended = server.client.sign_out().await;
    file.remove()?;
    match ended {
        // It had ended already.
        Err(error) if error.code() == Some(Code::Unauthenticated) => {}
        result => result?,
    }
    if output.json {
        return output.document(&json!({ "url": profile.url, "account": profile.account }));
    }
    output.line(&format!(
        "Signed out {} at {}",
        profile.account.email, profile.url
    ))
}
