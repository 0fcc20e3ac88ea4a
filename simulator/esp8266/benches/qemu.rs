//! How fast the emulated core is beside QEMU's: the same programs, on the same machine, in one run.
//!
//! ```console
//! $ cargo bench -p esp8266
//! ```
//!
//! builds the bare programs of `programs/`, runs each several times on the emulated core, on `qemu-system-xtensa -cpu
//! lx106`, and on that with `-icount`, in turn, and prints the medians. With `-icount` QEMU counts instructions and
//! lets devices act at exact counts, as this emulator does; without it it is free to guess. The run fails if the
//! geometric mean of our speed over that of QEMU with `-icount` is below [`LEAST`].
//!
//! It needs the tools of `ci/setup-xtensa`. No part of continuous integration: times belong to no test.
//!
//! What profiling showed (`perf record -e cpu-clock`), and what was made of it:
//!
//! * A quarter of all instructions are loads and stores, nearly all of data RAM. Through the page table each took some
//!   twenty host instructions; now data RAM is an array of its own, one comparison away.
//! * Every masking of a register's number counts; the number is a type of sixteen values now, which needs none.
//! * Firmware calls the boot ROM for each 64-bit product. Searching the ROM's table by halving took 7 % of a chip
//!   scenario's time, and counting the calls in a tree 3 %; both are arrays now.
//! * Returns of a function that is called from everywhere miss the one target that their block remembers; a table of
//!   targets catches them.
//! * What remains is the one indirect jump of the dispatch, a fifth of the time, because the host guesses it wrong.
//!   Pairs of instructions halve it; only a translator to machine code would do away with it.

use std::process::ExitCode;

#[path = "../tests/programs/bare.rs"]
mod bare;
#[path = "../tests/programs/runner.rs"]
mod runner;

use bare::{PROGRAMS, build, median};
use runner::{path, run_here, run_on_qemu};

/// How often each is run.
const RUNS: usize = 5;
/// The emulated core's speed, at least, of QEMU's with `-icount`.
const LEAST: f64 = 0.35;

fn main() -> ExitCode {
    match bench() {
        Ok(mean) if mean >= LEAST => ExitCode::SUCCESS,
        Ok(mean) => {
            eprintln!("{mean:.2} times the speed of QEMU with -icount is less than {LEAST}");
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("could not compare with QEMU: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Runs all and prints a table; returns the geometric mean over all programs.
fn bench() -> Result<f64, String> {
    build()?;
    println!("million instructions a second, medians of {RUNS} runs");
    println!(
        "{:8} {:>13} {:>10} {:>10} {:>10} {:>8} {:>8}",
        "program", "instructions", "here", "QEMU", "-icount", "of QEMU", "of -icount"
    );
    let mut product = [1.0; 2];
    for (name, rounds) in PROGRAMS {
        let file = path(name);
        let elf = std::fs::read(&file).map_err(|error| format!("could not read {}: {error}", file.display()))?;
        let mut times: [Vec<f64>; 3] = Default::default();
        let mut instructions = 0;
        for _ in 0..RUNS {
            let outcomes =
                [run_here(&elf, rounds, false)?, run_on_qemu(&file, rounds, false)?, run_on_qemu(&file, rounds, true)?];
            if outcomes.iter().any(|outcome| outcome.result != outcomes[0].result) {
                return Err(format!("{name} came to different results: {outcomes:?}"));
            }
            instructions = outcomes[0].instructions;
            times.iter_mut().zip(outcomes).for_each(|(times, outcome)| times.push(outcome.time.as_secs_f64()));
        }
        let [here, free, counting] = times.map(|times| instructions as f64 / median(times) / 1e6);
        let ratios = [here / free, here / counting];
        println!(
            "{name:8} {instructions:13} {here:10.0} {free:10.0} {counting:10.0} {:8.2} {:8.2}",
            ratios[0], ratios[1]
        );
        product[0] *= ratios[0];
        product[1] *= ratios[1];
    }
    let [free, counting] = product.map(|product: f64| product.powf(1.0 / PROGRAMS.len() as f64));
    println!("{:8} {:13} {:10} {:10} {:10} {free:8.2} {counting:8.2}", "mean", "", "", "", "");
    Ok(counting)
}
