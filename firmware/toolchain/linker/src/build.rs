//! Runs cargo for the ESP-07 and shapes what comes out.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::tools;
use crate::{bare, esp07, image, link, toolchain};

/// Where the image lands.
pub fn folder() -> PathBuf {
    target().join("esp07")
}

/// The workspace's folder for what is built.
fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(
        || toolchain().ancestors().nth(2).expect("firmware/toolchain is two below the workspace").join("target"),
        PathBuf::from,
    )
}

/// Where the files of each step of linking land.
pub fn steps() -> PathBuf {
    folder().join("steps")
}

/// Builds the image.
///
/// # Errors
/// What is missing or failed.
pub fn run() -> Result<(), Error> {
    let folder = folder();
    cargo(&esp07(), &folder, "core,alloc", &[(link::STEPS, steps().as_os_str())])?;
    let built = folder.join("cargo/xtensa-esp8266-none-elf/release/esp07");
    let elf = folder.join("esp07");
    fs::copy(&built, &elf).map_err(Error::file(&built))?;
    image::write_pair(&elf, &folder)?;
    println!("{} and its image, linked against stubs: for emulators", elf.display());
    if let Some(sdk) = env::var_os("ESP8266_NONOS_SDK") {
        let folder = folder.join("vendor");
        fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        let elf = folder.join("esp07");
        link::vendor(Path::new(&sdk), &steps(), &elf)?;
        image::write_pair(&elf, &folder)?;
        println!("{} and its image, linked against the vendor's SDK: for an ESP-07", elf.display());
    }
    Ok(())
}

/// The bare programs.
const PROGRAMS: [&str; 4] = ["loop", "copy", "sha256", "p256"];

/// Builds the bare programs.
///
/// # Errors
/// What is missing or failed.
pub fn programs() -> Result<(), Error> {
    let folder = target().join("programs");
    cargo(&bare(), &folder, "core", &[(link::BARE, bare().as_os_str())])?;
    for name in PROGRAMS {
        let built = folder.join("cargo/xtensa-esp8266-none-elf/release").join(name);
        fs::copy(&built, folder.join(name)).map_err(Error::file(&built))?;
    }
    println!("{} in {}", PROGRAMS.join(", "), folder.display());
    Ok(())
}

/// Runs cargo for the chip on the package in `package`, with this tool as its linker. What is built lands in `cargo`
/// below `folder`.
fn cargo(package: &Path, folder: &Path, library: &str, environment: &[(&str, &OsStr)]) -> Result<(), Error> {
    let source = tools::find()?;
    let failed = |output: String| Error::Failed { what: "build the program", tool: "cargo".into(), output };
    let linker = env::current_exe().map_err(|error| failed(format!(": {error}")))?;
    eprintln!("building with {} ({})", source.name, source.rustc.display());
    let status = Command::new("cargo")
        .current_dir(package)
        .args(["build", "--release", "--locked", "-Zjson-target-spec", "--target"])
        .arg(toolchain().join("xtensa-esp8266-none-elf.json"))
        .arg(format!("-Zbuild-std={library}"))
        .env("RUSTC", &source.rustc)
        .env("RUSTC_BOOTSTRAP", "1")
        .envs(environment.iter().copied())
        .env("CARGO_TARGET_DIR", folder.join("cargo"))
        .env("RUSTFLAGS", format!("-C linker-plugin-lto -C linker={}", linker.display()))
        // What the calling cargo set up is for the host.
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTUP_TOOLCHAIN")
        .status()
        .map_err(|error| failed(format!(" to start: {error}")))?;
    if status.success() { Ok(()) } else { Err(failed(String::new())) }
}
