//! The page's frame: what all pages share, the routes, the bar at the top.

use std::rc::Rc;

use bitvault_api::Me;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::hooks::{use_location, use_navigate};
use leptos_router::path;

use crate::api::Api;
use crate::components::offline::OfflineNotice;
use crate::components::toast::{ToastRegion, Toasts};
use crate::components::top_bar::TopBar;
use crate::components::upload_panel::UploadPanel;
use crate::pages::conflicts::{ConflictPage, ConflictsPage};
use crate::pages::files::FilesPage;
use crate::pages::invite::InvitePage;
use crate::pages::listing::Listing;
use crate::pages::not_found::NotFoundPage;
use crate::pages::sign_in::SignInPage;
use crate::pages::traces::TracesPage;
use crate::upload::engine::Engine;

/// What every page may use. It lives as long as the browser's tab, so that answers which arrive after a change of page
/// find it.
#[derive(Clone, Copy)]
pub(crate) struct Shared {
    api: StoredValue<Api, LocalStorage>,
    engine: StoredValue<Rc<Engine>, LocalStorage>,
    /// Whether somebody is signed in.
    pub(crate) signed_in: RwSignal<bool>,
    /// Who, once the server has said so.
    pub(crate) me: RwSignal<Option<Me>>,
    /// How many conflicts are open, as far as somebody has looked.
    pub(crate) conflicts: RwSignal<usize>,
    pub(crate) toasts: Toasts,
    pub(crate) listing: Listing,
}

impl Shared {
    fn new() -> Self {
        let api = Api::new();
        Self {
            signed_in: api.signed_in(),
            engine: StoredValue::new_local(Engine::new(api.clone())),
            api: StoredValue::new_local(api),
            me: RwSignal::new(None),
            conflicts: RwSignal::new(0),
            toasts: Toasts::new(),
            listing: Listing::new(),
        }
    }

    /// What the frame has provided.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    pub(crate) fn api(&self) -> Api {
        self.api.get_value()
    }

    pub(crate) fn engine(&self) -> Rc<Engine> {
        self.engine.get_value()
    }

    /// Whether the person may see the operator's pages.
    pub(crate) fn is_operator(&self) -> bool {
        self.me.with(|me| {
            me.as_ref()
                .is_some_and(|me| matches!(me.role.as_str(), "owner" | "admin"))
        })
    }
}

/// The whole page.
#[component]
pub(crate) fn App() -> impl IntoView {
    let shared = Shared::new();
    provide_context(shared);

    Effect::new(move |_| {
        if shared.signed_in.get() {
            spawn_local(async move {
                match shared.api().me().await {
                    Ok(me) => shared.me.set(Some(me)),
                    Err(error) if shared.signed_in.get_untracked() => shared.toasts.error(&error),
                    Err(_) => {}
                }
                // The number in the bar is a courtesy: the page itself tells why it can't be had.
                if let Ok(items) = shared.api().conflicts().await {
                    shared.conflicts.set(items.len());
                }
            });
        } else {
            shared.engine().cancel_all();
            shared.me.set(None);
            shared.conflicts.set(0);
            shared.listing.clear();
        }
    });

    view! {
        <Router>
            <a class="skip" href="#main">"Skip to content"</a>
            <OfflineNotice/>
            <Routes fallback=|| view! { <Frame><NotFoundPage/></Frame> }>
                <Route path=path!("/sign-in") view=SignInPage/>
                <Route path=path!("/invite") view=InvitePage/>
                <Route path=path!("/") view=|| view! { <Frame><FilesPage/></Frame> }/>
                <Route path=path!("/files/:node_id") view=|| view! { <Frame><FilesPage/></Frame> }/>
                <Route path=path!("/conflicts") view=|| view! { <Frame><ConflictsPage/></Frame> }/>
                <Route path=path!("/conflicts/:conflict_id") view=|| view! { <Frame><ConflictPage/></Frame> }/>
                <Route path=path!("/operator/traces") view=|| view! { <Frame><TracesPage/></Frame> }/>
                <Route path=path!("/operator/traces/:trace_id") view=|| view! { <Frame><TracesPage/></Frame> }/>
            </Routes>
            <UploadPanel/>
            <ToastRegion/>
        </Router>
    }
}

/// A page for somebody who is signed in; sends others to sign in, and back here afterwards.
#[component]
fn Frame(children: ChildrenFn) -> impl IntoView {
    let shared = Shared::get();
    let location = use_location();
    let navigate = use_navigate();
    Effect::new(move |_| {
        if !shared.signed_in.get() {
            let path = location.pathname.get_untracked();
            let next = if path == "/" {
                String::new()
            } else {
                format!("?next={path}")
            };
            navigate(
                &format!("/sign-in{next}"),
                NavigateOptions {
                    replace: true,
                    ..Default::default()
                },
            );
        }
    });
    view! {
        <Show when=move || shared.signed_in.get()>
            <TopBar/>
            <main id="main" tabindex="-1">{children()}</main>
        </Show>
    }
}
