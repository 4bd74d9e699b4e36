//! Who accounts are.

use std::collections::HashMap;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::app::Shared;

/// Names of the organisation's members, as far as the person may know them.
#[derive(Clone, Copy)]
pub(super) struct People {
    names: RwSignal<HashMap<String, String>>,
    me: Signal<Option<String>>,
}

impl People {
    /// Asks who they are. Until that is known, and where it is not to be known, others are “another member”.
    pub(super) fn load(shared: Shared) -> Self {
        let names = RwSignal::new(HashMap::new());
        spawn_local(async move {
            if let Ok(members) = shared.api().members().await {
                let named = members.into_iter().map(|member| {
                    let name = match member.display_name.is_empty() {
                        true => member.email,
                        false => member.display_name,
                    };
                    (member.id, name)
                });
                names.try_set(named.collect());
            }
        });
        let me = Signal::derive(move || shared.me.with(|me| me.as_ref().map(|me| me.account.id.clone())));
        Self { names, me }
    }

    /// What an account is called.
    pub(super) fn name(&self, account: Option<&str>) -> String {
        let Some(account) = account else {
            return "somebody".to_owned();
        };
        if self.me.with(|me| me.as_deref() == Some(account)) {
            return "you".to_owned();
        }
        self.names
            .with(|names| names.get(account).cloned())
            .unwrap_or_else(|| "another member".to_owned())
    }
}
