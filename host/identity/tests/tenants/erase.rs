use crate::support::{PASSWORD, World};
use bitvault_identity::Holders;
use bitvault_platform::rpc::{self, Signer, Transport};
use bitvault_platform::{Clock, Ctx, Error};
use bitvault_proto::internal::v1::files_data_service_server::{FilesDataService, FilesDataServiceServer};
use bitvault_proto::internal::v1::search_data_service_server::{SearchDataService, SearchDataServiceServer};
use bitvault_proto::internal::v1::sharing_data_service_server::{
    SharingDataService, SharingDataServiceServer,
};
use bitvault_proto::internal::v1::sync_data_service_server::{SyncDataService, SyncDataServiceServer};
use bitvault_proto::internal::v1::{
    EraseTenantRequest, EraseTenantResponse, MarkTenantForDeletionRequest, ResumeTenantRequest,
};
use sqlx::{Connection as _, PgConnection};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tonic::service::Routes;

/// Stands for a module that needs several calls.
struct Module {
    asked: Arc<Mutex<Vec<String>>>,
    calls: usize,
}

impl Module {
    fn asked<T>(
        &self,
        request: &tonic::Request<T>,
    ) -> Result<tonic::Response<EraseTenantResponse>, tonic::Status> {
        let tenant = Ctx::of(request)?.tenant()?.to_string();
        let mut asked = self.asked.lock().unwrap();
        asked.push(tenant);
        Ok(tonic::Response::new(EraseTenantResponse {
            done: asked.len() >= self.calls,
            removed: 1,
        }))
    }
}

#[tonic::async_trait]
impl FilesDataService for Module {
    async fn erase_tenant(
        &self,
        request: tonic::Request<EraseTenantRequest>,
    ) -> Result<tonic::Response<EraseTenantResponse>, tonic::Status> {
        self.asked(&request)
    }
}

#[tonic::async_trait]
impl SearchDataService for Module {
    async fn erase_tenant(
        &self,
        request: tonic::Request<EraseTenantRequest>,
    ) -> Result<tonic::Response<EraseTenantResponse>, tonic::Status> {
        self.asked(&request)
    }
}

/// Stands for a module that holds nothing.
struct Empty;

#[tonic::async_trait]
impl SharingDataService for Empty {
    async fn erase_tenant(
        &self,
        _: tonic::Request<EraseTenantRequest>,
    ) -> Result<tonic::Response<EraseTenantResponse>, tonic::Status> {
        Ok(tonic::Response::new(EraseTenantResponse {
            done: true,
            removed: 0,
        }))
    }
}

#[tonic::async_trait]
impl SyncDataService for Empty {
    async fn erase_tenant(
        &self,
        _: tonic::Request<EraseTenantRequest>,
    ) -> Result<tonic::Response<EraseTenantResponse>, tonic::Status> {
        Ok(tonic::Response::new(EraseTenantResponse {
            done: true,
            removed: 0,
        }))
    }
}

#[tonic::async_trait]
impl SearchDataService for Empty {
    async fn erase_tenant(
        &self,
        _: tonic::Request<EraseTenantRequest>,
    ) -> Result<tonic::Response<EraseTenantResponse>, tonic::Status> {
        Ok(tonic::Response::new(EraseTenantResponse {
            done: true,
            removed: 0,
        }))
    }
}

fn served(routes: Routes) -> Transport {
    let signer = Signer::ephemeral(Clock::system()).unwrap();
    let guarded = rpc::guard(routes.prepare(), "module", signer.clone());
    rpc::local(guarded, signer)
}

/// Files needs so many calls until nothing is left.
fn holders(calls: usize) -> (Holders, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let files = Module {
        asked: Arc::clone(&asked),
        calls,
    };
    let holders = Holders {
        files: served(Routes::new(FilesDataServiceServer::new(files))),
        sharing: served(Routes::new(SharingDataServiceServer::new(Empty))),
        search: served(Routes::new(SearchDataServiceServer::new(Empty))),
        sync: served(Routes::new(SyncDataServiceServer::new(Empty))),
    };
    (holders, asked)
}

async fn mark(w: &World, name: &str) {
    let name = name.to_owned();
    let request = Ctx::system("test").request(MarkTenantForDeletionRequest { name });
    w.internal().mark_tenant_for_deletion(request).await.unwrap();
}

async fn resume(w: &World, name: &str) -> Result<(), Error> {
    let name = name.to_owned();
    let request = Ctx::system("test").request(ResumeTenantRequest { name });
    w.internal().resume_tenant(request).await?;
    Ok(())
}

