//! An invitation: who invites to what, and the form that accepts it. The link's token stands behind the `#` of the address,
//! which no server and no log sees.

use bitvault_api::{AcceptInvitation, NodeRole, OfferedInvitation, OfferedShare};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use crate::api::ApiError;
use crate::app::Shared;
use crate::browser;
use crate::components::icon::{Icon, Mark};
use crate::components::notice::Notice;

/// The page of a link.
#[component]
pub(crate) fn InvitePage() -> impl IntoView {
    let shared = Shared::get();
    let location = use_location();
    browser::set_title("Invitation · BitVault");
    let token = location.hash.with_untracked(|hash| token(hash).to_owned());
    let offer = RwSignal::new(None::<Result<OfferedInvitation, ApiError>>);
    let looked_up = token.clone();
    spawn_local(async move {
        let found = shared.api().lookup_invitation(&looked_up).await;
        offer.try_set(Some(found));
    });
    view! {
        <main class="sign-in" id="main" tabindex="-1">
            {move || match offer.get() {
                None => view! { <p class="hint" role="status">"Looking up your invitation…"</p> }.into_any(),
                Some(Ok(offered)) => view! { <Offer offered=offered token=token.clone()/> }.into_any(),
                Some(Err(error)) => view! {
                    <div role="alert">
                        <Notice icon=Icon::Warning title="This invitation can't be opened" text=error.message()>
                            <a class="button" href="/sign-in">"Sign in"</a>
                        </Notice>
                    </div>
                }.into_any(),
            }}
        </main>
    }
}

/// What is offered, and the form.
#[component]
fn Offer(offered: OfferedInvitation, token: String) -> impl IntoView {
    let shared = Shared::get();
    let navigate = use_navigate();
    let name = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let problem = RwSignal::new(None::<ApiError>);
    let known = offered.has_password;

    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let name = name.get_untracked().trim().to_owned();
        let request = AcceptInvitation {
            token: token.clone(),
            password: password.get_untracked(),
            display_name: Some(name).filter(|name| !known && !name.is_empty()),
        };
        let navigate = navigate.clone();
        spawn_local(async move {
            match shared.api().accept_invitation(&request).await {
                Ok(()) => {
                    shared.listing.clear();
                    let first = shared.api().first_shared().await;
                    let path = first.map_or_else(|| "/".to_owned(), |id| format!("/files/{id}"));
                    let options = NavigateOptions {
                        replace: true,
                        ..Default::default()
                    };
                    navigate(&path, options);
                }
                Err(error) => {
                    busy.try_set(false);
                    problem.try_set(Some(error));
                    browser::focus("#password");
                }
            }
        });
    };

    let heading = format!("Join {}", offered.tenant);
    let lead = lead(&offered);
    let shares = offered.shares.iter().map(share).collect_view();
    view! {
        <form class="card" on:submit=submit aria-labelledby="invite-title">
            <Mark/>
            <h1 id="invite-title">{heading}</h1>
            <p class="lead">{lead}</p>
            {(!offered.shares.is_empty()).then(|| view! { <ul class="offered" aria-label="Shared with you">{shares}</ul> })}
            <div role="alert">{move || problem.get().map(|error| view! {
                <p class="form-problem">{error.message()}</p>
            })}</div>
            <label for="email">"Email"</label>
            <input id="email" name="email" type="email" autocomplete="username" readonly=true value=offered.email/>
            {(!known).then(|| view! {
                <label for="name">"Your name"</label>
                <input id="name" name="name" type="text" autocomplete="name" maxlength="128" autofocus=true
                    prop:value=name on:input=move |event| name.set(event_target_value(&event))/>
            })}
            <label for="password">{if known { "Your password" } else { "Choose a password" }}</label>
            <input id="password" name="password" type="password" required=true aria-describedby="password-hint"
                autocomplete=if known { "current-password" } else { "new-password" }
                prop:value=password on:input=move |event| password.set(event_target_value(&event))/>
            <p class="hint" id="password-hint">{if known {
                "You have an account already: show its password."
            } else {
                "8 to 128 characters."
            }}</p>
            <button class="button primary wide" type="submit" disabled=move || busy.get()>
                {move || if busy.get() { "Joining…" } else { "Accept and sign in" }}
            </button>
        </form>
    }
}

/// Who invites as what.
fn lead(offered: &OfferedInvitation) -> String {
    let who = offered
        .invited_by
        .as_deref()
        .map_or("You are invited".to_owned(), |name| format!("{name} invites you"));
    let shares = if offered.shares.is_empty() {
        "."
    } else {
        " and shares with you:"
    };
    let article = if matches!(offered.role.as_str(), "owner" | "admin") {
        "an"
    } else {
        "a"
    };
    format!("{who} as {article} {}{shares}", offered.role)
}

fn share(share: &OfferedShare) -> impl IntoView + use<> {
    let name = match share.name.as_str() {
        "" => "All of their files".to_owned(),
        name => name.to_owned(),
    };
    view! { <li><span>{name}</span>" "<span class="hint">{may(share.role)}</span></li> }
}

/// What a role lets somebody do.
fn may(role: NodeRole) -> &'static str {
    match role {
        NodeRole::Viewer => "you can view",
        NodeRole::Commenter => "you can comment",
        NodeRole::Editor => "you can edit",
        NodeRole::Owner => "you can edit and share",
    }
}

/// What the address holds behind `#token=`.
fn token(hash: &str) -> &str {
    let hash = hash.strip_prefix('#').unwrap_or(hash);
    hash.strip_prefix("token=").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn the_token_is_what_stands_behind_its_name() {
        for (hash, found) in [
            ("#token=bvi_x", "bvi_x"),
            ("token=bvi_x", "bvi_x"),
            ("#bvi_x", ""),
            ("", ""),
        ] {
            assert_eq!(token(hash), found, "{hash}");
        }
    }
}
