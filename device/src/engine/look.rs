//! Both sides as they are now: the journal, and the folder.

use std::collections::BTreeSet;
use std::time::Duration;

use bitvault_planner::LocalId;

use super::{Engine, EngineError, Event};
use crate::fs::{FsError, RelPath, Root};
use crate::remote::{Cursor, Page, RemoteError};
use crate::scan::{Depth, Survey, path_of, survey};

/// How often more folders may be added to a look because something may have moved out of them.
const WIDENINGS: usize = 8;

impl Engine {
    /// The folder is there, is the one that was opened, and has this state's marker.
    pub(super) async fn check_folder(&self) -> Result<Root, EngineError> {
        let root = self.io.fs.root().await?;
        let meta = self.kept.meta();
        // A seal that could not be renewed to the end may have reached the marker.
        let is_ours = |seal: &String| *seal == meta.seal || meta.next_seal.as_ref() == Some(seal);
        match &root.marker {
            Some(marker) if marker.state == meta.state && is_ours(&marker.seal) => Ok(root),
            Some(_) => Err(FsError::RootGone("another device syncs it now".to_owned()).into()),
            None => Err(EngineError::NotTheFolder(self.config.shown.clone())),
        }
    }

    /// Where the journal was read to.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        match self.kept.meta().anew {
            true => self.reading.clone(),
            false => self.kept.meta().cursor.clone().map(Cursor),
        }
    }

    /// Reads the journal to its end.
    pub(super) async fn pull(&mut self) -> Result<(), EngineError> {
        loop {
            let cursor = self.cursor();
            let page = self.io.remote.changes(cursor.as_ref(), Duration::ZERO).await;
            if matches!(&page, Ok(page) if self.kept.meta().anew && !page.has_more)
                && self.was_put_back().await?
            {
                self.begin_another_epoch()?;
                continue;
            }
            if !self.take_page(page)? {
                if self.kept.lacks_answered() {
                    self.begin_another_epoch()?;
                    continue;
                }
                // Before the folder is looked at: what was sent belongs to the entry as it was then.
                self.kept.arrived(&self.config.names);
                return Ok(());
            }
        }
    }

    /// Whether the server was put back to an older state since the journal was last read: reading from the beginning tells nothing
    /// of that. To be asked at the end of it, so that all of it is of one state.
    async fn was_put_back(&self) -> Result<bool, EngineError> {
        let Some(before) = self.kept.meta().cursor.clone().map(Cursor) else {
            return Ok(false);
        };
        match self.io.remote.changes(Some(&before), Duration::ZERO).await {
            Ok(_) | Err(RemoteError::CursorExpired) => Ok(false),
            Err(RemoteError::EpochChanged) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes in what came from where the journal was read to; tells whether there is more to read.
    pub(super) fn take_page(&mut self, page: Result<Page, RemoteError>) -> Result<bool, EngineError> {
        let page = match page {
            Ok(page) => page,
            // Reading from the beginning needs no cursor that could end: asking again would never end.
            Err(error @ (RemoteError::CursorExpired | RemoteError::EpochChanged))
                if self.cursor().is_none() =>
            {
                return Err(RemoteError::Broken(error.to_string()).into());
            }
            Err(RemoteError::CursorExpired) => {
                self.read_anew("the journal behind the cursor is gone")?;
                return Ok(true);
            }
            Err(RemoteError::EpochChanged) => {
                self.begin_another_epoch()?;
                return Ok(true);
            }
            Err(error) => return Err(error.into()),
        };
        for change in &page.items {
            self.kept.take_in(change);
        }
        if !page.items.is_empty() {
            self.io.progress.event(Event::Pulled {
                changes: page.items.len(),
            });
        }
        let has_moved = self.cursor().as_ref() != Some(&page.next);
        match (self.kept.meta().anew, page.has_more) {
            (true, true) => self.reading = Some(page.next),
            (true, false) => {
                self.kept.end_reading_anew();
                self.reading = None;
                self.kept.set_meta(|meta| {
                    meta.anew = false;
                    meta.cursor = Some(page.next.0);
                });
            }
            (false, _) if has_moved => self.kept.set_meta(|meta| meta.cursor = Some(page.next.0)),
            (false, _) => {}
        }
        self.flush()?;
        Ok(page.has_more)
    }

    fn begin_another_epoch(&mut self) -> Result<(), EngineError> {
        self.kept.disagree();
        self.kept.set_meta(|meta| meta.cursor = None);
        self.read_anew("the server goes on from another state, such as a backup")
    }

    fn read_anew(&mut self, why: &str) -> Result<(), EngineError> {
        tracing::warn!(why, "read the server anew");
        self.reading = None;
        self.kept.set_meta(|meta| {
            meta.anew = true;
        });
        self.kept.begin_reading_anew();
        self.log("reread", "", why);
        self.flush()
    }

    /// Lists the whole folder.
    pub(super) async fn look_at_all(&mut self) -> Result<(), EngineError> {
        let root = self.kept.trees().local.root();
        self.look_at(vec![root], Depth::All).await
    }

    /// Lists some folders, and those that turn out to be synced ones from elsewhere.
    pub(super) async fn look_at(
        &mut self,
        mut folders: Vec<LocalId>,
        mut depth: Depth,
    ) -> Result<(), EngineError> {
        for _ in 0..WIDENINGS {
            folders = self.look_once(folders, depth).await?;
            depth = Depth::All;
            if folders.is_empty() {
                break;
            }
        }
        self.flush()
    }

    /// Lists some folders; tells which others should be.
    async fn look_once(
        &mut self,
        mut folders: Vec<LocalId>,
        depth: Depth,
    ) -> Result<Vec<LocalId>, EngineError> {
        let root = self.kept.trees().local.root();
        let mut looked = self.survey(&folders, depth).await?;
        for _ in 0..WIDENINGS {
            let more = looked.scan.worth_listing(&self.kept.trees().local);
            if more.is_empty() {
                break;
            }
            folders.extend(more);
            looked = self.survey(&folders, depth).await?;
        }
        let is_whole = folders.contains(&root) && depth == Depth::All;
        if is_whole {
            self.unseen.clear();
        }
        for trouble in looked.troubles {
            if !self.unseen.contains(&trouble) {
                self.unseen.push(trouble);
            }
        }
        self.io.progress.event(Event::Looked {
            entries: looked.scan.entries.len(),
        });
        let observed = self.kept.observe(&looked.scan);
        self.kept
            .seen(is_whole && looked.is_complete && observed.unlisted.is_empty());
        self.settle_names(&observed.changed).await?;
        let mut unlisted = observed.unlisted;
        unlisted.extend(self.clear(looked.leftovers).await?);
        Ok(unlisted)
    }

    /// Makes durable that these entries are where they are: what the server is told of them must not be undone by a power
    /// cut, which would look as if a person had undone it.
    async fn settle_names(&self, changed: &[LocalId]) -> Result<(), EngineError> {
        let trees = self.kept.trees();
        let holders: BTreeSet<RelPath> = changed
            .iter()
            .filter_map(|id| path_of(trees, *id))
            .map(|path| path.folder())
            .collect();
        match holders.is_empty() {
            true => Ok(()),
            false => Ok(self.io.fs.settle(&Vec::from_iter(holders)).await?),
        }
    }

    async fn survey(&self, folders: &[LocalId], depth: Depth) -> Result<Survey, EngineError> {
        Ok(survey(&*self.io.fs, self.kept.trees(), folders, depth).await?)
    }
}
