//! The scenarios with the yellow duck's image as it is flashed: linked with the vendor's SDK, and run whole.
//!
//! The SDK is not part of this project. Where `cargo ci image` was not told where it is (`ESP8266_NONOS_SDK`), there is
//! no such image, and this says so and does nothing.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Scenarios that are left out: those that last a day, with 1,728 handshakes, and those of others' images.
const LEFT_OUT: [&str; 4] = [
    "scenarios/normal/one-day.toml",
    "scenarios/normal/a-normal-day.toml",
    "scenarios/images",
    "scenarios/micropython",
];

/// Runs them.
pub fn run() -> ExitCode {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let image = target.join("esp07/vendor");
    if !image.is_dir() {
        println!("nothing was run: {} is not there; `cargo ci image` makes it with ESP8266_NONOS_SDK", image.display());
        return ExitCode::SUCCESS;
    }
    let mut command = Command::new(target.join("release/preflash"));
    command.args(["run", "scenarios", "--on", "chip", "--image"]).arg(image);
    command.args(LEFT_OUT.iter().flat_map(|path| ["--exclude", path]));
    command.arg("--out").arg(target.join("preflash-whole"));
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo ci: could not run preflash: {error}");
            ExitCode::from(2)
        }
    }
}
