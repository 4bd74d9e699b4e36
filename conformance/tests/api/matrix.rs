//! Who may do what: every role asks the real service for every action, and the answers are compared with `matrix.txt`.
//!
//! An action is a documented route with a body, on a resource that is made anew for each call. A route that no action
//! covers fails the test. After a change that is meant, `BITVAULT_UPDATE_MATRIX=1` writes the file anew: read the diff.

mod actions;

use crate::below;
use actions::ACTIONS;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::{Answer, Caller, sha256};
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD, TENANT};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

const SECRET: &str = "tall-giraffes-hum-6";
const TOLD: &str = include_str!("matrix.txt");

/// Routes that ask for no role: they are about the caller itself, or open to everybody.
const OF_NO_ROLE: [&str; 10] = [
    "/v1/sessions",
    "/v1/public",
    "/v1/traces",
    "/v1/me",
    "/v1/tokens",
    "/v1/favourites",
    "/v1/devices",
    "/v1/changes",
    "/v1/invitations/accept",
    "/v1/invitations/lookup",
];

/// Everybody who asks, in the order of the file: roles in the tenant without any on the files, then members with a role there.
struct People {
    asking: Vec<(&'static str, Caller)>,
    /// Runs the tenant.
    head: Caller,
    /// A member, whose home the files are in.
    mia: Caller,
    /// Somebody to give things to.
    account: String,
    /// Mia's folder that the roles are given on.
    shared: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_may_do_what_the_matrix_tells() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let people = people(&daemon).await.unwrap();
    everything_is_covered(&people.head).await.unwrap();
    let found = matrix(&people).await.unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/matrix.txt");
    #[allow(
        clippy::disallowed_methods,
        reason = "writing the file anew is asked for by the environment"
    )]
    if std::env::var_os("BITVAULT_UPDATE_MATRIX").is_some() {
        std::fs::write(path, &found).unwrap();
        return;
    }
    let changed: Vec<String> = differences(TOLD, &found);
    assert!(
        changed.is_empty(),
        "roles may do something else now:\n{}",
        changed.join("\n")
    );
}

async fn people(daemon: &Daemon) -> Result<People> {
    let head = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    let mut callers = HashMap::new();
    for (name, role) in [
        ("mia", "member"),
        ("bystander", "member"),
        ("admin", "admin"),
        ("member", "member"),
        ("guest", "guest"),
        ("viewer", "member"),
        ("commenter", "member"),
        ("editor", "member"),
        ("owner", "member"),
    ] {
        let email = format!("{name}@people.example.org");
        let command = [
            "admin",
            "create-user",
            "--tenant",
            TENANT,
            "--role",
            role,
            "--email",
            &email,
        ];
        daemon.command_with_input(&command, SECRET)?;
        callers.insert(name, Caller::sign_in(daemon.url(), &email, SECRET).await?);
    }
    let mia = callers["mia"].clone();
    let shared = folder(&mia, "root", "shared").await?;
    for role in ["viewer", "commenter", "editor", "owner"] {
        let grant = json!({"email": format!("{role}@people.example.org"), "role": role});
        put(&mia, &format!("/v1/nodes/{shared}/grants"), Some(grant))
            .await?
            .ok()?;
    }
    let account = text(&callers["bystander"].get("/v1/me").await?.ok()?, "/account/id")?;
    let mut asking = vec![("tenant owner", head.clone())];
    for (label, name) in [
        ("tenant admin", "admin"),
        ("member", "member"),
        ("guest", "guest"),
        ("VIEWER", "viewer"),
        ("COMMENTER", "commenter"),
        ("EDITOR", "editor"),
        ("OWNER", "owner"),
    ] {
        asking.push((label, callers[name].clone()));
    }
    Ok(People {
        asking,
        head,
        mia,
        account,
        shared,
    })
}

/// Every documented route is asked for, and nothing else is.
async fn everything_is_covered(head: &Caller) -> Result<()> {
    let document = head.get("/v1/openapi.json").await?.ok()?;
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().context("paths")? {
        let left_out = !path.starts_with("/v1/") || OF_NO_ROLE.iter().any(|one| below(path, one));
        if !left_out {
            let methods = item.as_object().context("methods")?.keys();
            documented.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
        }
    }
    let asked: BTreeSet<String> = ACTIONS.iter().map(|(route, ..)| (*route).to_owned()).collect();
    assert_eq!(
        asked, documented,
        "ACTIONS and the OpenAPI document tell different routes"
    );
    Ok(())
}

