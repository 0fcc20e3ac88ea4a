//! Builds the yellow duck's image for the ESP-07 with a stock Rust toolchain.
//!
//! ```text
//! esp8266-linker build ─► cargo ─► rustc ─► bitcode ─► esp8266-linker (as rustc's linker)
//!                                                        merge ─► optimise ─► assembly ─► rewrite ─► program.o
//!                                                        stubs from sdk.rs ─► link ─► check ─► esp07, an ELF
//!                        ─► image pair ─► size report
//! ```
//!
//! Stock rustc compiles for the LX106, but LLVM 22 places literals wrongly when it writes object files itself, so the
//! program passes through LLVM bitcode and assembly text, and GNU as and ld do the rest. With `ESP8266_NONOS_SDK` set,
//! the same `program.o` is linked against the vendor's archives too. Not done here: debugging information beyond line
//! tables, which GNU as for this core cannot take.
//!
//! Bare programs, which know neither boot ROM nor SDK, go the same way with a start and a linker script of their own.

mod assembly;
mod build;
mod codegen;
mod declarations;
mod error;
mod image;
mod link;
mod reach;
mod size;
mod stack;
mod tools;

use std::env;
use std::path::Path;
use std::process::ExitCode;

use error::Error;

const USAGE: &str = "usage: esp8266-linker TASK

tasks:
  tools    say which tools were found
  build    build the image: target/esp07/esp07 (ELF), 0x00000.bin, 0x10000.bin, and the same under vendor/
           if ESP8266_NONOS_SDK names the vendor's SDK
  size     print the size of what was built, and fail if it is over budget
  programs build the bare programs by which emulators of the core are compared: target/programs/
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tools"] => tools::report(),
        ["build"] => build::run(),
        ["size"] => size::run(&build::folder()),
        ["programs"] => build::programs(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ if arguments.iter().any(|argument| argument == "-o") => link::run(&arguments),
        [task, ..] => Err(Error::Usage(format!("there is no task `{task}`\n\n{USAGE}"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("esp8266-linker: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// `firmware/toolchain`, where this tool's scripts and assembly files are.
fn toolchain() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the manifest is in firmware/toolchain/linker")
}

/// `simulator/esp8266/programs`, the bare programs.
fn bare() -> std::path::PathBuf {
    toolchain().with_file_name("../simulator/esp8266/programs")
}

/// `firmware/esp07`, the program.
fn esp07() -> std::path::PathBuf {
    toolchain().with_file_name("esp07")
}
