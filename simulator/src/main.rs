//! preflash.
fn main() {}
