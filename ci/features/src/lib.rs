//! No code: what counts is what `Cargo.toml` says.
