use crate::support::{PASSWORD, Person, World};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1::{
    ChangePasswordRequest, CreateTokenRequest, CreateTokenResponse, DeleteTenantRequest, DeleteTokenRequest,
    ListTokensRequest, UpdateMeRequest,
};
use std::time::Duration;

async fn make(w: &World, ctx: &Ctx, name: &str, scopes: &[&str]) -> Result<CreateTokenResponse, Error> {
    let request = ctx.request(CreateTokenRequest {
        name: name.to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        expires_at: None,
    });
    Ok(w.tenants().create_token(request).await?.into_inner())
}

async fn listed(w: &World, who: &Person) -> Vec<String> {
    let request = who.ctx.request(ListTokensRequest {});
    let tokens = w.tenants().list_tokens(request).await.unwrap().into_inner();
    tokens.items.into_iter().map(|token| token.name).collect()
}

#[tokio::test]
async fn a_token_acts_as_its_account_within_its_scopes_until_it_is_removed() {
    let w = World::new().await;
    let ada = w.person("acme", "ada@example.org", "owner").await;
    let made = make(&w, &ada.ctx, "laptop", &["read"]).await.unwrap();
    assert!(made.secret.starts_with("bvp_"));
    let reader = w.authenticate(&made.secret).await.unwrap();
    assert_eq!(reader.account_id().unwrap(), ada.ctx.account_id().unwrap());
    assert_eq!(w.members(&reader).await.unwrap().len(), 1);
    let write = || UpdateMeRequest {
        display_name: "Ada".to_owned(),
    };
    let refused = w.tenants().update_me(reader.request(write())).await.unwrap_err();
    assert_eq!(Error::from(refused).reason(), "scope_missing");
    let both = make(&w, &ada.ctx, "script", &["read", "write"]).await.unwrap();
    let writer = w.authenticate(&both.secret).await.unwrap();
    w.tenants().update_me(writer.request(write())).await.unwrap();
    assert_eq!(listed(&w, &ada).await, ["laptop", "script"]);

    let id = made.token.unwrap().id;
    let bob = w.person("acme", "bob@example.org", "owner").await;
    let remove = |who: &Person| who.ctx.request(DeleteTokenRequest { id: id.clone() });
    let refused = w.tenants().delete_token(remove(&bob)).await.unwrap_err();
    assert_eq!(Error::from(refused).reason(), "token_not_found");
    w.tenants().delete_token(remove(&ada)).await.unwrap();
    assert_eq!(
        w.authenticate(&made.secret).await.unwrap_err().reason(),
        "token_invalid"
    );
    assert!(w.authenticate(&both.secret).await.is_ok());
}

#[tokio::test]
async fn a_token_can_not_outlive_itself() {
    let w = World::new().await;
    let ada = w.person("acme", "ada@example.org", "owner").await;
    let made = make(&w, &ada.ctx, "script", &["read", "write"]).await.unwrap();
    let ctx = w.authenticate(&made.secret).await.unwrap();
    let another = make(&w, &ctx, "child", &["read"]).await.unwrap_err();
    let password = ctx.request(ChangePasswordRequest {
        current: PASSWORD.to_owned(),
        new: "another long walk".to_owned(),
    });
    let password = Error::from(w.tenants().change_password(password).await.unwrap_err());
    let tenant = ctx.request(DeleteTenantRequest {
        name: "acme".to_owned(),
    });
    let tenant = Error::from(w.tenants().delete_tenant(tenant).await.unwrap_err());
    for refused in [another, password, tenant] {
        assert_eq!(refused.reason(), "session_required");
    }
    w.clock.advance(Duration::from_secs(366 * 86_400));
    assert_eq!(
        w.authenticate(&made.secret).await.unwrap_err().reason(),
        "token_expired"
    );
}

#[tokio::test]
async fn a_token_goes_with_the_membership() {
    let w = World::new().await;
    let owner = w.person("acme", "owner@example.org", "owner").await;
    let ada = w.person("acme", "ada@example.org", "member").await;
    let made = make(&w, &ada.ctx, "script", &["read"]).await.unwrap();
    assert!(w.authenticate(&made.secret).await.is_ok());
    w.remove(&owner, &ada.id).await.unwrap();
    assert_eq!(
        w.authenticate(&made.secret).await.unwrap_err().reason(),
        "token_invalid"
    );
    w.add(&owner, "ada@example.org", "member", None).await.unwrap();
    assert_eq!(
        w.authenticate(&made.secret).await.unwrap_err().reason(),
        "token_invalid"
    );
}

#[tokio::test]
async fn what_is_no_token_is_refused_when_it_is_made() {
    let w = World::new().await;
    let ada = w.person("acme", "ada@example.org", "member").await;
    make(&w, &ada.ctx, "laptop", &["read"]).await.unwrap();
    for (name, scopes, reason) in [
        ("laptop", &["read"][..], "token_name_taken"),
        ("  ", &["read"], "token_name_invalid"),
        ("a", &[], "scopes_invalid"),
        ("a", &["admin"], "scopes_invalid"),
    ] {
        assert_eq!(
            make(&w, &ada.ctx, name, scopes).await.unwrap_err().reason(),
            reason,
            "{name}"
        );
    }
    let now = w.clock.now().unix_timestamp();
    for seconds in [now, now + 367 * 86_400, i64::MAX] {
        let request = ada.ctx.request(CreateTokenRequest {
            name: "a".to_owned(),
            scopes: vec!["read".to_owned()],
            expires_at: Some(prost_types::Timestamp { seconds, nanos: 0 }),
        });
        let refused = Error::from(w.tenants().create_token(request).await.unwrap_err());
        assert_eq!(refused.reason(), "expiry_invalid");
    }
    assert_eq!(
        make(&w, &Ctx::anonymous(), "a", &["read"])
            .await
            .unwrap_err()
            .reason(),
        "token_missing"
    );
}
