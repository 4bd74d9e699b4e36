//! The project's own commands: up, down, test, check, bench, build

fn main() {}
