//! What stands in the store of one call.

use crate::egress::Egress;
use crate::limits::{Limit, Limits};
use crate::meter::Meter;
use std::sync::Arc;
use wasmtime::ResourceLimiter;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// Bytes that a table's element takes.
const TABLE_ELEMENT: u64 = 16;
/// Bytes of what the guest writes to its standard error (a panic's message) that are kept.
const STDERR: usize = 8 << 10;

/// The host's side of one call.
pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    pub(crate) stderr: MemoryOutputPipe,
    pub(crate) memory: Memory,
    pub(crate) meter: Arc<Meter>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) egress: Arc<Egress>,
    pub(crate) settings: Arc<str>,
    pub(crate) plugin: Arc<str>,
    pub(crate) log_lines: u32,
    pub(crate) requests: u32,
    pub(crate) bytes_out: u64,
    pub(crate) bytes_in: u64,
    /// The limit that ended the call, told by whoever noticed.
    pub(crate) exceeded: Option<Limit>,
}

impl State {
    pub(crate) fn new(
        plugin: &Arc<str>,
        limits: &Arc<Limits>,
        settings: &Arc<str>,
        egress: &Arc<Egress>,
    ) -> Self {
        let stderr = MemoryOutputPipe::new(STDERR);
        let wasi = WasiCtxBuilder::new()
            .stderr(stderr.clone())
            .max_random_size(limits.random.as_u64())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles as usize);
        Self {
            wasi,
            table,
            stderr,
            memory: Memory {
                limit: limits.memory.as_u64(),
                used: 0,
                peak: 0,
                exceeded: false,
            },
            meter: Arc::new(Meter::default()),
            limits: Arc::clone(limits),
            egress: Arc::clone(egress),
            settings: Arc::clone(settings),
            plugin: Arc::clone(plugin),
            log_lines: 0,
            requests: 0,
            bytes_out: 0,
            bytes_in: 0,
            exceeded: None,
        }
    }

    /// The limit that ended the call, if one did.
    pub(crate) fn exceeded(&self) -> Option<Limit> {
        self.exceeded.or(self.memory.exceeded.then_some(Limit::Memory))
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// One budget over all memories and tables of a store.
pub(crate) struct Memory {
    limit: u64,
    used: u64,
    peak: u64,
    exceeded: bool,
}

impl Memory {
    /// Most bytes that were in use at a time.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    fn grow(&mut self, by: u64) -> wasmtime::Result<bool> {
        let wanted = self.used.saturating_add(by);
        if wanted > self.limit {
            self.exceeded = true;
            // An error rather than a failed growth: the guest's allocator would only abort with a text of its own.
            return Err(wasmtime::Error::msg("memory limit"));
        }
        self.used = wanted;
        self.peak = self.peak.max(wanted);
        Ok(true)
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.grow(desired.saturating_sub(current) as u64)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.grow((desired.saturating_sub(current) as u64).saturating_mul(TABLE_ELEMENT))
    }
}
