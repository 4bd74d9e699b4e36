use crate::args::{Args, Man};
use crate::error::Error;
use crate::output::Output;
use clap::CommandFactory as _;
use serde_json::json;

pub(crate) fn run(args: &Man, output: &Output) -> Result<(), Error> {
    let command = Args::command();
    if let Some(dir) = &args.dir {
        let written = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir));
        written.map_err(|cause| bitvault_client::Error::Local {
            path: dir.clone(),
            cause,
        })?;
        if output.json {
            return output.document(&json!({ "dir": dir }));
        }
        output.note(&format!("the manual is in {}", dir.display()));
        return Ok(());
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(Error::Output)?;
    let page = String::from_utf8_lossy(&page);
    if output.json {
        return output.document(&json!({ "page": page }));
    }
    output.line(page.trim_end())
}
