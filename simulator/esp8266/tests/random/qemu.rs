//! The interpreter and the block executor against `qemu-system-xtensa -cpu lx106` (Debian: qemu-system-misc).
//!
//! QEMU is an oracle for what instructions do to registers and memory. It is none for the memory map (its machine has
//! RAM everywhere, of any width), nor for time. Without QEMU the test says so and passes, unless
//! `PREFLASH_REQUIRE_XTENSA=1`.

use std::fmt::Write as _;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use esp8266::bus::NoDevices;
use esp8266::image::{elf, flash::FLASH_SIZE};
use esp8266::isa::{decode, length};
use esp8266::memory::Memory;
use esp8266::{Core, Stop};

use super::answer_simcall;
use super::assembler::elf_file;
use super::generator::{CASES, Program, Purpose, RECORD_SIZE, RECORDED, generate};

const QEMU: &str = "qemu-system-xtensa";

/// What QEMU writes to its standard output when it runs `elf`, up to `most` bytes; `None` if there is no QEMU.
fn run_qemu(elf: &[u8], name: &str, most: u64) -> Option<Vec<u8>> {
    let path = std::env::temp_dir().join(format!("preflash-{}-{name}.elf", std::process::id()));
    std::fs::write(&path, elf).unwrap();
    let child = Command::new(QEMU)
        .args(["-cpu", "lx106", "-M", "sim", "-semihosting", "-display", "none", "-monitor", "none"])
        .args(["-serial", "none", "-m", "4M", "-device"])
        .arg(format!("loader,file={},cpu-num=0", path.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut output = Vec::new();
    let Ok(mut child) = child else {
        std::fs::remove_file(&path).ok();
        let required = std::env::var("PREFLASH_REQUIRE_XTENSA").is_ok_and(|value| value == "1");
        assert!(!required, "{QEMU} is missing and PREFLASH_REQUIRE_XTENSA=1");
        eprintln!("skipped: {QEMU} is missing (Debian: apt-get install qemu-system-misc)");
        return None;
    };
    let (sender, receiver) = std::sync::mpsc::channel();
    let stdout = child.stdout.take().expect("it is piped");
    std::thread::spawn(move || {
        stdout.take(most).read_to_end(&mut output).ok();
        sender.send(output).ok();
    });
    // A program that has gone astray writes nothing more.
    let output = receiver.recv_timeout(Duration::from_secs(60)).unwrap_or_default();
    child.kill().ok();
    child.wait().unwrap();
    std::fs::remove_file(&path).ok();
    Some(output)
}

fn run_ours(elf: &[u8], interpret: bool, most: u64) -> Vec<u8> {
    let program = elf::parse(elf).unwrap();
    let mut memory = Memory::new(&vec![0; FLASH_SIZE]);
    program.load(&mut memory);
    memory.map_flash(Some(0));
    let mut core = Core::new(memory, NoDevices);
    core.cpu.pc = program.entry;
    core.cpu.semihosting = true;
    let mut output = Vec::new();
    loop {
        let limit = core.cpu.cycles + 1_000_000;
        match if interpret { core.run_interpreted(limit) } else { core.run(limit) } {
            Stop::Simcall => {
                let enough = output.len() as u64 >= most;
                if enough || answer_simcall(&mut core, &mut output).is_none() {
                    return output;
                }
            }
            // The caller sees that cases are missing, and which.
            _ => return output,
        }
    }
}

/// Fails with the case's instructions and both results if a record differs.
fn compare(program: &Program, ours: &[u8], theirs: &[u8], who: &str) {
    let records = |output: &[u8]| output.chunks(RECORD_SIZE as usize).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (ours, theirs) = (records(ours), records(theirs));
    for (index, range) in program.ranges.iter().enumerate() {
        let (our, their) = (ours.get(index), theirs.get(index));
        if our == their && our.is_some() {
            continue;
        }
        let mut report = format!("case {index} differs ({who} against QEMU)\n{}", listing(program, *range));
        match (our, their) {
            (Some(our), Some(their)) => {
                for (at, (our, their)) in our.chunks(4).zip(their.chunks(4)).enumerate() {
                    let value = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
                    let name = match at {
                        0..16 => format!("a{at}"),
                        16..32 => RECORDED.get(at - 16).map_or("-", |(name, _)| name).to_string(),
                        _ => format!("scratch+{:#x}", 4 * (at - 32)),
                    };
                    let mark = if our == their { ' ' } else { '*' };
                    if at < 30 || our != their {
                        writeln!(report, "{mark} {name:12} ours {:08x}  QEMU {:08x}", value(our), value(their))
                            .unwrap();
                    }
                }
            }
            (our, their) => {
                writeln!(report, "ours came to it: {}, QEMU: {}", our.is_some(), their.is_some()).unwrap();
            }
        }
        panic!("{report}");
    }
}

fn listing(program: &Program, (start, end): (u32, u32)) -> String {
    let mut text = String::new();
    let mut pc = start;
    while pc < end {
        let at = (pc - CASES) as usize;
        let word =
            (0..4).fold(0, |word, i| word | u32::from(*program.cases.bytes.get(at + i).unwrap_or(&0)) << (8 * i));
        let instruction = decode(word, pc);
        match &instruction {
            Some(instruction) => {
                let literal = instruction.literal_address(0).wrapping_sub(CASES) as usize;
                let value = program.cases.bytes.get(literal..literal + 4).filter(|_| instruction.entry.name == "l32r");
                let value = value.map(|v| format!("  ; {:#x}", u32::from_le_bytes([v[0], v[1], v[2], v[3]])));
                writeln!(text, "  {pc:08x} {instruction}{}", value.unwrap_or_default()).unwrap();
            }
            None => writeln!(text, "  {pc:08x} no instruction {:#08x}", word & 0xFF_FFFF).unwrap(),
        }
        pc += u32::from(length(word as u8).unwrap_or(3));
    }
    text
}

fn check(seed: u64, count: usize) {
    let program = generate(seed, count, Purpose::Qemu);
    let elf = elf_file(program.entry, &[&program.harness, &program.cases]);
    let most = u64::from(RECORD_SIZE) * (program.ranges.len() as u64 + 1);
    let Some(theirs) = run_qemu(&elf, &seed.to_string(), most) else { return };
    compare(&program, &run_ours(&elf, true, most), &theirs, "the interpreter");
    compare(&program, &run_ours(&elf, false, most), &theirs, "the block executor");
}

#[test]
fn all_instructions_do_what_qemu_does() {
    for seed in 1..=2 {
        check(seed, 3_000);
    }
}

/// By hand: `cargo test --release -p esp8266 --test random -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn all_instructions_do_what_qemu_does_in_a_long_run() {
    for seed in 1_000..1_300 {
        check(seed, 3_000);
    }
}
