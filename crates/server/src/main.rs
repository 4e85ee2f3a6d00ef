//! The `timberline` command.
fn main() {}
