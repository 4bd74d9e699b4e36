//! The functions that guests import.

use crate::bindings::bitvault::plugin::{egress, host, types};
use crate::error::record;
use crate::limits::Limit;
use crate::state::State;
use wasmtime::component::{HasSelf, Linker};

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    host::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    egress::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    Ok(())
}

impl types::Host for State {}

impl host::Host for State {
    fn log(
        &mut self,
        level: host::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.log_lines += 1;
        if self.log_lines > self.limits.log_lines {
            return Ok(());
        }
        let mut text = message;
        for (name, value) in fields {
            text.push_str(&format!(" {name}={value}"));
        }
        self.log_line(level, &text);
        Ok(())
    }

    fn config(&mut self) -> wasmtime::Result<String> {
        Ok(self.settings.to_string())
    }
}

impl State {
    /// Writes a guest's line into the current span, cut to the limit and without control characters.
    pub(crate) fn log_line(&self, level: host::Level, text: &str) {
        let limit = usize::try_from(self.limits.log_line.as_u64()).unwrap_or(usize::MAX);
        let mut line = String::with_capacity(text.len().min(limit));
        for char in text.chars() {
            if line.len() + char.len_utf8() > limit {
                line.push('…');
                break;
            }
            line.push(if char.is_control() { ' ' } else { char });
        }
        let plugin = &*self.plugin;
        match level {
            host::Level::Trace => tracing::trace!(target: "plugin", plugin, "{line}"),
            host::Level::Debug => tracing::debug!(target: "plugin", plugin, "{line}"),
            host::Level::Info => tracing::info!(target: "plugin", plugin, "{line}"),
            host::Level::Warn => tracing::warn!(target: "plugin", plugin, "{line}"),
            host::Level::Error => tracing::error!(target: "plugin", plugin, "{line}"),
        }
    }
}

impl egress::Host for State {
    async fn send(
        &mut self,
        request: types::Request,
    ) -> wasmtime::Result<Result<types::Response, types::Error>> {
        self.requests += 1;
        if self.requests > self.limits.requests {
            self.exceeded = Some(Limit::Requests);
            return Err(wasmtime::Error::msg("too many requests in one call"));
        }
        let body = request.body.as_ref().map_or(0, Vec::len) as u64;
        if body > self.limits.body.as_u64() {
            let message = format!(
                "the request's body is longer than `body` allows ({})",
                self.limits.body
            );
            return Ok(Err(record("too_large", false, message)));
        }
        self.bytes_out += body;
        let outcome = self.egress.send(request, self.limits.body.as_u64()).await;
        if let Ok(response) = &outcome {
            self.bytes_in += response.body.len() as u64;
        }
        Ok(outcome)
    }

    fn has_credential(&mut self, name: String) -> wasmtime::Result<bool> {
        Ok(name == "default" && self.egress.has_credentials())
    }
}
