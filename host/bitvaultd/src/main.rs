//! The daemon: configuration root, role wiring, lifecycle

fn main() {}
