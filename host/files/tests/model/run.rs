//! Runs a sequence of steps on a fresh tenant and on the model, side by side.

use crate::check::{self, Wrong};
use crate::model::{Model, USERS};
use crate::operation::Step;
use crate::request::{Answer, Outcome, Request};
use crate::support::World;
use crate::tenant::Tenant;
use futures::FutureExt as _;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// Time that passes with each step: what comes later is later.
const TICK: Duration = Duration::from_millis(1);

/// How often each request came to which end.
pub(crate) type Coverage = BTreeMap<(String, String), u64>;

/// A run in which the service did as the model says.
pub(crate) struct Passed {
    pub(crate) coverage: Coverage,
    pub(crate) tenant: Tenant,
    pub(crate) model: Model,
}

/// A run in which it did not.
#[derive(Debug)]
pub(crate) struct Failed {
    /// Steps that were done until it showed.
    pub(crate) steps: usize,
    pub(crate) wrong: Wrong,
    /// What each of them was and came to.
    pub(crate) trace: Vec<String>,
}

/// Runs the steps, and compares everything after every `period` of them and after the last. To panic is to fail.
pub(crate) async fn run(
    world: &Arc<World>,
    http: &reqwest::Client,
    steps: &[Step],
    period: usize,
) -> Result<Passed, Failed> {
    let ended = AssertUnwindSafe(side_by_side(world, http, steps, period)).catch_unwind();
    ended.await.unwrap_or_else(|_| {
        Err(Failed {
            steps: steps.len(),
            wrong: "it panicked, as is told above".to_owned(),
            trace: Vec::new(),
        })
    })
}

async fn side_by_side(
    world: &Arc<World>,
    http: &reqwest::Client,
    steps: &[Step],
    period: usize,
) -> Result<Passed, Failed> {
    let mut tenant = Tenant::new(world, http).await.unwrap();
    let mut model = Model::new();
    let mut coverage = Coverage::new();
    let mut trace = Vec::new();
    for (number, step) in (1..).zip(steps) {
        world.clock.advance(TICK);
        let Some(request) = Request::of(&step.operation, step.by, &model) else {
            continue;
        };
        let expected = model.apply(step.key, step.by, &request);
        let found = tenant.perform(step.key, step.by, &request).await;
        trace.push(format!(
            "#{} {}: {request:?}: {}",
            step.key,
            USERS[step.by],
            brief(&found)
        ));
        count(&mut coverage, &request, &expected);
        let mut checked = check::same(&tenant, &expected, &found);
        if checked.is_ok() && step.again && request.is_keyed() {
            let again = tenant.perform(step.key, step.by, &request).await;
            checked =
                check::same(&tenant, &expected, &again).map_err(|wrong| format!("asked again: {wrong}"));
        }
        if checked.is_ok() && (number % period == 0 || number == steps.len()) {
            checked = check::all(&tenant, &model).await;
        }
        if let Err(wrong) = checked {
            return Err(Failed {
                steps: number,
                wrong,
                trace,
            });
        }
    }
    Ok(Passed {
        coverage,
        tenant,
        model,
    })
}

fn brief(outcome: &Outcome) -> String {
    match outcome {
        Ok(Answer::Each(results)) => {
            let results: Vec<&str> = results
                .iter()
                .map(|result| result.as_ref().map_or_else(|reason| reason.as_str(), |_| "ok"))
                .collect();
            results.join(", ")
        }
        Ok(_) => "ok".to_owned(),
        Err(reason) => reason.clone(),
    }
}

fn count(coverage: &mut Coverage, request: &Request, outcome: &Outcome) {
    let name: String = format!("{request:?}")
        .chars()
        .take_while(|c| c.is_alphanumeric())
        .collect();
    let ends = match outcome {
        Ok(Answer::Each(results)) => results
            .iter()
            .map(|result| result.as_ref().map_or_else(Clone::clone, |_| "ok".to_owned()))
            .collect(),
        Ok(_) => vec!["ok".to_owned()],
        Err(reason) => vec![reason.clone()],
    };
    for end in ends {
        *coverage.entry((name.clone(), end)).or_default() += 1;
    }
}
