//! Runs the bare programs of `programs/` on the emulated core and on QEMU's.
//!
//! Both read how many rounds to go from standard input and write `begin`, then a result; the time is that between the
//! two lines, so that neither's start counts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use esp8266::bus::NoDevices;
use esp8266::image::{elf, flash::FLASH_SIZE};
use esp8266::memory::Memory;
use esp8266::{Core, Stop};

/// What a program came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its second line.
    pub result: String,
    /// How long it took from the first to the second.
    pub time: Duration,
    /// Instructions between the two, if they are counted.
    pub instructions: u64,
}

/// Where `cargo ci programs` puts the program `name`.
pub fn path(name: &str) -> PathBuf {
    // Cargo's folder for tests lies in its target folder.
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("programs").join(name)
}

/// Runs a program on the emulated core.
///
/// # Errors
/// Where and why it stopped, if not by its own end.
pub fn run_here(elf: &[u8], rounds: u32, interpret: bool) -> Result<Outcome, String> {
    let program = elf::parse(elf).map_err(|error| error.to_string())?;
    let mut memory = Memory::new(&vec![0xFF; FLASH_SIZE]);
    program.load(&mut memory);
    memory.map_flash(Some(0));
    let mut core = Core::new(memory, NoDevices);
    core.cpu.pc = program.entry;
    core.cpu.semihosting = true;
    let mut output = Vec::new();
    let mut marks = Vec::new();
    loop {
        let stop = if interpret { core.run_interpreted(u64::MAX) } else { core.run(u64::MAX) };
        let [number, file, address, length] = [2, 3, 4, 5].map(|register| core.cpu.a[register]);
        let answer = match (stop, number) {
            (Stop::Simcall, 1) => break,
            (Stop::Simcall, 3) if file == 0 => {
                let text = format!("{rounds}\n");
                core.memory.poke(address, text.as_bytes());
                text.len() as u32
            }
            (Stop::Simcall, 4) => {
                marks.push((now(), core.cpu.cycles));
                output.extend(core.memory.peek(address, length as usize));
                length
            }
            (stop, _) => {
                let (symbol, offset) = program.symbol_at(core.cpu.pc).unwrap_or(("?", 0));
                return Err(format!("stopped at {:#010x} ({symbol}+{offset:#x}): {stop:?}", core.cpu.pc));
            }
        };
        (core.cpu.a[2], core.cpu.a[3]) = (answer, 0);
    }
    let output = String::from_utf8_lossy(&output).into_owned();
    match (output.lines().collect::<Vec<_>>().as_slice(), marks.as_slice()) {
        (["begin", result], [(begin, before), (end, after)]) => {
            Ok(Outcome { result: (*result).to_owned(), time: *end - *begin, instructions: after - before })
        }
        _ => Err(format!("it said {output:?}")),
    }
}

/// Runs a program on QEMU's core, with `-icount` if instructions are to be its clock.
///
/// # Errors
/// If QEMU is not there, or the program does not come to its end.
pub fn run_on_qemu(path: &Path, rounds: u32, icount: bool) -> Result<Outcome, String> {
    let mut command = Command::new("qemu-system-xtensa");
    command.args(["-cpu", "lx106", "-M", "sim", "-semihosting", "-display", "none", "-monitor", "none"]);
    command.args(["-serial", "none", "-m", "4M", "-device"]);
    command.arg(format!("loader,file={},cpu-num=0", path.display()));
    if icount {
        command.args(["-icount", "shift=0,sleep=off"]);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("could not start qemu-system-xtensa (Debian: qemu-system-misc): {error}"))?;
    let failed = |error: std::io::Error| error.to_string();
    child.stdin.take().ok_or("no standard input")?.write_all(format!("{rounds}\n").as_bytes()).map_err(failed)?;
    let mut output = BufReader::new(child.stdout.take().ok_or("no standard output")?);
    let mut line = String::new();
    output.read_line(&mut line).map_err(failed)?;
    let begin = now();
    let mut result = String::new();
    output.read_line(&mut result).map_err(failed)?;
    let time = begin.elapsed();
    child.wait().map_err(failed)?;
    match (line.as_str(), result.trim_end()) {
        ("begin\n", result) if result.len() == 8 => Ok(Outcome { result: result.to_owned(), time, instructions: 0 }),
        _ => Err(format!("QEMU's core said {line:?} {result:?}")),
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a program takes on this machine is what is measured")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
