//! Signing in.

use bitvault_api::{Code, CreateSession};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::api::ApiError;
use crate::app::Shared;
use crate::browser;
use crate::components::icon::Mark;

/// The form. Goes on to where the person wanted to go.
#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    let shared = Shared::get();
    let query = use_query_map();
    let navigate = use_navigate();
    browser::set_title("Sign in · BitVault");

    let email = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    let tenant = RwSignal::new(String::new());
    let asks_tenant = RwSignal::new(false);
    let stay = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let problem = RwSignal::new(None::<ApiError>);

    Effect::new(move |_| {
        if shared.signed_in.get() {
            let next = query
                .with_untracked(|query| query.get("next"))
                .unwrap_or_default();
            navigate(
                inside(&next),
                NavigateOptions {
                    replace: true,
                    ..Default::default()
                },
            );
        }
    });

    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let tenant = Some(tenant.get_untracked()).filter(|tenant| !tenant.is_empty());
        let request = CreateSession {
            email: email.get_untracked().trim().to_owned(),
            password: password.get_untracked(),
            tenant,
        };
        let stay = stay.get_untracked();
        spawn_local(async move {
            let outcome = shared.api().sign_in(&request, stay).await;
            // The page may be gone by now: whoever is signed in is led on.
            busy.try_set(false);
            if let Err(error) = outcome {
                let belongs_to_several = matches!(error.reason(), "tenant_required" | "tenant_denied");
                if belongs_to_several {
                    asks_tenant.try_set(true);
                }
                problem.try_set(Some(error));
                browser::sleep_ms(0).await;
                browser::focus(if belongs_to_several {
                    "#tenant"
                } else {
                    "#password"
                });
            }
        });
    };

    view! {
        <main class="sign-in" id="main" tabindex="-1">
            <form class="card" on:submit=submit aria-labelledby="sign-in-title">
                <Mark/>
                <h1 id="sign-in-title">"Sign in to BitVault"</h1>
                <div role="alert">{move || problem.get().map(|error| view! {
                    <p class="form-problem">
                        {told(&error)}
                        {error.trace_id().map(|trace_id| view! {
                            <span class="trace-id">" Trace " <code>{trace_id}</code></span>
                        })}
                    </p>
                })}</div>
                <label for="email">"Email"</label>
                <input id="email" name="email" type="email" autocomplete="username" required=true autofocus=true
                    prop:value=email on:input=move |event| email.set(event_target_value(&event))/>
                <label for="password">"Password"</label>
                <input id="password" name="password" type="password" autocomplete="current-password" required=true
                    prop:value=password on:input=move |event| password.set(event_target_value(&event))/>
                <Show when=move || asks_tenant.get()>
                    <label for="tenant">"Organisation"</label>
                    <input id="tenant" name="tenant" type="text" autocomplete="organization" required=true
                        aria-describedby="tenant-hint"
                        prop:value=tenant on:input=move |event| tenant.set(event_target_value(&event))/>
                    <p class="hint" id="tenant-hint">"Your account belongs to several. Name the one to open."</p>
                </Show>
                <label class="check"><input type="checkbox" name="stay" prop:checked=stay
                    on:change=move |event| stay.set(event_target_checked(&event))/>"Stay signed in on this device"</label>
                <button class="button primary wide" type="submit" disabled=move || busy.get()>
                    {move || if busy.get() { "Signing in…" } else { "Sign in" }}
                </button>
            </form>
        </main>
    }
}

fn told(error: &ApiError) -> String {
    if error.code() == Some(Code::Unauthenticated) && error.message().is_empty() {
        return "The email or the password is wrong.".to_owned();
    }
    error.message()
}

/// Only our own pages are gone on to, whatever the address says.
fn inside(next: &str) -> &str {
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    if ours && next != "/sign-in" { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn a_crafted_address_leads_nowhere_but_here() {
        for (next, led_to) in [
            ("/files/nod_1", "/files/nod_1"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/sign-in", "/"),
            ("", "/"),
        ] {
            assert_eq!(inside(next), led_to, "{next}");
        }
    }
}
