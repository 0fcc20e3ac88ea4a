//! `preflash run --on chip`, with the image that `cargo ci image` builds: what it accounts for, and what it tells of
//! a program that comes to grief. Where there is no image these tests do nothing, unless `PREFLASH_REQUIRE_XTENSA=1`.

use std::fs;
use std::path::Path;

use esp8266::image::{Program, Segment, elf, flash};
use firmware::mark::Mark;
use serde_json::Value;

use super::bench::{Bench, READING};
use crate::image::image;

fn bench(name: &str) -> Bench {
    let bench = Bench::new(name);
    bench.file("s/duck.toml", READING);
    bench
}

fn program(image: &Path) -> Program {
    elf::parse(&fs::read(image.join("esp07")).unwrap()).unwrap()
}

/// A copy of the image in the bench's folder with these bytes at the beginning of the function whose symbol contains
/// all of `parts`.
fn patched(bench: &Bench, image: &Path, parts: &[&str], bytes: &[u8]) {
    let program = program(image);
    let is_it = |name: &str| parts.iter().all(|part| name.contains(part));
    let (address, ..) = program.symbols.iter().find(|(.., name)| is_it(name)).unwrap();
    let at = (address - 0x4021_0000) as usize;
    let folder = bench.folder.join("image");
    fs::create_dir_all(&folder).unwrap();
    for name in ["esp07", "0x00000.bin"] {
        fs::copy(image.join(name), folder.join(name)).unwrap();
    }
    let mut second = fs::read(image.join("0x10000.bin")).unwrap();
    second[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(folder.join("0x10000.bin"), second).unwrap();
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_run_accounts_for_what_was_answered_at_function_level() {
    let Some(image) = image() else { return };
    let bench = bench("chip-account");
    let ended = bench.preflash(&format!("run s --on chip --image {}", image.display()));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("answered at function level: "), "{}", ended.stdout);
    let account = json(&bench.read("target/preflash/s/duck/chip.json"));
    assert_eq!(account["sdk"]["wifi_station_connect"], 1);
    assert!(
        account["boot-rom"]["boot_from_flash"] == 1 && account["boot-rom"]["ets_post"].as_u64() > Some(1),
        "{account}"
    );
    let summary = json(&bench.read("target/preflash/summary.json"));
    assert_eq!(summary["cases"][0]["chip"], account);
    assert_eq!(account["not-modelled"], Value::Array(Vec::new()), "the yellow duck keeps to what is modelled");
}

#[test]
fn the_image_comes_as_a_folder_an_elf_file_or_a_dump() {
    let Some(image) = image() else { return };
    let bench = bench("chip-forms");
    let first = fs::read(image.join("0x00000.bin")).unwrap();
    let second = fs::read(image.join("0x10000.bin")).unwrap();
    let mut dump = first;
    dump.resize(0x1_0000, 0xFF);
    dump.extend(second);
    fs::write(bench.folder.join("flash.bin"), dump).unwrap();
    let serial = |form: &str| {
        let ended = bench.preflash(&format!("run s --on chip --image {form}"));
        assert_eq!(ended.code, Some(0), "{form}: {}{}", ended.stdout, ended.stderr);
        bench.read("target/preflash/s/duck/serial.log")
    };
    let folder = serial(&image.display().to_string());
    let elf = image.join("esp07").display().to_string();
    // Loading takes another time, and all that follows is later by it.
    let words =
        |log: &str| log.lines().last().and_then(|line| line.split_once("] ")).map(|(_, words)| words.to_owned());
    assert!(words(&folder).is_some_and(|words| words.contains("stored as entry 1")), "{folder}");
    assert_eq!(words(&folder), words(&serial(&elf)));
    assert_eq!(folder, serial("flash.bin"));
    assert_eq!(folder, serial(&format!("flash.bin --elf {elf}")));
}

#[test]
fn an_exception_is_told_with_functions_files_and_lines() {
    let Some(image) = image() else { return };
    let bench = bench("chip-exception");
    // Three zeros are the illegal instruction.
    patched(&bench, &image, &["firmware", "own_frame", "poll", "8sampling3run"], &[0; 3]);
    let ended = bench.preflash("run s --on chip --image image --format json");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let summary = json(&ended.stdout);
    let failures = summary["cases"][0]["failures"].as_array().unwrap();
    let crash = failures.iter().find(|failure| failure["expected"] == "crash: never, in any run").unwrap();
    let report = &crash["report"];
    assert_eq!(report["exception"], "IllegalInstruction (0)");
    assert_eq!(report["registers"]["pc"], report["trace"][0]["address"]);
    let trace = report["trace"].as_array().unwrap();
    assert!(trace[0]["function"].as_str().unwrap().contains("sampling::run"), "{report:#}");
    assert_eq!(trace[0]["file"], "firmware/src/own_frame.rs");
    let has = |function: &str, file: &str| {
        trace.iter().any(|entry| {
            entry["function"].as_str().is_some_and(|name| name.contains(function))
                && entry["file"].as_str().is_some_and(|name| name == file)
                && entry["line"].as_u64() > Some(0)
        })
    };
    assert!(has("esp07::executor::poll", "esp07/src/executor.rs"), "{report:#}");
    assert!(trace.iter().any(|entry| entry["inlined"] == true), "{report:#}");
    assert!(trace.iter().all(|entry| entry["guessed"] != true), "each frame is known for sure: {report:#}");
    let last = trace.last().unwrap()["function"].as_str().unwrap();
    assert!(last.ends_with("of the boot ROM"), "{report:#}");
    let events = bench.read("target/preflash/s/duck/events.jsonl");
    assert!(events.contains(r#""event":"boot","number":2,"cause":"exception""#), "{events}");
    let serial = bench.read("target/preflash/s/duck/serial.log");
    assert!(serial.contains("Fatal exception 0(IllegalInstructionCause):"), "{serial}");

    let ended = bench.preflash("run s --on chip --image image");
    for words in ["registers pc", "trace     0x", "(inlined)", "firmware/src/own_frame.rs:"] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
}

#[test]
fn a_program_that_never_returns_meets_the_software_watchdog() {
    let Some(image) = image() else { return };
    let bench = bench("chip-watchdog");
    // `j .`
    patched(&bench, &image, &["firmware", "own_frame", "poll", "8sampling3run"], &[0x06, 0xFF, 0xFF]);
    let ended = bench.preflash("run s --on chip --image image --format json");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let summary = json(&ended.stdout);
    let failures = summary["cases"][0]["failures"].as_array().unwrap();
    let bite =
        failures.iter().find(|failure| failure["expected"] == "reset by the watchdog: never, in any run").unwrap();
    let function = bite["report"]["trace"][0]["function"].as_str().unwrap();
    assert!(function.contains("sampling::run"), "{bite:#}");
    let events = bench.read("target/preflash/s/duck/events.jsonl");
    assert!(events.contains(r#""event":"boot","number":2,"cause":"software watchdog""#), "{events}");
}

#[test]
fn a_broken_image_is_one_clear_message() {
    let bench = bench("chip-broken");
    bench.file("text.bin", "this is no image");
    for (arguments, words) in [
        ("--image text.bin", "error: could not use text.bin: the image at 0x0 starts with 0x74 instead of 0xe9\n"),
        ("--image nowhere", "error: could not read nowhere: "),
    ] {
        let ended = bench.preflash(&format!("run s --on chip {arguments}"));
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.starts_with(words) && ended.stderr.lines().count() == 1, "{}", ended.stderr);
        assert!(!bench.folder.join("target").exists(), "nothing is left behind");
    }
}

#[test]
fn the_image_bears_the_mark_of_its_firmware() {
    let Some(image) = image() else { return };
    let second = fs::read(image.join("0x10000.bin")).unwrap();
    assert_eq!(Mark::find(&second), Some(Mark::OWN));
}

/// `j .`, as an image that is linked against no stubs: it runs whole.
fn whole(mark: &[u8]) -> Vec<u8> {
    let mut code = vec![0x06, 0xFF, 0xFF, 0];
    code.extend(mark);
    flash::emit(2, 0x20, 0x4010_0000, &[Segment { address: 0x4010_0000, bytes: code }])
}

#[test]
fn settings_go_with_an_image_that_bears_the_mark_and_with_no_other() {
    let bench = bench("chip-whole");
    let ended = |bytes: &[u8]| {
        fs::write(bench.folder.join("image.bin"), bytes).unwrap();
        bench.preflash("run s --on chip --image image.bin")
    };
    let foreign = ended(&whole(&[]));
    assert_eq!(foreign.code, Some(2));
    let words = "error: s/duck.toml has `settings`: the image is not the yellow duck's, and only its firmware reads";
    assert!(foreign.stderr.starts_with(words), "{}", foreign.stderr);
    let other = Mark { formats: [1, 99], ..Mark::OWN };
    let words = "in format 1.99, and this preflash writes them at 0xf7000 to 0xfb000";
    assert!(ended(&whole(&other.to_bytes())).stderr.contains(words));
    let own = ended(&whole(&Mark::OWN.to_bytes()));
    assert_eq!(own.code, Some(1), "it runs, and stores nothing: {}{}", own.stdout, own.stderr);
    bench.file("s/duck.toml", "title = 't'\nduration = '1s'\n[[expect]]\nevent.boot = {}\n");
    assert_eq!(ended(&whole(&[])).code, Some(0), "without settings any image runs");
}

/// A dump of a flash, with a stub that starts these instructions.
fn dump_of(instructions: &[u8]) -> Vec<u8> {
    const START: u32 = 0x4010_0040;
    let mut code = vec![0x06, 0, 0, 0];
    code.extend(b"sdk:boot");
    // Where the program starts, takes memory for frames, takes frames, and halts.
    code.extend([START, START, START, 0x4010_0060].iter().flat_map(|word| word.to_le_bytes()));
    code.resize(0x40, 0);
    code.extend(instructions);
    code.resize(0x80, 0);
    flash::emit(2, 0x20, 0x4010_0000, &[Segment { address: 0x4010_0000, bytes: code }])
}

/// It once took longer than anybody waits, without a word.
#[test]
fn a_program_that_does_nothing_but_crash_is_told_soon_and_with_what_it_left() {
    let bench = Bench::new("chip-crash-loop");
    let expect = "[settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n[[expect]]\nevent.stored = {}\n";
    bench.file("s/loop.toml", &format!("title = 'Nothing but crashes'\nduration = '7d'\n{expect}"));
    // `ill`.
    fs::write(bench.folder.join("loop.bin"), dump_of(&[0, 0, 0])).unwrap();
    let ended = bench.preflash("run s --on chip --image loop.bin");
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let told = "after the same crash 10 times in a row (`equal-crashes` says how many end it)";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    assert!(ended.stdout.contains("IllegalInstruction (0) at 0x40100040"), "{}", ended.stdout);
    let events = bench.read("target/preflash/s/loop/events.jsonl");
    let count = |event: &str| events.lines().filter(|line| line.contains(event)).count();
    assert_eq!((count("\"crash\""), count("\"crash-loop\""), count("\"boot\"")), (10, 1, 10), "{events}");

    // A file that says so goes on, and one that has asked for it ends as it likes.
    bench.file(
        "s/loop.toml",
        "title = 'Crashes'\nduration = '5s'\nallow = ['crash']\n[[expect]]\nevent.crash = {}\nat-least = 20\n",
    );
    let ended = bench.preflash("run s --on chip --image loop.bin");
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    bench.file(
        "s/loop.toml",
        "title = 'Crashes'\nduration = '1d'\nallow = ['crash']\nequal-crashes = 3\n[[expect]]\nevent.crash = {}\nexactly = 3\n",
    );
    let ended = bench.preflash("run s --on chip --image loop.bin");
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

/// What `memory` events say of a kind: what is free and the least, one event after the other.
fn told(events: &str, which: &str) -> Vec<(u64, u64)> {
    let events = events.lines().map(json).filter(|event| event["event"] == "memory" && event["which"] == which);
    events.map(|event| (event["free"].as_u64().unwrap(), event["least"].as_u64().unwrap())).collect()
}

#[test]
fn the_programs_memory_is_told_and_shown_where_it_is_known() {
    let Some(image) = image() else { return };
    let bench = bench("chip-memory");
    // What checks an RSA signature takes memory for it.
    bench.file("s/duck.toml", &format!("{READING}[cloud]\nkey-type = \"RSA-2048\"\n"));
    let program = program(&image);
    let (_, stack_size, _) = program.symbols.iter().find(|(.., name)| name == "firmware_stack").unwrap();
    let ended = bench.preflash(&format!("run s --on both --image {}", image.display()));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let events = bench.read("target/preflash/s/duck/on-esp8266/events.jsonl");
    let heap = told(&events, "heap");
    // It has 20 KiB.
    assert!(heap.iter().all(|(free, least)| least <= free && *free < 20 << 10 && *least > 0), "{heap:?}");
    // What is taken for a while is told by the allocator's own count.
    assert!(heap.last().unwrap().1 + 4_096 < heap[0].0, "{heap:?}");
    let stack = told(&events, "stack");
    assert!(stack.is_sorted_by(|one, next| one.1 > next.1) && stack.len() > 1, "{stack:?}");
    assert!(stack.iter().all(|(free, least)| free == least && *free < u64::from(*stack_size)), "{stack:?}");
    assert!(told(&bench.read("target/preflash/s/duck/on-host/events.jsonl"), "heap").is_empty());

    let page = bench.read("target/preflash/s/duck/report.html");
    let [case, ..] = &super::report::data(&page)[..] else { panic!("there is data") };
    let note = |run: usize| case["runs"][run]["memory-note"].as_str();
    assert_eq!((note(0), note(1)), (Some("heap and stack: not measured, because no chip was emulated"), None));
    let curves = case["runs"][1]["curves"].as_array().unwrap();
    let names: Vec<_> = curves.iter().map(|curve| curve["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"Heap") && names.contains(&"Stack"), "{names:?}");

    // The image without its names says nothing of it.
    fs::create_dir(bench.folder.join("bare")).unwrap();
    let flash = [fs::read(image.join("0x00000.bin")).unwrap(), fs::read(image.join("0x10000.bin")).unwrap()];
    let mut bytes = flash[0].clone();
    bytes.resize(0x1_0000, 0xFF);
    bytes.extend(&flash[1]);
    fs::write(bench.folder.join("bare/flash.bin"), bytes).unwrap();
    assert_eq!(bench.preflash("run s --on chip --image bare/flash.bin --out bare").code, Some(0));
    let page = bench.read("bare/s/duck/report.html");
    let [case, ..] = &super::report::data(&page)[..] else { panic!("there is data") };
    assert!(case["runs"][0]["memory-note"].as_str().unwrap().contains("--elf"), "{}", case["runs"][0]["memory-note"]);
}
