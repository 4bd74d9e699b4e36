//! The tenant and its people.

use crate::Target;
use anyhow::{Context as _, Result};
use bitvault_conformance::cli::Cli;
use bitvault_conformance::daemon::{PASSWORD, TENANT};

const NEW: &str = "another walk in the rain";

pub(crate) fn all(target: &Target) -> Result<()> {
    members_come_change_and_go(target)?;
    an_invitation_is_made_listed_and_taken_back(target)?;
    a_folder_is_shared_with_somebody_who_is_invited(target)?;
    people_are_named_by_their_mail_addresses(target)?;
    a_token_takes_the_place_of_a_sign_in(target)?;
    a_password_is_changed(target)?;
    settings_are_shown_and_changed(target)
}

fn members_come_change_and_go(target: &Target) -> Result<()> {
    let cli = &target.cli;
    let add = [
        "members",
        "add",
        "new@example.org",
        "--role",
        "guest",
        "--password-stdin",
    ];
    cli.run_with_input(&add, PASSWORD)?.ok()?;
    cli.run(&["members", "role", "NEW@example.org", "member"])?.ok()?;
    let listed = cli.run(&["members", "--json"])?.ok()?.json()?;
    let items = listed["items"].as_array().context("items")?;
    let new = items
        .iter()
        .find(|one| one["email"] == "new@example.org")
        .context("not listed")?;
    assert_eq!(new["role"], "member");
    assert!(cli.run(&["members"])?.ok()?.text().contains("new@example.org"));
    let unasked = cli.run(&["members", "rm", "new@example.org"])?;
    assert_eq!(unasked.code, 2, "{}", unasked.stderr);
    cli.run(&["members", "rm", "new@example.org", "--yes"])?.ok()?;
    assert_eq!(cli.run(&["members", "rm", "new@example.org", "--yes"])?.code, 3);
    Ok(())
}

fn an_invitation_is_made_listed_and_taken_back(target: &Target) -> Result<()> {
    let cli = &target.cli;
    let link = cli
        .run(&["invite", "invited@example.org", "--role", "guest"])?
        .ok()?
        .text();
    assert!(
        link.starts_with(target.daemon.url()) && link.contains("/invite#token="),
        "{link}"
    );
    assert!(
        cli.run(&["invitations"])?
            .ok()?
            .text()
            .contains("invited@example.org")
    );
    cli.run(&["invitations", "rm", "invited@example.org"])?.ok()?;
    assert_eq!(cli.run(&["invitations", "rm", "invited@example.org"])?.code, 3);
    Ok(())
}

fn a_folder_is_shared_with_somebody_who_is_invited(target: &Target) -> Result<()> {
    let cli = &target.cli;
    cli.run(&["mkdir", "/for a guest"])?.ok()?;
    let share = ["share", "/for a guest", "--with", "guest@example.org"];
    let unknown = cli.run(&share)?;
    assert_eq!(unknown.code, 3, "{}", unknown.stderr);
    assert!(unknown.stderr.contains("--invite"), "{}", unknown.stderr);
    let invite = [share.as_slice(), &["--role", "editor", "--invite"]].concat();
    let told = cli.run(&invite)?.ok()?.text();
    assert!(told.contains("/invite#token="), "{told}");
    let told = cli
        .run(&[invite.as_slice(), &["--json"]].concat())?
        .ok()?
        .json()?;
    let invitation = &told["invitations"][0]["invitation"];
    assert_eq!(
        (&invitation["role"], &invitation["grants"][0]["role"]),
        (&"guest".into(), &"editor".into())
    );
    let listed = cli.run(&["invitations"])?.ok()?.text();
    assert!(listed.contains("\t1 node"), "{listed}");
    cli.run(&["invitations", "rm", "guest@example.org"])?.ok()?;
    Ok(())
}

