//! Limits on the space below nodes.

use crate::call::Call;
use crate::{Client, Result};
use bitvault_api::{HomeQuota, Page, Quota, SetQuota, limits};

impl Client {
    /// `GET /v1/nodes/{id}/quota`: the limit on a folder itself. `id` may be `acc_…`: that account's home.
    ///
    /// # Errors
    /// `not_found`, with the reason `quota_not_found` when none is set; as any call.
    pub async fn quota(&self, id: &str) -> Result<Quota> {
        self.send(Call::get("/v1/nodes/{id}/quota", [id])).await
    }

    /// `PUT /v1/nodes/{id}/quota`: limits what may lie below, in bytes.
    ///
    /// # Errors
    /// `not_found`; `denied`; `invalid` for a limit that is too large; as any call.
    pub async fn set_quota(&self, id: &str, max_bytes: u64) -> Result<Quota> {
        let body = SetQuota { max_bytes };
        self.send(Call::put("/v1/nodes/{id}/quota", [id], &body)?).await
    }

    /// `DELETE /v1/nodes/{id}/quota`: takes the limit away, if there is one.
    ///
    /// # Errors
    /// `not_found`; `denied`; as any call.
    pub async fn delete_quota(&self, id: &str) -> Result<()> {
        self.send(Call::delete("/v1/nodes/{id}/quota", [id])).await
    }

    /// `GET /v1/quotas/homes`: the limit that homes begin with; nothing when there is none. For admins and owners.
    ///
    /// # Errors
    /// `denied`; as any call.
    pub async fn home_quota(&self) -> Result<Option<HomeQuota>> {
        match self.send(Call::get("/v1/quotas/homes", [])).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.reason() == Some("quota_not_found") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `PUT /v1/quotas/homes`: has homes begin with a limit from now on; without one, `DELETE`.
    ///
    /// # Errors
    /// `denied`; `invalid` for a limit that is too large; as any call.
    pub async fn set_home_quota(&self, max_bytes: Option<u64>) -> Result<()> {
        match max_bytes {
            Some(max_bytes) => {
                let call = Call::put("/v1/quotas/homes", [], &HomeQuota { max_bytes })?;
                self.send::<HomeQuota>(call).await.map(|_| ())
            }
            None => self.send(Call::delete("/v1/quotas/homes", [])).await,
        }
    }

    /// `GET /v1/quotas`: every limit of the tenant, read page by page. For admins and owners.
    ///
    /// # Errors
    /// `denied`; as any call.
    pub async fn quotas(&self) -> Result<Vec<Quota>> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut call = Call::get("/v1/quotas", []).query("limit", limits::PAGE_ITEMS_MAX.to_string());
            if let Some(cursor) = &cursor {
                call = call.query("cursor", cursor);
            }
            let page: Page<Quota> = self.send(call).await?;
            all.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }
}
