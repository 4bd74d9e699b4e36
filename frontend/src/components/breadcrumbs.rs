//! Where a folder is.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// One folder on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crumb {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Whether it is the root, whose address is `/`.
    pub(crate) is_root: bool,
}

/// The address of a folder's page.
pub(crate) fn folder_href(id: &str, is_root: bool) -> String {
    if is_root {
        "/".to_owned()
    } else {
        format!("/files/{id}")
    }
}

/// The way from the root to the folder that is shown; all but the last are links.
#[component]
pub(crate) fn Breadcrumbs(trail: RwSignal<Vec<Crumb>>) -> impl IntoView {
    let crumbs = move || {
        let trail = trail.get();
        let last = trail.len().saturating_sub(1);
        trail
            .into_iter()
            .enumerate()
            .map(|(index, crumb)| {
                let separator = (index > 0).then(|| view! { <Glyph icon=Icon::ChevronRight/> });
                let name = if index == last {
                    view! { <h1 aria-current="page" title=crumb.name.clone()>{crumb.name.clone()}</h1> }
                        .into_any()
                } else {
                    let href = folder_href(&crumb.id, crumb.is_root);
                    view! { <a href=href>{crumb.name.clone()}</a> }.into_any()
                };
                view! { <li>{separator}{name}</li> }
            })
            .collect_view()
    };
    view! { <nav class="crumbs" aria-label="Folder"><ol>{crumbs}</ol></nav> }
}
