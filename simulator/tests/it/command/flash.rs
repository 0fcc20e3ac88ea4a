//! `preflash flash` without a board: what it refuses before anything is written. Where a refusal cannot be had from
//! esptool and the emulated board (`board::clients::flash` has those), a script answers as esptool does.

mod browser;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::bench::{Bench, Ended};
use super::validate::{SCENARIO, image};

/// What esptool prints of a chip that fits.
const FLASH_ID: &str = "esptool v5.6.0\nConnected to ESP8266 on /dev/ttyUSB0:\nChip type:          ESP8266EX\n\
    MAC:                18:fe:34:00:00:00\n\nManufacturer: ef\nDevice: 4016\nDetected flash size: 4MB\n";

/// A folder with a validated image.
fn bench(name: &str) -> Bench {
    let bench = Bench::new(name);
    fs::write(bench.folder.join("firmware.bin"), image()).unwrap();
    bench.file("scenarios/starts.toml", SCENARIO);
    let ended = bench.preflash("validate firmware.bin");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    bench
}

/// Puts a script in esptool's place, which notes how it is called, and does `does` for each command but `version`.
fn esptool(bench: &Bench, version: &str, does: &str) {
    let script =
        format!("#!/bin/sh\necho \"$@\" >> calls\ncase \"$*\" in\nversion) printf '{version}' ;;\n{does}\nesac\n");
    bench.file("esptool", &script);
    let path = bench.folder.join("esptool");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    let _ = fs::remove_file(bench.folder.join("calls"));
}

const VERSION: &str = "esptool v5.6.0\\n5.6.0\\n";

fn flash(bench: &Bench, arguments: &str) -> Ended {
    bench.preflash(&format!("flash firmware.bin --port /dev/ttyUSB0 --esptool ./esptool {arguments}"))
}

/// Which commands esptool got, beside `version`.
fn calls(bench: &Bench) -> Vec<String> {
    let calls = bench.read("calls");
    calls.lines().filter(|call| *call != "version").map(str::to_owned).collect()
}

#[test]
fn what_is_not_validated_is_not_flashed() {
    let bench = bench("flash-gate");
    esptool(&bench, VERSION, "*) exit 1 ;;");
    let refused = |arguments: &str, why: &str| {
        let ended = flash(&bench, arguments);
        assert_eq!(ended.code, Some(1), "{arguments}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "{arguments}: {}", ended.stderr);
        assert!(!bench.folder.join("calls").exists() && !bench.folder.join("flashed.json").exists(), "{arguments}");
    };
    refused("--manifest none.json", "could not read none.json");
    bench.file("policy.toml", "require = ['scenarios/setup']\n");
    refused("--policy policy.toml", "scenarios/setup was not run, and the policy requires it");
    bench.file("other.json", "{}");
    refused("--manifest other.json", "it is no test-result statement");
    let mut changed = image();
    changed[3] ^= 1;
    fs::write(bench.folder.join("firmware.bin"), changed).unwrap();
    refused("", "firmware.bin at 0x00000 has other bytes than those that were validated");
    refused("", "or say why it is to be flashed all the same (--unvalidated REASON)");
    let ended = bench.preflash("flash firmware.bin --port /dev/ttyUSB0 --unvalidated=");
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("a reason is a sentence, not nothing"), "{}", ended.stderr);
    let ended = bench.preflash("flash firmware.bin");
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("--port <PORT>"), "{}", ended.stderr);
}

