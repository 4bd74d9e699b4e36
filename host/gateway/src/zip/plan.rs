use super::names::{Names, top_name};
use super::{Entry, File};
use crate::routes::public::children;
use crate::state::Inner;
use bitvault_api::limits::PAGE_ITEMS_MAX;
use bitvault_platform::{Code, Ctx, Error};
use bitvault_proto::v1 as rpc;

/// Longest path in an archive, in bytes: the format has two bytes for its length.
const PATH_BYTES: usize = 65_535;

/// Everything that an archive of this folder holds, folders before what is in them; refused when it is too much.
pub(crate) async fn plan(state: &Inner, ctx: &Ctx, top: &rpc::Node) -> Result<Vec<Entry>, Error> {
    if top.kind() != rpc::NodeKind::Folder {
        let text = "this is a file, and only a folder is read as a ZIP archive";
        return Err(Error::new(Code::Invalid, "not_a_folder", text));
    }
    let mut entries = Entries {
        most: state.config.zip.max_entries,
        bytes_left: state.config.zip.max_bytes.as_u64(),
        found: Vec::new(),
    };
    let path = format!("{}/", top_name(top));
    entries.add(folder(path.clone(), top))?;
    let mut open = vec![(top.id.clone(), path)];
    while let Some((id, prefix)) = open.pop() {
        let mut names = Names::default();
        let mut cursor = None;
        loop {
            let message = rpc::ListChildrenRequest {
                id: id.clone(),
                limit: PAGE_ITEMS_MAX,
                cursor: cursor.take(),
                ..rpc::ListChildrenRequest::default()
            };
            let page = children(state, ctx, message).await?;
            for node in page.items {
                let path = format!("{prefix}{}", names.take(&node.name));
                match &node.version {
                    Some(version) => entries.add(file(path, &node, version))?,
                    None => {
                        let path = format!("{path}/");
                        entries.add(folder(path.clone(), &node))?;
                        open.push((node.id, path));
                    }
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(entries.found)
}

fn modified(node: &rpc::Node) -> i64 {
    node.updated_at.as_ref().map_or(0, |at| at.seconds)
}

fn folder(path: String, node: &rpc::Node) -> Entry {
    Entry {
        path,
        modified: modified(node),
        file: None,
    }
}

fn file(path: String, node: &rpc::Node, version: &rpc::Version) -> Entry {
    Entry {
        path,
        modified: modified(node),
        file: Some(File {
            node_id: node.id.clone(),
            version_id: version.id.clone(),
            size: version.size,
        }),
    }
}

/// Entries within the limits.
struct Entries {
    most: usize,
    bytes_left: u64,
    found: Vec<Entry>,
}

impl Entries {
    fn add(&mut self, entry: Entry) -> Result<(), Error> {
        let size = entry.file.as_ref().map_or(0, |file| file.size);
        let left = self.bytes_left.checked_sub(size);
        let fits = self.found.len() < self.most && entry.path.len() <= PATH_BYTES;
        match left {
            Some(left) if fits => {
                self.bytes_left = left;
                self.found.push(entry);
                Ok(())
            }
            _ => Err(Error::new(
                Code::Invalid,
                "zip_too_large",
                "the folder holds more than an archive may: read its folders one by one",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, size: u64) -> Entry {
        let version = rpc::Version {
            size,
            ..rpc::Version::default()
        };
        file(path.to_owned(), &rpc::Node::default(), &version)
    }

    #[test]
    fn what_goes_beyond_a_limit_is_refused() {
        let limits = || Entries {
            most: 2,
            bytes_left: 10,
            found: Vec::new(),
        };
        let mut entries = limits();
        entries.add(entry("a", 4)).unwrap();
        entries.add(entry("b", 6)).unwrap();
        assert_eq!(entries.add(entry("c", 0)).unwrap_err().reason(), "zip_too_large");
        let mut entries = limits();
        entries.add(entry("a", 4)).unwrap();
        assert!(entries.add(entry("b", 7)).is_err());
        assert!(limits().add(entry(&"x".repeat(PATH_BYTES + 1), 0)).is_err());
    }
}
