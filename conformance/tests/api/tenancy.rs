use crate::Target;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::{Answer, Caller};
use bitvault_conformance::daemon::PASSWORD;
use reqwest::Method;
use serde_json::{Value, json};

const NEW: &str = "another walk in the rain";

pub(crate) async fn all(target: &Target) -> Result<()> {
    an_invited_member_joins_works_and_leaves(target).await?;
    an_invitation_shares_a_folder(target).await?;
    roles_bound_what_a_member_may_do(target).await?;
    another_password_ends_the_other_sessions(target).await?;
    a_token_reads_or_writes_as_its_scopes_say(target).await?;
    settings_are_read_and_changed(target).await?;
    what_another_tenant_has_does_not_exist(target).await
}

async fn send(caller: &Caller, method: Method, path: &str, body: Value) -> Result<Answer> {
    let response = caller.request(method, path).json(&body).send().await?;
    let (status, text) = (response.status(), response.text().await?);
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text)?
    };
    Ok(Answer { status, body })
}

/// Adds a member with a password and signs it in.
async fn member(target: &Target, name: &str, role: &str) -> Result<(String, Caller)> {
    let email = format!("{name}@example.org");
    let body = json!({"email": email, "role": role, "password": PASSWORD});
    let added = target.owner.post("/v1/members", body).await?.ok()?;
    let caller = Caller::sign_in(target.daemon.url(), &email, PASSWORD).await?;
    Ok((added["member"]["id"].as_str().context("id")?.to_owned(), caller))
}

fn refused(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.reason())
}

async fn an_invited_member_joins_works_and_leaves(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let invite = json!({"email": "Invited@example.org", "role": "member"});
    let made = owner.post("/v1/invitations", invite).await?.ok()?;
    let url = made["url"]
        .as_str()
        .context("no mail server: the inviter gets the link")?;
    let start = format!("{}/invite#token=", target.daemon.url());
    let token = url.strip_prefix(&start).with_context(|| url.to_owned())?;
    let open = owner.get("/v1/invitations").await?.ok()?;
    assert_eq!(open["items"].as_array().map(Vec::len), Some(1));
    let nobody = Caller::anonymous(target.daemon.url())?;
    let accept = json!({"token": token, "password": PASSWORD, "display_name": "Invited"});
    let session = nobody
        .post("/v1/invitations/accept", accept.clone())
        .await?
        .ok()?;
    let again = nobody.post("/v1/invitations/accept", accept).await?;
    assert_eq!(refused(&again), (404, "invitation_invalid"));
    let invited = nobody.with_token(session["access_token"].as_str().unwrap_or_default());
    invited.upload("root", "mine", b"of the invited").await?;
    let members = invited.get("/v1/members?limit=1000").await?.ok()?;
    let mine = members["items"]
        .as_array()
        .and_then(|items| items.iter().find(|one| one["email"] == "Invited@example.org"))
        .context("not among the members")?;
    assert_eq!(
        (&mine["role"], &mine["display_name"]),
        (&json!("member"), &json!("Invited"))
    );
    let path = format!("/v1/members/{}", mine["id"].as_str().unwrap_or_default());
    owner.delete(&path).await?.ok()?;
    assert_eq!(refused(&invited.get("/v1/me").await?), (401, "token_invalid"));
    assert_eq!(refused(&owner.delete(&path).await?), (404, "member_not_found"));
    Ok(())
}

async fn an_invitation_shares_a_folder(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let folder = json!({"parent_id": "root", "name": "for the invited"});
    let folder = owner.post("/v1/folders", folder).await?.ok()?;
    let grants = json!([{"node_id": folder["id"], "role": "editor"}]);
    let invite = json!({"email": "shared@example.org", "grants": grants});
    let made = owner.post("/v1/invitations", invite.clone()).await?.ok()?;
    assert_eq!(
        (&made["invitation"]["role"], &made["invitation"]["grants"]),
        (&json!("guest"), &grants)
    );
    let (_, token) = made["url"]
        .as_str()
        .and_then(|url| url.split_once("#token="))
        .context("a link")?;
    let accept = json!({"token": token, "password": PASSWORD});
    let nobody = Caller::anonymous(target.daemon.url())?;
    let look = json!({"token": token});
    let offered = nobody.post("/v1/invitations/lookup", look.clone()).await?.ok()?;
    assert_eq!(
        (&offered["email"], &offered["has_password"], &offered["shares"]),
        (
            &json!("shared@example.org"),
            &json!(false),
            &json!([{"name": "for the invited", "role": "editor"}])
        )
    );
    let session = nobody.post("/v1/invitations/accept", accept).await?.ok()?;
    assert_eq!(
        refused(&nobody.post("/v1/invitations/lookup", look).await?),
        (404, "invitation_invalid")
    );
    let guest = nobody.with_token(session["access_token"].as_str().unwrap_or_default());
    let shared = guest.get("/v1/shared").await?.ok()?;
    assert_eq!(
        (&shared["items"][0]["node"]["id"], &shared["items"][0]["role"]),
        (&folder["id"], &json!("editor"))
    );
    guest
        .upload(
            folder["id"].as_str().unwrap_or_default(),
            "mine",
            b"of the invited",
        )
        .await?;
    assert_eq!(
        refused(&owner.post("/v1/invitations", invite).await?),
        (409, "already_member")
    );
    for (grant, status, reason) in [
        (
            json!({"node_id": "nod_x", "role": "viewer"}),
            404,
            "node_not_found",
        ),
        (json!({"node_id": "root", "role": "guest"}), 400, "body_invalid"),
    ] {
        let body = json!({"email": "x@example.org", "grants": [grant]});
        assert_eq!(
            refused(&owner.post("/v1/invitations", body).await?),
            (status, reason)
        );
    }
    Ok(())
}

