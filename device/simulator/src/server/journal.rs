//! The model's journal, and how it is read.

use bitvault_device::planner::{AccountId, NodeId};
use bitvault_device::remote::{Change, Cursor, Page, RemoteError, Told};

use super::tree::Inner;

/// Most items of a page: small, so that tests see several.
const PAGE_ITEMS: usize = 16;

#[derive(Debug, Clone, Default)]
pub(super) struct Journal {
    epoch: u64,
    entries: Vec<Entry>,
    /// Entries up to this one are gone.
    compacted: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    actor: AccountId,
    node: NodeId,
    told: Told,
}

impl Journal {
    pub(super) fn tell(&mut self, actor: AccountId, node: NodeId, told: Told) {
        self.entries.push(Entry { actor, node, told });
    }

    fn len(&self) -> u64 {
        self.entries.len() as u64
    }
}

impl Inner {
    pub(super) fn journal_len(&self) -> u64 {
        self.journal.len()
    }

    pub(super) fn epoch(&self) -> u64 {
        self.journal.epoch
    }

    pub(super) fn begin_epoch(&mut self, epoch: u64) {
        self.journal.epoch = epoch;
    }

    pub(super) fn compact(&mut self, up_to: u64) {
        self.journal.compacted = self.journal.compacted.max(up_to);
    }

    /// What changed since a cursor: each node as it is now, as the real journal tells it.
    pub(super) fn changes(&self, cursor: Option<&Cursor>) -> Result<Page, RemoteError> {
        let Some(cursor) = cursor else {
            return Ok(self.snapshot());
        };
        let broken = || RemoteError::Broken(format!("no cursor: {}", cursor.0));
        let (epoch, seq) = cursor.0.split_once('.').ok_or_else(broken)?;
        if epoch.parse() != Ok(self.journal.epoch) {
            return Err(RemoteError::EpochChanged);
        }
        let from: u64 = seq.parse().map_err(|_| broken())?;
        if from < self.journal.compacted {
            return Err(RemoteError::CursorExpired);
        }
        let entries = self.journal.entries.iter().enumerate();
        let after = usize::try_from(from).unwrap_or(usize::MAX);
        let mut items = Vec::new();
        for (at, entry) in entries.skip(after).take(PAGE_ITEMS) {
            items.extend(self.as_it_is(at, entry).into_iter().map(|what| Change {
                seq: at as u64 + 1,
                actor: Some(entry.actor),
                what,
            }));
        }
        // What moved out of a folder is out of it when that goes.
        items.sort_by_key(|change| matches!(change.what, Told::Remove(..)));
        let reached = self.journal.len().min(from + PAGE_ITEMS as u64);
        Ok(Page {
            items,
            next: self.cursor(reached),
            has_more: reached < self.journal.len(),
        })
    }

    /// What an entry tells. Something that is removed by a later one may have been told as gone by an earlier one, in another page, and have
    /// taken along what has moved out of it by now: until there, what is below a node is told with it.
    fn as_it_is(&self, at: usize, entry: &Entry) -> Vec<Told> {
        let is_gone =
            |later: &Entry| matches!(later.told, Told::Remove(..)) && self.live(later.node).is_none();
        match self.live(entry.node) {
            None => vec![Told::Remove(entry.node, self.why_gone(entry.node))],
            Some(_) if self.journal.entries[at + 1..].iter().any(is_gone) => {
                let below = self.below(entry.node).into_iter();
                below.map(|node| Told::Upsert(node.clone())).collect()
            }
            Some(node) => vec![Told::Upsert(node.clone())],
        }
    }

    fn snapshot(&self) -> Page {
        let items = self.below(self.root()).into_iter().map(|node| Change {
            seq: self.journal.len(),
            actor: None,
            what: Told::Upsert(node.clone()),
        });
        Page {
            items: items.collect(),
            next: self.cursor(self.journal.len()),
            has_more: false,
        }
    }

    fn cursor(&self, seq: u64) -> Cursor {
        Cursor(format!("{}.{seq}", self.journal.epoch))
    }
}
