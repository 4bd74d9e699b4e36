//! What the files page shows: one folder and what is in it.
//!
//! Invariant: an answer for a folder that is no longer shown is dropped (each load has its own number).

use std::collections::HashMap;

use bitvault_api::{Node, NodeKind};
use leptos::prelude::*;

use crate::api::{Api, ApiError};
use crate::browser;
use crate::components::breadcrumbs::Crumb;

/// Items of a page of a listing.
const PAGE_ITEMS: u32 = 200;
/// Folders on the way to the root that are looked up at most.
const DEPTH_MAX: usize = 64;

/// Where the listing stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing to show yet.
    Loading,
    /// All of `items` is shown.
    Ready,
    /// The next page is on its way.
    LoadingMore,
    /// It could not be loaded.
    Failed(ApiError),
}

/// The folder that is shown.
#[derive(Clone, Copy)]
pub(crate) struct Listing {
    pub(crate) phase: RwSignal<Phase>,
    /// The folder itself, once known.
    pub(crate) folder: RwSignal<Option<Node>>,
    pub(crate) items: RwSignal<Vec<Node>>,
    pub(crate) next: RwSignal<Option<String>>,
    pub(crate) trail: RwSignal<Vec<Crumb>>,
    /// Folders that were seen, so that the way back needs no calls.
    seen: StoredValue<HashMap<String, Node>>,
    load: StoredValue<u64>,
}

impl Listing {
    pub(crate) fn new() -> Self {
        Self {
            phase: RwSignal::new(Phase::Loading),
            folder: RwSignal::new(None),
            items: RwSignal::new(Vec::new()),
            next: RwSignal::new(None),
            trail: RwSignal::new(Vec::new()),
            seen: StoredValue::new(HashMap::new()),
            load: StoredValue::new(0),
        }
    }

    /// Forgets everything: somebody else may sign in.
    pub(crate) fn clear(self) {
        self.begin();
        self.phase.set(Phase::Loading);
        self.folder.set(None);
        self.items.set(Vec::new());
        self.next.set(None);
        self.trail.set(Vec::new());
        self.seen.set_value(HashMap::new());
    }

    /// Shows another folder.
    pub(crate) async fn open(self, api: &Api, id: &str) {
        let load = self.begin();
        self.phase.set(Phase::Loading);
        self.items.set(Vec::new());
        self.next.set(None);
        // What is known already is there at once.
        let known = self.seen.with_value(|seen| seen.get(id).cloned());
        self.folder.set(known);
        let (folder, page) = futures::join!(api.node(id), api.children(id, None, PAGE_ITEMS));
        if !self.is_current(load) {
            return;
        }
        match (folder, page) {
            (Ok(folder), Ok(page)) => {
                self.remember(&folder);
                page.items.iter().for_each(|node| self.remember(node));
                self.folder.set(Some(folder.clone()));
                self.items.set(page.items);
                self.next.set(page.next_cursor);
                self.phase.set(Phase::Ready);
                self.find_trail(api, load, folder).await;
            }
            (Err(error), _) | (_, Err(error)) => {
                self.trail.set(Vec::new());
                self.phase.set(Phase::Failed(error));
            }
        }
    }

    /// Reads again what is shown, without showing that it is read.
    pub(crate) async fn reload(self, api: &Api) -> Result<(), ApiError> {
        let Some(folder) = self.folder.get_untracked() else {
            return Ok(());
        };
        let load = self.begin();
        let shown = u32::try_from(self.items.with_untracked(Vec::len)).unwrap_or(u32::MAX);
        let limit = shown
            .saturating_add(1)
            .clamp(PAGE_ITEMS, bitvault_api::limits::PAGE_ITEMS_MAX);
        let page = api.children(&folder.id, None, limit).await?;
        if self.is_current(load) {
            page.items.iter().for_each(|node| self.remember(node));
            self.items.set(page.items);
            self.next.set(page.next_cursor);
            self.phase.set(Phase::Ready);
        }
        Ok(())
    }

    /// Appends the next page.
    pub(crate) async fn more(self, api: &Api) -> Result<(), ApiError> {
        let (Some(folder), Some(cursor)) = (self.folder.get_untracked(), self.next.get_untracked()) else {
            return Ok(());
        };
        let load = self.begin();
        self.phase.set(Phase::LoadingMore);
        let page = api.children(&folder.id, Some(&cursor), PAGE_ITEMS).await;
        if !self.is_current(load) {
            return Ok(());
        }
        self.phase.set(Phase::Ready);
        let page = page?;
        page.items.iter().for_each(|node| self.remember(node));
        self.items.update(|items| items.extend(page.items));
        self.next.set(page.next_cursor);
        Ok(())
    }

    /// Walks from the folder up to the root.
    async fn find_trail(self, api: &Api, load: u64, folder: Node) {
        let mut trail = vec![crumb(&folder)];
        let mut at = folder;
        while let Some(parent_id) = at.parent_id.clone().filter(|_| trail.len() < DEPTH_MAX) {
            let known = self.seen.with_value(|seen| seen.get(&parent_id).cloned());
            let parent = match known {
                Some(parent) => parent,
                // Without the rest of the way the folder itself is still shown.
                None => match api.node(&parent_id).await {
                    Ok(parent) => parent,
                    Err(_) => break,
                },
            };
            self.remember(&parent);
            trail.push(crumb(&parent));
            at = parent;
        }
        if self.is_current(load) {
            trail.reverse();
            if let Some(last) = trail.last() {
                browser::set_title(&format!("{} · BitVault", last.name));
            }
            self.trail.set(trail);
        }
    }

    fn remember(self, node: &Node) {
        if node.kind == NodeKind::Folder {
            self.seen.update_value(|seen| {
                seen.insert(node.id.clone(), node.clone());
            });
        }
    }

    fn begin(self) -> u64 {
        self.load.update_value(|load| *load += 1);
        self.load.get_value()
    }

    fn is_current(self, load: u64) -> bool {
        self.load.get_value() == load
    }
}

fn crumb(node: &Node) -> Crumb {
    let is_root = node.parent_id.is_none();
    let name = if is_root {
        "Files".to_owned()
    } else {
        node.name.clone()
    };
    Crumb {
        id: node.id.clone(),
        name,
        is_root,
    }
}
