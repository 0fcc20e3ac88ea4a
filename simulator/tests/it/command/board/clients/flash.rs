//! `preflash flash` with esptool as it is published, at the emulated board.

use serde_json::Value;

use simulator::validation::sha256;

use super::*;
use crate::command::validate::SCENARIO;

/// A folder with a published image that a small scenario has validated.
fn validated(name: &str, published: &str) -> Bench {
    let bench = Bench::new(name);
    std::fs::copy(image(published), bench.folder.join("firmware.bin")).unwrap();
    bench.file("scenarios/starts.toml", SCENARIO);
    let ended = bench.preflash("validate firmware.bin");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    bench
}

/// Flashes at a port.
fn flash(bench: &Bench, port: &str, options: &str) -> Ended {
    let esptool = fetched("clients/venv/bin", "ci/setup-clients").join("esptool");
    bench.preflash(&format!("flash firmware.bin --port {port} --esptool {} {options}", esptool.display()))
}

fn record(bench: &Bench) -> Value {
    serde_json::from_str(&bench.read("flashed.json")).unwrap()
}

/// What the board's flash holds; the file is written once a second.
fn flash_file(bench: &Bench) -> Vec<u8> {
    std::thread::sleep(Duration::from_secs(2));
    std::fs::read(bench.folder.join("my.flash")).unwrap()
}

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn what_passed_is_flashed_compared_and_boots() {
    let bench = validated("flash-micropython", "micropython-1.9.4.bin");
    // What another program has left, and what lies where nothing is written.
    let mut before = vec![0xFF; 4 << 20];
    before[..0x2000].fill(0x11);
    before[0x30_0000..0x30_0100].fill(0x22);
    std::fs::write(bench.folder.join("my.flash"), &before).unwrap();
    let board = Board::start(&bench, "--serial rfc2217:0 --flash-file my.flash");
    let ended = flash(&bench, &board.port, "--expect MicroPython --listen 100s");
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("firmware.bin is validated: 1 cases passed"), "{}", ended.stderr);
    let record = record(&bench);
    assert_eq!(record["outcome"], "started");
    assert!(record["heard"].as_str().unwrap().contains("MicroPython v1.9.4"), "{record}");
    assert_eq!(record["verified"], "hashes by esptool's stub");
    assert_eq!(
        (&record["chip"]["mac"], &record["chip"]["flash"]["device"]),
        (&"18:fe:34:00:00:00".into(), &"4016".into())
    );
    assert_eq!((&record["unvalidated"], &record["port"]), (&Value::Null, &board.port.as_str().into()));
    let statement: Value = serde_json::from_str(&bench.read("validated.json")).unwrap();
    assert_eq!(record["parts"], statement["subject"]);
    let flash = flash_file(&bench);
    let sent = std::fs::read(bench.folder.join("firmware.bin")).unwrap();
    // The header says 512 KiB, for an image with more; validated is what says enough.
    assert!(flash[..3] == sent[..3] && flash[4..sent.len()] == sent[4..]);
    assert_eq!(sha256(&flash[..sent.len()]), record["parts"][0]["digest"]["sha256"].as_str().unwrap());
    assert!(flash[0x30_0000..0x30_0100] == before[0x30_0000..0x30_0100], "what lies elsewhere is kept");
}

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn all_is_erased_and_read_back_if_that_is_wanted_without_dtr_and_rts_too() {
    let bench = validated("flash-arduino", "esp-linker-1.4.2.bin");
    let mut before = vec![0xFF; 4 << 20];
    before[0x30_0000..0x30_0100].fill(0x22);
    std::fs::write(bench.folder.join("my.flash"), &before).unwrap();
    let mut board = Board::start(&bench, "--serial pty --boot download --flash-file my.flash");
    let port = board.port.clone();
    let ended = std::thread::scope(|scope| {
        let flashing = scope.spawn(|| flash(&bench, &port, "--manual-reset --erase --read-back --expect ready"));
        // What a person does who is asked for it.
        let asked = bench.folder.with_extension("stderr");
        while !flashing.is_finished() {
            std::thread::sleep(Duration::from_millis(500));
            if std::fs::read_to_string(&asked).unwrap_or_default().contains("release GPIO0 and reset") {
                board.say("reset");
                break;
            }
        }
        flashing.join().unwrap()
    });
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let record = record(&bench);
    assert_eq!((&record["verified"], &record["erased"]), (&"read back".into(), &true.into()), "{record}");
    assert!(flash_file(&bench)[0x30_0000..0x30_0100].iter().all(|byte| *byte == 0xFF));
}

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn what_cannot_be_flashed_says_why_and_nothing_is_written() {
    let bench = validated("flash-unfit", "esp-linker-1.4.2.bin");
    let refused = |port: &str, options: &str, why: &str| {
        let ended = flash(&bench, port, options);
        assert_eq!(ended.code, Some(1), "{port}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(why), "{port}: {}", ended.stderr);
        assert!(!bench.folder.join("flashed.json").exists(), "{port}");
    };
    let board = Board::start(&bench, "--serial rfc2217:0 --flash-size 512K --flash-file my.flash");
    refused(&board.port, "", "the flash has 512 KiB, and the image is for one with");
    // The board has one client at a time.
    let busy = board.connect();
    refused(&board.port, "", "another program uses the port behind it");
    drop(busy);
    let gone = board.port.clone();
    drop(board);
    assert!(flash_file(&bench).iter().all(|byte| *byte == 0xFF));
    refused(&gone, "", &format!("there is no port {gone}"));
    refused("/dev/ttyUSB99", "", "there is no port /dev/ttyUSB99");
    // No lines that could start it for a download.
    let board = Board::start(&bench, "--serial pty --flash-size 1M");
    refused(&board.port, "", "hold GPIO0 to ground while the board is reset");
    let mut held = Command::new("flock").args([&board.port, "sleep", "30"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    refused(&board.port, "", "is in use by another program");
    held.kill().unwrap();
    held.wait().unwrap();
}

/// Flashes, and does something to the board or to esptool once the second sixteenth MiB is being written.
fn disturbed(bench: &Bench, board: &mut Board, disturb: impl FnOnce(&mut Board)) -> Ended {
    let port = board.port.clone();
    // What an earlier command said goes when the next one begins.
    let _ = std::fs::remove_file(bench.folder.with_extension("stderr"));
    std::thread::scope(|scope| {
        let flashing = scope.spawn(|| flash(bench, &port, ""));
        let is_written = || {
            let said = std::fs::read_to_string(bench.folder.with_extension("stderr")).unwrap_or_default();
            said.contains("Writing at 0x0001")
        };
        while !is_written() && !flashing.is_finished() {
            std::thread::sleep(Duration::from_millis(100));
        }
        disturb(board);
        flashing.join().unwrap()
    })
}

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn what_is_interrupted_does_not_boot_and_can_be_flashed_again() {
    let bench = validated("flash-interrupted", "micropython-1.9.4.bin");
    // An older program, whose first sector must not start the mixture.
    let mut older = vec![0xFF; 4 << 20];
    let sent = std::fs::read(bench.folder.join("firmware.bin")).unwrap();
    older[..0x1000].copy_from_slice(&sent[..0x1000]);
    std::fs::write(bench.folder.join("my.flash"), older).unwrap();
    let mut board = Board::start(&bench, "--serial rfc2217:0 --flash-file my.flash");
    let is_dead = |what: &str| {
        assert_eq!(record(&bench)["outcome"], "interrupted", "{what}");
        assert!(flash_file(&bench)[..0x1000].iter().all(|byte| *byte == 0xFF), "{what}");
    };
    // This test's esptool, by its port.
    let script = format!("kill -9 $(pgrep -f '[e]sptool .*--port {}')\n", board.port);
    let killed = disturbed(&bench, &mut board, |_| {
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    });
    assert_eq!(killed.code, Some(1), "{}", killed.stderr);
    assert!(killed.stderr.contains("does not boot: flash again"), "{}", killed.stderr);
    is_dead("killed");
    let said = listen(&bench, &board, 115_200, 5, "");
    assert!(!said.contains(">>>"), "{said}");
    // A supply that dips: the chip restarts in the middle.
    let dipped = disturbed(&bench, &mut board, |board| board.say("reset"));
    assert_eq!(dipped.code, Some(1), "{}", dipped.stderr);
    assert!(dipped.stderr.contains("a supply that dips"), "{}", dipped.stderr);
    is_dead("dipped");
    let ended = flash(&bench, &board.port, "--expect MicroPython --listen 100s");
    assert_eq!(ended.code, Some(0), "{}{}{}", ended.stdout, ended.stderr, board.told());
}

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn flipped_bits_on_the_line_never_become_a_flashed_board() {
    let bench = validated("flash-noise", "esp-linker-1.4.2.bin");
    let mut board = Board::start(&bench, "--serial tcp:0 --boot download --flash-size 4M --flash-file my.flash");
    // Behind what finds out the chip, and the stub.
    board.port = with_flipped_bits(&board, 40_000, 9_001);
    let ended = flash(&bench, &board.port, "--manual-reset");
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(record(&bench)["outcome"], "interrupted", "{}", ended.stderr);
    assert!(flash_file(&bench)[..0x1000].iter().all(|byte| *byte == 0xFF));
}
