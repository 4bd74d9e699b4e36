//! Which page of a listing is wanted.

use bitvault_api::limits::PAGE_ITEMS_MAX;
use bitvault_platform::Error;
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// Most items of the answer; 200 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

impl PageParams {
    /// The limit as modules take it: 0 for the default.
    pub(super) fn limit(&self) -> Result<u32, Error> {
        limit(self.limit)
    }
}

/// A limit as modules take it: 0 for the default.
pub(super) fn limit(wanted: Option<u32>) -> Result<u32, Error> {
    match wanted {
        None => Ok(0),
        Some(limit) if (1..=PAGE_ITEMS_MAX).contains(&limit) => Ok(limit),
        Some(_) => {
            let detail = format!("use 1 to {PAGE_ITEMS_MAX}");
            Err(Error::invalid_field("limit_invalid", "limit", detail))
        }
    }
}