async fn emails(w: &World) -> Vec<String> {
    let mut admin = PgConnection::connect(&w.database.admin_url()).await.unwrap();
    sqlx::query_scalar("SELECT email FROM identity.accounts ORDER BY email")
        .fetch_all(&mut admin)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_tenant_goes_after_its_grace_when_every_module_is_done() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    w.person("acme", "both@example.org", "member").await;
    let kept = w.person("other", "both@example.org", "owner").await;
    w.invite(&owner, "invited@example.org", "guest").await.unwrap();
    let (holders, asked) = holders(2);
    let identity = w.identity();
    let erase = || identity.erase_due(&holders);
    mark(&w, "acme").await;
    assert_eq!(erase().await.unwrap(), 0);
    assert!(asked.lock().unwrap().is_empty(), "the grace is not over");
    w.clock.advance(Duration::from_secs(7 * 86_400));
    assert_eq!(erase().await.unwrap(), 0);
    assert_eq!(resume(&w, "acme").await.unwrap_err().reason(), "tenant_erasing");
    assert_eq!(emails(&w).await.len(), 2, "a module still holds rows");
    assert_eq!(erase().await.unwrap(), 1);
    assert_eq!(erase().await.unwrap(), 0);
    let tenant = owner.ctx.tenant().unwrap().to_string();
    assert_eq!(*asked.lock().unwrap(), [tenant.clone(), tenant]);
    assert_eq!(emails(&w).await, ["both@example.org"]);
    assert_eq!(resume(&w, "acme").await.unwrap_err().reason(), "tenant_not_found");
    let again = w.sign_in("both@example.org", PASSWORD, None).await.unwrap();
    assert_eq!(again.ctx.tenant().unwrap(), kept.ctx.tenant().unwrap());

    let mut admin = PgConnection::connect(&w.database.admin_url()).await.unwrap();
    for table in [
        "tenants",
        "memberships",
        "sessions",
        "refresh_tokens",
        "invitations",
        "tokens",
    ] {
        let column = if table == "tenants" { "id" } else { "tenant_id" };
        let sql = format!("SELECT count(*) FROM identity.{table} WHERE {column} = $1");
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(owner.ctx.tenant().unwrap().0)
            .fetch_one(&mut admin)
            .await
            .unwrap();
        assert_eq!(count, 0, "{table}");
    }
}

#[tokio::test]
async fn a_tenant_that_is_taken_back_in_time_stays() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let (holders, asked) = holders(2);
    mark(&w, "acme").await;
    w.clock.advance(Duration::from_secs(7 * 86_400 - 1));
    resume(&w, "acme").await.unwrap();
    w.clock.advance(Duration::from_secs(86_400));
    assert_eq!(w.identity().erase_due(&holders).await.unwrap(), 0);
    assert!(asked.lock().unwrap().is_empty());
    assert_eq!(w.members(&owner.ctx).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_module_that_does_not_answer_is_asked_again() {
    let w = World::new().await;
    w.person("acme", "owner@example.org", "owner").await;
    mark(&w, "acme").await;
    w.clock.advance(Duration::from_secs(7 * 86_400));
    let gone = Transport::new(tower::service_fn(|_: http::Request<tonic::body::Body>| {
        std::future::ready(Err::<http::Response<tonic::body::Body>, _>(
            tower::BoxError::from("gone"),
        ))
    }));
    let away = Holders {
        files: gone,
        ..holders(1).0
    };
    assert_eq!(w.identity().erase_due(&away).await.unwrap(), 0);
    assert_eq!(w.identity().erase_due(&holders(1).0).await.unwrap(), 1);
}

#[tokio::test]
async fn a_tenant_stays_until_its_search_index_is_gone() {
    let w = World::new().await;
    w.person("acme", "owner@example.org", "owner").await;
    mark(&w, "acme").await;
    w.clock.advance(Duration::from_secs(7 * 86_400));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let search = Module {
        asked: Arc::clone(&asked),
        calls: 2,
    };
    let slow = Holders {
        search: served(Routes::new(SearchDataServiceServer::new(search))),
        ..holders(1).0
    };
    assert_eq!(w.identity().erase_due(&slow).await.unwrap(), 0);
    assert_eq!(w.identity().erase_due(&slow).await.unwrap(), 1);
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_account_that_another_tenant_adds_at_this_moment_stays() {
    for _ in 0..6 {
        let w = World::new().await;
        w.person("acme", "owner@example.org", "owner").await;
        let other = w.person("other", "other@example.org", "owner").await;
        mark(&w, "acme").await;
        w.clock.advance(Duration::from_secs(7 * 86_400));
        let (identity, nothing) = (w.identity(), holders(1).0);
        let (gone, added) = tokio::join!(
            identity.erase_due(&nothing),
            w.add(&other, "owner@example.org", "guest", None)
        );
        assert_eq!(gone.unwrap(), 1);
        // Added to the account as it was, to a new one in its place, or not at all; never half.
        let members = w.members(&other.ctx).await.unwrap().len();
        assert_eq!(members, 1 + usize::from(added.is_ok()), "{added:?}");
    }
}
