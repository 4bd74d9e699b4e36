use bitvault_client::RemotePath;
use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Stat {
    /// Files and folders on the server
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<RemotePath>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Tree {
    /// The folder
    #[arg(default_value = "/")]
    pub(crate) path: RemotePath,
    /// How many levels to go down
    #[arg(short = 'L', long, value_name = "DEPTH", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) levels: Option<u16>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Usage {
    /// A space, as in Team:/; your own files when left out
    #[arg(value_name = "SPACE")]
    pub(crate) space: Option<RemotePath>,
}
