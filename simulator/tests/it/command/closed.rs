//! Standard output that nobody reads, as behind `| head`: each command says so, with an exit code of its own.
#![cfg(unix)]

use std::io;
use std::process::{Command, Output, Stdio};

use super::bench::{Bench, READING};

/// Runs the command in the bench with a pipe as its output that nobody reads.
fn unheard(bench: &Bench, arguments: &str) -> Output {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    Command::new(env!("CARGO_BIN_EXE_preflash"))
        .args(arguments.split_whitespace())
        .current_dir(&bench.folder)
        .stdin(Stdio::null())
        .stdout(writer)
        .output()
        .unwrap()
}

#[test]
fn every_command_says_that_nobody_reads_what_it_prints() {
    let bench = Bench::new("closed");
    bench.file("duck.toml", READING);
    for (arguments, before) in [
        ("--help", "all of the help was written"),
        ("--version", "all of the help was written"),
        ("run --help", "all of the help was written"),
        ("schema", "all of the schema was written"),
        ("list duck.toml", "all of the list was written"),
        ("list duck.toml --format json", "all of the list was written"),
        ("check duck.toml --format json", "all of the mistakes was written"),
        ("run duck.toml", "the results were written; they are in target/preflash/summary.json"),
        ("run duck.toml --format json", "the results were written; they are in target/preflash/summary.json"),
    ] {
        let ended = unheard(&bench, arguments);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(said, format!("error: standard output was closed before {before}\n"), "{arguments}");
        assert_eq!(ended.status.code(), Some(141), "{arguments}");
    }
    assert!(bench.read("target/preflash/summary.json").contains("\"passed\": 1"));
    // It has nothing to say there.
    assert_eq!(unheard(&bench, "check duck.toml").status.code(), Some(0));
}

#[test]
fn wrong_arguments_are_told_whether_anybody_hears_or_not() {
    let bench = Bench::new("closed-errors");
    let ended = unheard(&bench, "run --frobnicate");
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("--frobnicate"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_too() {
    let bench = Bench::new("full");
    bench.file("duck.toml", READING);
    for arguments in ["--help", "schema", "list duck.toml", "check duck.toml --format json", "run duck.toml"] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_preflash"));
        command.args(arguments.split_whitespace()).current_dir(&bench.folder).stdout(full);
        let ended = command.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{arguments}: {said}");
        assert!(said.contains("No space left on device"), "{arguments}: {said}");
    }
}
