//! Tags and fields, favourites and recent files.

use crate::call::Call;
use crate::{Client, Result};
use bitvault_api::{Favourite, Metadata, Node, Page, UpdateMetadata};

impl Client {
    /// `GET /v1/nodes/{id}/metadata`: the tags and fields of a node.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn metadata(&self, id: &str) -> Result<Metadata> {
        self.send(Call::get("/v1/nodes/{id}/metadata", [id])).await
    }

    /// `PATCH /v1/nodes/{id}/metadata`: adds and removes tags and fields.
    ///
    /// # Errors
    /// `denied` for who may only look, `exhausted` above the limits; as any call.
    pub async fn update_metadata(&self, id: &str, change: &UpdateMetadata) -> Result<Metadata> {
        self.send(Call::patch("/v1/nodes/{id}/metadata", [id], change)?)
            .await
    }

    /// `GET /v1/favourites`: all of the caller's favourites, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn favourites(&self) -> Result<Vec<Favourite>> {
        self.all_pages(|| Call::get("/v1/favourites", [])).await
    }

    /// `PUT /v1/favourites/{id}`.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn add_favourite(&self, id: &str) -> Result<()> {
        self.send(Call::put_bare("/v1/favourites/{id}", [id])).await
    }

    /// `DELETE /v1/favourites/{id}`.
    ///
    /// # Errors
    /// As any call.
    pub async fn remove_favourite(&self, id: &str) -> Result<()> {
        self.send(Call::delete("/v1/favourites/{id}", [id])).await
    }

    /// `GET /v1/recent`: one page of the files that the caller changed last, the latest first. `limit` is a number of items.
    ///
    /// # Errors
    /// As any call.
    pub async fn recent(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Node>> {
        let mut call = Call::get("/v1/recent", []).query("limit", limit.to_string());
        if let Some(cursor) = cursor {
            call = call.query("cursor", cursor);
        }
        self.send(call).await
    }
}
