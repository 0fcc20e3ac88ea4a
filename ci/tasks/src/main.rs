//! `cargo ci`: what continuous integration runs, one task at a time or all of them.
//!
//! Each task is a command that could be typed by hand; `cargo ci` prints it before it runs, and how long it took. All
//! of them build with the release profile, so that what is tested is what people run. The first that fails ends the run
//! with its exit code. At the end stands a table of what was run, with the seconds of each task.

mod book;
mod comments;
mod features;
mod images;
mod locks;
mod whole;

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// A task: its name, what it is for, and its commands.
struct Task {
    name: &'static str,
    about: &'static str,
    /// No word of them has a blank in it.
    commands: &'static [&'static str],
}

/// What tests, scenarios and examples share: one build, with the features that all of the workspace wants together. A
/// package by itself would want others, and with them most dependencies once more.
const BUILD: &str = "cargo build --release --workspace --bins --examples --locked";

/// In the order in which `cargo ci all` runs them.
const TASKS: &[Task] = &[
    Task {
        name: "fmt",
        about: "sources are formatted, and comments no wider than the code",
        commands: &[
            "cargo fmt --all --check",
            "cargo fmt --all --check --manifest-path firmware/esp07/Cargo.toml",
            "cargo run --release --quiet --locked --package ci-tasks -- measure-comments",
        ],
    },
    Task {
        name: "clippy",
        about: "no warnings",
        commands: &[
            "cargo clippy --release --workspace --all-targets --locked -- --deny warnings",
            // For this machine, because rustc for the chip comes without clippy.
            "cargo clippy --release --manifest-path firmware/esp07/Cargo.toml --target-dir target/esp07-clippy --locked \
             -- --deny warnings",
        ],
    },
    Task {
        name: "doc",
        about: "the documentation builds without warnings",
        commands: &["cargo doc --release --workspace --no-deps --locked"],
    },
    Task {
        name: "book",
        about: "the book builds, and its links lead somewhere (after ci/setup-book)",
        commands: &["cargo run --release --quiet --locked --package ci-tasks -- build-book"],
    },
    Task {
        // Before the tests, some of which run it.
        name: "image",
        about: "the ESP-07 image builds (after ci/setup-xtensa)",
        commands: &["cargo run --release --quiet --locked --package esp8266-linker -- build"],
    },
    Task {
        name: "programs",
        about: "the bare programs build, by which emulators of the core are compared (after ci/setup-xtensa)",
        commands: &["cargo run --release --quiet --locked --package esp8266-linker -- programs"],
    },
    Task {
        name: "test",
        about: "all tests pass (those that run the image after image)",
        commands: &["cargo test --release --workspace --locked"],
    },
    Task {
        name: "scenarios",
        about: "all scenarios pass, twice the same",
        commands: &[
            BUILD,
            "target/release/preflash check scenarios",
            // Those of others' images are run by the task `images`.
            "target/release/preflash run scenarios --exclude scenarios/images --exclude scenarios/micropython \
             --check-determinism",
        ],
    },
    Task {
        name: "locks",
        about: "the lock files have the same versions of what they share",
        commands: &["cargo run --release --quiet --locked --package ci-tasks -- compare-locks"],
    },
    Task {
        name: "features",
        about: "programs and tests share one build of each dependency",
        commands: &["cargo run --release --quiet --locked --package ci-tasks -- compare-features"],
    },
    Task {
        name: "size",
        about: "the ESP-07 image is within its budgets",
        commands: &["cargo run --release --quiet --locked --package esp8266-linker -- size"],
    },
    Task {
        name: "chip",
        about: "scenarios do the same on host and emulated chip, and on the chip twice the same (after image)",
        commands: &[
            BUILD,
            // All but the two that last a day, with 288 and 1,440 handshakes: they take the emulated chip many minutes.
            "target/release/preflash run scenarios --exclude scenarios/normal/one-day.toml \
             --exclude scenarios/normal/a-normal-day.toml --exclude scenarios/images --exclude scenarios/micropython \
             --on both --out target/preflash-all",
            // All of configuration mode and of the sensor, and a reset.
            "target/release/preflash run scenarios/setup scenarios/power/reset-during-upload.toml scenarios/sensor \
             --on chip --check-determinism --out target/preflash-esp8266",
        ],
    },
    Task {
        name: "whole",
        about: "scenarios pass with the image that is flashed, whole (after image with ESP8266_NONOS_SDK)",
        commands: &[BUILD, "cargo run --release --quiet --locked --package ci-tasks -- run-whole"],
    },
    Task {
        name: "handshake",
        about: "a TLS handshake on the chip starves no watchdog and leaves some stack (after image)",
        commands: &[BUILD, "target/release/examples/handshake"],
    },
    Task {
        name: "clients",
        about: "published clients get along with the fake ThingSpeak (after ci/setup-clients)",
        commands: &["cargo test --release --workspace --locked --test program -- --ignored clients::"],
    },
    Task {
        name: "board",
        about: "published programs for boards get along with the emulated one (after ci/setup-clients and ci/setup-images)",
        commands: &[
            // As many at once as there are cores, for a board lives in real time.
            "cargo test --release --workspace --locked --test it -- --ignored command::board:: command::capture::",
        ],
    },
    Task {
        name: "images",
        about: "published images of others' firmware do what they should on the emulated chip (after ci/setup-images)",
        commands: &[
            "cargo test --release --workspace --locked --test images -- --ignored",
            BUILD,
            "cargo test --release --workspace --locked --test it -- --ignored images::",
            "target/release/preflash run scenarios/images scenarios/micropython --out target/preflash-images",
            "cargo run --release --quiet --locked --package ci-tasks -- compare-images preflash-images/summary.json",
        ],
    },
    Task {
        name: "browser",
        about: "pages work in Chromium (after ci/setup-browser)",
        commands: &[
            "cargo test --release --workspace --locked --test program -- --ignored --nocapture browser::",
            "cargo test --release --workspace --locked --test it -- --ignored browser::",
        ],
    },
];

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let tasks: Vec<&Task> = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // What the task `locks` runs.
        ["compare-locks"] => return locks::run(),
        // What the task `whole` runs.
        ["run-whole"] => return whole::run(),
        // What the task `features` runs.
        ["compare-features"] => return features::run(),
        // What the task `book` runs.
        ["build-book"] => return book::run(),
        // What the task `images` runs.
        ["compare-images", summaries @ ..] => return images::run(summaries),
        // What the task `fmt` runs besides.
        ["measure-comments"] => return comments::run(),
        ["all"] => TASKS.iter().collect(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{}", usage());
            return ExitCode::SUCCESS;
        }
        names => {
            let mut tasks = Vec::new();
            for name in names {
                match TASKS.iter().find(|task| task.name == *name) {
                    Some(task) => tasks.push(task),
                    None => {
                        eprint!("cargo ci: there is no task `{name}`\n\n{}", usage());
                        return ExitCode::from(2);
                    }
                }
            }
            tasks
        }
    };
    let mut ran = Vec::new();
    let code = tasks.iter().find_map(|task| {
        let begin = now();
        let failed = task.commands.iter().find_map(|command| run(command).err());
        ran.push(Ran { name: task.name, seconds: begin.elapsed().as_secs(), passed: failed.is_none() });
        failed
    });
    eprint!("\n{}", table(&ran, tasks.len()));
    code.unwrap_or(ExitCode::SUCCESS)
}

