//! Automation. `cargo xtask` lists the commands.
fn main() {}
