//! preflash: run ESP8266 firmware against a simulated world before it is flashed.

use std::process::ExitCode;

fn main() -> ExitCode {
    simulator::cli::main()
}
