//! One call of a plugin: a fresh store and instance, its budgets, its span and its measurements.

use crate::bindings::StorageAdapter as Bindings;
use crate::bindings::bitvault::plugin::host::Level;
use crate::bindings::bitvault::plugin::types::{Error as GuestError, Response};
use crate::bindings::exports::bitvault::plugin::storage::{
    Auth, Capabilities, GetOptions, Object, Page, Part, Pending, Plan, PutOptions,
};
use crate::egress::sign::Signed;
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

/// Calls a function of the storage interface: `call!(self, call_head, &key)`.
macro_rules! call {
    ($self:ident, $function:ident $(, $argument:expr)*) => {{
        let Some(guest) = &$self.guest else { return Err($self.gone()) };
        let meter = Arc::clone(&$self.store.data().meter);
        $self.loaded.component.engine().wake_epoch();
        let future = guest.bitvault_plugin_storage().$function(&mut $self.store $(, $argument)*);
        let outcome = tokio::time::timeout_at($self.deadline, metered(&meter, future))
            .instrument($self.span.clone())
            .await;
        $self.settle(outcome)
    }};
}

impl Call {
    pub(crate) async fn start(
        loaded: Arc<Loaded>,
        operation: &'static str,
        places: (OwnedSemaphorePermit, OwnedSemaphorePermit),
    ) -> Result<Self, Error> {
        let engine = loaded.component.engine();
        let state =
            State::new(loaded.component.name(), &loaded.limits, &loaded.settings, &loaded.egress);
        let meter = Arc::clone(&state.meter);
        let mut store = Store::new(engine.wasmtime(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(usize::try_from(loaded.limits.host_call.as_u64()).unwrap_or(usize::MAX));
        store.set_epoch_deadline(1);
        let watched = engine.clone();
        store.epoch_deadline_callback(move |mut context| {
            let state = context.data_mut();
            if state.meter.running() > state.limits.cpu_time {
                state.exceeded = Some(Limit::CpuTime);
                return Err(wasmtime::Error::msg("CPU time"));
            }
            watched.wake_epoch();
            Ok(UpdateDeadline::Yield(1))
        });
        let span = tracing::info_span!(
            "plugin call",
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
        call.loaded.component.engine().wake_epoch();
        let instantiate = call.loaded.pre.instantiate_async(&mut call.store);
        let outcome = tokio::time::timeout_at(deadline, metered(&meter, instantiate))
            .instrument(call.span.clone())
            .await;
        call.guest = Some(call.settle_crash(outcome)?);
        Ok(call)
    }

    /// See `get-capabilities` of the contract.
    pub async fn capabilities(&mut self) -> Result<Capabilities, Error> {
        let Some(guest) = &self.guest else { return Err(self.gone()) };
        let meter = Arc::clone(&self.store.data().meter);
        let future = guest.bitvault_plugin_storage().call_get_capabilities(&mut self.store);
        let outcome = tokio::time::timeout_at(self.deadline, metered(&meter, future)).await;
        self.settle_crash(outcome)
    }

    /// See `create-container` of the contract.
    pub async fn create_container(&mut self) -> Result<(), Error> {
        call!(self, call_create_container)
    }

    /// Plans a GET, checks it against the grant and signs it.
    pub async fn plan_get(&mut self, key: &str, options: &GetOptions, auth: Auth) -> Result<Signed, Error> {
        let plan = call!(self, call_plan_get, key, options, auth)?;
        self.sign(plan, auth)
    }

    /// Plans a PUT, checks it against the grant and signs it.
    pub async fn plan_put(&mut self, key: &str, options: &PutOptions, auth: Auth) -> Result<Signed, Error> {
        let plan = call!(self, call_plan_put, key, options, auth)?;
        self.sign(plan, auth)
    }

    /// Plans the PUT of a part, checks it against the grant and signs it.
    pub async fn plan_part(
        &mut self,
        key: &str,
        upload: &str,
        number: u32,
        len: u64,
        sha256: Option<&[u8]>,
        auth: Auth,
    ) -> Result<Signed, Error> {
        let plan = call!(self, call_plan_part, key, upload, number, len, sha256, auth)?;
        self.sign(plan, auth)
    }

    /// See `parse-put` of the contract.
    pub async fn parse_put(&mut self, key: &str, len: u64, response: &Response) -> Result<Object, Error> {
        call!(self, call_parse_put, key, len, response)
    }

    /// See `parse-part` of the contract.
    pub async fn parse_part(&mut self, number: u32, len: u64, response: &Response) -> Result<Part, Error> {
        call!(self, call_parse_part, number, len, response)
    }

    /// See `parse-get` of the contract.
    pub async fn parse_get(&mut self, key: &str, response: &Response) -> Result<Object, Error> {
        call!(self, call_parse_get, key, response)
    }

    /// See `head` of the contract.
    pub async fn head(&mut self, key: &str) -> Result<Object, Error> {
        call!(self, call_head, key)
    }

    /// See `delete` of the contract.
    pub async fn delete(&mut self, keys: &[String]) -> Result<Vec<(String, GuestError)>, Error> {
        call!(self, call_delete, keys)
    }

    /// See `list-objects` of the contract.
    pub async fn list_objects(
        &mut self,
        prefix: &str,
        delimiter: Option<&str>,
        start_after: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, Error> {
        call!(self, call_list_objects, prefix, delimiter, start_after, cursor, limit)
    }

    /// See `copy` of the contract.
    pub async fn copy(&mut self, source: &str, target: &str, if_none_match: bool) -> Result<Object, Error> {
        call!(self, call_copy, source, target, if_none_match)
    }

    /// See `begin-upload` of the contract.
    pub async fn begin_upload(
        &mut self,
        key: &str,
        options: &PutOptions,
        part_sha256: bool,
    ) -> Result<String, Error> {
        call!(self, call_begin_upload, key, options, part_sha256)
    }

    /// See `copy-part` of the contract.
    pub async fn copy_part(
        &mut self,
        source: &str,
        range: (u64, u64),
        key: &str,
        upload: &str,
        number: u32,
    ) -> Result<Part, Error> {
        call!(self, call_copy_part, source, range, key, upload, number)
    }

    /// See `list-parts` of the contract.
    pub async fn list_parts(&mut self, key: &str, upload: &str) -> Result<Vec<Part>, Error> {
        call!(self, call_list_parts, key, upload)
    }

    /// See `list-uploads` of the contract.
    pub async fn list_uploads(&mut self, prefix: &str) -> Result<Vec<Pending>, Error> {
        call!(self, call_list_uploads, prefix)
    }

    /// See `finish-upload` of the contract.
    pub async fn finish_upload(&mut self, key: &str, upload: &str, parts: &[Part]) -> Result<Object, Error> {
        call!(self, call_finish_upload, key, upload, parts)
    }

    /// See `abort-upload` of the contract.
    pub async fn abort_upload(&mut self, key: &str, upload: &str) -> Result<(), Error> {
        call!(self, call_abort_upload, key, upload)
    }

    /// CPU time so far.
    pub fn cpu_time(&self) -> Duration {
        self.store.data().meter.used()
    }

    fn sign(&self, plan: Plan, asked: Auth) -> Result<Signed, Error> {
        let same = match (plan.auth, asked) {
            (Auth::Header, Auth::Header) => true,
            (Auth::Presign(planned), Auth::Presign(asked)) => planned == asked,
            _ => false,
        };
        let signed = if same {
            self.loaded.egress.sign_plan(&plan.request, asked)
        } else {
            Err("it planned another authentication than it was asked for".to_owned())
        };
        signed.map_err(|reason| Error::Refused { plugin: self.plugin(), reason })
    }

    fn plugin(&self) -> String {
        self.loaded.component.name().to_string()
    }

    fn gone(&self) -> Error {
        let reason = "an earlier function of this call crashed".to_owned();
        Error::Trap { plugin: self.plugin(), operation: self.operation, reason }
    }

    /// The guest's own result, or why there is none.
    fn settle<T>(&mut self, outcome: Outcome<Result<T, GuestError>>) -> Result<T, Error> {
        self.settle_crash(outcome)?.map_err(|error| {
            self.span.record("error", error.code.as_str());
            Error::Guest { plugin: self.plugin(), error }
        })
    }

    fn settle_crash<T>(&mut self, outcome: Outcome<T>) -> Result<T, Error> {
        let (limit, reason) = match outcome {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) if error.is::<wasmtime::PoolConcurrencyLimitError>() => {
                return Err(Error::Saturated { plugin: self.plugin() });
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
            None => Error::Trap { plugin, operation: self.operation, reason },
        };
        self.span.record("error", limit.map_or("trap", Limit::setting));
        Err(error)
    }

    /// What the guest wrote to its standard error becomes a log line, and lines that were dropped are told.
    fn flush_log(&mut self) {
        let state = self.store.data();
        let dropped = state.log_lines.saturating_sub(state.limits.log_lines);
        if dropped > 0 {
            state.log_line(Level::Warn, &format!("{dropped} further lines of this call were dropped"));
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
                tracing::error!(plugin = &**self.loaded.component.name(), "a plugin is switched off after repeated crashes");
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
        metrics::histogram!("bitvault_plugin_call_seconds", &labels[..2]).record(self.began.elapsed().as_secs_f64());
    }
}

impl PutOptions {
    /// Nothing bound, nothing given.
    pub fn none() -> Self {
        Self {
            content_type: None,
            len: None,
            sha256: None,
            if_none_match: false,
            if_match: None,
            meta: Vec::new(),
        }
    }
}

impl GetOptions {
    /// The whole object, unconditionally.
    pub fn none() -> Self {
        Self {
            range: None,
            content_type: None,
            content_disposition: None,
            if_match: None,
            if_none_match: None,
            if_modified_since: None,
            if_unmodified_since: None,
        }
    }
}
