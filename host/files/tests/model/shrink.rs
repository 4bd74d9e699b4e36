//! Makes a failing sequence short: leaves parts out, large ones first (delta debugging, Zeller and Hildebrandt 2002), then
//! makes the steps that are left simpler.
//!
//! A general tool for property tests leaves elements out one at a time, and knows no asynchronous tests; here each try
//! is a run on a real service that costs seconds while the sequence is long.

use crate::operation::{Delete, Move, Operation, Seen, Step};
use crate::run::{Failed, run};
use crate::support::World;
use std::sync::Arc;

/// Runs that are tried.
const TRIES: usize = 400;

struct Shrinking<'a> {
    world: &'a Arc<World>,
    http: &'a reqwest::Client,
    steps: Vec<Step>,
    failed: Failed,
    tries: usize,
}

/// The shortest failing sequence found, and how it fails.
pub(crate) async fn shrink(
    world: &Arc<World>,
    http: &reqwest::Client,
    mut steps: Vec<Step>,
    failed: Failed,
) -> (Vec<Step>, Failed) {
    steps.truncate(failed.steps);
    let mut shrinking = Shrinking {
        world,
        http,
        steps,
        failed,
        tries: 0,
    };
    shrinking.leave_out().await;
    shrinking.simplify().await;
    shrinking.leave_out().await;
    (shrinking.steps, shrinking.failed)
}

impl Shrinking<'_> {
    /// Goes on with these steps if they fail.
    async fn accept(&mut self, mut steps: Vec<Step>) -> bool {
        if self.tries == TRIES {
            return false;
        }
        self.tries += 1;
        match run(self.world, self.http, &steps, usize::MAX).await {
            Ok(_) => false,
            Err(failed) => {
                steps.truncate(failed.steps);
                self.steps = steps;
                self.failed = failed;
                true
            }
        }
    }

    async fn leave_out(&mut self) {
        let mut size = self.steps.len().div_ceil(2);
        while size > 0 && self.tries < TRIES {
            // From the end: what came last is seldom needed less than what it stands on.
            let mut end = self.steps.len();
            let mut shorter = false;
            while end > 0 {
                let start = end.saturating_sub(size);
                let mut steps = self.steps.clone();
                steps.drain(start..end);
                if self.accept(steps).await {
                    shorter = true;
                }
                end = start.min(self.steps.len());
            }
            size = match size {
                1 if shorter => 1,
                _ => size / 2,
            };
        }
    }

    async fn simplify(&mut self) {
        let mut at = 0;
        while at < self.steps.len() {
            let mut changed = false;
            for operation in self.steps[at].operation.simpler() {
                let mut steps = self.steps.clone();
                steps[at].operation = operation;
                if self.accept(steps).await {
                    changed = true;
                    break;
                }
            }
            if !changed {
                at += 1;
            }
        }
    }
}

impl Operation {
    /// The same with a little less to it, in several ways.
    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Update(item) => item.simpler().into_iter().map(Self::Update).collect(),
            Self::UpdateMany(items) => match items.as_slice() {
                [item] => vec![Self::Update(item.clone())],
                items => without_one(items).map(Self::UpdateMany).collect(),
            },
            Self::Delete(item) => item.simpler().into_iter().map(Self::Delete).collect(),
            Self::DeleteMany(items) => match items.as_slice() {
                [item] => vec![Self::Delete(item.clone())],
                items => without_one(items).map(Self::DeleteMany).collect(),
            },
            Self::Restore {
                node,
                parent,
                name,
                seen,
            } => {
                let item = Move {
                    node: *node,
                    name: *name,
                    parent: *parent,
                    seen: *seen,
                };
                let restore = |item: Move| Self::Restore {
                    node: item.node,
                    parent: item.parent,
                    name: item.name,
                    seen: item.seen,
                };
                item.simpler().into_iter().map(restore).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Move {
    fn simpler(&self) -> Vec<Self> {
        let mut all = Vec::new();
        if self.name.is_some() {
            all.push(Self {
                name: None,
                ..self.clone()
            });
        }
        if self.parent.is_some() {
            all.push(Self {
                parent: None,
                ..self.clone()
            });
        }
        if !matches!(self.seen, Seen::Unsaid) {
            all.push(Self {
                seen: Seen::Unsaid,
                ..self.clone()
            });
        }
        all
    }
}

impl Delete {
    fn simpler(&self) -> Option<Self> {
        let said = !matches!(self.seen, Seen::Unsaid);
        said.then(|| Self {
            seen: Seen::Unsaid,
            ..self.clone()
        })
    }
}

fn without_one<T: Clone>(items: &[T]) -> impl Iterator<Item = Vec<T>> {
    (0..items.len()).map(|at| {
        let mut rest = items.to_vec();
        rest.remove(at);
        rest
    })
}
