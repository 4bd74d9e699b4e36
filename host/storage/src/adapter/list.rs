//! Listings.

use super::Adapter;
use super::convert::{meta, store_error};
use async_trait::async_trait;
use bitvault_wasm::Page;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::list::{PaginatedListOptions, PaginatedListResult, PaginatedListStore};
use object_store::path::{DELIMITER, Path};
use object_store::{ListResult, ObjectMeta, Result};

/// Keys on a page.
const PAGE: u32 = 1000;

impl Adapter {
    async fn page(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        start_after: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page> {
        let fail = |error| store_error(prefix, error);
        let mut call = self.store.call("list-objects").await.map_err(fail)?;
        call.list_objects(prefix, delimiter, start_after, cursor, limit)
            .await
            .map_err(fail)
    }

    /// All objects below a folder, page by page as they are asked for.
    pub(super) fn list_from(
        &self,
        prefix: Option<&Path>,
        offset: Option<&Path>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let adapter = self.clone();
        let prefix = folder(prefix);
        let offset = offset.map(|path| path.as_ref().to_owned());
        // `None` is the end, `Some(None)` the first page.
        stream::try_unfold(Some(None::<String>), move |cursor| {
            let (adapter, prefix, offset) = (adapter.clone(), prefix.clone(), offset.clone());
            async move {
                let Some(cursor) = cursor else { return Ok(None) };
                // A cursor carries its start with it.
                let start = offset.as_deref().filter(|_| cursor.is_none());
                let page = adapter
                    .page(&prefix, None, start, cursor.as_deref(), PAGE)
                    .await?;
                let objects: Vec<Result<ObjectMeta>> = page.objects.into_iter().map(meta).collect();
                Ok::<_, object_store::Error>(Some((stream::iter(objects), page.next.map(Some))))
            }
        })
        .try_flatten()
        .boxed()
    }

    /// Objects and folders directly below a folder.
    pub(super) async fn list_level(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = folder(prefix);
        let mut all = Page {
            objects: Vec::new(),
            prefixes: Vec::new(),
            next: None,
        };
        loop {
            let page = self
                .page(&prefix, Some(DELIMITER), None, all.next.as_deref(), PAGE)
                .await?;
            all.objects.extend(page.objects);
            all.prefixes.extend(page.prefixes);
            all.next = page.next;
            if all.next.is_none() {
                return result(all);
            }
        }
    }
}

#[async_trait]
impl PaginatedListStore for Adapter {
    async fn list_paginated(
        &self,
        prefix: Option<&str>,
        opts: PaginatedListOptions,
    ) -> Result<PaginatedListResult> {
        let limit = opts
            .max_keys
            .and_then(|keys| u32::try_from(keys).ok())
            .unwrap_or(PAGE);
        let (offset, token) = (opts.offset.as_deref(), opts.page_token.as_deref());
        let page = self
            .page(
                prefix.unwrap_or_default(),
                opts.delimiter.as_deref(),
                offset,
                token,
                limit,
            )
            .await?;
        let page_token = page.next.clone();
        Ok(PaginatedListResult {
            result: result(page)?,
            page_token,
        })
    }
}

fn folder(prefix: Option<&Path>) -> String {
    match prefix {
        Some(path) if !path.as_ref().is_empty() => format!("{path}{DELIMITER}"),
        _ => String::new(),
    }
}

fn result(page: Page) -> Result<ListResult> {
    let common_prefixes = page
        .prefixes
        .iter()
        .map(|prefix| Ok(Path::parse(prefix)?))
        .collect::<Result<_>>()?;
    let objects = page.objects.into_iter().map(meta).collect::<Result<_>>()?;
    Ok(ListResult {
        common_prefixes,
        objects,
        extensions: Default::default(),
    })
}
