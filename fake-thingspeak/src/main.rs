//! Stand-alone fake ThingSpeak.
fn main() {}