#[test]
fn a_dry_run_prints_the_commands_and_runs_none() {
    let bench = bench("flash-dry-run");
    esptool(&bench, VERSION, "*) exit 1 ;;");
    let ended = flash(&bench, "--dry-run");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let to = "./esptool --chip esp8266 --port /dev/ttyUSB0 --baud";
    assert_eq!(lines[0], format!("{to} 115200 --before default-reset --after no-reset-stub flash-id"));
    assert_eq!(lines[1], format!("{to} 115200 --before no-reset --after no-reset-stub erase-region 0x0 0x1000"));
    let write = "write-flash --flash-mode keep --flash-freq keep --flash-size keep";
    assert!(lines[2].starts_with(&format!("{to} 460800 --before no-reset --after no-reset {write} ")), "{}", lines[2]);
    assert!(lines[2].ends_with(" 0x0 DIR/0x00000.bin"), "{}", lines[2]);
    assert_eq!(calls(&bench), [""; 0]);
    let ended = flash(&bench, "--dry-run --erase --manual-reset");
    assert!(ended.stdout.contains("--before no-reset --after no-reset-stub erase-flash\n"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("default-reset"), "{}", ended.stdout);
}

#[test]
fn a_board_that_does_not_fit_is_left_as_it_is() {
    let bench = bench("flash-refused");
    let refused = |does: &str, why: &str| {
        esptool(&bench, VERSION, does);
        let ended = flash(&bench, "");
        assert_eq!(ended.code, Some(1), "{does}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "{does}: {}", ended.stderr);
        let calls = calls(&bench);
        assert!(calls.len() == 1 && calls[0].ends_with(" flash-id"), "{calls:?}");
        assert!(!bench.folder.join("flashed.json").exists(), "{does}");
    };
    let says = |text: &str| format!("*) printf '{}' ;;", text.replace('\n', "\\n"));
    let fails = |text: &str| format!("*) printf 'ERROR: A fatal error occurred: {text}\\n' >&2; exit 2 ;;");
    refused(&says(&FLASH_ID.replace("4MB", "256KB")), "the flash has 256 KiB, and the image is for one with");
    refused(&says(&FLASH_ID.replace("4MB", "Unknown")), "of a kind that esptool does not know (manufacturer ef");
    refused(&says(&FLASH_ID.replace("ESP8266EX", "ESP32-C3")), "the chip is an ESP32-C3, and the image is for");
    refused(&says("esptool v5.9.0\nChip: ESP8266EX\n"), "could not understand this esptool: esptool says 0 times");
    refused(&fails("This chip is ESP32, not ESP8266. Wrong chip argument?"), "the chip is an ESP32,");
    let denied = "Could not open /dev/ttyUSB0, the port is busy or doesn%s exist.\\n([Errno 13] Permission denied)";
    let denied = fails(&denied.replace("%s", "'\"'\"'t"));
    refused(&denied, "the port belongs to the group dialout");
}

#[test]
fn without_esptool_5_it_says_how_to_get_it() {
    let bench = bench("flash-esptool");
    let refused = |ended: Ended, why: &str| {
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    };
    esptool(&bench, "esptool.py v4.7.0\\n4.7.0\\n", "*) exit 1 ;;");
    refused(flash(&bench, ""), "./esptool is esptool 4.7.0, and 5 or newer is needed");
    esptool(&bench, "hello\\n", "*) exit 1 ;;");
    refused(flash(&bench, ""), "./esptool is no esptool: to `version` it answers \"hello\"");
    let nowhere = [("PATH", "/nowhere"), ("XDG_DATA_HOME", "/nowhere")];
    let missing = bench.preflash_with("flash firmware.bin --port /dev/ttyUSB0", &nowhere);
    refused(missing, "there is no esptool on the PATH");
    let named = bench.preflash_with("flash firmware.bin --port /dev/ttyUSB0 --esptool ./none", &nowhere);
    refused(named, "could not run ./none");
    // Of its own, where there is no Python.
    let variables = [("PATH", "/nowhere"), ("XDG_DATA_HOME", bench.folder.to_str().unwrap())];
    refused(bench.preflash_with("flash --install-esptool", &variables), "could not run python3");
}

#[test]
fn what_was_begun_is_written_down() {
    let bench = bench("flash-record");
    let fails = "ERROR: A fatal error occurred: MD5 of file does not match data in flash!";
    let does = |writes: &str| {
        let id = FLASH_ID.replace('\n', "\\n");
        format!("*flash-id) printf '{id}' ;;\n*erase-region*) exit 0 ;;\n*) {writes} ;;")
    };
    esptool(&bench, VERSION, &does(&format!("echo 'Wrote 4 bytes at 0x00001000'; echo '{fails}' >&2; exit 2")));
    let ended = flash(&bench, "--unvalidated because --manifest none.json");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("what is in the flash at 0x1000 is not what was written"), "{}", ended.stderr);
    let record: Value = serde_json::from_str(&bench.read("flashed.json")).unwrap();
    assert_eq!((&record["outcome"], &record["verified"]), (&Value::from("interrupted"), &Value::Null));
    assert_eq!(record["unvalidated"]["reason"], "because");
    assert!(record["unvalidated"]["missing"][0].as_str().unwrap().contains("could not read none.json"));
    assert_eq!(record["chip"]["mac"], "18:fe:34:00:00:00");
    // An esptool that compares nothing has not flashed.
    esptool(&bench, VERSION, &does("echo 'Verifying written data...'"));
    let ended = flash(&bench, "");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("it has compared 0 of"), "{}", ended.stderr);
    // Something else in the record's place stays.
    bench.file("flashed.json", "mine");
    let ended = flash(&bench, "");
    assert_eq!((ended.code, bench.read("flashed.json").as_str()), (Some(2), "mine"), "{}", ended.stderr);
    assert!(ended.stderr.contains("what is there is no record of a flashing"), "{}", ended.stderr);
}
