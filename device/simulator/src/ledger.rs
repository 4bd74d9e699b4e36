//! What was written by whom, and what of it nobody needs any more.
//!
//! Invariants: each write makes a content that no other one has, so that what is lost, and what turns up where it should
//! not, can be named. A content is superseded when somebody who had it before them replaced or deleted it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

/// Longest content, in repetitions of its name.
const LONGEST: usize = 3;

/// All that was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    written: BTreeMap<Bytes, Written>,
    /// What a power cut left of contents that no engine had seen, half-written files, and the like: nobody's work, but no
    /// fault of the engine's when it is synced.
    fragments: BTreeSet<Bytes>,
}

/// What became of a content.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Written {
    /// How often it was written.
    pub(crate) times: usize,
    /// Somebody who had it before them replaced or deleted it.
    pub(crate) is_superseded: bool,
    /// It may be in a trash or in the history only.
    pub(crate) may_be_buried: bool,
}

impl Ledger {
    /// A content that was never written before, as long as another one of its kind.
    pub(crate) fn write(&mut self, by: &str) -> Bytes {
        let number = self.written.len();
        let word = format!("{by}{number:04}.");
        let content = Bytes::from(word.repeat(1 + number % LONGEST));
        self.note(&content);
        content
    }

    /// A content of the same length as this one.
    pub(crate) fn write_as_long(&mut self, by: &str, as_long: usize) -> Bytes {
        let number = self.written.len();
        let mut word = format!("{by}{number:04}.").repeat(1 + as_long / 6).into_bytes();
        word.truncate(as_long.max(6));
        let content = Bytes::from(word);
        self.note(&content);
        content
    }

    /// It is written once more, by somebody else.
    pub(crate) fn write_again(&mut self, content: &Bytes) {
        self.note(content);
    }

    /// A part of a content, or an empty file: it may be synced, and is never missed.
    pub(crate) fn fragment(&mut self, content: Bytes) {
        self.fragments.insert(content);
    }

    /// Somebody who had these before them replaced or deleted them.
    pub(crate) fn supersede(&mut self, contents: impl IntoIterator<Item = Bytes>) {
        for content in contents {
            if let Some(written) = self.written.get_mut(&content) {
                written.is_superseded = true;
            }
        }
    }

    /// This one was written in a way that may end in a trash.
    pub(crate) fn may_be_buried(&mut self, content: &Bytes) {
        if let Some(written) = self.written.get_mut(content) {
            written.may_be_buried = true;
        }
    }

    /// Everything that was written.
    pub(crate) fn written(&self) -> &BTreeMap<Bytes, Written> {
        &self.written
    }

    /// Whether somebody made this content.
    pub(crate) fn is_somebodys(&self, content: &Bytes) -> bool {
        self.written.contains_key(content) || self.fragments.contains(content)
    }

    fn note(&mut self, content: &Bytes) {
        let written = self.written.entry(content.clone()).or_default();
        written.times += 1;
    }
}
