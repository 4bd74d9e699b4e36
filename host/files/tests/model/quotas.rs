//! What the model says of quotas, and the rows compared with it.

use crate::check::{Wrong, equal};
use crate::model::{ADMIN, Key, Model, ROOT, Reason, Role, Target, Upload, User};
use crate::operation::CONTENTS;
use crate::request::{Answer, At, Quota};
use crate::tenant::Tenant;
use bitvault_platform::ids::NodeId;
use sqlx::Connection as _;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

fn size(content: u8) -> u64 {
    CONTENTS[content as usize].len() as u64
}

impl Model {
    /// The bytes of all versions below, the trash included.
    pub(crate) fn used(&self, key: Key) -> u64 {
        let below = self.nodes.values().filter(|node| self.within(node.key, key));
        let versions = below.flat_map(|node| &node.versions);
        versions.map(|version| size(version.content)).sum()
    }

    fn reserved(&self, quota: Key) -> u64 {
        let uploads = self.uploads.values();
        let open = uploads.filter(|upload| upload.reserved.contains(&quota));
        open.map(|upload| size(upload.content)).sum()
    }

    pub(crate) fn quota(&self, key: Key) -> Quota {
        Quota {
            max: self.quotas[&key],
            used: Some(self.used(key)),
            reserved: self.reserved(key),
        }
    }

    fn has_room(&self, key: Key, bytes: u64) -> bool {
        self.used(key) + self.reserved(key) + bytes <= self.quotas[&key]
    }

    fn quotas_above(&self, key: Key) -> BTreeSet<Key> {
        self.up(key).filter(|at| self.quotas.contains_key(at)).collect()
    }

    /// What an upload reserves when it starts. What adds nothing is no harm, however full it is.
    pub(crate) fn reserve(&self, target: &Target, content: u8) -> Result<BTreeSet<Key>, Reason> {
        let bytes = size(content);
        if bytes == 0 {
            return Ok(BTreeSet::new());
        }
        let quotas = self.quotas_above(target.place());
        if quotas.iter().all(|quota| self.has_room(*quota, bytes)) {
            Ok(quotas)
        } else {
            Err("quota_exceeded")
        }
    }

    /// What an upload has reserved fits. Of other quotas, which are new above its target, it must fit as if it began now.
    pub(crate) fn require_reserved(&self, upload: &Upload) -> Result<(), Reason> {
        let bytes = size(upload.content);
        let above = self.quotas_above(upload.target.place());
        let mut missing = above.difference(&upload.reserved);
        if bytes == 0 || missing.all(|quota| self.has_room(*quota, bytes)) {
            Ok(())
        } else {
            Err("quota_exceeded")
        }
    }

    /// The quotas that have grown since, and beyond their limits.
    pub(crate) fn outgrown(&self, before: &Self) -> Vec<Key> {
        let quotas = self.quotas.keys().copied();
        let grown = quotas.filter(|quota| self.used(*quota) > before.used(*quota));
        grown.filter(|quota| !self.has_room(*quota, 0)).collect()
    }

    /// Does it, unless that lets a quota grow beyond its limit.
    pub(crate) fn unless_outgrown<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, Reason>,
    ) -> Result<T, Reason> {
        let before = self.clone();
        let done = act(self)?;
        if self.outgrown(&before).is_empty() {
            return Ok(done);
        }
        *self = before;
        Err("quota_exceeded")
    }

    pub(crate) fn set_quota(&mut self, user: User, node: At, max: u64) -> Result<Answer, Reason> {
        let key = self.limitable(user, node)?;
        self.quotas.insert(key, max);
        Ok(Answer::Quota(self.quota(key)))
    }

    pub(crate) fn delete_quota(&mut self, user: User, node: At) -> Result<(), Reason> {
        let key = self.limitable(user, node)?;
        self.quotas.remove(&key);
        Ok(())
    }

    /// The tops of trees are limited by who runs the tenant, folders by their owners.
    fn limitable(&self, user: User, node: At) -> Result<Key, Reason> {
        let key = self.at(user, node)?;
        if key == ROOT {
            return Err("node_not_found");
        }
        let is_top = self.nodes.get(&key).is_some_and(|node| node.parent == Some(ROOT));
        if is_top && user == ADMIN {
            return Ok(key);
        }
        if is_top {
            self.require(user, key, Role::Viewer, "node_not_found")?;
            return Err("admin_only");
        }
        if self
            .require(user, key, Role::Owner, "node_not_found")?
            .is_folder()
        {
            Ok(key)
        } else {
            Err("not_a_folder")
        }
    }
}

impl Target {
    /// Where it is, or will be.
    fn place(&self) -> Key {
        match self {
            Self::File { parent, .. } => *parent,
            Self::Version { node, .. } => *node,
        }
    }
}

/// Compares what is counted of quotas and trees with what is there.
pub(crate) async fn compare(tenant: &Tenant, model: &Model) -> Result<(), Wrong> {
    let found = counted(tenant).await.map_err(|error| error.to_string())?;
    let quotas = model.quotas.keys().map(|key| (*key, model.quota(*key)));
    equal("the quotas", &quotas.collect::<BTreeMap<_, _>>(), &found.quotas)?;
    let tops = model.children(ROOT).map(|node| node.key);
    let trees = tops
        .map(|top| (top, model.used(top)))
        .filter(|(_, used)| *used > 0);
    equal(
        "the bytes of trees",
        &trees.collect::<BTreeMap<_, _>>(),
        &found.trees,
    )
}

struct Counted {
    quotas: BTreeMap<Key, Quota>,
    /// Bytes of all versions, of the trees that have any.
    trees: BTreeMap<Key, u64>,
}

async fn counted(tenant: &Tenant) -> Result<Counted, sqlx::Error> {
    let mut admin = tenant.world.admin().await;
    let quotas: Vec<(Uuid, i64, i64, bool, i64)> = sqlx::query_as(
        "SELECT node_id, max_bytes, used_bytes, counted,
                (SELECT coalesce(sum(bytes), 0)::bigint FROM files.reservations r
                 WHERE r.tenant_id = $1 AND r.node_id = q.node_id)
         FROM files.quotas q WHERE tenant_id = $1",
    )
    .bind(tenant.id.0)
    .fetch_all(&mut admin)
    .await?;
    let trees: Vec<(Uuid, i64)> = sqlx::query_as(
        "SELECT tree_id, version_bytes FROM files.usage WHERE tenant_id = $1 AND version_bytes <> 0",
    )
    .bind(tenant.id.0)
    .fetch_all(&mut admin)
    .await?;
    admin.close().await?;
    let key = |id| tenant.nodes.key(&NodeId(id).to_string());
    Ok(Counted {
        quotas: quotas
            .into_iter()
            .map(|(id, max, used, counted, reserved)| {
                let quota = Quota {
                    max: max.cast_unsigned(),
                    used: counted.then_some(used.cast_unsigned()),
                    reserved: reserved.cast_unsigned(),
                };
                (key(id), quota)
            })
            .collect(),
        trees: trees
            .into_iter()
            .map(|(id, bytes)| (key(id), bytes.cast_unsigned()))
            .collect(),
    })
}
