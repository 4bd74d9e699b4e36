use super::ask::first_line;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use crate::tenant_args::Passwd;
use bitvault_client::api::ChangePassword;
use serde_json::json;
use std::io::IsTerminal as _;

pub(crate) async fn run(args: &Passwd, server: &Server, output: &Output) -> Result<(), Error> {
    let piped = args.password_stdin;
    let asking = tokio::task::spawn_blocking(move || passwords(piped)).await;
    let change = asking.map_err(|error| Error::Output(std::io::Error::other(error)))??;
    server.client.change_password(&change).await?;
    if output.json {
        return output.document(&json!({ "event": "password_changed" }));
    }
    output.note("the password was changed; all of your other sessions have ended");
    Ok(())
}

/// Reads both. Blocks.
fn passwords(piped: bool) -> Result<ChangePassword, Error> {
    if piped {
        return Ok(ChangePassword {
            current: first_line()?,
            new: first_line()?,
        });
    }
    if !std::io::stdin().is_terminal() {
        return Err(Error::usage(
            "nobody can be asked for the passwords",
            "pipe both in, a line each, with --password-stdin",
        ));
    }
    let ask = |question| rpassword::prompt_password(question).map_err(Error::Output);
    let current = ask("Current password: ")?;
    let new = ask("New password: ")?;
    if ask("New password again: ")? != new {
        return Err(Error::usage(
            "the two new passwords differ",
            "type the same one twice",
        ));
    }
    Ok(ChangePassword { current, new })
}