fn people_are_named_by_their_mail_addresses(target: &Target) -> Result<()> {
    let cli = &target.cli;
    let add = ["members", "add", "bea@example.org", "--password-stdin"];
    cli.run_with_input(&add, PASSWORD)?.ok()?;
    cli.run(&["group", "create", "Readers"])?.ok()?;
    let members = cli
        .run(&["group", "add", "Readers", "Bea@example.org"])?
        .ok()?
        .text();
    assert!(members.starts_with("bea@example.org\t"), "{members}");
    cli.run(&["mkdir", "/for bea"])?.ok()?;
    let share = ["share", "/for bea"];
    let with = [
        &share[..],
        &["--with", "bea@example.org", "--with", "group:Readers"],
    ]
    .concat();
    let given = cli.run(&with)?.ok()?.text();
    for who in ["bea@example.org\tviewer", "group:Readers\tviewer"] {
        assert!(given.contains(who), "{given}");
    }
    let remove = [
        &share[..],
        &["--remove", "bea@example.org", "--remove", "group:Readers"],
    ]
    .concat();
    let left = cli.run(&remove)?.ok()?.text();
    assert!(!left.contains("viewer"), "{left}");
    let nobody = cli.run(&[&share[..], &["--remove", "nobody@example.org"]].concat())?;
    assert_eq!(nobody.code, 3, "{}", nobody.stderr);
    cli.run(&["group", "remove", "Readers", "bea@example.org"])?
        .ok()?;
    cli.run(&["group", "rm", "Readers"])?.ok()?;
    cli.run(&["members", "rm", "bea@example.org", "--yes"])?.ok()?;
    Ok(())
}

fn a_token_takes_the_place_of_a_sign_in(target: &Target) -> Result<()> {
    let made = target
        .cli
        .run(&["token", "create", "laptop", "--read-only", "--days", "3"])?
        .ok()?;
    let mut reader = Cli::new()?;
    reader.set_env("BITVAULT_URL", target.daemon.url());
    reader.set_env("BITVAULT_TOKEN", made.text().trim());
    reader.run(&["ls"])?.ok()?;
    let refused = reader.run(&["--json", "mkdir", "/no"])?;
    assert_eq!(
        (refused.code, refused.error()?["reason"].as_str()),
        (4, Some("scope_missing"))
    );
    let listed = target.cli.run(&["token", "--json"])?.ok()?.json()?;
    assert_eq!(listed["items"][0]["name"], "laptop");
    target.cli.run(&["token", "rm", "laptop"])?.ok()?;
    assert_eq!(reader.run(&["ls"])?.code, 4);
    Ok(())
}

fn a_password_is_changed(target: &Target) -> Result<()> {
    let add = ["members", "add", "changes@example.org", "--password-stdin"];
    target.cli.run_with_input(&add, PASSWORD)?.ok()?;
    let cli = Cli::signed_in(target.daemon.url(), "changes@example.org", PASSWORD)?;
    let both = format!("{PASSWORD}\n{NEW}\n");
    cli.run_with_input(&["passwd", "--password-stdin"], &both)?.ok()?;
    cli.run(&["whoami"])?.ok()?;
    assert_eq!(
        cli.run_with_input(&["passwd", "--password-stdin"], &both)?.code,
        1
    );
    Cli::signed_in(target.daemon.url(), "changes@example.org", NEW)?;
    Ok(())
}

fn settings_are_shown_and_changed(target: &Target) -> Result<()> {
    let cli = &target.cli;
    cli.run(&["admin", "set", "--trash-days", "9", "--public-links", "admins"])?
        .ok()?;
    let shown = cli.run(&["admin", "show", "--json"])?.ok()?.json()?;
    assert_eq!(shown["settings"]["trash_retention_days"], 9);
    cli.run(&["admin", "set", "--trash-days", "30", "--public-links", "members"])?
        .ok()?;
    assert_eq!(cli.run(&["admin", "set"])?.code, 2);
    assert_eq!(cli.run(&["admin", "delete-tenant", TENANT])?.code, 2);
    assert_eq!(cli.run(&["admin", "delete-tenant", "other", "--yes"])?.code, 1);
    cli.run(&["whoami"])?.ok()?;
    Ok(())
}