async fn roles_bound_what_a_member_may_do(target: &Target) -> Result<()> {
    let (_, admin) = member(target, "admin", "admin").await?;
    let (guest_id, guest) = member(target, "guest", "guest").await?;
    let me = target.owner.get("/v1/me").await?.ok()?;
    let owner_path = format!("/v1/members/{}", me["account"]["id"].as_str().unwrap_or_default());
    let last = send(
        &target.owner,
        Method::PATCH,
        &owner_path,
        json!({"role": "admin"}),
    )
    .await?;
    assert_eq!(refused(&last), (409, "last_owner"));
    let unmade = send(&admin, Method::PATCH, &owner_path, json!({"role": "guest"})).await?;
    assert_eq!(refused(&unmade), (403, "owner_only"));
    assert_eq!(refused(&admin.delete(&owner_path).await?), (403, "owner_only"));
    let invited = guest
        .post(
            "/v1/invitations",
            json!({"email": "x@example.org", "role": "guest"}),
        )
        .await?;
    assert_eq!(refused(&invited), (403, "admin_only"));
    let seen = guest.get("/v1/members").await?.ok()?;
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1));
    let path = format!("/v1/members/{guest_id}");
    let raised = send(&admin, Method::PATCH, &path, json!({"role": "member"}))
        .await?
        .ok()?;
    assert_eq!(raised["role"], "member");
    assert_eq!(guest.get("/v1/me").await?.ok()?["role"], "member");
    for (body, reason) in [
        (json!({"role": "emperor"}), "role_invalid"),
        (json!({"role": "guest", "x": 1}), "body_invalid"),
        (json!({}), "body_invalid"),
    ] {
        let answer = send(&admin, Method::PATCH, &path, body).await?;
        assert_eq!(refused(&answer), (400, reason));
    }
    Ok(())
}

async fn another_password_ends_the_other_sessions(target: &Target) -> Result<()> {
    let (_, here) = member(target, "changes", "member").await?;
    let there = Caller::sign_in(target.daemon.url(), "changes@example.org", PASSWORD).await?;
    there.get("/v1/me").await?.ok()?;
    let path = "/v1/me/password";
    let wrong = send(
        &here,
        Method::PUT,
        path,
        json!({"current": "not that", "new": NEW}),
    )
    .await?;
    assert_eq!(refused(&wrong), (400, "password_wrong"));
    send(&here, Method::PUT, path, json!({"current": PASSWORD, "new": NEW}))
        .await?
        .ok()?;
    assert_eq!(there.get("/v1/me").await?.status, 401);
    let named = send(&here, Method::PATCH, "/v1/me", json!({"display_name": "Changed"}))
        .await?
        .ok()?;
    assert_eq!(named["display_name"], "Changed");
    assert!(
        Caller::sign_in(target.daemon.url(), "changes@example.org", PASSWORD)
            .await
            .is_err()
    );
    Caller::sign_in(target.daemon.url(), "changes@example.org", NEW).await?;
    Ok(())
}

