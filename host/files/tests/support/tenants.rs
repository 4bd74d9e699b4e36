//! What is there of a tenant, by catalogue and by bucket, and its removal.

use super::{World, file, request};
use bitvault_files::Files;
use bitvault_platform::ids::TenantId;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::internal::v1::EraseTenantRequest;
use bitvault_proto::internal::v1::files_data_service_server::FilesDataService as _;
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_proto::v1::quota_service_server::QuotaService as _;
use sqlx::AssertSqlSafe;
use std::path::Path;
use uuid::Uuid;

impl World {
    /// A little of everything: a tree, versions, copies, a policy, a limit with something reserved, something in the trash, uploads that never end, a key that
    /// was used.
    pub(crate) async fn fill(&self) {
        let folder = self.mkdir("root", "folder").await.unwrap().id;
        let below = self.mkdir(&folder, "below").await.unwrap().id;
        let node = self.put(&below, "file", b"one").await.unwrap();
        let newer = super::version(&node.id, None, b"two");
        let upload = self.start(&self.ctx(), vec![newer]).await.remove(0).unwrap();
        super::send(upload.parts[0].request.as_ref().unwrap(), b"two").await;
        self.commit_one(&upload.id).await.unwrap();
        for id in [folder.clone(), node.id] {
            let copy = v1::CopyNodeRequest {
                id,
                parent_id: "root".to_owned(),
                ..v1::CopyNodeRequest::default()
            };
            self.files.copy_node(request(&self.ctx(), copy)).await.unwrap();
        }
        let limit = v1::SetQuotaRequest {
            node_id: folder.clone(),
            max_bytes: 1 << 30,
        };
        self.files.set_quota(request(&self.ctx(), limit)).await.unwrap();
        self.start(&self.ctx(), vec![file(&folder, "reserved", b"six")])
            .await;
        let policy = v1::SetRetentionRequest {
            node_id: Some(folder),
            policy: Some(v1::RetentionPolicy::default()),
        };
        self.files
            .set_retention(request(&self.ctx(), policy))
            .await
            .unwrap();
        let trashed = self.put("root", "trashed", b"three").await.unwrap();
        self.delete(&trashed.id, false).await.unwrap();
        self.sent("root", "given up", b"four").await;
        self.start_keyed(
            &self.ctx(),
            vec![file("root", "never sent", b"five")],
            Some("key"),
        )
        .await
        .unwrap();
        let large = vec![7; 6 << 20];
        self.start(&self.ctx(), vec![file("root", "in parts", &large)])
            .await;
    }
}

/// One call of the removal; whether nothing is left.
pub(crate) async fn erase(files: &Files, tenant: TenantId) -> Result<bool, Error> {
    let ctx = Ctx::system("test").within(tenant);
    let answer = files.erase_tenant(request(&ctx, EraseTenantRequest {})).await?;
    Ok(answer.into_inner().done)
}

/// Every table with a tenant_id, from the catalogue.
async fn tables(world: &World) -> Vec<String> {
    let mut admin = world.admin().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
         WHERE c.relkind IN ('r', 'p') ORDER BY 1",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert!(tables.len() >= 15, "{tables:?}");
    tables
}

/// How many rows of the tenant each table holds, those with none left out.
pub(crate) async fn holding(world: &World, tenant: TenantId) -> Vec<(String, i64)> {
    let mut admin = world.admin().await;
    let mut held = Vec::new();
    for table in tables(world).await {
        let sql = format!("SELECT count(*) FROM {table} WHERE tenant_id = $1");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(tenant.0)
            .fetch_one(&mut admin)
            .await
            .unwrap();
        if count > 0 {
            held.push((table, count));
        }
    }
    held
}

/// Every tenant that any table names.
pub(crate) async fn stranded_tenants(world: &World) -> Vec<Uuid> {
    let mut admin = world.admin().await;
    let mut all = Vec::new();
    for table in tables(world).await {
        let sql = format!("SELECT DISTINCT tenant_id FROM {table}");
        let some: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_all(&mut admin)
            .await
            .unwrap();
        all.extend(some);
    }
    all.sort();
    all.dedup();
    all
}

/// Whether a file or folder of the store carries the tenant's id in its name: keys begin with it.
pub(crate) fn bucket_holds(world: &World, tenant: TenantId) -> bool {
    fn files(folder: &Path, needle: &str, named: bool) -> bool {
        std::fs::read_dir(folder).unwrap().any(|entry| {
            let path = entry.unwrap().path();
            let named = named || path.file_name().unwrap().to_string_lossy().contains(needle);
            if path.is_dir() {
                files(&path, needle, named)
            } else {
                named
            }
        })
    }
    files(world.objects.path(), &tenant.0.simple().to_string(), false)
}
