//! One call of a plugin: a fresh store and instance, its budgets, its span and its measurements.

mod storage;

use crate::bindings::StorageAdapter as Bindings;
use crate::bindings::bitvault::plugin::host::Level;
use crate::bindings::bitvault::plugin::types::Error as GuestError;
use crate::error::Error;
use crate::limits::Limit;
use crate::meter::metered;
use crate::state::State;
use crate::storage_adapter::Loaded;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument as _, Span};
use wasmtime::{Store, Trap, UpdateDeadline};

/// An instance that functions are called on. One budget holds for all of them; after a crash it answers nothing more.
pub struct Call {
    loaded: Arc<Loaded>,
    operation: &'static str,
    store: Store<State>,
    guest: Option<Bindings>,
    deadline: tokio::time::Instant,
    began: Instant,
    span: Span,
    crashed: bool,
    _places: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

impl Call {
    pub(crate) async fn start(
        loaded: Arc<Loaded>,
        operation: &'static str,
        places: (OwnedSemaphorePermit, OwnedSemaphorePermit),
    ) -> Result<Self, Error> {
        let engine = loaded.component.engine();
        let state = State::new(
            loaded.component.name(),
            &loaded.limits,
            &loaded.settings,
            &loaded.egress,
        );
        let meter = Arc::clone(&state.meter);
        let mut store = Store::new(engine.wasmtime(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(usize::try_from(loaded.limits.host_call.as_u64()).unwrap_or(usize::MAX));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |mut context| {
            let state = context.data_mut();
            if state.meter.running() > state.limits.cpu_time {
                state.exceeded = Some(Limit::CpuTime);
                return Err(wasmtime::Error::msg("CPU time"));
            }
            Ok(UpdateDeadline::Yield(1))
        });
        let span = tracing::info_span!(
            "plugin call",
            component = "plugin",
            plugin = &**loaded.component.name(),
            digest = &loaded.component.digest()[..16],
            kind = "storage-adapter",
            operation,
            cpu_us = tracing::field::Empty,
            memory_bytes = tracing::field::Empty,
            bytes_out = tracing::field::Empty,
            bytes_in = tracing::field::Empty,
            error = tracing::field::Empty,
        );
        let began = Instant::now();
        let deadline = tokio::time::Instant::now() + loaded.limits.wall_time;
        let mut call = Self {
            operation,
            store,
            guest: None,
            deadline,
            began,
            span,
            crashed: false,
            _places: places,
            loaded,
        };
        let instantiate = call.loaded.pre.instantiate_async(&mut call.store);
        let outcome = tokio::time::timeout_at(
            deadline,
            metered(call.loaded.component.engine(), &meter, instantiate),
        )
        .instrument(call.span.clone())
        .await;
        call.guest = Some(call.settle_crash(outcome)?);
        Ok(call)
    }

    /// CPU time so far.
    pub fn cpu_time(&self) -> Duration {
        self.store.data().meter.used()
    }

    fn plugin(&self) -> String {
        self.loaded.component.name().to_string()
    }

    fn gone(&self) -> Error {
        let reason = "an earlier function of this call crashed".to_owned();
        Error::Trap {
            plugin: self.plugin(),
            operation: self.operation,
            reason,
        }
    }

    /// The guest's own result, or why there is none.
    fn settle<T>(&mut self, outcome: Outcome<Result<T, GuestError>>) -> Result<T, Error> {
        self.settle_crash(outcome)?.map_err(|error| {
            self.span.record("error", error.code.as_str());
            Error::Guest {
                plugin: self.plugin(),
                error,
            }
        })
    }

    fn settle_crash<T>(&mut self, outcome: Outcome<T>) -> Result<T, Error> {
        let (limit, reason) = match outcome {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) if error.is::<wasmtime::PoolConcurrencyLimitError>() => {
                return Err(Error::Saturated {
                    plugin: self.plugin(),
                });
            }
            Ok(Err(error)) => {
                let trap = error.downcast_ref::<Trap>();
                let limit = self.store.data().exceeded().or(match trap {
                    Some(Trap::StackOverflow) => Some(Limit::Stack),
                    _ => None,
                });
                (limit, format!("{:#}", error.root_cause()))
            }
            Err(_elapsed) => (Some(Limit::WallTime), String::new()),
        };
        self.crashed = true;
        self.guest = None;
        let plugin = self.plugin();
        let error = match limit {
            Some(limit) => Error::Limit {
                plugin,
                operation: self.operation,
                limit,
                value: limit.value(&self.loaded.limits),
                setting: limit.setting(),
            },
            None => Error::Trap {
                plugin,
                operation: self.operation,
                reason,
            },
        };
        self.span.record("error", limit.map_or("trap", Limit::setting));
        Err(error)
    }

    /// What the guest wrote to its standard error becomes a log line, and lines that were dropped are told.
    fn flush_log(&mut self) {
        let state = self.store.data();
        let dropped = state.log_lines.saturating_sub(state.limits.log_lines);
        if dropped > 0 {
            state.log_line(
                Level::Warn,
                &format!("{dropped} further lines of this call were dropped"),
            );
        }
        let text = state.stderr.contents();
        if !text.is_empty() {
            state.log_line(Level::Warn, String::from_utf8_lossy(&text).trim_end());
        }
    }
}

type Outcome<T> = Result<wasmtime::Result<T>, tokio::time::error::Elapsed>;

impl Drop for Call {
    fn drop(&mut self) {
        let span = self.span.clone();
        span.in_scope(|| self.flush_log());
        let state = self.store.data();
        let cpu = state.meter.used();
        span.record("cpu_us", u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX));
        span.record("memory_bytes", state.memory.peak());
        span.record("bytes_out", state.bytes_out);
        span.record("bytes_in", state.bytes_in);
        if self.crashed {
            if self.loaded.breaker.crashed(Instant::now()) {
                tracing::error!(
                    plugin = &**self.loaded.component.name(),
                    "a plugin is switched off after repeated crashes"
                );
            }
        } else {
            self.loaded.breaker.healthy();
        }
        let labels = [
            ("plugin", self.loaded.component.name().to_string()),
            ("operation", self.operation.to_owned()),
            ("outcome", if self.crashed { "crash" } else { "ok" }.to_owned()),
        ];
        metrics::counter!("bitvault_plugin_calls_total", &labels).increment(1);
        metrics::histogram!("bitvault_plugin_cpu_seconds", &labels[..2]).record(cpu.as_secs_f64());
        metrics::histogram!("bitvault_plugin_call_seconds", &labels[..2])
            .record(self.began.elapsed().as_secs_f64());
    }
}
