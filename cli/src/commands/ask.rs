//! Questions to the person at the terminal.

use crate::error::Error;
use crate::human::printable;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// The next line of standard input, without its end. Blocks.
pub(super) fn first_line() -> Result<String, Error> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Error::Output)?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// Goes on when `yes` was given, or when somebody at the terminal types `expected`. Without a terminal nobody can be
/// asked, and nothing is done.
pub(super) async fn confirm(question: String, expected: &str, yes: bool) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Error::usage(
            "nobody can be asked whether to do this",
            "give --yes",
        ));
    }
    let answer = tokio::task::spawn_blocking(move || {
        let mut err = std::io::stderr().lock();
        write!(err, "{} ", printable(&question))
            .and_then(|()| err.flush())
            .map_err(Error::Output)?;
        first_line()
    });
    let answer = answer
        .await
        .map_err(|error| Error::Output(std::io::Error::other(error)))??;
    if answer.trim() == expected {
        return Ok(());
    }
    Err(Error::usage(
        "nothing was changed",
        format!("type {expected} to go on"),
    ))
}
