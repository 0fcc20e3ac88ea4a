//! Runs an ELF program whose console and exit are `simcall` instructions, as `qemu-system-xtensa -semihosting` does,
//! and prints how many instructions that took: `cargo run --release -p esp8266 --example simcall -- FILE
//! [--interpret]`.

use std::io::Write;
use std::process::ExitCode;

use esp8266::bus::NoDevices;
use esp8266::image::{elf, flash::FLASH_SIZE};
use esp8266::memory::Memory;
use esp8266::{Core, Stop};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("usage: simcall FILE [--interpret]");
        return ExitCode::from(2);
    };
    let interpret = arguments.next().is_some_and(|argument| argument == "--interpret");
    let program = std::fs::read(&path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| elf::parse(&bytes).map_err(|error| error.to_string()));
    let program = match program {
        Ok(program) => program,
        Err(error) => {
            eprintln!("could not load {path}: {error}");
            return ExitCode::from(2);
        }
    };
    let mut memory = Memory::new(&vec![0xFF; FLASH_SIZE]);
    program.load(&mut memory);
    memory.map_flash(Some(0));
    let mut core = Core::new(memory, NoDevices);
    core.cpu.pc = program.entry;
    core.cpu.semihosting = true;
    loop {
        let stop = if interpret { core.run_interpreted(u64::MAX) } else { core.run(u64::MAX) };
        match (stop, core.cpu.a[2]) {
            (Stop::Simcall, 4) => {
                let bytes = core.memory.peek(core.cpu.a[4], core.cpu.a[5] as usize);
                core.cpu.a[2] = bytes.len() as u32;
                core.cpu.a[3] = 0;
                std::io::stdout().write_all(&bytes).ok();
            }
            (Stop::Simcall, 1) => {
                eprintln!("{} instructions", core.cpu.cycles);
                return ExitCode::from(core.cpu.a[3] as u8);
            }
            (stop, _) => {
                let symbol = program.symbol_at(core.cpu.pc).unwrap_or(("?", 0));
                eprintln!("stopped at {:#010x} ({}+{:#x}): {stop:?}", core.cpu.pc, symbol.0, symbol.1);
                return ExitCode::FAILURE;
            }
        }
    }
}
