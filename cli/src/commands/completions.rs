use crate::args::{Args, Completions};
use crate::error::Error;
use crate::output::Output;
use clap::CommandFactory as _;

pub(crate) fn run(args: &Completions, output: &Output) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "bitvault", &mut script);
    let script = String::from_utf8_lossy(&script);
    if output.json {
        return output.document(&serde_json::json!({ "script": script }));
    }
    output.line(script.trim_end())
}
