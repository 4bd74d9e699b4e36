use crate::support::{PASSWORD, World, authenticate};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::internal::v1::{MarkTenantForDeletionRequest, ResumeTenantRequest, SuspendTenantRequest};
use bitvault_proto::v1::{
    DeleteTenantRequest, GetTenantRequest, RefreshSessionRequest, TenantDetails, TenantSettings,
    UpdateTenantRequest,
};
use std::time::{Duration, Instant};

async fn update(
    w: &World,
    ctx: &Ctx,
    links: Option<&str>,
    days: Option<u32>,
) -> Result<TenantDetails, Error> {
    let request = ctx.request(UpdateTenantRequest {
        display_name: None,
        settings: Some(TenantSettings {
            public_links: links.map(str::to_owned),
            trash_retention_days: days,
            guest_invitations: None,
        }),
    });
    Ok(w.tenants().update_tenant(request).await?.into_inner())
}

async fn suspend(w: &World, name: &str) {
    let name = name.to_owned();
    let request = Ctx::system("test").request(SuspendTenantRequest { name });
    w.internal().suspend_tenant(request).await.unwrap();
}

async fn resume(w: &World, name: &str) -> Result<(), Error> {
    let name = name.to_owned();
    let request = Ctx::system("test").request(ResumeTenantRequest { name });
    w.internal().resume_tenant(request).await?;
    Ok(())
}

#[tokio::test]
async fn settings_begin_with_defaults_and_change_one_by_one() {
    let w = World::new().await;
    let admin = w.person("acme", "admin@example.org", "admin").await;
    let member = w.person("acme", "member@example.org", "member").await;
    let other = w.person("other", "other@example.org", "owner").await;
    let get = |ctx: Ctx| {
        let mut tenants = w.tenants();
        async move {
            tenants
                .get_tenant(ctx.request(GetTenantRequest {}))
                .await
                .unwrap()
                .into_inner()
        }
    };
    let first = get(member.ctx.clone()).await;
    assert_eq!(
        (first.name.as_str(), first.display_name.as_str()),
        ("acme", "acme")
    );
    let defaults = TenantSettings {
        public_links: Some("members".to_owned()),
        trash_retention_days: None,
        guest_invitations: Some("admins".to_owned()),
    };
    assert_eq!(first.settings.as_ref(), Some(&defaults));
    update(&w, &admin.ctx, Some("nobody"), None).await.unwrap();
    let changed = update(&w, &admin.ctx, None, Some(7)).await.unwrap();
    let both = changed.settings.clone().unwrap();
    assert_eq!(
        (both.public_links.as_deref(), both.trash_retention_days),
        (Some("nobody"), Some(7))
    );
    // Other modules read them in the daemon's name.
    let system = Ctx::system("files").within(admin.ctx.tenant().unwrap());
    assert_eq!(get(system).await, changed);
    assert_eq!(get(other.ctx.clone()).await.settings, Some(defaults));

    assert_eq!(
        update(&w, &member.ctx, None, Some(1)).await.unwrap_err().reason(),
        "admin_only"
    );
    let left = update(&w, &admin.ctx, None, Some(0))
        .await
        .unwrap()
        .settings
        .unwrap();
    assert_eq!(
        (left.public_links.as_deref(), left.trash_retention_days),
        (Some("nobody"), None)
    );
    for (links, days) in [(Some("everybody"), None), (None, Some(3651))] {
        assert_eq!(
            update(&w, &admin.ctx, links, days).await.unwrap_err().reason(),
            "settings_invalid"
        );
    }
    let request = admin.ctx.request(UpdateTenantRequest {
        display_name: Some("Acme & Sons".to_owned()),
        settings: None,
    });
    let renamed = w.tenants().update_tenant(request).await.unwrap().into_inner();
    assert_eq!(
        (renamed.name.as_str(), renamed.display_name.as_str()),
        ("acme", "Acme & Sons")
    );
}

#[tokio::test]
async fn a_suspended_tenant_lets_nobody_in_and_is_as_it_was_when_resumed() {
    let w = World::new().await;
    let ada = w.person("acme", "ada@example.org", "owner").await;
    let other = w.person("other", "other@example.org", "owner").await;
    let there = w.another_process();
    let access = &ada.session.access_token;
    assert!(authenticate(&there, access).await.is_ok());
    suspend(&w, "acme").await;
    let suspended = Instant::now();
    assert_eq!(
        w.authenticate(access).await.unwrap_err().reason(),
        "tenant_suspended"
    );
    while authenticate(&there, access).await.is_ok() {
        assert!(
            suspended.elapsed() < Duration::from_secs(8),
            "the cache keeps it too long"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let signed_in = w.sign_in("ada@example.org", PASSWORD, None).await.unwrap_err();
    let refresh = || {
        Ctx::anonymous().request(RefreshSessionRequest {
            refresh_token: ada.session.refresh_token.clone(),
        })
    };
    let refreshed = Error::from(w.sessions().refresh_session(refresh()).await.unwrap_err());
    for refused in [signed_in, refreshed] {
        assert_eq!(refused.reason(), "tenant_suspended");
    }
    assert!(w.authenticate(&other.session.access_token).await.is_ok());
    resume(&w, "acme").await.unwrap();
    assert!(w.authenticate(access).await.is_ok());
    w.sessions().refresh_session(refresh()).await.unwrap();
}

#[tokio::test]
async fn only_the_daemon_suspends_and_only_what_exists() {
    let w = World::new().await;
    let ada = w.person("acme", "ada@example.org", "owner").await;
    let name = || "acme".to_owned();
    let request = ada.ctx.request(SuspendTenantRequest { name: name() });
    let suspended = Error::from(w.internal().suspend_tenant(request).await.unwrap_err());
    let request = ada.ctx.request(ResumeTenantRequest { name: name() });
    let resumed = Error::from(w.internal().resume_tenant(request).await.unwrap_err());
    for refused in [suspended, resumed] {
        assert_eq!(refused.reason(), "internal_call");
    }
    let marked = ada.ctx.request(MarkTenantForDeletionRequest { name: name() });
    let marked = w.internal().mark_tenant_for_deletion(marked).await.unwrap_err();
    assert_eq!(Error::from(marked).reason(), "internal_call");
    assert_eq!(
        resume(&w, "nobody").await.unwrap_err().reason(),
        "tenant_not_found"
    );
}

#[tokio::test]
async fn an_owner_marks_its_tenant_for_deletion_and_the_operator_takes_it_back() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let admin = w.person("acme", "admin@example.org", "admin").await;
    let delete = |ctx: &Ctx, name: &str| {
        let request = ctx.request(DeleteTenantRequest {
            name: name.to_owned(),
        });
        let mut tenants = w.tenants();
        async move { tenants.delete_tenant(request).await.map_err(Error::from) }
    };
    assert_eq!(
        delete(&admin.ctx, "acme").await.unwrap_err().reason(),
        "owner_only"
    );
    assert_eq!(
        delete(&owner.ctx, "acne").await.unwrap_err().reason(),
        "name_mismatch"
    );
    let marked = delete(&owner.ctx, "acme").await.unwrap().into_inner();
    let grace = marked.delete_after.unwrap().seconds - w.clock.now().unix_timestamp();
    assert_eq!(grace, 7 * 86_400);
    let access = &owner.session.access_token;
    assert_eq!(
        w.authenticate(access).await.unwrap_err().reason(),
        "tenant_suspended"
    );
    resume(&w, "acme").await.unwrap();
    assert!(w.authenticate(access).await.is_ok());
}
