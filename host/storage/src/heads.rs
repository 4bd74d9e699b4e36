//! Looking up many keys. Keys that share a prefix are found by listing it, which is one request for a thousand of them;
//! the rest is asked for one by one.

use crate::backend::Storage;
use crate::error;
use bitvault_platform::{Code, Error};
use bitvault_wasm::Object;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use std::collections::{BTreeMap, HashMap};

/// Keys with one parent from which on listing is tried.
const LIST_FROM: usize = 8;
/// Keys on one page of a listing.
const PAGE: usize = 1000;
/// Single look-ups at the same time.
const PARALLEL: usize = 32;

/// What the store holds under each key, in the order of the keys.
pub(crate) async fn lookup(storage: &Storage, keys: &[String]) -> Result<Vec<Option<Object>>, Error> {
    let mut found: HashMap<&str, Option<Object>> = HashMap::with_capacity(keys.len());
    let mut families: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in keys {
        let parent = key.rfind('/').map_or("", |slash| &key[..=slash]);
        families.entry(parent).or_default().push(key);
    }
    let mut single = Vec::new();
    for (parent, mut family) in families {
        family.sort_unstable();
        family.dedup();
        if family.len() < LIST_FROM || parent.is_empty() {
            single.extend(family);
        } else {
            single.extend(list_family(storage, &family, &mut found).await?);
        }
    }
    // Owned, because a closure over borrowed keys is not general enough for the stream.
    let single: Vec<String> = single.into_iter().map(str::to_owned).collect();
    let heads = stream::iter(single).map(|key| {
        let storage = storage.clone();
        async move { head(&storage, &key).await.map(|object| (key, object)) }
    });
    let heads: HashMap<String, Option<Object>> = heads.buffer_unordered(PARALLEL).try_collect().await?;
    let told = |key: &String| {
        found
            .get(key.as_str())
            .cloned()
            .or_else(|| heads.get(key).cloned())
            .flatten()
    };
    Ok(keys.iter().map(told).collect())
}

/// What is stored under one key.
pub(crate) async fn head(storage: &Storage, key: &str) -> Result<Option<Object>, Error> {
    let mut call = storage
        .backend()
        .store
        .call("head")
        .await
        .map_err(error::plugin)?;
    match call.head(key).await.map_err(error::plugin) {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Lists the longest prefix of a sorted family. Answers the keys that the pages read did not decide, because too much else
/// lies between them.
async fn list_family<'a>(
    storage: &Storage,
    family: &[&'a str],
    found: &mut HashMap<&'a str, Option<Object>>,
) -> Result<Vec<&'a str>, Error> {
    let (Some(first), Some(last)) = (family.first(), family.last()) else {
        return Ok(Vec::new());
    };
    let prefix = common_prefix(first, last);
    let mut pages = 1 + 2 * family.len() / PAGE;
    let mut cursor: Option<String> = None;
    let mut complete = false;
    let mut listed: HashMap<String, Object> = HashMap::new();
    while pages > 0 && !complete {
        let mut call = storage
            .backend()
            .store
            .call("list-objects")
            .await
            .map_err(error::plugin)?;
        let page = call
            .list_objects(prefix, None, None, cursor.as_deref(), PAGE as u32)
            .await;
        let page = page.map_err(error::plugin)?;
        listed.extend(
            page.objects
                .into_iter()
                .map(|object| (object.key.clone(), object)),
        );
        cursor = page.next;
        complete = cursor.is_none();
        pages -= 1;
    }
    let mut undecided = Vec::new();
    for &key in family {
        match listed.remove(key) {
            Some(object) => _ = found.insert(key, Some(object)),
            None if complete => _ = found.insert(key, None),
            None => undecided.push(key),
        }
    }
    Ok(undecided)
}

/// What two texts begin with, cut at a character.
fn common_prefix<'a>(first: &'a str, last: &str) -> &'a str {
    let same = first
        .bytes()
        .zip(last.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let cut = (0..=same)
        .rev()
        .find(|&at| first.is_char_boundary(at))
        .unwrap_or(0);
    &first[..cut]
}

#[cfg(test)]
mod tests {
    use super::common_prefix;

    #[test]
    fn a_common_prefix_ends_at_a_character() {
        assert_eq!(common_prefix("a/bcd", "a/bxd"), "a/b");
        assert_eq!(common_prefix("a/é", "a/è"), "a/");
        assert_eq!(common_prefix("a", "a"), "a");
    }
}
