//! Listing a folder, in several orders: each reads its index from the place where it goes on.

use super::nodes::NodeView;
use crate::domain::access::Actor;
use crate::domain::sort::{Key, Place};
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{NodeId, VersionId};

/// One page after `$after`, in the order `$order`; both name columns of `n`, and the place from `$6` on.
macro_rules! page {
    ($tx:ident, $scope:ident, $after:tt, $order:tt, $($place:expr),+) => {{
        let tenant = $tx.tenant().0;
        sqlx::query_as!(
            NodeView,
            r#"SELECT n.id AS "id!: NodeId", nullif(n.parent_id, $1) AS "parent_id?: NodeId",
                      n.kind = 'folder' AS "is_folder!", n.name AS "name!", n.name_key AS "name_key!",
                      n.revision AS "revision!", n.created_at AS "created_at!", n.updated_at AS "updated_at!",
                      v.id AS "version_id?: VersionId", v.content_type AS "content_type?",
                      b.length AS "size?", b.sha256 AS "sha256?"
               FROM (SELECT * FROM files.nodes n
                     WHERE n.tenant_id = $1 AND n.parent_id = $2 AND n.trashed_at IS NULL AND "# + $after + r#"
                       AND (n.inherits OR $3 OR EXISTS (
                           SELECT FROM files.grants
                           WHERE tenant_id = $1 AND node_id = n.id
                             AND (subject_id = $4 OR subject_id = ANY (ARRAY(
                                  SELECT group_id FROM files.group_members WHERE tenant_id = $1 AND account_id = $4)))
                           OFFSET 0))
                     ORDER BY "# + $order + r#" LIMIT $5) n
               LEFT JOIN LATERAL (SELECT * FROM files.versions
                                  WHERE tenant_id = $1 AND id = n.current_version LIMIT 1) v ON true
               LEFT JOIN LATERAL (SELECT * FROM files.blobs
                                  WHERE tenant_id = $1 AND id = v.blob_id LIMIT 1) b ON true
               ORDER BY "# + $order,
            tenant,
            $scope.folder.0,
            $scope.all,
            $scope.actor.account.0,
            $scope.limit,
            $($place),+
        )
        .fetch_all(&mut **$tx)
        .await?
    }};
}

/// What is listed, and for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    pub(crate) folder: NodeId,
    pub(crate) actor: Actor,
    /// Those that take no roles from above as well, where the account was given none on them.
    pub(crate) all: bool,
    /// Most rows.
    pub(crate) limit: i64,
}

/// Children of a folder from a place on. One that takes no roles from above is left out, unless the account was given one
/// on it or `all` are wanted.
pub(crate) async fn page(tx: &mut TenantTx, scope: Scope, from: &Place) -> Result<Vec<NodeView>> {
    Ok(match (&from.key, from.descending) {
        (Key::Name(name), false) => page!(tx, scope, "n.name_key > $6", "n.name_key", name),
        (Key::Name(name), true) => page!(tx, scope, "n.name_key < $6", "n.name_key DESC", name),
        (Key::Updated(place), false) => page!(
            tx,
            scope,
            "(n.updated_at, n.id) > ($6, $7)",
            "n.updated_at, n.id",
            place.at,
            place.id.0
        ),
        (Key::Updated(place), true) => page!(
            tx,
            scope,
            "(n.updated_at, n.id) < ($6, $7)",
            "n.updated_at DESC, n.id DESC",
            place.at,
            place.id.0
        ),
        (Key::Created(place), false) => page!(
            tx,
            scope,
            "(n.created_at, n.id) > ($6, $7)",
            "n.created_at, n.id",
            place.at,
            place.id.0
        ),
        (Key::Created(place), true) => page!(
            tx,
            scope,
            "(n.created_at, n.id) < ($6, $7)",
            "n.created_at DESC, n.id DESC",
            place.at,
            place.id.0
        ),
        (Key::Size(place), false) => page!(
            tx,
            scope,
            "(n.size, n.id) > ($6, $7)",
            "n.size, n.id",
            place.size,
            place.id.0
        ),
        (Key::Size(place), true) => page!(
            tx,
            scope,
            "(n.size, n.id) < ($6, $7)",
            "n.size DESC, n.id DESC",
            place.size,
            place.id.0
        ),
    })
}
