//! Commands about several things: one that fails does not stop the others.

use crate::error::Error;
use crate::exit::{Exit, exit};
use crate::output::{Output, describe};
use serde_json::{Value, json};

/// What became of each.
pub(super) struct Many<'a> {
    output: &'a Output,
    /// How many were asked for.
    all: usize,
    failed: usize,
    exit: Option<Exit>,
}

impl<'a> Many<'a> {
    pub(super) fn new(output: &'a Output, all: usize) -> Self {
        Self {
            output,
            all,
            failed: 0,
            exit: None,
        }
    }

    /// Tells that one failed. The only one there is ends the command.
    pub(super) fn failed(&mut self, what: &str, error: Error) -> Result<(), Error> {
        if self.all == 1 {
            return Err(error);
        }
        self.failed += 1;
        let exit = exit(&error);
        self.exit = Some(self.exit.map_or(exit, |before| before.and(exit)));
        if self.output.json {
            let told = match error.client() {
                Some(client) => describe(client),
                None => json!({ "message": error.to_string() }),
            };
            let event = json!({ "event": "failed", "what": what, "error": told });
            return self.output.document(&event);
        }
        self.output.note(&error.to_string());
        Ok(())
    }

    /// Tells that one is done.
    pub(super) fn done(&self, event: &Value) -> Result<(), Error> {
        if self.output.json {
            self.output.document(event)?;
        }
        Ok(())
    }

    /// How the command ends.
    pub(super) fn end(self) -> Result<(), Error> {
        match self.exit {
            None => Ok(()),
            Some(exit) => Err(Error::Several {
                failed: self.failed,
                all: self.all,
                exit,
            }),
        }
    }
}
