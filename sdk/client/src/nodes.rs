//! Folders, files and where their content is read.

use crate::call::Call;
use crate::uploads::one_each;
use crate::{Client, RemotePath, Result};
use bitvault_api::{
    BatchContents, Content, ContentItem, ContentResult, CreateFolder, Node, NodeSort, Page, SortOrder,
    UpdateNode,
};

impl Client {
    /// `GET /v1/nodes/{id}`; `root` is an alias of the root folder.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn node(&self, id: &str) -> Result<Node> {
        self.send(Call::get("/v1/nodes/{id}", [id])).await
    }

    /// `GET /v1/lookup`: the node at a path. One in a space costs a look at the spaces as well.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn lookup(&self, path: &RemotePath) -> Result<Node> {
        let below = match path.below() {
            Some(below) => Some(self.top(below).await?),
            None => None,
        };
        if path.is_root() {
            return self.node(below.as_deref().unwrap_or("root")).await;
        }
        let mut call = Call::get("/v1/lookup", []).query("path", path.inner());
        if let Some(below) = below {
            call = call.query("in", below);
        }
        self.send(call).await
    }

    /// `GET /v1/nodes/{id}/children`: one page of a folder in that order. `limit` is a number of items, at most
    /// [`PAGE_ITEMS_MAX`](bitvault_api::limits::PAGE_ITEMS_MAX).
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn children(
        &self,
        id: &str,
        (sort, order): (NodeSort, SortOrder),
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Node>> {
        let mut call = Call::get("/v1/nodes/{id}/children", [id])
            .query("limit", limit.to_string())
            .query("sort", sort.name())
            .query("order", order.name());
        if let Some(cursor) = cursor {
            call = call.query("cursor", cursor);
        }
        self.send(call).await
    }

    /// Every child of a folder, in the listing's order, read page by page.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn all_children(&self, id: &str) -> Result<Vec<Node>> {
        self.all_pages(|| Call::get("/v1/nodes/{id}/children", [id]))
            .await
    }

    /// `POST /v1/folders`.
    ///
    /// # Errors
    /// `conflict` when the name is taken; as any call.
    pub async fn create_folder(&self, parent_id: &str, name: &str) -> Result<Node> {
        let body = CreateFolder {
            parent_id: parent_id.to_owned(),
            name: name.to_owned(),
        };
        self.send(Call::post("/v1/folders", [], &body)?).await
    }

    /// `PATCH /v1/nodes/{id}`: another name, another folder, or both.
    ///
    /// # Errors
    /// `conflict` when the name is taken, `invalid` for a folder that would end up within itself; as any call.
    pub async fn update_node(&self, id: &str, change: &UpdateNode) -> Result<Node> {
        self.send(Call::patch("/v1/nodes/{id}", [id], change)?).await
    }

    /// `DELETE /v1/nodes/{id}`: to the trash; with `permanent` for good, from the trash only.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn delete_node(&self, id: &str, permanent: bool) -> Result<()> {
        let mut call = Call::delete("/v1/nodes/{id}", [id]);
        if permanent {
            call = call.query("permanent", "true");
        }
        self.send(call).await
    }

    /// `GET /v1/nodes/{id}/content?redirect=false`: where the bytes of a file are read, the current version or that
    /// one.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn content(&self, id: &str, version_id: Option<&str>) -> Result<Content> {
        let mut call = Call::get("/v1/nodes/{id}/content", [id]).query("redirect", "false");
        if let Some(version_id) = version_id {
            call = call.query("version_id", version_id);
        }
        self.send(call).await
    }

    /// `POST /v1/batch/contents`: [`content`](Self::content) of at most
    /// [`BATCH_ITEMS`](bitvault_api::limits::BATCH_ITEMS) files; a result per item.
    ///
    /// # Errors
    /// As any call, for the whole batch.
    pub async fn contents(&self, items: Vec<ContentItem>) -> Result<Vec<ContentResult>> {
        let count = items.len();
        let call = Call::post("/v1/batch/contents", [], &BatchContents { items })?;
        one_each(self.send(call).await?, count)
    }
}
