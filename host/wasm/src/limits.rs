//! What one call, and one plugin, may use.

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Limits of one plugin. All apply to a single call but `concurrency` and `queue_wait`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of all memories and tables together.
    pub memory: ByteSize,
    /// Time on a processor, host functions included.
    #[serde(with = "humantime_serde")]
    pub cpu_time: Duration,
    /// Time from start to end, requests to the outside included.
    #[serde(with = "humantime_serde")]
    pub wall_time: Duration,
    /// Calls at the same time; more wait in line.
    pub concurrency: u32,
    /// How long a call waits in line before it is refused.
    #[serde(with = "humantime_serde")]
    pub queue_wait: Duration,
    /// Bytes that one host call may carry out of the guest.
    pub host_call: ByteSize,
    /// Requests to the outside.
    pub requests: u32,
    /// Bytes of one answer from the outside, and of one request's body.
    pub body: ByteSize,
    /// Log lines; further ones are counted and dropped.
    pub log_lines: u32,
    /// Bytes of one log line; longer ones are cut.
    pub log_line: ByteSize,
    /// Handles that the guest may hold at a time.
    pub handles: u32,
    /// Bytes of one request for random numbers.
    pub random: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: ByteSize::mib(32),
            cpu_time: Duration::from_millis(500),
            wall_time: Duration::from_secs(60),
            concurrency: 48,
            queue_wait: Duration::from_secs(5),
            host_call: ByteSize::mib(16),
            requests: 64,
            body: ByteSize::mib(8),
            log_lines: 100,
            log_line: ByteSize::kib(4),
            handles: 64,
            random: ByteSize::kib(64),
        }
    }
}

/// A limit that ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::memory`]
    Memory,
    /// [`Limits::cpu_time`]
    CpuTime,
    /// [`Limits::wall_time`]
    WallTime,
    /// [`Limits::host_call`]
    HostCall,
    /// [`Limits::requests`]
    Requests,
    /// The guest's own stack: [`crate::EngineConfig::stack`].
    Stack,
}

impl Limit {
    /// The name of the setting below `plugins.NAME.limits` (or `engine` for the stack).
    pub fn setting(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::CpuTime => "cpu_time",
            Self::WallTime => "wall_time",
            Self::HostCall => "host_call",
            Self::Requests => "requests",
            Self::Stack => "stack",
        }
    }

    pub(crate) fn value(self, limits: &Limits) -> String {
        match self {
            Self::Memory => limits.memory.to_string(),
            Self::CpuTime => format!("{:?}", limits.cpu_time),
            Self::WallTime => format!("{:?}", limits.wall_time),
            Self::HostCall => limits.host_call.to_string(),
            Self::Requests => limits.requests.to_string(),
            Self::Stack => "the engine's stack size".to_owned(),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::CpuTime => "CPU time",
            Self::WallTime => "wall time",
            Self::HostCall => "bytes of a host call",
            Self::Requests => "number of requests",
            Self::Stack => "stack",
        })
    }
}
