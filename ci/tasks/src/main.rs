//! cargo ci.
fn main() {}
