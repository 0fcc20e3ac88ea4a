//! `cargo ci`: what continuous integration runs, one task at a time or all of them.
//!
//! Each task is a command that could be typed by hand; `cargo ci` prints it before it runs. The first that fails ends the
//! run with its exit code.

mod locks;

use std::env;
use std::process::{Command, ExitCode};

/// A task: its name, what it is for, and its commands.
struct Task {
    name: &'static str,
    about: &'static str,
    commands: &'static [&'static [&'static str]],
}

/// In the order in which `cargo ci all` runs them.
const TASKS: &[Task] = &[
    Task {
        name: "fmt",
        about: "sources are formatted",
        commands: &[
            &["fmt", "--all", "--check"],
            &["fmt", "--all", "--check", "--manifest-path", "firmware/esp07/Cargo.toml"],
        ],
    },
    Task {
        name: "clippy",
        about: "no warnings",
        commands: &[
            &["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"],
            // For this machine, because rustc for the chip comes without clippy; in release, where a panic needs no unwinding.
            &[
                "clippy",
                "--manifest-path",
                "firmware/esp07/Cargo.toml",
                "--target-dir",
                "target/esp07-clippy",
                "--release",
                "--locked",
                "--",
                "--deny",
                "warnings",
            ],
        ],
    },
    Task {
        // Before the tests, some of which run it.
        name: "image",
        about: "the ESP-07 image builds (after ci/setup-xtensa)",
        commands: &[&["run", "--quiet", "--locked", "--package", "esp8266-linker", "--", "build"]],
    },
    Task {
        name: "programs",
        about: "the bare programs build, by which emulators of the core are compared (after ci/setup-xtensa)",
        commands: &[&["run", "--quiet", "--locked", "--package", "esp8266-linker", "--", "programs"]],
    },
    Task {
        name: "test",
        about: "all tests pass (those that run the image after image)",
        commands: &[&["test", "--workspace", "--locked"]],
    },
    Task {
        name: "scenarios",
        about: "all scenarios pass, twice the same",
        commands: &[
            &["run", "--release", "--locked", "--", "check", "scenarios"],
            &["run", "--release", "--locked", "--", "run", "scenarios", "--check-determinism"],
        ],
    },
    Task {
        name: "locks",
        about: "the lock files have the same versions of what they share",
        commands: &[&["run", "--quiet", "--locked", "--package", "ci-tasks", "--", "compare-locks"]],
    },
    Task {
        name: "size",
        about: "the ESP-07 image is within its budgets",
        commands: &[&["run", "--quiet", "--locked", "--package", "esp8266-linker", "--", "size"]],
    },
    Task {
        name: "chip",
        about: "scenarios do the same on host and emulated chip, and on the chip twice the same (after image)",
        commands: &[
            // All but the two that last a day, with 288 and 1,440 handshakes, which take the emulated chip many minutes.
            &[
                "run",
                "--release",
                "--locked",
                "--",
                "run",
                "scenarios",
                "--exclude",
                "scenarios/normal/one-day.toml",
                "--exclude",
                "scenarios/normal/a-normal-day.toml",
                "--target",
                "all",
                "--out",
                "target/preflash-all",
            ],
            // Configuration mode, a reset, and faults of the sensor.
            &[
                "run",
                "--release",
                "--locked",
                "--",
                "run",
                "scenarios/setup",
                "scenarios/power/reset-during-upload.toml",
                "scenarios/sensor",
                "--target",
                "esp8266",
                "--check-determinism",
                "--out",
                "target/preflash-esp8266",
            ],
        ],
    },
    Task {
        name: "timing",
        about: "the chip reads the DHT22 within the times that it always did (after image)",
        commands: &[&["test", "--release", "--locked", "--package", "simulator", "--test", "sensor_timing"]],
    },
    Task {
        name: "handshake",
        about: "a TLS handshake on the chip starves no watchdog and leaves some stack (after image)",
        commands: &[&["run", "--release", "--locked", "--example", "handshake"]],
    },
    Task {
        name: "clients",
        about: "published clients get along with the fake ThingSpeak (after ci/setup-clients)",
        commands: &[&["test", "--package", "fake-thingspeak", "--test", "clients", "--locked"]],
    },
    Task {
        name: "browser",
        about: "pages work in Chromium (after ci/setup-browser)",
        commands: &[&[
            "test",
            "--package",
            "fake-thingspeak",
            "--test",
            "browser",
            "--locked",
            "--",
            "--ignored",
            "--nocapture",
        ]],
    },
    Task {
        name: "doc",
        about: "the documentation builds without warnings",
        commands: &[&["doc", "--workspace", "--no-deps", "--locked"]],
    },
];

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let tasks: Vec<&Task> = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // What the task `locks` runs.
        ["compare-locks"] => return locks::run(),
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
    for command in tasks.iter().flat_map(|task| task.commands) {
        if let Err(code) = run(command) {
            return code;
        }
    }
    ExitCode::SUCCESS
}

fn usage() -> String {
    let mut text = "usage: cargo ci all | TASK…\n\ntasks:\n".to_owned();
    for task in TASKS {
        text += &format!("  {:<10} {}\n", task.name, task.about);
    }
    text
}

/// Runs one cargo command, visibly.
fn run(arguments: &[&str]) -> Result<(), ExitCode> {
    eprintln!("\n$ cargo {}", arguments.join(" "));
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments);
    match arguments {
        ["doc", ..] => {
            command.env("RUSTDOCFLAGS", "--deny warnings");
        }
        // `esp8266-hal`'s macros want a feature of nightly; what is our own does not.
        ["clippy", "--manifest-path", ..] => {
            command.env("RUSTC_BOOTSTRAP", "esp8266_hal_proc_macros");
        }
        _ => {}
    }
    if arguments.contains(&"clients") {
        // Without a client, its tests have nothing to say.
        command.env("PREFLASH_REQUIRE_CLIENTS", "1");
    }
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))),
        Err(error) => {
            eprintln!("cargo ci: could not run cargo: {error}");
            Err(ExitCode::FAILURE)
        }
    }
}