/// A task that has been run.
struct Ran {
    name: &'static str,
    /// How long it took in real time.
    seconds: u64,
    passed: bool,
}

/// What was run of `all` tasks, a line each with its seconds, and the sum.
fn table(ran: &[Ran], all: usize) -> String {
    let mut text = String::new();
    for Ran { name, seconds, passed } in ran {
        let failed = if *passed { "" } else { "  failed" };
        text += &format!("{name:<10} {seconds:>6} s{failed}\n");
    }
    let together: u64 = ran.iter().map(|task| task.seconds).sum();
    text += &format!("{:<10} {together:>6} s", "together");
    match all - ran.len() {
        0 => text += "\n",
        left => text += &format!(", {left} not run\n"),
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "how long a task takes is what its clock is for")]
fn now() -> Instant {
    Instant::now()
}

fn usage() -> String {
    let mut text = "usage: cargo ci all | TASK…\n\ntasks:\n".to_owned();
    for task in TASKS {
        text += &format!("  {:<10} {}\n", task.name, task.about);
    }
    text
}

/// Runs one command, visibly.
fn run(line: &str) -> Result<(), ExitCode> {
    eprintln!("\n$ {line}");
    let mut words = line.split(' ');
    let program = words.next().unwrap_or_default();
    let mut command = match (program, program.strip_prefix("target/"), env::var_os("CARGO_TARGET_DIR")) {
        ("cargo", ..) => Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())),
        (_, Some(built), Some(target)) => Command::new(Path::new(&target).join(built)),
        _ => Command::new(program),
    };
    command.args(words);
    if line.starts_with("cargo doc") {
        command.env("RUSTDOCFLAGS", "--deny warnings");
    }
    if line.starts_with("cargo clippy") && line.contains("firmware/esp07") {
        // `esp8266-hal`'s macros want a feature of nightly; what is our own does not.
        command.env("RUSTC_BOOTSTRAP", "esp8266_hal_proc_macros");
    }
    let begin = now();
    let status = command.status();
    eprintln!("({} s)", begin.elapsed().as_secs());
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))),
        Err(error) => {
            eprintln!("cargo ci: could not run {program}: {error}");
            Err(ExitCode::FAILURE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ran, table};

    #[test]
    fn the_table_has_a_line_a_task_and_says_what_was_left_out() {
        let ran = [Ran { name: "fmt", seconds: 2, passed: true }, Ran { name: "clippy", seconds: 140, passed: false }];
        assert_eq!(
            table(&ran, 4),
            "fmt             2 s\nclippy        140 s  failed\ntogether      142 s, 2 not run\n"
        );
        assert_eq!(table(&ran[..1], 1), "fmt             2 s\ntogether        2 s\n");
    }
}
