use crate::Target;
use anyhow::Result;
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{EMAIL, PASSWORD, TENANT};
use serde_json::json;

pub(crate) async fn all(target: &Target) -> Result<()> {
    me_names_account_tenant_and_role(target).await?;
    wrong_password_and_unknown_account_look_alike(target).await?;
    a_call_without_or_with_a_wrong_token_is_refused(target).await?;
    a_signed_out_token_is_dead(target).await?;
    a_refresh_token_is_good_once_and_reuse_ends_the_family(target).await
}

async fn me_names_account_tenant_and_role(target: &Target) -> Result<()> {
    let me = target.owner.get("/v1/me").await?.ok()?;
    assert_eq!(me["account"]["email"], EMAIL);
    assert_eq!(me["tenant"]["name"], TENANT);
    assert_eq!(me["role"], "owner");
    Ok(())
}

async fn wrong_password_and_unknown_account_look_alike(target: &Target) -> Result<()> {
    let nobody = Caller::anonymous(target.daemon.url())?;
    let sign_in = |email: &str| {
        let nobody = nobody.clone();
        let body = json!({"email": email, "password": "wrong-password-1"});
        async move { nobody.post("/v1/sessions", body).await }
    };
    let (wrong, unknown) = (sign_in(EMAIL).await?, sign_in("nobody@example.org").await?);
    assert_eq!(wrong.status, 401);
    assert_eq!(wrong.reason(), "sign_in_failed");
    assert_eq!(
        (wrong.status, wrong.reason(), &wrong.body["detail"]),
        (unknown.status, unknown.reason(), &unknown.body["detail"])
    );
    Ok(())
}

async fn a_call_without_or_with_a_wrong_token_is_refused(target: &Target) -> Result<()> {
    let nobody = Caller::anonymous(target.daemon.url())?;
    let forged = nobody
        .clone()
        .with_token("bva_0000000000000000000000000000000000000000000");
    for caller in [nobody, forged] {
        for path in ["/v1/me", "/v1/nodes/root", "/v1/nodes/root/children"] {
            let answer = caller.get(path).await?;
            assert_eq!(
                (answer.status.as_u16(), &answer.body["code"]),
                (401, &json!("unauthenticated")),
                "{path}"
            );
        }
    }
    Ok(())
}

async fn a_signed_out_token_is_dead(target: &Target) -> Result<()> {
    let caller = Caller::sign_in(target.daemon.url(), EMAIL, PASSWORD).await?;
    caller.get("/v1/me").await?.ok()?;
    caller.delete("/v1/sessions/current").await?.ok()?;
    assert_eq!(caller.get("/v1/me").await?.status, 401);
    Ok(())
}

async fn a_refresh_token_is_good_once_and_reuse_ends_the_family(target: &Target) -> Result<()> {
    let nobody = Caller::anonymous(target.daemon.url())?;
    let first = nobody
        .post("/v1/sessions", json!({"email": EMAIL, "password": PASSWORD}))
        .await?
        .ok()?;
    let refresh = json!({"refresh_token": first["refresh_token"]});
    let second = nobody.post("/v1/sessions/refresh", refresh.clone()).await?.ok()?;
    assert_ne!(first["access_token"], second["access_token"]);
    let caller = nobody
        .clone()
        .with_token(second["access_token"].as_str().unwrap_or_default());
    caller.get("/v1/me").await?.ok()?;
    let reused = nobody.post("/v1/sessions/refresh", refresh).await?;
    assert_eq!((reused.status.as_u16(), reused.reason()), (401, "refresh_reused"));
    let newest = nobody
        .post(
            "/v1/sessions/refresh",
            json!({"refresh_token": second["refresh_token"]}),
        )
        .await?;
    assert_eq!(newest.status, 401, "the whole family has ended");
    Ok(())
}