async fn a_token_reads_or_writes_as_its_scopes_say(target: &Target) -> Result<()> {
    let (_, caller) = member(target, "script", "member").await?;
    let make = |name: &str, scopes: &[&str]| {
        let body = json!({"name": name, "scopes": scopes});
        let caller = caller.clone();
        async move { caller.post("/v1/tokens", body).await?.ok() }
    };
    let reader = make("reader", &["read"]).await?;
    let writer = make("writer", &["read", "write"]).await?;
    let by = |made: &Value| {
        caller
            .clone()
            .with_token(made["secret"].as_str().unwrap_or_default())
    };
    let folder = |name: &str| json!({"parent_id": "root", "name": name});
    by(&reader).get("/v1/nodes/root/children").await?.ok()?;
    let written = by(&reader).post("/v1/folders", folder("no")).await?;
    assert_eq!(refused(&written), (403, "scope_missing"));
    let removed = by(&reader).delete("/v1/nodes/root").await?;
    assert_eq!(refused(&removed), (403, "scope_missing"));
    by(&writer).post("/v1/folders", folder("yes")).await?.ok()?;
    let child = by(&writer)
        .post("/v1/tokens", json!({"name": "child", "scopes": ["read"]}))
        .await?;
    assert_eq!(refused(&child), (403, "session_required"));
    let listed = caller.get("/v1/tokens").await?.ok()?;
    assert!(!listed.to_string().contains("bvp_"), "{listed}");
    let path = format!("/v1/tokens/{}", reader["id"].as_str().unwrap_or_default());
    caller.delete(&path).await?.ok()?;
    assert_eq!(refused(&by(&reader).get("/v1/me").await?), (401, "token_invalid"));
    Ok(())
}

async fn settings_are_read_and_changed(target: &Target) -> Result<()> {
    let (_, reader) = member(target, "reads", "member").await?;
    let tenant = reader.get("/v1/tenant").await?.ok()?;
    let defaults = json!({"public_links": "members", "guest_invitations": "admins"});
    assert_eq!(tenant["settings"], defaults);
    let change = |body: Value| send(&target.owner, Method::PATCH, "/v1/tenant", body);
    let changed = change(json!({"settings": {"trash_retention_days": 9}}))
        .await?
        .ok()?;
    assert_eq!(
        changed["settings"],
        json!({"public_links": "members", "trash_retention_days": 9, "guest_invitations": "admins"})
    );
    let back = change(json!({"settings": {"trash_retention_days": 0}}))
        .await?
        .ok()?;
    assert_eq!(back["settings"], defaults);
    for (body, reason) in [
        (
            json!({"settings": {"public_links": "everybody"}}),
            "settings_invalid",
        ),
        (json!({"settings": {"of_another_release": 1}}), "body_invalid"),
        (json!({"name": "other"}), "body_invalid"),
    ] {
        assert_eq!(refused(&change(body).await?), (400, reason));
    }
    let denied = send(&reader, Method::PATCH, "/v1/tenant", json!({"display_name": "x"})).await?;
    assert_eq!(refused(&denied), (403, "admin_only"));
    assert_eq!(
        refused(&reader.delete("/v1/tenant?name=acme").await?),
        (403, "owner_only")
    );
    assert_eq!(
        refused(&target.owner.delete("/v1/tenant?name=acne").await?),
        (400, "name_mismatch")
    );
    Ok(())
}

async fn what_another_tenant_has_does_not_exist(target: &Target) -> Result<()> {
    let create = [
        "admin",
        "create-user",
        "--role",
        "owner",
        "--tenant",
        "globex",
        "--email",
        "b@example.org",
    ];
    target.daemon.command_with_input(&create, PASSWORD)?;
    let stranger = Caller::sign_in(target.daemon.url(), "b@example.org", PASSWORD).await?;
    let (id, caller) = member(target, "victim", "member").await?;
    let invite = json!({"email": "y@example.org", "role": "guest"});
    let invitation = target.owner.post("/v1/invitations", invite).await?.ok()?;
    let token = caller
        .post("/v1/tokens", json!({"name": "t", "scopes": ["read"]}))
        .await?
        .ok()?;
    let path = format!("/v1/members/{id}");
    let patched = send(&stranger, Method::PATCH, &path, json!({"role": "guest"})).await?;
    assert_eq!(refused(&patched), (404, "member_not_found"));
    for (path, reason) in [
        (path, "member_not_found"),
        (
            format!(
                "/v1/invitations/{}",
                invitation["invitation"]["id"].as_str().unwrap_or_default()
            ),
            "invitation_not_found",
        ),
        (
            format!("/v1/tokens/{}", token["id"].as_str().unwrap_or_default()),
            "token_not_found",
        ),
    ] {
        assert_eq!(refused(&stranger.delete(&path).await?), (404, reason));
    }
    let seen = stranger.get("/v1/members").await?.ok()?;
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(stranger.get("/v1/invitations").await?.ok()?["items"], json!([]));
    caller.get("/v1/me").await?.ok()?;
    Ok(())
}
