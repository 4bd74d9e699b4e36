//! Changes that were planned: each names what it was planned on, and carries the planner's idempotency key.

use crate::call::Call;
use crate::{Client, Result};
use bitvault_api::{CreateFolder, Node, UpdateNode};

impl Client {
    /// `POST /v1/folders`. With the same key it acts once, whoever repeats it.
    ///
    /// # Errors
    /// `conflict` when the name is taken; as any call.
    pub async fn create_folder_once(&self, key: &str, folder: &CreateFolder) -> Result<Node> {
        self.send(Call::post("/v1/folders", [], folder)?.key(key)).await
    }

    /// `PATCH /v1/nodes/{id}` of a node that must be at this revision.
    ///
    /// # Errors
    /// `precondition` when it is not; as [`Client::update_node`].
    pub async fn update_node_at(
        &self,
        key: &str,
        id: &str,
        revision: i64,
        change: &UpdateNode,
    ) -> Result<Node> {
        self.send(
            Call::patch("/v1/nodes/{id}", [id], change)?
                .key(key)
                .if_match(revision),
        )
        .await
    }

    /// `DELETE /v1/nodes/{id}` of a node that must be at this revision: to the trash, with just what `covers` says
    /// below it.
    ///
    /// # Errors
    /// `precondition` when it is not, `conflict` when something else is below it, `not_found`; as any call.
    pub async fn delete_node_at(&self, key: &str, id: &str, revision: i64, covers: &str) -> Result<()> {
        let call = Call::delete("/v1/nodes/{id}", [id]).key(key).if_match(revision);
        self.send(call.query("covers", covers)).await
    }
}
