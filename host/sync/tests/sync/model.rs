//! The most of what can be said about the feed, searched for by machine: random acts of several people, and readers that take
//! in pages of any size at any time. Each reader's map ends as what it would be told from the beginning, and nobody is told
//! the id of anything that it could never see.

use crate::support::{Known, World};
use bitvault_platform::Ctx;
use bitvault_platform::ids::AccountId;
use bitvault_proto::v1;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::collections::BTreeSet;

/// Acts of one case.
const ACTS: usize = 40;
/// Cases unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 24;

/// Something that somebody does; numbers choose among what there is.
#[derive(Debug, Clone)]
enum Act {
    Mkdir(usize, usize),
    Put(usize, usize),
    Rename(usize, usize),
    Move(usize, usize, usize),
    Trash(usize, usize),
    Restore(usize, usize, Option<usize>),
    Purge(usize, usize),
    Copy(usize, usize, usize),
    Touch(usize, usize),
    Grant(usize, usize, usize, usize),
    Ungrant(usize, usize, usize),
    Inherit(usize, usize, bool),
    Join(usize, usize, bool),
    /// A reader takes in one page of so many items.
    Pull(usize, u32),
}

fn act() -> impl Strategy<Value = Act> {
    let n = 0..1000_usize;
    let by = 0..3_usize;
    prop_oneof![
        4 => (by.clone(), n.clone()).prop_map(|(by, at)| Act::Mkdir(by, at)),
        2 => (by.clone(), n.clone()).prop_map(|(by, at)| Act::Put(by, at)),
        1 => (by.clone(), n.clone()).prop_map(|(by, at)| Act::Rename(by, at)),
        5 => (by.clone(), n.clone(), n.clone()).prop_map(|(by, at, to)| Act::Move(by, at, to)),
        2 => (by.clone(), n.clone()).prop_map(|(by, at)| Act::Trash(by, at)),
        2 => (by.clone(), n.clone(), prop::option::of(n.clone())).prop_map(|(by, at, to)| Act::Restore(by, at, to)),
        1 => (by.clone(), n.clone()).prop_map(|(by, at)| Act::Purge(by, at)),
        1 => (by.clone(), n.clone(), n.clone()).prop_map(|(by, at, to)| Act::Copy(by, at, to)),
        1 => (by.clone(), n.clone()).prop_map(|(by, at)| Act::Touch(by, at)),
        4 => (by.clone(), n.clone(), 0..5_usize, 0..4_usize).prop_map(|(by, at, to, role)| Act::Grant(by, at, to, role)),
        2 => (by.clone(), n.clone(), 0..5_usize).prop_map(|(by, at, to)| Act::Ungrant(by, at, to)),
        2 => (by.clone(), n, any::<bool>()).prop_map(|(by, at, takes)| Act::Inherit(by, at, takes)),
        2 => (0..2_usize, by.clone(), any::<bool>()).prop_map(|(group, who, joins)| Act::Join(group, who, joins)),
        6 => (by, 1..7_u32).prop_map(|(who, limit)| Act::Pull(who, limit)),
    ]
}

struct Reader {
    ctx: Ctx,
    known: Known,
    /// Every node that it could ever see.
    ever: BTreeSet<String>,
}

struct Play<'a> {
    world: &'a World,
    accounts: Vec<AccountId>,
    groups: Vec<String>,
    readers: Vec<Reader>,
    nodes: Vec<String>,
    names: usize,
}

impl<'a> Play<'a> {
    async fn begin(world: &'a World) -> Self {
        let accounts = vec![world.account, AccountId::new(), AccountId::new()];
        let mut play = Self {
            world,
            groups: vec![world.group("one").await, world.group("two").await],
            readers: Vec::new(),
            nodes: Vec::new(),
            names: 0,
            accounts,
        };
        for (at, account) in play.accounts.clone().into_iter().enumerate() {
            let ctx = if at == 0 {
                world.ctx()
            } else {
                world.member(account)
            };
            let home = format!("nod_{}", account.0.simple());
            play.nodes.push(home);
            play.readers.push(Reader {
                ctx,
                known: Known::default(),
                ever: BTreeSet::new(),
            });
        }
        play
    }

    fn node(&self, at: usize) -> &str {
        &self.nodes[at % self.nodes.len()]
    }

    fn subject(&self, at: usize) -> String {
        match at {
            0..3 => self.accounts[at].to_string(),
            at => self.groups[at - 3].clone(),
        }
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("n{}", self.names)
    }

