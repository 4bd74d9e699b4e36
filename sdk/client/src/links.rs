//! Public links.

use crate::call::Call;
use crate::{Client, Result};
use bitvault_api::{CreateLink, CreatedLink, Link, Page, UpdateLink, limits};

impl Client {
    /// `POST /v1/links`: the answer alone holds the URL.
    ///
    /// # Errors
    /// `not_found`; `denied` to whom does not own the node; as any call.
    pub async fn create_link(&self, link: &CreateLink) -> Result<CreatedLink> {
        self.send(Call::post("/v1/links", [], link)?).await
    }

    /// `GET /v1/links/{id}`.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn link(&self, id: &str) -> Result<Link> {
        self.send(Call::get("/v1/links/{id}", [id])).await
    }

    /// Every link of the caller, or every link on a node that it owns, the newest first; read page by page.
    ///
    /// # Errors
    /// `not_found` for the node; as any call.
    pub async fn all_links(&self, node_id: Option<&str>) -> Result<Vec<Link>> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut call = Call::get("/v1/links", []).query("limit", limits::PAGE_ITEMS_MAX.to_string());
            if let Some(node_id) = node_id {
                call = call.query("node_id", node_id);
            }
            if let Some(cursor) = cursor {
                call = call.query("cursor", cursor);
            }
            let page: Page<Link> = self.send(call).await?;
            all.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// `PATCH /v1/links/{id}`.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn update_link(&self, id: &str, change: &UpdateLink) -> Result<Link> {
        self.send(Call::patch("/v1/links/{id}", [id], change)?).await
    }

    /// `DELETE /v1/links/{id}`: ends it at once.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn delete_link(&self, id: &str) -> Result<()> {
        self.send(Call::delete("/v1/links/{id}", [id])).await
    }
}
