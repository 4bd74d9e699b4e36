//! The engine as it keeps running: settles, waits for either side, and settles what changed.

use std::collections::BTreeSet;
use std::time::Duration;

use bitvault_planner::LocalId;

use super::listen::Due;
use super::{Engine, EngineError, ROUNDS, Rest, Scope, Then};
use crate::fs::RelPath;
use crate::remote::RemoteError;
use crate::state::Status;
use crate::watch::{Hint, Hints};

/// First wait when the server can't be reached or fails; it doubles up to [`BACKOFF_MOST`].
const BACKOFF: Duration = Duration::from_secs(1);
const BACKOFF_MOST: Duration = Duration::from_secs(60);

/// Longer than a watch takes to tell what it has gathered.
const HINTS_WAIT: Duration = Duration::from_millis(200);

impl Engine {
    /// Keeps both sides in step until something makes that impossible; who wants it to stop drops the future, which is as
    /// safe as a crash. A server that can't be reached or fails is waited for.
    ///
    /// # Errors
    /// As [`Engine::settle`], but for what may pass by itself at the server.
    pub async fn run(&mut self, hints: &mut dyn Hints) -> Result<(), EngineError> {
        let mut scope = Scope::Whole;
        let mut backoff = BACKOFF;
        let mut rescan = self.next_rescan();
        loop {
            let settled = self.settle_from(scope).await;
            let waited = match settled {
                Ok(None) => Ok(self.told_by_now(hints, &mut rescan).await),
                Ok(Some(rest)) if rest.paused => self.until_asked().await.map(|()| Scope::Whole),
                Ok(Some(_)) => self.wait(hints, &mut rescan).await,
                Err(error) => Err(error),
            };
            scope = match waited {
                Ok(scope) => {
                    backoff = BACKOFF;
                    scope
                }
                Err(error) if may_pass(&error) => {
                    tracing::warn!(%error, "sync; try again");
                    self.tell_stopped(&error.to_string())?;
                    // Half of it by chance, so that a thousand devices don't come back as one.
                    let part = (self.io.world.random() & 0xff) as u32;
                    self.wait_for(backoff / 2 + backoff / 2 * part / 255).await?;
                    backoff = (backoff * 2).min(BACKOFF_MOST);
                    Scope::Whole
                }
                Err(error) => return Err(error),
            };
            if matches!(scope, Scope::Whole) {
                rescan = self.next_rescan();
            }
        }
    }

    /// Settles what one side said has changed: nothing else is listed again. None when a round ended before its plan did.
    async fn settle_from(&mut self, mut scope: Scope) -> Result<Option<Rest>, EngineError> {
        let mut done = 0;
        for _ in 0..ROUNDS {
            let (rest, then) = self.round(scope).await?;
            done += rest.done;
            match then {
                Then::GoOn => return Ok(None),
                Then::Later(held) => self.wait_for(held).await?,
                // What was done may have met what happens on either side: once more, without a look at everything.
                Then::Rest if rest.done > 0 && !rest.paused => {}
                Then::Rest => {
                    let rest = Rest { done, ..rest };
                    self.tell_rest(&rest)?;
                    return Ok(Some(rest));
                }
            }
            scope = Scope::Folders(Vec::new());
        }
        // Others keep it busy: that is no fault, and the next round comes.
        Ok(Some(Rest {
            done,
            ..Rest::default()
        }))
    }

    fn next_rescan(&self) -> Due {
        self.later(self.config.limits.rescan)
    }

    /// What the watch has to tell already, in the middle of other work.
    async fn told_by_now(&mut self, hints: &mut dyn Hints, rescan: &mut Due) -> Scope {
        let enough = self.later(HINTS_WAIT);
        tokio::select! {
            biased;
            () = rescan => Scope::Whole,
            hint = hints.next() => self.scope(hint),
            () = enough => Scope::Folders(Vec::new()),
        }
    }

    fn scope(&self, hint: Hint) -> Scope {
        match hint {
            Hint::Folders(folders) => Scope::Folders(self.known(&folders)),
            Hint::Everything => Scope::Whole,
        }
    }

    /// Waits for the journal, for a hint, or for the next look at everything.
    async fn wait(&mut self, hints: &mut dyn Hints, rescan: &mut Due) -> Result<Scope, EngineError> {
        let (cursor, wait) = (self.cursor(), self.config.limits.wait);
        let io = self.io.clone();
        // What is due comes first: a server or a folder that always has something to tell must not keep it off.
        tokio::select! {
            biased;
            () = rescan => Ok(Scope::Whole),
            asked = self.until_asked() => asked.map(|()| Scope::Folders(Vec::new())),
            page = io.remote.changes(cursor.as_ref(), wait) => {
                self.take_page(page)?;
                Ok(Scope::Folders(Vec::new()))
            }
            hint = hints.next() => Ok(self.scope(hint)),
        }
    }

    /// The known folders of these paths; for one that is not known, the closest above it.
    pub(super) fn known(&self, folders: &BTreeSet<RelPath>) -> Vec<LocalId> {
        let local = &self.kept.trees().local;
        let known: BTreeSet<LocalId> = folders
            .iter()
            .map(|path| {
                let mut at = local.root();
                for name in path.as_str().split('/').filter(|name| !name.is_empty()) {
                    match local.children(at).find(|child| child.name.as_str() == name) {
                        Some(child) => at = child.id,
                        None => break,
                    }
                }
                at
            })
            .collect();
        known.into_iter().collect()
    }

    fn tell_stopped(&mut self, why: &str) -> Result<(), EngineError> {
        self.store.set_status(&Status {
            at: Some(self.io.world.now()),
            synced: self.kept.trees().synced.len(),
            stopped: Some(why.to_owned()),
            ..Status::default()
        })?;
        Ok(())
    }
}

/// Whether trying again may help. Not with a disk that fails: what was seen on it and is not durable has to be seen anew, by
/// another engine on the same state.
fn may_pass(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::Remote(RemoteError::Unreachable(_) | RemoteError::Broken(_))
    )
}