/// A block for each action: each answer with who got it.
async fn matrix(people: &People) -> Result<String> {
    let mut told = String::new();
    let mut number = 0;
    for (route, path, body) in ACTIONS {
        let method: Method = route.split(' ').next().unwrap_or_default().parse()?;
        let mut answers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (label, caller) in &people.asking {
            number += 1;
            let mut made = Made {
                people,
                number,
                ids: HashMap::new(),
            };
            let path = made.fill(path).await?;
            let body = made.fill(body).await?;
            let body: Option<Value> = (!body.is_empty())
                .then(|| serde_json::from_str(&body))
                .transpose()?;
            let answer = caller.send(method.clone(), &path, body).await?;
            answers.entry(summary(&answer)).or_default().push(label);
        }
        writeln!(told, "{method} {path} {body}")?;
        for (answer, labels) in answers {
            writeln!(told, "    {answer}: {}", labels.join(", "))?;
        }
    }
    Ok(told)
}

/// Status and reason; of a batch, those of its only item.
fn summary(answer: &Answer) -> String {
    let item = &answer.body["items"][0]["error"];
    if item.is_object() {
        return format!(
            "{} with {}",
            answer.status.as_u16(),
            item["reason"].as_str().unwrap_or_default()
        );
    }
    match answer.reason() {
        "" => answer.status.as_u16().to_string(),
        reason => format!("{} {reason}", answer.status.as_u16()),
    }
}

/// What one call is about.
struct Made<'a> {
    people: &'a People,
    /// Tells the calls apart.
    number: u32,
    ids: HashMap<&'static str, String>,
}

