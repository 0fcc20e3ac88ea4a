//! Whatever a person names instead of a file that can be read, the command ends, with one clear message.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::bench::{Bench, READING};

/// Makes a pipe, to which nobody ever writes.
fn pipe(bench: &Bench, name: &str) {
    assert!(Command::new("mkfifo").arg(bench.folder.join(name)).status().unwrap().success());
}

#[track_caller]
fn is_refused(bench: &Bench, arguments: &str, message: &str) {
    let ended = bench.preflash(arguments);
    assert_eq!(ended.code, Some(2), "{arguments}: {}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains(message), "{arguments}: {}", ended.stderr);
    assert!(ended.stderr.lines().count() <= 10, "{arguments}: {}", ended.stderr);
}

#[test]
fn a_scenario_is_a_file() {
    let bench = Bench::new("no-files");
    bench.file("s/good.toml", READING);
    for command in ["check", "list", "run"] {
        pipe(&bench, "s/x.toml");
        let why = "it is a pipe; write what comes out of it into a file, and name that";
        is_refused(&bench, &format!("{command} s/x.toml"), &format!("s/x.toml is not a scenario: {why}"));
        is_refused(&bench, &format!("{command} s"), &format!("could not read the scenario: {why}"));
        fs::remove_file(bench.folder.join("s/x.toml")).unwrap();
        symlink("nowhere.toml", bench.folder.join("s/x.toml")).unwrap();
        is_refused(&bench, &format!("{command} s"), "it is a link to nowhere.toml, which is not there");
        is_refused(&bench, &format!("{command} s/x.toml"), "it is a link to nowhere.toml, which is not there");
        fs::remove_file(bench.folder.join("s/x.toml")).unwrap();
        symlink("/dev/zero", bench.folder.join("s/x.toml")).unwrap();
        is_refused(&bench, &format!("{command} s"), "could not read the scenario: it is a device, not a file");
        fs::remove_file(bench.folder.join("s/x.toml")).unwrap();
        let _listener = UnixListener::bind(bench.folder.join("s/x.toml")).unwrap();
        is_refused(&bench, &format!("{command} s"), "could not read the scenario: it is a socket, not a file");
        fs::remove_file(bench.folder.join("s/x.toml")).unwrap();
        is_refused(&bench, &format!("{command} /dev/stdin"), "/dev/stdin is not a scenario: it is a");
    }
    // A folder may be called so, and has scenarios in it as others do.
    bench.file("s/x.toml/y.toml", READING);
    assert_eq!(bench.preflash("check s/x.toml").stderr, "ok: 1 scenario\n");
    assert_eq!(bench.preflash("check s").stderr, "ok: 2 scenarios\n");
}

#[test]
fn a_scenario_is_a_text_of_bounded_size() {
    let bench = Bench::new("no-texts");
    let write = |bytes: &[u8]| fs::write(bench.folder.join("x.toml"), bytes).unwrap();
    let utf_16: Vec<u8> = format!("\u{feff}{READING}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    write(&utf_16);
    is_refused(&bench, "check x.toml", "could not read the scenario: this file is UTF-16; save it as UTF-8");
    write(format!("\u{feff}{}", READING.replace('\n', "\r\n")).as_bytes());
    assert_eq!(bench.preflash("check x.toml").stderr, "ok: 1 scenario\n");
    write(READING.replace('\n', "\r").as_bytes());
    is_refused(
        &bench,
        "check x.toml",
        "its lines end in CR alone, as on an old Mac; save it with line ends LF or CRLF",
    );
    write(READING.replace("duck", "d\0ck").as_bytes());
    is_refused(&bench, "check x.toml", "x.toml:2:");
    write(format!("{READING}#{}", "x".repeat(4 << 20)).as_bytes());
    is_refused(&bench, "check x.toml", "it has more than 4 MiB, the most that is read of such a file");
}

#[test]
fn a_recording_is_a_file_as_well() {
    let bench = Bench::new("no-recordings");
    let sensor = "[sensor]\ntemperature = { csv = { file = 'x.csv', column = 't' } }\n";
    bench.file("x.toml", &format!("{READING}{sensor}"));
    pipe(&bench, "x.csv");
    is_refused(&bench, "check x.toml", "could not read the recording: it is a pipe; write");
    fs::remove_file(bench.folder.join("x.csv")).unwrap();
    let utf_16: Vec<u8> = "\u{feff}time,t\n0,21\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    fs::write(bench.folder.join("x.csv"), utf_16).unwrap();
    is_refused(&bench, "check x.toml", "could not read the recording: this file is UTF-16; save it as UTF-8");
}

#[test]
fn an_image_is_a_file_as_well() {
    let bench = Bench::new("no-images");
    bench.file("x.toml", READING);
    pipe(&bench, "pipe");
    for (named, why) in [("/dev/zero", "it is a device, not a file"), ("pipe", "it is a pipe; write what comes out")] {
        let image = format!("run x.toml --on chip --image {named}");
        is_refused(&bench, &image, &format!("could not read {named}: {why}"));
    }
    fs::create_dir(bench.folder.join("image")).unwrap();
    symlink("/dev/zero", bench.folder.join("image/0x10000.bin")).unwrap();
    is_refused(&bench, "run x.toml --on both --image image", "0x10000.bin: it is a device, not a file");
    // Of what was named nobody is told to name it.
    let missing = bench.preflash("run x.toml --on chip --image nothing");
    assert_eq!(missing.stderr, "error: could not read nothing: no such file\n");
}

#[test]
fn a_report_is_not_waited_for() {
    let bench = Bench::new("no-reports");
    bench.file("x.toml", READING);
    pipe(&bench, "pipe");
    let ended = bench.preflash("run x.toml --junit pipe");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(2), "error: could not write pipe: nobody reads from this pipe\n")
    );
    assert!(bench.read("target/preflash/summary.json").contains("\"passed\": 1"));
    let _listener = UnixListener::bind(bench.folder.join("socket")).unwrap();
    is_refused(&bench, "run x.toml --junit socket", "could not write socket: it is a socket, not a file");
    is_refused(&bench, "run x.toml --out pipe", "could not write pipe/summary.json: pipe is no folder");
}
