//! Who sees what: grants, groups and spaces, for a second account of the same tenant.

use crate::Target;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::{Answer, Caller};
use bitvault_conformance::daemon::TENANT;
use reqwest::Method;
use serde_json::{Value, json};

const EMAIL: &str = "bob@example.org";
const SECRET: &str = "tall-giraffes-hum-4";

pub(crate) async fn all(target: &Target) -> Result<()> {
    target.daemon.command_with_input(
        &[
            "admin",
            "create-user",
            "--tenant",
            TENANT,
            "--role",
            "member",
            "--email",
            EMAIL,
        ],
        SECRET,
    )?;
    let bob = Caller::sign_in(target.daemon.url(), EMAIL, SECRET).await?;
    what_is_shared_is_seen_as_far_as_the_role_goes(target, &bob).await?;
    a_cut_hides_a_folder_and_what_is_in_it(target, &bob).await?;
    a_space_belongs_to_its_group(target, &bob).await?;
    bad_grants_are_refused_with_the_field(target).await
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().context("a string")
}

async fn put(caller: &Caller, path: &str, body: Value) -> Result<Answer> {
    caller.send(Method::PUT, path, Some(body)).await
}

async fn folder(caller: &Caller, parent: &str, name: &str) -> Result<String> {
    let body = json!({"parent_id": parent, "name": name});
    let made = caller.post("/v1/folders", body).await?.ok()?;
    Ok(text(&made["id"])?.to_owned())
}

async fn what_is_shared_is_seen_as_far_as_the_role_goes(target: &Target, bob: &Caller) -> Result<()> {
    let owner = &target.owner;
    let plans = folder(owner, "root", "plans for bob").await?;
    let path = format!("/v1/nodes/{plans}");
    assert_eq!(bob.get(&path).await?.status, 404);
    assert_eq!(bob.get("/v1/lookup?path=/plans%20for%20bob").await?.status, 404);

    let grants = format!("{path}/grants");
    let given = put(
        owner,
        &grants,
        json!({"email": "BOB@example.org", "role": "viewer"}),
    )
    .await?
    .ok()?;
    let subject = text(&given["subject_id"])?.to_owned();
    assert_eq!(bob.get(&path).await?.ok()?["id"], json!(plans));
    let shared = bob.get("/v1/shared").await?.ok()?;
    assert_eq!(
        (&shared["items"][0]["node"]["id"], &shared["items"][0]["role"]),
        (&json!(plans), &json!("viewer"))
    );
    let refused = bob
        .post("/v1/folders", json!({"parent_id": plans, "name": "x"}))
        .await?;
    assert_eq!((refused.status.as_u16(), refused.reason()), (403, "role_too_low"));
    assert_eq!(bob.delete(&path).await?.status, 403);
    assert_eq!(
        put(bob, &grants, json!({"subject_id": subject, "role": "owner"}))
            .await?
            .status,
        403
    );

    put(owner, &grants, json!({"subject_id": subject, "role": "editor"}))
        .await?
        .ok()?;
    let inner = folder(bob, &plans, "from bob").await?;
    assert_eq!(
        owner.get(&format!("/v1/nodes/{inner}")).await?.ok()?["name"],
        "from bob"
    );
    let seen = bob.get(&grants).await?.ok()?;
    assert_eq!(
        (&seen["role"], &seen["items"][0]["role"]),
        (&json!("editor"), &json!("editor"))
    );

    owner.delete(&format!("{grants}/{subject}")).await?.ok()?;
    for path in [
        path,
        format!("/v1/nodes/{inner}"),
        format!("/v1/nodes/{plans}/children"),
        grants,
    ] {
        assert_eq!(bob.get(&path).await?.status, 404, "{path}");
    }
    Ok(())
}

