//! How fast the emulated core executes others' code beside bare programs: both on the same machine, in one run.
//!
//! ```console
//! $ cargo bench -p esp8266 --bench images
//! ```
//!
//! runs the bare programs of `programs/`, and loops at the prompts of published images: code that lies in flash, with
//! the vendor's interrupts, timers and watchdogs around it, on a chip with all of its peripherals. Each figure is
//! executed instructions a second; what is passed over because it only waits counts neither as instructions nor, as
//! far as that can be told apart, as time. The run fails if the slowest image is below [`LEAST`] times the geometric
//! mean of the bare programs.
//!
//! It needs the tools of `ci/setup-xtensa` and the images of `ci/setup-images`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

#[path = "../examples/boot/board.rs"]
mod board;
#[path = "../tests/programs/runner.rs"]
#[expect(dead_code, reason = "QEMU is another benchmark's")]
mod runner;

use board::{Board, type_in};
use esp8266::chip::{Chip, Configuration, Stop};
use esp8266::image::flash;
use esp8266::peripherals::Time;
use runner::{path, run_here};

/// Programs, and how many rounds each goes: about 300 million instructions.
const PROGRAMS: [(&str, u32); 4] = [("loop", 400), ("copy", 13_000), ("sha256", 4_000), ("p256", 4)];
/// Images, what their prompts look like, and a loop that is typed there: one that stays in compiled code for long, and
/// interpreters, which look at the vendor's clocks, tasks and watchdogs every few steps.
const IMAGES: [(&str, &str, &str); 4] = [
    (
        "micropython-1.9.4",
        ">>> ",
        "import uhashlib; d=b'x'*16000; [uhashlib.sha256(d).digest()[0] for i in range(40)]; 1",
    ),
    ("micropython-1.9.4", ">>> ", "exec('for i in range(300000): i*i')"),
    ("micropython-1.10.0", ">>> ", "exec('for i in range(300000): i*i')"),
    ("espruino-1v99", "\n>", "for (var i=0;i<3000;i++) i*i;"),
];
/// How often each is run.
const RUNS: usize = 5;
/// The slowest image's speed, at least, of the bare programs': what it was when this was written, less a tenth or so.
/// The goal of 0.9 is not reached.
const LEAST: f64 = 0.28;
/// Bytes of flash that the images are for.
const FLASH: usize = 4 << 20;

fn main() -> ExitCode {
    match bench() {
        Ok(ratio) if ratio >= LEAST => ExitCode::SUCCESS,
        Ok(ratio) => {
            eprintln!("{ratio:.2} times the speed of bare programs is less than {LEAST}");
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("could not compare: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Runs all in turn and prints a table; returns the slowest image's ratio.
fn bench() -> Result<f64, String> {
    build()?;
    let mut programs: [Vec<f64>; PROGRAMS.len()] = Default::default();
    let mut images: [Vec<f64>; IMAGES.len()] = Default::default();
    let mut prompts = IMAGES.map(|(name, prompt, _)| Prompt::of(name, prompt));
    for _ in 0..RUNS {
        for ((name, rounds), rates) in PROGRAMS.iter().zip(&mut programs) {
            let file = path(name);
            let elf = std::fs::read(&file).map_err(|error| format!("could not read {}: {error}", file.display()))?;
            let outcome = run_here(&elf, *rounds, false)?;
            rates.push(rate(outcome.instructions, outcome.time));
        }
        for ((prompt, (_, _, line)), rates) in prompts.iter_mut().zip(&IMAGES).zip(&mut images) {
            let (instructions, time) = prompt.as_mut().map_err(|error| error.clone())?.enter(line)?;
            rates.push(rate(instructions, time));
        }
    }
    println!("million instructions a second, medians of {RUNS} runs");
    let mut product = 1.0;
    for ((name, _), rates) in PROGRAMS.iter().zip(programs) {
        let rate = median(rates);
        println!("{name:20} {rate:6.0}");
        product *= rate;
    }
    let mean = product.powf(1.0 / PROGRAMS.len() as f64);
    println!("{:20} {mean:6.0}", "geometric mean");
    let mut slowest = f64::INFINITY;
    for ((name, _, line), rates) in IMAGES.iter().zip(images) {
        let rate = median(rates);
        println!("{name:20} {rate:6.0} {:6.2}  {line}", rate / mean);
        slowest = slowest.min(rate / mean);
    }
    Ok(slowest)
}

/// An image at its prompt.
struct Prompt {
    chip: Chip<Board>,
    prompt: &'static str,
    sent: String,
}

impl Prompt {
    fn of(name: &str, prompt: &'static str) -> Result<Self, String> {
        let path = images().join(name).with_added_extension("bin");
        let image = std::fs::read(&path)
            .map_err(|error| format!("could not read {}: {error}; ci/setup-images fetches it", path.display()))?;
        let flash = flash::write_image(&image, Some(FLASH)).map_err(|error| format!("{name}: {error}"))?;
        let chip = Chip::new(Configuration { mac: [0x18, 0xFE, 0x34, 1, 2, 3], seed: 1 }, Board::new(flash));
        let mut booted = Self { chip, prompt, sent: String::new() };
        booted.wait_for(prompt)?;
        Ok(booted)
    }

    /// Runs until this is sent, for a minute at most.
    fn wait_for(&mut self, text: &str) -> Result<(), String> {
        let end = self.chip.now() + Time::from_milliseconds(60_000);
        while self.chip.now() < end {
            match self.chip.run_until(self.chip.now() + Time::from_milliseconds(1)) {
                Stop::Limit | Stop::Transmitted | Stop::Restarted => {}
                stop => return Err(format!("{stop:?} after {}", self.sent)),
            }
            let sent = std::mem::take(&mut self.chip.core.bus.outside.sent);
            self.sent += &String::from_utf8_lossy(&sent);
            if let Some(at) = self.sent.find(text) {
                self.sent.drain(..at + text.len());
                return Ok(());
            }
        }
        Err(format!("{text:?} was not sent within a minute, but {}", self.sent))
    }

    /// Types a line; gives the instructions that were executed until the next prompt, and how long that took.
    fn enter(&mut self, line: &str) -> Result<(u64, Duration), String> {
        type_in(&mut self.chip, line);
        let echoed_last = &line[line.len() - 4..];
        self.wait_for(echoed_last)?;
        let executed = |chip: &Chip<Board>| chip.core.cpu.cycles - chip.core.idle;
        let (before, begin) = (executed(&self.chip), now());
        type_in(&mut self.chip, "\r");
        self.wait_for(self.prompt)?;
        Ok((executed(&self.chip) - before, begin.elapsed()))
    }
}

/// Where `ci/setup-images` puts images.
fn images() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("images")
}

/// Builds the programs.
fn build() -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--locked", "--package", "esp8266-linker", "--", "programs"])
        .status()
        .map_err(|error| format!("could not start cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("the programs do not build".to_owned()) }
}

/// Millions a second.
fn rate(instructions: u64, time: Duration) -> f64 {
    instructions as f64 / time.as_secs_f64() / 1e6
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "how long a program takes on this machine is what is measured")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
