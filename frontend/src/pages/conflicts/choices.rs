use bitvault_api::{Conflict, Keep};
use leptos::prelude::*;

/// What can be kept, each with what that does.
#[component]
pub(super) fn Choices(
    conflict: Conflict,
    busy: RwSignal<bool>,
    settle: Callback<(Conflict, Keep)>,
) -> impl IntoView {
    let (file, device) = (conflict.theirs.node.name.clone(), conflict.device.clone());
    let choices = [
        (
            Keep::Theirs,
            "Keep the file",
            format!("“{file}” stays as it is. The copy from “{device}” goes to the trash."),
        ),
        (
            Keep::Mine,
            "Keep the copy",
            format!(
                "“{file}” gets the copy's content as a new version; what it is now stays in its history. The copy goes to the trash."
            ),
        ),
        (
            Keep::Both,
            "Keep both",
            format!("The copy becomes a file of its own, named after “{device}”. “{file}” stays as it is."),
        ),
    ];
    view! {
        <section class="choices" aria-labelledby="choices-title">
            <h2 id="choices-title">"What do you want to keep?"</h2>
            <ul>
                {choices
                    .into_iter()
                    .map(|(keep, label, text)| {
                        let conflict = conflict.clone();
                        let id = format!("keep-{}", label.rsplit(' ').next().unwrap_or_default());
                        view! {
                            <li class="panel">
                                <button class="button primary" type="button" disabled=busy aria-describedby=id.clone()
                                    on:click=move |_| settle.run((conflict.clone(), keep))>
                                    {label}
                                </button>
                                <p id=id>{text}</p>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
            <p class="hint">"Whatever you choose, your devices follow as soon as they sync, and nothing is deleted for good."</p>
        </section>
    }
}
