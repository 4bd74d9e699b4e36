//! `bitvault sync doctor`: looks for what commonly is wrong with a synced folder. Changes nothing but for a file that it
//! tries the file system with.

mod folder;
mod server;
mod state;

use super::place::Place;
use crate::args::SyncPlace;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_device::state::Loaded;
use serde::Serialize;
use serde_json::json;

/// Most things of one kind that are told one by one.
const TOLD: usize = 10;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Well,
    /// Worth knowing; nothing has to be done.
    Note,
    Wrong,
}

/// What one look found.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    says: String,
    /// What to do.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    cure: Option<String>,
}

/// What was found, in order.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn well(&mut self, check: &'static str, says: impl Into<String>) {
        self.add(check, Verdict::Well, says.into(), None);
    }

    fn note(&mut self, check: &'static str, says: impl Into<String>) {
        self.add(check, Verdict::Note, says.into(), None);
    }

    fn wrong(&mut self, check: &'static str, says: impl Into<String>, cure: impl Into<String>) {
        self.add(check, Verdict::Wrong, says.into(), Some(cure.into()));
    }

    fn add(&mut self, check: &'static str, verdict: Verdict, says: String, cure: Option<String>) {
        self.0.push(Finding {
            check,
            verdict,
            says,
            cure,
        });
    }

    fn wrongs(&self) -> usize {
        self.0
            .iter()
            .filter(|found| found.verdict == Verdict::Wrong)
            .count()
    }
}

/// What a state says, once it could be read.
struct Known {
    loaded: Loaded,
    /// An engine works with it right now: what is read is out of date already.
    runs: bool,
}

/// Looks at one synced folder, or at all. `connect` signs in by profile or environment.
pub(crate) async fn doctor(
    args: &SyncPlace,
    connect: impl Fn() -> Result<Server, Error>,
    output: &Output,
) -> Result<(), Error> {
    let mut wrongs = 0;
    for place in Place::named(args)? {
        let mut findings = Findings::default();
        let known = state::look(&place, &mut findings)?;
        let shown = known.as_ref().map(|known| known.loaded.meta.shown.clone());
        if let Some(known) = &known {
            folder::look(known, &mut findings).await;
            server::look(known, &connect, &mut findings).await;
        }
        wrongs += findings.wrongs();
        let shown = shown.unwrap_or_else(|| place.file().display().to_string());
        tell(&shown, &findings, output)?;
    }
    match wrongs {
        0 => Ok(()),
        wrongs => Err(Error::Unwell(wrongs)),
    }
}

fn tell(shown: &str, findings: &Findings, output: &Output) -> Result<(), Error> {
    if output.json {
        return output.document(&json!({
            "folder": shown,
            "well": findings.wrongs() == 0,
            "checks": findings.0,
        }));
    }
    output.line(&format!("{}:", output.name(shown)))?;
    for found in &findings.0 {
        let mark = match found.verdict {
            Verdict::Well => "  ok   ",
            Verdict::Note => "  note ",
            Verdict::Wrong => "  WRONG",
        };
        output.line(&format!(
            "{mark} {:<11} {}",
            found.check,
            output.name(&found.says)
        ))?;
        if let Some(cure) = &found.cure {
            output.line(&format!("{:19} → {}", "", output.name(cure)))?;
        }
    }
    Ok(())
}

/// The first few of many, and how many there are beside.
fn some(all: &[String]) -> String {
    let shown = all.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(TOLD) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
