use bitvault_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Section `[search]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Time between two looks at the journals. A change in this process is indexed at once; one in another process waits
    /// for this.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
    /// Nodes that one step indexes, in one transaction.
    pub batch: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(1),
            batch: 500,
        }
    }
}

impl Config {
    /// Refuses what makes no sense.
    pub fn check(&self) -> Result<()> {
        let refuse = |field: &str, detail: &str| {
            Err(Error::invalid_field(
                "config_invalid",
                format!("search.{field}"),
                detail,
            ))
        };
        if self.period.is_zero() {
            return refuse("period", "must not be zero");
        }
        if !(1..=1000).contains(&self.batch) {
            return refuse("batch", "use 1 to 1000");
        }
        Ok(())
    }
}