async fn a_cut_hides_a_folder_and_what_is_in_it(target: &Target, bob: &Caller) -> Result<()> {
    let owner = &target.owner;
    let top = folder(owner, "root", "cut").await?;
    let hidden = folder(owner, &top, "hidden").await?;
    folder(owner, &top, "open").await?;
    put(
        owner,
        &format!("/v1/nodes/{top}/grants"),
        json!({"email": EMAIL, "role": "editor"}),
    )
    .await?
    .ok()?;
    let inheritance = format!("/v1/nodes/{hidden}/inheritance");
    let left = put(owner, &inheritance, json!({"inherits": false})).await?.ok()?;
    assert_eq!((&left["inherits"], &left["items"]), (&json!(false), &json!([])));
    let listed = bob.get(&format!("/v1/nodes/{top}/children")).await?.ok()?;
    let names: Vec<&Value> = listed["items"]
        .as_array()
        .context("items")?
        .iter()
        .map(|node| &node["name"])
        .collect();
    assert_eq!(names, ["open"]);
    assert_eq!(bob.get(&format!("/v1/nodes/{hidden}")).await?.status, 404);
    assert_eq!(
        bob.get(&format!("/v1/lookup?path=/hidden&in={top}"))
            .await?
            .status,
        404
    );
    assert_eq!(
        owner
            .get(&format!("/v1/lookup?path=/hidden&in={top}"))
            .await?
            .ok()?["id"],
        json!(hidden)
    );
    Ok(())
}

async fn a_space_belongs_to_its_group(target: &Target, bob: &Caller) -> Result<()> {
    let owner = &target.owner;
    let account = bob.get("/v1/me").await?.ok()?["account"]["id"].clone();
    let refused = bob.post("/v1/groups", json!({"name": "Design"})).await?;
    assert_eq!((refused.status.as_u16(), refused.reason()), (403, "admin_only"));
    let group = owner.post("/v1/groups", json!({"name": "Design"})).await?.ok()?["id"].clone();
    let space = owner
        .post("/v1/spaces", json!({"name": "Design files", "group_id": group}))
        .await?
        .ok()?;
    let top = text(&space["node"]["id"])?.to_owned();
    assert_eq!(bob.get("/v1/spaces").await?.ok()?["items"], json!([]));
    // Who runs the tenant does not look in.
    assert_eq!(owner.get(&format!("/v1/nodes/{top}/children")).await?.status, 404);
    let member = format!("/v1/groups/{}/members/{}", text(&group)?, text(&account)?);
    put(owner, &member, Value::Null).await?.ok()?;
    let seen = bob.get("/v1/spaces").await?.ok()?;
    assert_eq!(
        (&seen["items"][0]["node"]["name"], &seen["items"][0]["role"]),
        (&json!("Design files"), &json!("owner"))
    );
    let inside = folder(bob, &top, "logos").await?;
    let found = bob.get(&format!("/v1/lookup?path=/logos&in={top}")).await?.ok()?;
    assert_eq!(found["id"], json!(inside));
    let refused = owner.delete(&format!("/v1/spaces/{top}")).await?;
    assert_eq!(
        (refused.status.as_u16(), refused.reason()),
        (409, "space_not_empty")
    );
    let refused = owner.delete(&format!("/v1/groups/{}", text(&group)?)).await?;
    assert_eq!(
        (refused.status.as_u16(), refused.reason()),
        (409, "group_owns_space")
    );
    bob.delete(&member).await?.ok()?;
    assert_eq!(bob.get(&format!("/v1/nodes/{inside}")).await?.status, 404);
    Ok(())
}

async fn bad_grants_are_refused_with_the_field(target: &Target) -> Result<()> {
    let node = folder(&target.owner, "root", "bad grants").await?;
    let grants = format!("/v1/nodes/{node}/grants");
    for (body, status, reason) in [
        (json!({"role": "viewer"}), 400, "subject_invalid"),
        (
            json!({"subject_id": "acc_x", "role": "viewer"}),
            400,
            "subject_invalid",
        ),
        (
            json!({"subject_id": "a", "email": "b", "role": "viewer"}),
            400,
            "subject_invalid",
        ),
        (json!({"email": EMAIL, "role": "admin"}), 400, "body_invalid"),
        (
            json!({"email": "nobody@example.org", "role": "viewer"}),
            404,
            "member_not_found",
        ),
        (
            json!({"subject_id": "grp_0190c7c1e2a87b3c9d00000000000000", "role": "viewer"}),
            404,
            "group_not_found",
        ),
    ] {
        let refused = put(&target.owner, &grants, body.clone()).await?;
        assert_eq!(
            (refused.status.as_u16(), refused.reason()),
            (status, reason),
            "{body}"
        );
    }
    let gone = target
        .owner
        .delete(&format!("{grants}/acc_0190c7c1e2a87b3c9d00000000000000"))
        .await?;
    assert_eq!((gone.status.as_u16(), gone.reason()), (404, "grant_not_found"));
    Ok(())
}
