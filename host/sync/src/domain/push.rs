//! What is pushed: items in their order, taken together as the module files takes them.

use crate::error::Refusal;
use bitvault_platform::{Error, Result};
use bitvault_proto::v1;
use bitvault_proto::v1::push_item::Act;
use std::collections::HashMap;

/// Items of one kind that follow each other, each with its place among all.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Run {
    Folders(Vec<(usize, v1::PushFolder)>),
    Commits(Vec<(usize, v1::PushCommit)>),
    Moves(Vec<(usize, v1::PushMove)>),
    Deletes(Vec<(usize, v1::PushDelete)>),
}

/// The items as they are carried out.
pub(crate) fn runs(items: Vec<v1::PushItem>) -> Result<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let act = item.act.ok_or_else(|| {
            let field = format!("items[{at}]");
            Error::invalid_field("item_invalid", field, "use create_folder, commit, move or delete")
        })?;
        match (act, runs.last_mut()) {
            (Act::CreateFolder(one), Some(Run::Folders(run))) => run.push((at, one)),
            (Act::CreateFolder(one), _) => runs.push(Run::Folders(vec![(at, one)])),
            (Act::Commit(one), Some(Run::Commits(run))) => run.push((at, one)),
            (Act::Commit(one), _) => runs.push(Run::Commits(vec![(at, one)])),
            (Act::Move(one), Some(Run::Moves(run))) => run.push((at, one)),
            (Act::Move(one), _) => runs.push(Run::Moves(vec![(at, one)])),
            (Act::Delete(one), Some(Run::Deletes(run))) => run.push((at, one)),
            (Act::Delete(one), _) => runs.push(Run::Deletes(vec![(at, one)])),
        }
    }
    Ok(runs)
}

/// Folders that the call has made, by the keys that the client chose.
#[derive(Debug, Default)]
pub(crate) struct Made(HashMap<String, String>);

impl Made {
    /// Takes note of a folder.
    pub(crate) fn add(&mut self, key: Option<&str>, id: &str) {
        if let Some(key) = key {
            self.0.insert(key.to_owned(), id.to_owned());
        }
    }

    /// The folder that an item names, by id or by key; nothing when it names none.
    pub(crate) fn folder(&self, id: Option<String>, key: Option<String>) -> Result<Option<String>, Refusal> {
        match (id, key) {
            (id, None) => Ok(id),
            (None, Some(key)) => self.0.get(&key).cloned().map(Some).ok_or(Refusal::KeyUnknown),
            (Some(_), Some(_)) => Err(Refusal::TwoParents),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(act: Act) -> v1::PushItem {
        v1::PushItem { act: Some(act) }
    }

    #[test]
    fn items_of_a_kind_that_follow_each_other_go_together() {
        let folder = || item(Act::CreateFolder(v1::PushFolder::default()));
        let moved = || item(Act::Move(v1::PushMove::default()));
        let items = vec![folder(), folder(), moved(), moved(), folder(), moved()];
        let sizes: Vec<usize> = runs(items)
            .unwrap()
            .iter()
            .map(|run| match run {
                Run::Folders(run) => run.len(),
                Run::Commits(run) => run.len(),
                Run::Moves(run) => run.len(),
                Run::Deletes(run) => run.len(),
            })
            .collect();
        assert_eq!(sizes, [2, 2, 1, 1]);
        let refused = runs(vec![moved(), v1::PushItem { act: None }]).unwrap_err();
        assert_eq!(refused.fields()[0].field, "items[1]");
    }

    #[test]
    fn a_folder_is_named_by_id_or_by_a_key_that_is_known() {
        let mut made = Made::default();
        made.add(Some("k"), "nod_1");
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(made.folder(None, text("k")), Ok(text("nod_1")));
        assert_eq!(made.folder(text("nod_2"), None), Ok(text("nod_2")));
        assert_eq!(made.folder(None, None), Ok(None));
        assert_eq!(made.folder(None, text("x")), Err(Refusal::KeyUnknown));
        assert_eq!(made.folder(text("nod_2"), text("k")), Err(Refusal::TwoParents));
    }
}
