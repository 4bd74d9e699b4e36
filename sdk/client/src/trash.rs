//! The trash, and moving and deleting many nodes at once.

use crate::call::Call;
use crate::uploads::one_each;
use crate::{Client, Result};
use bitvault_api::{
    BatchDeletes, BatchMoves, DeleteItem, DeleteResult, EmptiedTrash, MoveItem, MoveResult, Node,
    RestoreNode, TrashItem,
};

impl Client {
    /// `GET /v1/trash`: everything that is in the trash of the caller's home, or of the tree or folder `within`, the latest
    /// first; read page by page.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn trash(&self, within: Option<&str>) -> Result<Vec<TrashItem>> {
        self.all_pages(|| match within {
            Some(within) => Call::get("/v1/trash", []).query("in", within),
            None => Call::get("/v1/trash", []),
        })
        .await
    }

    /// `POST /v1/nodes/{id}/restore`: out of the trash; answers where it went.
    ///
    /// # Errors
    /// `conflict` when the name that is asked for is taken; as any call.
    pub async fn restore_node(&self, id: &str, to: &RestoreNode) -> Result<Node> {
        self.send(Call::post("/v1/nodes/{id}/restore", [id], to)?).await
    }

    /// `DELETE /v1/trash`, until nothing is left: what is in the trash goes for good. Answers how many nodes that were.
    ///
    /// # Errors
    /// `denied` to whom doesn't own it; as any call.
    pub async fn empty_trash(&self, within: Option<&str>) -> Result<u64> {
        let mut removed = 0;
        loop {
            let mut call = Call::delete("/v1/trash", []);
            if let Some(within) = within {
                call = call.query("in", within);
            }
            let emptied: EmptiedTrash = self.send(call).await?;
            removed += emptied.removed;
            if !emptied.more {
                return Ok(removed);
            }
        }
    }

    /// `POST /v1/batch/moves`: at most [`BATCH_ITEMS`](bitvault_api::limits::BATCH_ITEMS) changes, one after the other in one transaction; a result per
    /// item.
    ///
    /// # Errors
    /// As any call, for the whole batch.
    pub async fn update_nodes(&self, items: Vec<MoveItem>) -> Result<Vec<MoveResult>> {
        let count = items.len();
        let call = Call::post("/v1/batch/moves", [], &BatchMoves { items })?;
        one_each(self.send(call).await?, count)
    }

    /// `POST /v1/batch/deletes`: at most [`BATCH_ITEMS`](bitvault_api::limits::BATCH_ITEMS) nodes, one after the other in one transaction; a result per
    /// item.
    ///
    /// # Errors
    /// As any call, for the whole batch.
    pub async fn delete_nodes(&self, items: Vec<DeleteItem>) -> Result<Vec<DeleteResult>> {
        let count = items.len();
        let call = Call::post("/v1/batch/deletes", [], &BatchDeletes { items })?;
        one_each(self.send(call).await?, count)
    }
}
