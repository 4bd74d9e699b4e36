//! Copies on the server.

use crate::Target;
use anyhow::Result;
use std::fs;

pub(crate) fn all(target: &Target) -> Result<()> {
    let cli = &target.cli;
    cli.run(&["mkdir", "-p", "/copying/tree/inner", "/copying/into"])?
        .ok()?;
    for name in ["one", "two", "three"] {
        fs::write(cli.folder().join(name), name)?;
    }
    cli.run(&["put", "one", "two", "/copying/tree/inner/"])?.ok()?;
    cli.run(&["put", "three", "/copying/"])?.ok()?;
    let copied = cli
        .run(&["cp", "--json", "/copying/three", "/copying/drei"])?
        .ok()?;
    assert_eq!(copied.events()?[0]["node"]["name"], "drei");
    assert_eq!(cli.run(&["cat", "/copying/drei"])?.ok()?.text(), "three");
    // More nodes than this daemon copies at once: a job does it, and the command waits.
    cli.run(&["cp", "-r", "/copying/tree", "/copying/three", "/copying/into"])?
        .ok()?;
    assert_eq!(
        cli.run(&["cat", "/copying/into/tree/inner/two"])?.ok()?.text(),
        "two"
    );
    cli.run(&["cp", "-r", "/copying/tree", "/copying/again"])?.ok()?;
    assert_eq!(cli.run(&["cat", "/copying/again/inner/one"])?.ok()?.text(), "one");
    for (arguments, code) in [
        (&["cp", "/copying/tree", "/copying/x"][..], 2),
        (&["cp", "/copying/three", "/copying/drei"], 5),
        (&["cp", "-r", "/copying/tree", "/copying/into"], 5),
        (&["cp", "-r", "/copying/tree", "/copying/tree/inner"], 1),
        (&["cp", "/copying/nothing", "/copying/x"], 3),
        (&["cp", "/copying/three", "/copying/new/"], 2),
    ] {
        assert_eq!(cli.run(arguments)?.code, code, "{arguments:?}");
    }
    Ok(())
}
