//! Listing a folder, in several orders: each reads its index from the place where it goes on (migration 0123).

use super::nodes::NodeView;
use crate::domain::access::Actor;
use crate::domain::sort::{Key, Place};
use bitvault_platform::Result;
use bitvault_platform::db::TenantRead;
use bitvault_platform::ids::{NodeId, VersionId};

/// One page in the order of a function, behind a place.
macro_rules! page {
    ($read:ident, $scope:ident, $function:tt, $from:tt, $($place:expr),+) => {
        $read
            .fetch_all(|bound, tenant| {
                sqlx::query_as!(
                    NodeView,
                    r#"SELECT id AS "id!: NodeId", parent_id AS "parent_id?: NodeId", is_folder AS "is_folder!",
                              name AS "name!", name_key AS "name_key!", revision AS "revision!",
                              created_at AS "created_at!", updated_at AS "updated_at!",
                              version_id AS "version_id?: VersionId", content_type AS "content_type?", size AS "size?",
                              sha256 AS "sha256?"
                       FROM files."# + $function + "(app.within($1, $2), $3, $4, $5, $6, " + $from + ")",
                    bound,
                    tenant,
                    $scope.folder.0,
                    $scope.all,
                    $scope.actor.account.0,
                    $scope.limit,
                    $($place),+
                )
            })
            .await
    };
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
pub(crate) async fn page(read: &TenantRead, scope: Scope, from: &Place) -> Result<Vec<NodeView>> {
    match (&from.key, from.descending) {
        (Key::Name(name), false) => page!(read, scope, "children_by_name", "$7", name),
        (Key::Name(name), true) => page!(read, scope, "children_by_name_down", "$7", name),
        (Key::Updated(place), false) => {
            page!(read, scope, "children_by_updated", "$7, $8", place.at, place.id.0)
        }
        (Key::Updated(place), true) => page!(
            read,
            scope,
            "children_by_updated_down",
            "$7, $8",
            place.at,
            place.id.0
        ),
        (Key::Created(place), false) => {
            page!(read, scope, "children_by_created", "$7, $8", place.at, place.id.0)
        }
        (Key::Created(place), true) => page!(
            read,
            scope,
            "children_by_created_down",
            "$7, $8",
            place.at,
            place.id.0
        ),
        (Key::Size(place), false) => page!(read, scope, "children_by_size", "$7, $8", place.size, place.id.0),
        (Key::Size(place), true) => page!(
            read,
            scope,
            "children_by_size_down",
            "$7, $8",
            place.size,
            place.id.0
        ),
    }
}
