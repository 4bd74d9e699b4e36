//! Calls on files and folders of one tenant, up to a million nodes, through the REST API.

use crate::report::Report;
use crate::scale::{Counted, Filled, Scale, Took};
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::PASSWORD;
use reqwest::Method;
use serde_json::{Value, json};

const SCRIPT: &str = include_str!("namespace.sql");
const ROUNDS: usize = 300;
const COPIES: usize = 10;
const CHILDREN: usize = 1000;
const COPIED: u64 = 10_000;
const DEPTH: usize = 20;
const GROUPS: usize = 50;

pub(crate) async fn run(report: &mut Report, filled: &Filled, scale: Scale) -> Result<()> {
    // The smallest scale has three folders at the top: a third of a home then is a sixth of all nodes.
    let part = scale.spread.div_ceil(5);
    filled.play(&SCRIPT.replace("{part}", &part.to_string()))?;
    let measured = Measured {
        report,
        filled,
        nodes: scale.nodes,
    };
    measured.all().await
}

struct Measured<'a> {
    report: &'a mut Report,
    filled: &'a Filled,
    nodes: u64,
}

impl Measured<'_> {
    async fn all(mut self) -> Result<()> {
        let caller = &self.filled.caller;
        let sample = self.sample()?;

        self.calls(
            "lookup of a path of three names",
            "≤ 2 reads",
            ROUNDS,
            async |round| {
                let (id, path) = &sample[round];
                let mut url = url::Url::parse("http://localhost/v1/lookup")?;
                url.query_pairs_mut().append_pair("path", path);
                let asked = format!("/v1/lookup?{}", url.query().unwrap_or_default());
                let node = caller.get(&asked).await?.ok()?;
                ensure!(node["id"] == json!(format!("nod_{id}")), "{path} leads to {node}");
                Ok(())
            },
        )
        .await?;

        let thousand = self.folder("thousand").await?;
        let asked = format!("/v1/nodes/{thousand}/children?limit={CHILDREN}");
        self.calls("list of 1,000", "≤ 2 reads", ROUNDS, async |_| {
            let page = caller.get(&asked).await?.ok()?;
            let items = page["items"].as_array().map_or(0, Vec::len);
            ensure!(items == CHILDREN, "{items} children were listed");
            Ok(())
        })
        .await?;

        self.calls("rename", "≤ 4", ROUNDS, async |round| {
            let body = json!({"name": format!("renamed {round}")});
            change(caller, &format!("nod_{}", sample[round].0), body).await
        })
        .await?;

        let tree = self.folder("tree").await?;
        let places = [self.folder("here").await?, self.folder("there").await?];
        let below = self.below(&tree)?;
        self.calls(
            &format!("move of a tree of {below}"),
            "≤ 4",
            ROUNDS,
            async |round| change(caller, &tree, json!({"parent_id": places[round % 2]})).await,
        )
        .await?;

        let copied = self.folder("copied").await?;
        let copies = self.below(&copied)?;
        ensure!(copies == COPIED, "the tree to copy has {copies} nodes");
        self.calls("copy of a tree of 10,000", "≤ 4", COPIES, async |round| {
            let body = json!({"parent_id": places[0], "name": format!("copy {round}")});
            let made = caller.post(&format!("/v1/nodes/{copied}/copy"), body).await?;
            ensure!(made.status == 201, "{} {}", made.status, made.body);
            Ok(())
        })
        .await?;

        let (deep, member) = self.behind_groups().await?;
        let asked = format!("/v1/nodes/{deep}");
        self.calls(
            "a node at depth 20, seen through 50 groups",
            "≤ 2 reads",
            ROUNDS,
            async |_| member.get(&asked).await?.ok().map(|_| ()),
        )
        .await
    }

    /// Times the call and counts its round trips. The first call of all warms caches and does not count.
    async fn calls(
        &mut self,
        what: &str,
        wanted: &str,
        rounds: usize,
        call: impl AsyncFn(usize) -> Result<()>,
    ) -> Result<()> {
        call(0).await?;
        let before = self.filled.round_trips(Counted::Files)?;
        let mut took = Took::new()?;
        for round in 1..rounds {
            took.note(call(round)).await?;
        }
        let each = self.filled.round_trips(Counted::Files)?.since(before, rounds - 1);
        self.report.row(
            &format!("{what}, among {} nodes, p99", self.nodes),
            format!("{:.1} ms", took.ms(0.99)),
            format!("p50 {:.1} ms; {each}", took.ms(0.5)),
            wanted,
        );
        Ok(())
    }

    /// Files of the caller's home with their paths.
    fn sample(&self) -> Result<Vec<(String, String)>> {
        let found = self.filled.server.query(&format!(
            "SELECT replace(f.id::text, '-', '') || ' /' || a.name || '/' || b.name || '/' || f.name_key
             FROM files.nodes a JOIN files.nodes b ON b.parent_id = a.id
             CROSS JOIN LATERAL (SELECT id, name_key FROM files.nodes
                                 WHERE parent_id = b.id AND kind = 'file' AND name_key NOT LIKE 'file%'
                                   AND name_key > 'b' ORDER BY name_key LIMIT {ROUNDS}) f
             WHERE a.parent_id = '{}' AND b.kind = 'folder' AND a.name <> 'tree'
             ORDER BY md5(f.id::text) LIMIT {ROUNDS}",
            self.filled.home
        ))?;
        let sample: Vec<_> = found
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(id, path)| (id.to_owned(), path.to_owned()))
            .collect();
        ensure!(sample.len() == ROUNDS, "only {} files were found", sample.len());
        Ok(sample)
    }

    async fn folder(&self, name: &str) -> Result<String> {
        let node = self
            .filled
            .caller
            .get(&format!("/v1/lookup?path=/{name}"))
            .await?
            .ok()?;
        Ok(node["id"].as_str().context("a node has an id")?.to_owned())
    }

    /// How many nodes a tree has, its top included.
    fn below(&self, top: &str) -> Result<u64> {
        let top = top.strip_prefix("nod_").context("a node's id")?;
        let count = self.filled.server.query(&format!(
            "WITH RECURSIVE down AS (
                 SELECT '{top}'::uuid AS id UNION ALL
                 SELECT n.id FROM down JOIN files.nodes n ON n.tenant_id = '{}' AND n.parent_id = down.id)
             SELECT count(*) FROM down",
            self.filled.tenant
        ))?;
        Ok(count.parse()?)
    }

    /// A folder below 19 others, each with grants to groups, and somebody who sees it by those alone: a member of all groups.
    async fn behind_groups(&self) -> Result<(String, Caller)> {
        let owner = &self.filled.caller;
        let email = "member@example.org";
        let body = json!({"email": email, "role": "member", "password": PASSWORD});
        let added = owner.post("/v1/members", body).await?.ok()?;
        let account = added["member"]["id"].as_str().context("a member has an id")?;
        let mut folders = Vec::new();
        let mut parent = "root".to_owned();
        for depth in 1..=DEPTH {
            let body = json!({"parent_id": parent, "name": format!("deep {depth}")});
            let made = owner.post("/v1/folders", body).await?.ok()?;
            parent = made["id"].as_str().context("a folder has an id")?.to_owned();
            folders.push(parent.clone());
        }
        for number in 0..GROUPS {
            let body = json!({"name": format!("group {number}")});
            let group = owner.post("/v1/groups", body).await?.ok()?;
            let group = group["id"].as_str().context("a group has an id")?;
            let member = format!("/v1/groups/{group}/members/{account}");
            owner.send(Method::PUT, &member, Some(Value::Null)).await?.ok()?;
            let grants = format!("/v1/nodes/{}/grants", folders[number % DEPTH]);
            let body = json!({"subject_id": group, "role": "viewer"});
            owner.send(Method::PUT, &grants, Some(body)).await?.ok()?;
        }
        let member = Caller::sign_in(self.filled.daemon.url(), email, PASSWORD).await?;
        Ok((parent, member))
    }
}

async fn change(caller: &Caller, node: &str, body: Value) -> Result<()> {
    let path = format!("/v1/nodes/{node}");
    caller
        .send(Method::PATCH, &path, Some(body))
        .await?
        .ok()
        .map(|_| ())
}