    /// Tries an act: what the caller may not do is refused, and nothing happens.
    async fn act(&mut self, act: &Act) -> Result<(), String> {
        let world = self.world;
        let by = |who: usize| self.readers[who].ctx.clone();
        let node = |at: usize| self.node(at).to_owned();
        let _refused = match act {
            Act::Mkdir(who, at) => {
                let (ctx, parent) = (by(*who), node(*at));
                let name = self.name();
                let made = world.try_mkdir(&ctx, &parent, &name).await;
                made.map(|made| self.nodes.push(made.id))
            }
            Act::Put(who, at) => {
                // Who may make a folder there may add a file.
                let (ctx, parent) = (by(*who), node(*at));
                let (name, probe) = (self.name(), self.name());
                match world.try_mkdir(&ctx, &parent, &probe).await {
                    Ok(made) => {
                        self.nodes.push(made.id);
                        let file = world.put(&ctx, &parent, &name).await;
                        self.nodes.push(file);
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
            Act::Rename(who, at) => {
                let (ctx, id) = (by(*who), node(*at));
                let name = self.name();
                world.mv(&ctx, &id, Some(&name), None).await
            }
            Act::Move(who, at, to) => world.mv(&by(*who), &node(*at), None, Some(&node(*to))).await,
            Act::Trash(who, at) => world.rm(&by(*who), &node(*at), false).await,
            Act::Restore(who, at, to) => {
                let to = to.map(node);
                world.restore(&by(*who), &node(*at), to.as_deref()).await
            }
            Act::Purge(who, at) => world.rm(&by(*who), &node(*at), true).await,
            Act::Copy(who, at, to) => world.copy(&by(*who), &node(*at), &node(*to)).await,
            Act::Touch(who, at) => {
                world
                    .touch(&by(*who), &node(*at), &format!("t{}", self.names))
                    .await
            }
            Act::Grant(who, at, to, role) => {
                let role = ["viewer", "commenter", "editor", "owner"][*role];
                world.grant(&by(*who), &node(*at), &self.subject(*to), role).await
            }
            Act::Ungrant(who, at, to) => world.ungrant(&by(*who), &node(*at), &self.subject(*to)).await,
            Act::Inherit(who, at, takes) => world.inherit(&by(*who), &node(*at), *takes).await,
            Act::Join(group, who, joins) => {
                world
                    .join(&self.groups[*group], self.accounts[*who], *joins)
                    .await
            }
            Act::Pull(who, limit) => {
                self.pull(*who, *limit).await?;
                Ok(())
            }
        };
        for reader in &mut self.readers {
            let now = world.snapshot(&reader.ctx).await;
            reader.ever.extend(now.nodes.into_keys());
        }
        Ok(())
    }

    async fn pull(&mut self, who: usize, limit: u32) -> Result<bool, String> {
        let reader = &mut self.readers[who];
        let page = self.world.pull(&reader.ctx, &mut reader.known, limit).await;
        for change in &page.items {
            if change.kind() == v1::ChangeKind::Remove && !reader.ever.contains(&change.node_id) {
                return Err(format!("reader {who} is told of what it never saw: {change:?}"));
            }
        }
        Ok(page.has_more)
    }

    /// Every reader reads to the end, and knows what is there.
    async fn end(&mut self) -> Result<(), String> {
        for who in 0..self.readers.len() {
            let mut pages = 0;
            while self.pull(who, 3).await? {
                pages += 1;
                if pages > 2000 {
                    return Err(format!("reader {who} does not come to an end"));
                }
            }
            let fresh = self.world.snapshot(&self.readers[who].ctx).await;
            let known = &self.readers[who].known;
            if known.nodes != fresh.nodes {
                return Err(format!(
                    "reader {who} knows\n  {:?}\nand there is\n  {:?}",
                    known.nodes, fresh.nodes
                ));
            }
        }
        Ok(())
    }
}

/// More of them are asked for by the environment.
#[allow(
    clippy::disallowed_methods,
    reason = "how long to search is asked for by the environment"
)]
fn cases() -> u32 {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(CASES)
}

#[test]
fn whoever_takes_in_every_page_knows_what_is_there_and_nothing_else() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let first = runtime.block_on(World::new());
    let config = Config {
        cases: cases(),
        max_shrink_iters: 300,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let ran = runner.run(&prop::collection::vec(act(), 1..ACTS), |acts| {
        // A tenant of its own each.
        let world = first.another_tenant();
        runtime.block_on(async {
            let mut play = Play::begin(&world).await;
            for act in &acts {
                play.act(act).await.map_err(TestCaseError::fail)?;
            }
            play.end().await.map_err(TestCaseError::fail)
        })
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}
