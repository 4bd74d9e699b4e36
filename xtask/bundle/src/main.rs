//! Makes the folder that the daemon serves as its web app, from the compiled module and the static files.
//!
//! | file | from |
//! |---|---|
//! | `index.html` | the source's, with `<!-- bundle -->` replaced by the tags that load the rest |
//! | `boot-HASH.js` | starts the module; a file because the content security policy allows no inline script |
//! | `app-HASH.js`, `app-HASH_bg.wasm`, `snippets/…` | what wasm-bindgen makes of the module |
//! | `style.css` and all of `static/` | copied |
//! | `….br`, `….gz` | beside each file that compression makes smaller |
//!
//! Invariants: a name with a hash never changes its content, so it may be cached for ever; the output folder holds this
//! and nothing else; files that stay equal are not written again; an unchanged input does no work.

#![allow(
    clippy::print_stderr,
    reason = "a command line program tells on stderr what it did"
)]

mod compress;
mod files;
mod page;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use wasm_bindgen_cli_support::Bindgen;

use crate::files::Files;

/// Raise it when the same input shall give another output.
const FORMAT: &str = "1";

/// Holds the hash of the inputs, beside the output folder.
const STAMP_EXTENSION: &str = "stamp";

#[derive(Debug, Parser)]
#[command(about = "Makes the web app's files from its compiled module")]
struct Args {
    /// The module, compiled for wasm32-unknown-unknown
    #[arg(long)]
    module: PathBuf,
    /// The folder with index.html, style.css and static/
    #[arg(long)]
    source: PathBuf,
    /// The folder to fill
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    match bundle(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: bundle the web app: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bundle(args: &Args) -> Result<()> {
    let module = std::fs::read(&args.module).with_context(|| format!("read {}", args.module.display()))?;
    let mut sources = Files::default();
    sources.add("index.html", read(&args.source.join("index.html"))?);
    sources.add("style.css", read(&args.source.join("style.css"))?);
    let folder = args.source.join("static");
    if folder.is_dir() {
        sources.add_folder("", &folder)?;
    }

    let stamp_path = args.out.with_extension(STAMP_EXTENSION);
    let stamp = format!("{FORMAT} {} {}\n", files::hash(&module), sources.digest());
    if args.out.join("index.html").is_file()
        && std::fs::read_to_string(&stamp_path).is_ok_and(|old| old == stamp)
    {
        return Ok(());
    }

    let mut output = bind(&args.module)?;
    let index = page::fill(
        &sources.take("index.html").context("index.html was read")?,
        &output.tags,
    )?;
    output.files.add("index.html", index);
    for (name, bytes) in sources.into_iter() {
        output.files.add(&name, bytes);
    }
    compress::beside(&mut output.files)?;
    let sizes = output.files.sizes(&output.wasm_name);
    output.files.write_as(&args.out)?;
    std::fs::write(&stamp_path, stamp).with_context(|| format!("write {}", stamp_path.display()))?;
    eprintln!("xtask: web app: module {sizes}");
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("read {}", path.display()))
}

struct Bound {
    files: Files,
    tags: page::Tags,
    wasm_name: String,
}

/// Runs wasm-bindgen on the module and gives its files their names.
fn bind(module: &Path) -> Result<Bound> {
    let made = tempfile::tempdir().context("make a temporary folder")?;
    Bindgen::new()
        .input_path(module)
        .out_name("app")
        .web(true)
        .and_then(|bindgen| {
            bindgen
                .typescript(false)
                .omit_default_module_path(true)
                .remove_name_section(true)
                .remove_producers_section(true)
                .generate(made.path())
        })
        .context(
            "run wasm-bindgen; when it names two versions, make wasm-bindgen and wasm-bindgen-cli-support equal \
             in Cargo.lock with `cargo update --precise`",
        )?;

    let script = read(&made.path().join("app.js"))?;
    let wasm = read(&made.path().join("app_bg.wasm"))?;
    let mut files = Files::default();
    let snippets = made.path().join("snippets");
    if snippets.is_dir() {
        files.add_folder("snippets/", &snippets)?;
    }
    // The script finds its snippets by relative names, which carry no hash of their content: hash them along.
    let mut all = script.clone();
    all.extend_from_slice(&wasm);
    all.extend_from_slice(files.digest().as_bytes());
    let hash = files::short_hash(&all);

    let wasm_name = format!("app-{hash}_bg.wasm");
    let script_name = format!("app-{hash}.js");
    let boot = page::boot(&script_name, &wasm_name);
    let boot_name = format!("boot-{}.js", files::short_hash(boot.as_bytes()));
    if files.contains(&script_name) {
        bail!("a snippet is named like the script: {script_name}");
    }
    files.add(&script_name, script);
    files.add(&wasm_name, wasm);
    files.add(&boot_name, boot.into_bytes());
    Ok(Bound {
        files,
        tags: page::Tags {
            boot: boot_name,
            script: script_name,
            wasm: wasm_name.clone(),
        },
        wasm_name,
    })
}
