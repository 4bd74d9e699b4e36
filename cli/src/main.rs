//! The command line client: bitvault

fn main() {}
