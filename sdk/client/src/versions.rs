//! Versions of files, how long they are kept, and the space that they take.

use crate::call::Call;
use crate::{Client, Result};
use bitvault_api::{FileVersion, LabelVersion, Node, Page, Retention, Usage, limits};

impl Client {
    /// `GET /v1/nodes/{id}/versions`: one page of a file's versions, the newest first. `limit` is a number of items, at
    /// most [`limits::PAGE_ITEMS_MAX`].
    ///
    /// # Errors
    /// `not_found`; `invalid` for a folder; as any call.
    pub async fn versions(&self, id: &str, limit: u32, cursor: Option<&str>) -> Result<Page<FileVersion>> {
        let mut call = Call::get("/v1/nodes/{id}/versions", [id]).query("limit", limit.to_string());
        if let Some(cursor) = cursor {
            call = call.query("cursor", cursor);
        }
        self.send(call).await
    }

    /// Every version of a file, the newest first, read page by page.
    ///
    /// # Errors
    /// As [`Client::versions`].
    pub async fn all_versions(&self, id: &str) -> Result<Vec<FileVersion>> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = self
                .versions(id, limits::PAGE_ITEMS_MAX, cursor.as_deref())
                .await?;
            all.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// `POST /v1/nodes/{id}/versions/{version_id}/restore`: a new version with the content of an old one.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn restore_version(&self, id: &str, version_id: &str) -> Result<Node> {
        let route = "/v1/nodes/{id}/versions/{version_id}/restore";
        self.send(Call::post(route, [id, version_id], &())?).await
    }

    /// `PATCH /v1/nodes/{id}/versions/{version_id}`: a label, or none.
    ///
    /// # Errors
    /// `not_found`; `invalid` for a label that is too long; as any call.
    pub async fn label_version(
        &self,
        id: &str,
        version_id: &str,
        label: Option<&str>,
    ) -> Result<FileVersion> {
        let body = LabelVersion {
            label: label.map(str::to_owned),
        };
        let route = "/v1/nodes/{id}/versions/{version_id}";
        self.send(Call::patch(route, [id, version_id], &body)?).await
    }

    /// `DELETE /v1/nodes/{id}/versions/{version_id}`: for good.
    ///
    /// # Errors
    /// `not_found`; `conflict` for the current version; as any call.
    pub async fn delete_version(&self, id: &str, version_id: &str) -> Result<()> {
        let route = "/v1/nodes/{id}/versions/{version_id}";
        self.send(Call::delete(route, [id, version_id])).await
    }

    /// `GET /v1/nodes/{id}/retention`: which versions are kept of a file, or of the files in a folder.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn retention(&self, id: &str) -> Result<Retention> {
        self.send(Call::get("/v1/nodes/{id}/retention", [id])).await
    }

    /// `GET /v1/usage`: what the caller's home takes, or the space whose top folder `within` is.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn usage(&self, within: Option<&str>) -> Result<Usage> {
        let call = Call::get("/v1/usage", []);
        self.send(match within {
            Some(within) => call.query("in", within),
            None => call,
        })
        .await
    }
}
