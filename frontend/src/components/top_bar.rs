//! The bar at the top: the way to the pages, who is signed in, the way out.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_location;

use super::icon::{Glyph, Icon, Mark};
use crate::app::Shared;

/// The bar.
#[component]
pub(crate) fn TopBar() -> impl IntoView {
    let shared = Shared::get();
    let path = use_location().pathname;
    let in_conflicts = move || path.with(|path| path.starts_with("/conflicts"));
    let in_traces = move || path.with(|path| path.starts_with("/operator"));
    let current = move |here: bool| here.then_some("page");
    view! {
        <header class="bar">
            <a class="brand" href="/" aria-label="BitVault, to your files"><Mark/><span>"BitVault"</span></a>
            <nav class="pages" aria-label="Pages">
                <a href="/" aria-current=move || current(!in_traces() && !in_conflicts())>"Files"</a>
                <a href="/conflicts" aria-current=move || current(in_conflicts())>
                    "Conflicts"
                    {move || Some(shared.conflicts.get()).filter(|count| *count > 0).map(|count| view! {
                        <span class="count" aria-hidden="true">{count}</span>
                        <span class="hidden-text">{format!(", {count} open")}</span>
                    })}
                </a>
                <Show when=move || shared.is_operator()>
                    <a href="/operator/traces" aria-current=move || current(in_traces())>"Traces"</a>
                </Show>
            </nav>
            {move || shared.me.get().map(|me| {
                let name =
                    if me.account.display_name.is_empty() { me.account.email.clone() } else { me.account.display_name };
                view! {
                    <button class="account" type="button" popovertarget="account-menu"
                        aria-label=format!("Account of {name}")>
                        <span class="avatar" aria-hidden="true">{initials(&name)}</span>
                    </button>
                    <div class="menu" id="account-menu" popover="auto">
                        // Somebody without a name is called by the address.
                        {(name != me.account.email).then(|| view! { <p class="menu-name">{name}</p> })}
                        <p class="menu-line">{me.account.email}</p>
                        <p class="menu-line">{format!("{} · {}", me.tenant.name, me.role)}</p>
                        <hr/>
                        <button class="menu-item" type="button" on:click=move |_| {
                            spawn_local(async move { shared.api().sign_out().await });
                        }>
                            <Glyph icon=Icon::SignOut/> "Sign out"
                        </button>
                    </div>
                }
            })}
        </header>
    }
}

/// Two letters for a person.
fn initials(name: &str) -> String {
    let words = name
        .split('@')
        .next()
        .unwrap_or(name)
        .split([' ', '.', '-', '_'])
        .filter(|word| !word.is_empty());
    let letters: Vec<char> = words.filter_map(|word| word.chars().next()).collect();
    match letters.as_slice() {
        [] => "?".to_owned(),
        [only] => only.to_uppercase().collect(),
        [first, .., last] => first.to_uppercase().chain(last.to_uppercase()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_come_from_the_first_and_the_last_name() {
        for (name, letters) in [
            ("Ada Lovelace", "AL"),
            ("ada.lovelace@example.org", "AL"),
            ("Charles Percy Snow", "CS"),
            ("demo", "D"),
            ("", "?"),
        ] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }
}
