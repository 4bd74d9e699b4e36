//! Conflicts, and what is kept of them.

use crate::call::Call;
use crate::{Client, Result};
use bitvault_api::{Conflict, Keep, Page, ResolveConflict, limits};

impl Client {
    /// `GET /v1/conflicts`: a page of the open ones of which the account sees both files, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn conflicts(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Conflict>> {
        let mut call = Call::get("/v1/conflicts", []).query("limit", limit.to_string());
        if let Some(cursor) = cursor {
            call = call.query("cursor", cursor);
        }
        self.send(call).await
    }

    /// All of them, read page by page.
    ///
    /// # Errors
    /// As any call.
    pub async fn all_conflicts(&self) -> Result<Vec<Conflict>> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = self.conflicts(limits::PAGE_ITEMS_MAX, cursor.as_deref()).await?;
            all.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// `GET /v1/conflicts/{id}`.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn conflict(&self, id: &str) -> Result<Conflict> {
        self.send(Call::get("/v1/conflicts/{id}", [id])).await
    }

    /// `POST /v1/conflicts/{id}/resolve` of a conflict that must be at this revision, where one is named.
    ///
    /// # Errors
    /// `precondition` when either file has changed; `conflict` when somebody settled it in another way; `not_found`; as any
    /// call.
    pub async fn resolve_conflict(&self, id: &str, revision: Option<i64>, keep: Keep) -> Result<Conflict> {
        let call = Call::post("/v1/conflicts/{id}/resolve", [id], &ResolveConflict { keep })?;
        self.send(match revision {
            Some(revision) => call.if_match(revision),
            None => call,
        })
        .await
    }
}
