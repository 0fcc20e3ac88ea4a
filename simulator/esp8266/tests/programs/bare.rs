//! The bare programs of `programs/`, as benchmarks run them.

use std::process::Command;

/// Programs, and how many rounds each goes: about 300 million instructions.
pub const PROGRAMS: [(&str, u32); 4] = [("loop", 400), ("copy", 13_000), ("sha256", 4_000), ("p256", 4)];

/// Builds the programs.
pub fn build() -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--locked", "--package", "esp8266-linker", "--", "programs"])
        .status()
        .map_err(|error| format!("could not start cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("the programs do not build".to_owned()) }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
