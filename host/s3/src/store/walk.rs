//! Objects of a bucket in the order of their keys' bytes, by walking folders.
//!
//! Every entry of a folder stands for one key or for all keys with one prefix, and no entry's prefix begins another's, so
//! sorting a folder's entries by decoded bytes and going depth first gives the order (see `keypath`). Folders outside
//! the asked range are not read.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::keypath::{Kind, decode_name, object_path};

/// What to list of a bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    /// Only keys that begin with this.
    pub(crate) prefix: String,
    /// Keys that have this after the prefix are rolled up; empty for none.
    pub(crate) delimiter: String,
    /// Only keys greater than this.
    pub(crate) after: String,
    /// No key that begins with this, if it isn't empty: a rolled up prefix that was listed before.
    pub(crate) after_prefix: String,
    /// Most items.
    pub(crate) max: usize,
}

/// One item of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A key and the path of its object.
    Key(String, PathBuf),
    /// Rolled up keys.
    Prefix(String),
}

/// One page, in order.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    /// There is more after the last item.
    pub(crate) truncated: bool,
}

struct Entry {
    /// The key, or the prefix of all keys below.
    bytes: Vec<u8>,
    kind: Kind,
    name: std::ffi::OsString,
}

struct Frame {
    folder: PathBuf,
    /// Sorted descending: the next one is popped.
    entries: Vec<Entry>,
}

/// Lists one page of the bucket in `root`. A bucket whose folder is missing is an error of kind `NotFound`.
pub(crate) fn list(root: &Path, query: &Query) -> io::Result<Page> {
    let mut page = Page::default();
    if query.max == 0 {
        return Ok(page);
    }
    let mut walk = Walk {
        query,
        skip: query.after_prefix.clone().into_bytes(),
        stack: Vec::new(),
    };
    walk.start(root)?;
    while let Some((key, path)) = walk.next()? {
        if page.items.len() == query.max {
            page.truncated = true;
            break;
        }
        let rest = &key[query.prefix.len()..];
        let rolled = (!query.delimiter.is_empty())
            .then(|| rest.find(&query.delimiter))
            .flatten();
        match rolled {
            Some(at) => {
                let prefix = key[..query.prefix.len() + at + query.delimiter.len()].to_owned();
                walk.skip = prefix.clone().into_bytes();
                page.items.push(Item::Prefix(prefix));
            }
            None => page.items.push(Item::Key(key, path)),
        }
    }
    Ok(page)
}

struct Walk<'a> {
    query: &'a Query,
    /// Keys that begin with this are passed over, if it isn't empty.
    skip: Vec<u8>,
    stack: Vec<Frame>,
}

impl Walk<'_> {
    /// Begins at the deepest folder that has all keys with the prefix.
    fn start(&mut self, root: &Path) -> io::Result<()> {
        let base = self
            .query
            .prefix
            .rfind('/')
            .map_or("", |at| &self.query.prefix[..=at]);
        let start = object_path(base);
        let folder = start
            .parent()
            .map_or_else(|| root.to_owned(), |parent| root.join(parent));
        if folder != root && !folder.is_dir() {
            std::fs::metadata(root)?;
            return Ok(());
        }
        self.push(folder, base.as_bytes())
    }

    fn push(&mut self, folder: PathBuf, base: &[u8]) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(&folder)? {
            let name = entry?.file_name();
            let Some((kind, decoded)) = decode_name(name.as_bytes()) else {
                continue;
            };
            let bytes = [base, &decoded].concat();
            if self.wanted(&bytes, kind) {
                entries.push(Entry { bytes, kind, name });
            }
        }
        entries.sort_unstable_by(|left, right| right.bytes.cmp(&left.bytes));
        self.stack.push(Frame { folder, entries });
        Ok(())
    }

    fn wanted(&self, bytes: &[u8], kind: Kind) -> bool {
        let (prefix, after) = (self.query.prefix.as_bytes(), self.query.after.as_bytes());
        if !self.skip.is_empty() && bytes.starts_with(&self.skip) {
            return false;
        }
        match kind {
            Kind::Object => bytes.starts_with(prefix) && (after.is_empty() || bytes > after),
            Kind::Folder | Kind::Chunk => {
                (bytes.starts_with(prefix) || prefix.starts_with(bytes))
                    && (bytes >= after || after.starts_with(bytes))
            }
        }
    }

    fn next(&mut self) -> io::Result<Option<(String, PathBuf)>> {
        while let Some(frame) = self.stack.last_mut() {
            let Some(entry) = frame.entries.pop() else {
                self.stack.pop();
                continue;
            };
            let path = frame.folder.join(&entry.name);
            if !self.wanted(&entry.bytes, entry.kind) {
                continue;
            }
            if entry.kind != Kind::Object {
                match self.push(path, &entry.bytes) {
                    // Deleted while we walked.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    result => result?,
                }
                continue;
            }
            // Keys come in as text; a file that says otherwise isn't ours.
            if let Ok(key) = String::from_utf8(entry.bytes) {
                return Ok(Some((key, path)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// The definition of listing, over a sorted set.
    fn model(keys: &BTreeSet<String>, query: &Query) -> (Vec<String>, bool) {
        let mut out: Vec<String> = Vec::new();
        for key in keys {
            let passed = key <= &query.after && !query.after.is_empty()
                || !query.after_prefix.is_empty() && key.starts_with(&query.after_prefix);
            let Some(rest) = key.strip_prefix(&query.prefix).filter(|_| !passed) else {
                continue;
            };
            let item = match rest
                .find(&query.delimiter)
                .filter(|_| !query.delimiter.is_empty())
            {
                Some(at) => key[..query.prefix.len() + at + query.delimiter.len()].to_owned(),
                None => key.clone(),
            };
            if out.last() != Some(&item) {
                out.push(item);
            }
        }
        let truncated = out.len() > query.max;
        out.truncate(query.max);
        (out, truncated)
    }

    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "[a-b!/0.~]{1,3}",
            1 => Just("/".to_owned()),
            1 => "[\\x01%,@é]{1,2}",
            1 => "a{198,202}[a!/]{0,2}",
        ]
    }

    fn keys() -> impl Strategy<Value = BTreeSet<String>> {
        let key = proptest::collection::vec(piece(), 1..5).prop_map(|pieces| pieces.concat());
        proptest::collection::btree_set(key, 0..30)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn pages_are_those_of_a_sorted_map(
            keys in keys(),
            prefix in prop_oneof![Just(String::new()), piece()],
            delimiter in prop_oneof![Just(""), Just("/"), Just("a!"), Just("~")],
            after in prop_oneof![Just(String::new()), piece()],
            max in 1usize..8,
        ) {
            let folder = tempfile::tempdir().unwrap();
            for key in &keys {
                let path = folder.path().join(object_path(key));
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, b"").unwrap();
            }
            let mut query = Query { prefix, delimiter: delimiter.to_owned(), after, after_prefix: String::new(), max };
            // Page after page until the end.
            loop {
                let page = list(folder.path(), &query).unwrap();
                let names: Vec<String> = page.items.iter().map(|item| match item {
                    Item::Key(key, _) | Item::Prefix(key) => key.clone(),
                }).collect();
                prop_assert_eq!((names, page.truncated), model(&keys, &query));
                match page.items.last() {
                    Some(Item::Key(key, _)) if page.truncated => { query.after = key.clone(); query.after_prefix.clear(); }
                    Some(Item::Prefix(prefix)) if page.truncated => {
                        query.after = prefix.clone();
                        query.after_prefix = prefix.clone();
                    }
                    _ => break,
                }
            }
        }
    }
}
