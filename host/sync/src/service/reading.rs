//! Reading changes from a cursor: page after page, each ending with the next cursor.

use crate::Sync;
use crate::domain::cursor::{self, Holder, Key, SetId};
use crate::error::Refusal;
use crate::store::{devices, keys, root_sets};
use bitvault_api::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::internal::v1::FeedState;
use bitvault_proto::v1;
use prost::Message as _;
use std::sync::Arc;

/// Pages without an item that one call reads on over: changes of what the caller does not see.
const EMPTY_PAGES: usize = 10;

/// Somebody's reading of changes.
#[derive(Debug)]
pub(super) struct Reading {
    sync: Sync,
    ctx: Ctx,
    holder: Holder,
    key: Key,
    limit: u32,
    state: Option<FeedState>,
    /// The set of roots that the next cursor names, if it is kept already.
    kept: Option<SetId>,
}

/// What a look found.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) items: Vec<v1::Change>,
    pub(super) more: bool,
}

impl Reading {
    /// Begins, or goes on where a cursor says. Notes that the device is there.
    pub(super) async fn open(sync: &Sync, ctx: &Ctx, request: &v1::ListChangesRequest) -> Result<Self> {
        let device = request.device_id.as_deref().map(str::parse).transpose()?;
        let holder = Holder {
            tenant: ctx.tenant()?,
            account: ctx.account_id()?,
            device,
        };
        let limit = match request.limit {
            0 => PAGE_ITEMS_DEFAULT,
            limit if limit <= PAGE_ITEMS_MAX => limit,
            _ => return Err(Refusal::LimitInvalid(PAGE_ITEMS_MAX).into()),
        };
        let key = key(sync, ctx).await?;
        let opened = request.cursor.as_deref();
        let opened = opened.map(|text| cursor::open(&key, holder, text)).transpose()?;
        let place = opened.as_ref().map(|(_, state)| (state.epoch, state.seq));
        let named = opened.as_ref().map(|(set, _)| (holder.tenant, *set));
        let known = named.and_then(|named| sync.core.root_sets.get(&named));
        let mut roots = known.clone();
        if device.is_some() || known.is_none() && named.is_some() {
            let now = sync.core.clock.now();
            let mut tx = sync.begin(ctx).await?;
            if let Some(device) = device {
                let row = devices::get(&mut tx, holder.account, device).await?;
                let row = row.ok_or(Refusal::DeviceNotFound)?;
                devices::seen(&mut tx, &row, place, now).await?;
            }
            if let (None, Some(named)) = (&known, named) {
                let found = root_sets::find(&mut tx, holder.account, named.1, now).await?;
                let Some(found) = found else {
                    tx.commit().await?;
                    return Err(without_roots(sync, ctx, opened.map(|(_, state)| state)).await);
                };
                let found: Arc<[u8]> = found.into();
                sync.core.root_sets.insert(named, Arc::clone(&found));
                roots = Some(found);
            }
            tx.commit().await?;
        }
        let kept = named.map(|(_, set)| set);
        let state = match (opened, roots) {
            (Some((_, state)), Some(roots)) => Some(FeedState {
                roots: FeedState::decode(&*roots)
                    .map_err(|cause| Error::internal("read roots that were kept", cause))?
                    .roots,
                ..state
            }),
            _ => None,
        };
        Ok(Self {
            sync: sync.clone(),
            ctx: ctx.clone(),
            holder,
            key,
            limit,
            state,
            kept,
        })
    }

    /// Reads on, over pages without an item, to one with some or to the end of the journal.
    pub(super) async fn next(&mut self) -> Result<Page> {
        let mut page = Page {
            items: Vec::new(),
            more: true,
        };
        for _ in 0..EMPTY_PAGES {
            let permit = self.sync.core.reads.acquire().await;
            let _turn = permit.map_err(|cause| Error::internal("wait for a turn to read", cause))?;
            let state = self.state.clone();
            let answer = self.sync.core.files.feed(&self.ctx, state, self.limit).await?;
            let state = answer.state;
            self.state =
                Some(state.ok_or_else(|| Error::internal("read changes", "files answered no state"))?);
            page = Page {
                items: answer.items,
                more: answer.more,
            };
            if !page.items.is_empty() || !page.more {
                break;
            }
        }
        Ok(page)
    }

    /// The cursor to go on from, with what it names kept.
    pub(super) async fn cursor(&mut self) -> Result<String> {
        let mut state = self.state.clone().unwrap_or_default();
        let roots = FeedState {
            roots: std::mem::take(&mut state.roots),
            ..FeedState::default()
        };
        let roots = roots.encode_to_vec();
        let set = SetId::of(&roots);
        if self.kept != Some(set) {
            let mut tx = self.sync.begin(&self.ctx).await?;
            let now = self.sync.core.clock.now();
            root_sets::keep(&mut tx, self.holder.account, set, &roots, now).await?;
            tx.commit().await?;
            let named = (self.holder.tenant, set);
            self.sync.core.root_sets.insert(named, roots.into());
            self.kept = Some(set);
        }
        cursor::seal(&self.key, self.holder, set, state)
    }
}

/// Why a cursor can't be gone on from whose roots are not kept: it has expired, unless the database was put back to before they
/// were. That is worse news, as then the server has lost what the reader was told.
async fn without_roots(sync: &Sync, ctx: &Ctx, state: Option<FeedState>) -> Error {
    match sync.core.files.feed(ctx, state, 1).await {
        Ok(_) => Refusal::CursorExpired.into(),
        Err(error) => error,
    }
}

/// The tenant's key; made when there is none.
async fn key(sync: &Sync, ctx: &Ctx) -> Result<Key> {
    let tenant = ctx.tenant()?;
    if let Some(key) = sync.core.keys.get(&tenant) {
        return Ok(key);
    }
    let fresh = Key(rand::random());
    let mut tx = sync.begin(ctx).await?;
    let key = keys::get_or_make(&mut tx, &fresh).await?;
    tx.commit().await?;
    sync.core.keys.insert(tenant, key.clone());
    Ok(key)
}
