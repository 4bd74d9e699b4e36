//! The folders of a dropped tree: each is made once, however many files wait for it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use bitvault_api::NodeKind;
use futures::lock::Mutex;

use super::queue::Failure;
use crate::api::{Api, ApiError};

/// A folder by where it is: the folder that was dropped on, and the names below it.
type Place = (String, Vec<String>);

/// Folders that are known to exist.
#[derive(Default)]
pub(super) struct Folders {
    known: RefCell<HashMap<Place, String>>,
    /// Held while a folder is looked up or made, so that two files of one folder don't make it twice.
    making: Rc<Mutex<()>>,
}

impl Folders {
    /// The id of the folder at `path` below `parent_id`, made if it is missing.
    pub(super) async fn ensure(
        &self,
        api: &Api,
        parent_id: &str,
        path: &[String],
    ) -> Result<String, Failure> {
        let making = self.making.clone();
        let _one_at_a_time = making.lock().await;
        let mut id = parent_id.to_owned();
        for depth in 1..=path.len() {
            let place = (parent_id.to_owned(), path[..depth].to_vec());
            let known = self.known.borrow().get(&place).cloned();
            id = match known {
                Some(known) => known,
                None => {
                    let made = make(api, &id, &path[depth - 1]).await?;
                    self.known.borrow_mut().insert(place, made.clone());
                    made
                }
            };
        }
        Ok(id)
    }

    /// Forgets what is known: somebody may have deleted a folder meanwhile.
    pub(super) fn forget(&self) {
        self.known.borrow_mut().clear();
    }
}

async fn make(api: &Api, parent_id: &str, name: &str) -> Result<String, Failure> {
    let failure = |error: &ApiError| Failure {
        message: format!("The folder “{name}” can't be created: {}", error.message()),
        trace_id: error.trace_id(),
    };
    match api.create_folder(parent_id, name).await {
        Ok(node) => Ok(node.id),
        Err(error) if error.is_name_taken() => match api.child_named(parent_id, name).await {
            Ok(Some(node)) if node.kind == NodeKind::Folder => Ok(node.id),
            Ok(Some(_)) => Err(Failure {
                message: format!(
                    "There is a file called “{name}” where the folder should go. Rename one of the two."
                ),
                trace_id: None,
            }),
            Ok(None) => Err(failure(&error)),
            Err(error) => Err(failure(&error)),
        },
        Err(error) => Err(failure(&error)),
    }
}