impl Made<'_> {
    /// Puts what stands in braces into a text, making it first.
    async fn fill(&mut self, template: &str) -> Result<String> {
        let mut filled = template.to_owned();
        for name in [
            "file",
            "folder",
            "shared",
            "trashed",
            "conflict",
            "private",
            "closed",
            "granted",
            "space",
            "upload",
            "link",
            "group",
            "filled",
            "member",
            "invitation",
            "account",
            "unique",
            "sha256",
            "versioned",
            "old",
        ] {
            let place = format!("{{{name}}}");
            if filled.contains(&place) {
                let id = self.id(name).await?;
                filled = filled.replace(&place, &id);
            }
        }
        Ok(filled)
    }

    async fn id(&mut self, name: &'static str) -> Result<String> {
        if let Some(id) = self.ids.get(name) {
            return Ok(id.clone());
        }
        let id = match (name, self.ids.get("versioned")) {
            ("old", Some(file)) => {
                let versions = self
                    .people
                    .mia
                    .get(&format!("/v1/nodes/{file}/versions"))
                    .await?
                    .ok()?;
                text(&versions, "/items/1/id")?
            }
            _ => self.make(name).await?,
        };
        self.ids.insert(name, id.clone());
        Ok(id)
    }

    async fn make(&self, name: &str) -> Result<String> {
        let People {
            head,
            mia,
            account,
            shared,
            ..
        } = self.people;
        let unique = format!("{name}-{}", self.number);
        Ok(match name {
            "file" => text(&mia.upload(shared, &unique, b"file").await?, "/id")?,
            "folder" => folder(mia, shared, &unique).await?,
            // What the role itself was given on.
            "shared" => {
                let top = folder(mia, "root", &unique).await?;
                for role in ["viewer", "commenter", "editor", "owner"] {
                    let grant = json!({"email": format!("{role}@people.example.org"), "role": role});
                    put(mia, &format!("/v1/nodes/{top}/grants"), Some(grant))
                        .await?
                        .ok()?;
                }
                top
            }
            "trashed" => {
                let file = text(&mia.upload(shared, &unique, b"trashed").await?, "/id")?;
                mia.delete(&format!("/v1/nodes/{file}")).await?.ok()?;
                file
            }
            "conflict" => {
                let file = mia.upload(shared, &unique, b"theirs").await?;
                let copy = mia
                    .upload_copy(shared, &format!("{unique} copy"), b"mine", &file)
                    .await?;
                let conflicts = mia.get("/v1/conflicts").await?.ok()?;
                let all = conflicts["items"].as_array().context("items")?;
                let made = all.iter().find(|one| one["mine"]["node"]["id"] == copy["id"]);
                text(made.context("the conflict")?, "/id")?
            }
            "versioned" => {
                let file = mia.upload(shared, &unique, b"first").await?;
                let id = text(&file, "/id")?;
                let body = json!({"node_id": id, "size": 6, "sha256": sha256(b"second")});
                let upload = mia.post("/v1/uploads", body).await?.ok()?;
                mia.send_part(&upload["parts"][0], b"second").await?;
                let commit = format!("/v1/uploads/{}/commit", text(&upload, "/upload_id")?);
                mia.post(&commit, json!({})).await?.ok()?;
                id
            }
            "private" => text(&mia.upload("root", &unique, b"private").await?, "/id")?,
            "closed" => {
                let closed = folder(mia, shared, &unique).await?;
                let path = format!("/v1/nodes/{closed}/inheritance");
                put(mia, &path, Some(json!({"inherits": false}))).await?.ok()?;
                closed
            }
            "granted" => {
                let granted = folder(mia, shared, &unique).await?;
                let grant = json!({"subject_id": account, "role": "viewer"});
                put(mia, &format!("/v1/nodes/{granted}/grants"), Some(grant))
                    .await?
                    .ok()?;
                granted
            }
            "upload" => text(&mia.start(shared, &unique, b"upload").await?.ok()?, "/upload_id")?,
            "link" => {
                let body = json!({"node_id": shared, "kind": "download"});
                text(&mia.post("/v1/links", body).await?.ok()?, "/id")?
            }
            "group" => text(
                &head.post("/v1/groups", json!({"name": unique})).await?.ok()?,
                "/id",
            )?,
            "filled" => {
                let group = text(
                    &head.post("/v1/groups", json!({"name": unique})).await?.ok()?,
                    "/id",
                )?;
                put(head, &format!("/v1/groups/{group}/members/{account}"), None)
                    .await?
                    .ok()?;
                group
            }
            "space" => {
                let group = head.post("/v1/groups", json!({"name": unique})).await?.ok()?;
                let body = json!({"name": unique, "group_id": group["id"]});
                text(&head.post("/v1/spaces", body).await?.ok()?, "/node/id")?
            }
            "member" => {
                let email = format!("{unique}@example.org");
                let body = json!({"email": email, "role": "member", "password": SECRET});
                text(&head.post("/v1/members", body).await?.ok()?, "/member/id")?
            }
            "invitation" => {
                let body = json!({"email": format!("{unique}@example.org"), "role": "member"});
                text(&head.post("/v1/invitations", body).await?.ok()?, "/invitation/id")?
            }
            "account" => account.clone(),
            "unique" => unique,
            "sha256" => "0".repeat(64),
            other => anyhow::bail!("nobody knows how to make {other}"),
        })
    }
}

async fn folder(caller: &Caller, parent: &str, name: &str) -> Result<String> {
    let body = json!({"parent_id": parent, "name": name});
    text(&caller.post("/v1/folders", body).await?.ok()?, "/id")
}

async fn put(caller: &Caller, path: &str, body: Option<Value>) -> Result<Answer> {
    caller.send(Method::PUT, path, body).await
}

fn text(value: &Value, at: &str) -> Result<String> {
    let text = value.pointer(at).and_then(Value::as_str);
    text.map(str::to_owned)
        .with_context(|| format!("{at} in {value}"))
}

/// The lines that only one side has, with the action that each belongs to.
fn differences(told: &str, found: &str) -> Vec<String> {
    let lines = |text: &str| {
        let mut action = String::new();
        let mut lines = BTreeSet::new();
        for line in text.lines() {
            if !line.starts_with(' ') {
                line.clone_into(&mut action);
            }
            lines.insert(format!("{action} => {}", line.trim()));
        }
        lines
    };
    let (told, found) = (lines(told), lines(found));
    let gone = told.difference(&found).map(|line| format!("- {line}"));
    let new = found.difference(&told).map(|line| format!("+ {line}"));
    gone.chain(new).collect()
}
