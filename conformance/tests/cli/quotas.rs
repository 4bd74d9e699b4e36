//! Limits on space.

use crate::Target;
use anyhow::Result;
use bitvault_conformance::daemon::EMAIL;
use std::fs;

pub(crate) fn all(target: &Target) -> Result<()> {
    let cli = &target.cli;
    cli.run(&["mkdir", "/limited"])?.ok()?;
    fs::write(cli.folder().join("fits.txt"), [b'x'; 600])?;
    fs::write(cli.folder().join("more.txt"), [b'y'; 500])?;
    cli.run(&["put", "fits.txt", "/limited/"])?.ok()?;
    let set = cli.run(&["quota", "set", "/limited", "900B"])?.ok()?.text();
    assert_eq!(set, "600 B of 900 B\n");
    let refused = cli.run(&["put", "more.txt", "/limited/"])?;
    assert_eq!(refused.code, 1);
    let told = refused.stderr;
    assert!(
        told.contains("may hold 900 bytes") && told.contains("bitvault usage"),
        "{told}"
    );
    assert_eq!(
        cli.run(&["cp", "/limited/fits.txt", "/limited/twice.txt"])?.code,
        1
    );

    cli.run(&["quota", "set", EMAIL, "1TiB"])?.ok()?;
    let all = cli.run(&["quota"])?.ok()?.text();
    assert_eq!(all.lines().count(), 2, "{all}");
    assert!(all.contains(EMAIL) && all.contains("1.0 TiB"), "{all}");
    assert!(all.contains("/limited/\t900 B"), "{all}");
    let listed = cli.run(&["quota", "ls", "--json"])?.ok()?.json()?;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
    let usage = cli.run(&["usage"])?.ok()?.text();
    assert!(usage.contains("of 1.0 TiB"), "{usage}");
    for (on, code) in [
        ("/none", 3),
        ("nobody@example.org", 3),
        ("none", 2),
        ("/limited/fits.txt", 1),
    ] {
        assert_eq!(cli.run(&["quota", "set", on, "1GB"])?.code, code, "{on}");
    }
    assert_eq!(cli.run(&["quota", "set", "/limited", "much"])?.code, 2);
    assert_eq!(cli.run(&["quota", "homes"])?.ok()?.text().trim(), "none");
    cli.run(&["quota", "homes", "2GB"])?.ok()?;
    let homes = cli.run(&["quota", "homes", "--json"])?.ok()?.json()?;
    assert_eq!(homes["max_bytes"], 2_000_000_000_u64);
    cli.run(&["quota", "homes", "none"])?.ok()?;
    cli.run(&["quota", "rm", "/limited"])?.ok()?;
    cli.run(&["quota", "rm", EMAIL])?.ok()?;
    cli.run(&["put", "more.txt", "/limited/"])?.ok()?;
    Ok(())
}
