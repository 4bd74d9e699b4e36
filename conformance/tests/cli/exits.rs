//! How commands fail: exit codes, and errors as JSON that names the next step.

use crate::Target;
use anyhow::Result;
use bitvault_conformance::cli::Cli;
use bitvault_conformance::daemon::{EMAIL, TENANT};
use std::fs;

pub(crate) fn all(target: &mut Target) -> Result<()> {
    a_command_line_without_sense_ends_with_2(target)?;
    what_is_missing_ends_with_3(target)?;
    who_is_not_let_in_ends_with_4(target)?;
    a_conflict_ends_with_5(target)?;
    a_member_is_let_in_and_a_guest_is_not(target)?;
    an_unreachable_server_ends_with_6(target)
}

/// Runs with and without `--json` and wants this code, an error in words and in JSON, and nothing on standard output.
fn fails(cli: &Cli, arguments: &[&str], input: &str, code: i32) -> Result<()> {
    let ended = cli.run_with_input(arguments, input)?;
    assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
    assert!(ended.stderr.starts_with("bitvault: "), "{}", ended.stderr);
    let mut json = vec!["--json"];
    json.extend(arguments);
    let ended = cli.run_with_input(&json, input)?;
    assert_eq!(ended.code, code, "{json:?}: {}", ended.stderr);
    let error = ended.error()?;
    assert_eq!(error["exit"], code, "{error}");
    assert!(
        error["message"].as_str().is_some_and(|text| !text.is_empty()),
        "{error}"
    );
    ended.events()?;
    Ok(())
}

fn a_command_line_without_sense_ends_with_2(target: &Target) -> Result<()> {
    for arguments in [
        &["frobnicate"][..],
        &["ls", "no-slash"],
        &["put", "only-one"],
        &[],
    ] {
        assert_eq!(target.cli.run(arguments)?.code, 2, "{arguments:?}");
    }
    fs::create_dir_all(target.cli.folder().join("a-folder"))?;
    fails(&target.cli, &["put", "a-folder", "/"], "", 2)?;
    let cli = Cli::new()?;
    fails(&cli, &["login", target.daemon.url()], "", 2)
}

fn what_is_missing_ends_with_3(target: &Target) -> Result<()> {
    for arguments in [
        &["ls", "/nowhere"][..],
        &["get", "/nowhere", "x"],
        &["cat", "/nowhere"],
        &["rm", "/nowhere"],
        &["put", "not-here", "/"],
        &["mkdir", "/nowhere/below"],
    ] {
        if arguments[0] == "cat" {
            assert_eq!(target.cli.run(arguments)?.code, 3);
            continue;
        }
        fails(&target.cli, arguments, "", 3)?;
    }
    assert!(!target.cli.folder().join("x").exists());
    Ok(())
}

fn who_is_not_let_in_ends_with_4(target: &Target) -> Result<()> {
    let mut cli = Cli::new()?;
    let login = ["login", target.daemon.url(), "--email", EMAIL, "--password-stdin"];
    fails(&cli, &login, "a-wrong-password\n", 4)?;
    assert_eq!(cli.run(&["whoami"])?.code, 4, "nothing was remembered");
    fails(&cli, &["ls"], "", 4)?;
    cli.set_env("BITVAULT_URL", target.daemon.url());
    cli.set_env("BITVAULT_TOKEN", "bvs_not_a_token");
    fails(&cli, &["ls"], "", 4)
}

fn a_conflict_ends_with_5(target: &Target) -> Result<()> {
    let cli = &target.cli;
    cli.run(&["mkdir", "/taken"])?.ok()?;
    fails(cli, &["mkdir", "/taken"], "", 5)?;
    fs::write(cli.folder().join("file"), "file")?;
    cli.run(&["put", "file", "/a-file"])?.ok()?;
    fails(cli, &["put", "-r", "a-folder", "/a-file"], "", 5)
}

fn a_member_is_let_in_and_a_guest_is_not(target: &Target) -> Result<()> {
    let password = "another-horse-battery";
    for role in ["member", "guest"] {
        let email = format!("{role}@example.org");
        let create = [
            "admin",
            "create-user",
            "--tenant",
            TENANT,
            "--role",
            role,
            "--email",
        ];
        target
            .daemon
            .command_with_input(&[&create[..], &[&email]].concat(), password)?;
    }
    let signed_in =
        |role: &str| Cli::signed_in(target.daemon.url(), &format!("{role}@example.org"), password);
    let member = signed_in("member")?;
    assert_eq!(member.run(&["whoami", "--json"])?.ok()?.json()?["role"], "member");
    member.run(&["mkdir", "/a-members"])?.ok()?;
    fails(&signed_in("guest")?, &["mkdir", "/a-guests"], "", 4)
}

fn an_unreachable_server_ends_with_6(target: &mut Target) -> Result<()> {
    target.daemon.kill()?;
    let cli = &target.cli;
    fs::write(cli.folder().join("later"), "later")?;
    fails(cli, &["whoami"], "", 6)?;
    fails(cli, &["put", "later", "/"], "", 6)?;
    fails(cli, &["get", "/a-file", "got"], "", 6)?;
    assert!(!cli.folder().join("got").exists());
    let stranger = Cli::new()?;
    let login = ["login", target.daemon.url(), "--email", EMAIL, "--password-stdin"];
    fails(&stranger, &login, "a-password\n", 6)
}
