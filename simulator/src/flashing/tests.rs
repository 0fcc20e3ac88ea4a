use simulator_world::device::esp8266::Contents;

use super::chip::{self, ChipError};
use super::esptool::Ran;
use super::failure::{Failure, Phase};
use super::follow::{Heard, Wanted, judge, readable};
use super::plan::Plan;

/// As esptool 5.6.0 prints it at the emulated board.
const FLASH_ID: &str = "\
esptool v5.6.0
Serial port rfc2217://127.0.0.1:4100:
Connecting...
.
Connected to ESP8266 on rfc2217://127.0.0.1:4100:
Chip type:          ESP8266EX
Features:           Wi-Fi, 160MHz
Crystal frequency:  26MHz
MAC:                18:fe:34:00:00:00

Uploading stub flasher...
Running stub flasher...
Stub flasher running.

Flash Memory Information:
=========================
Manufacturer: ef
Device: 4016
Detected flash size: 4MB

Staying in flasher stub.
";

#[test]
fn a_chip_is_read_and_nothing_else_is_taken_for_one() {
    let chip = chip::parse(FLASH_ID).unwrap();
    assert_eq!((chip.kind.as_str(), chip.mac.as_str()), ("ESP8266EX", "18:fe:34:00:00:00"));
    assert_eq!((chip.flash.manufacturer.as_str(), chip.flash.device.as_str()), ("ef", "4016"));
    assert_eq!(chip.flash.bytes, Some(4 << 20));
    let size = |size: &str| chip::parse(&FLASH_ID.replace("4MB", size)).map(|chip| chip.flash.bytes);
    assert_eq!((size("512KB"), size("Unknown")), (Ok(Some(512 << 10)), Ok(None)));
    assert!(matches!(size("4M"), Err(ChipError::Value { label: "Detected flash size:", .. })));
    assert!(matches!(size("99999MB"), Err(ChipError::Value { .. })));
    let without = |line: &str| chip::parse(&FLASH_ID.replace(line, ""));
    assert_eq!(without("Device: 4016\n"), Err(ChipError::Line { label: "Device:", count: 0 }));
    let twice = FLASH_ID.replace("Device: 4016\n", "Device: 4016\nDevice: 4014\n");
    assert_eq!(chip::parse(&twice), Err(ChipError::Line { label: "Device:", count: 2 }));
    assert!(chip::parse(&FLASH_ID.replace("18:fe:34", "18:fe")).is_err());
    assert!(chip::parse(&FLASH_ID.replace("4016", "40-6")).is_err());
}

#[test]
fn what_does_not_fit_is_refused() {
    let chip = |from: &str, to: &str| chip::parse(&FLASH_ID.replace(from, to)).unwrap();
    let needs = 1 << 20;
    assert_eq!(Failure::look_at(&chip("", ""), needs), Ok(()));
    assert_eq!(Failure::look_at(&chip("ESP8266EX", "ESP8285H16"), needs), Ok(()));
    let other = Failure::look_at(&chip("ESP8266EX", "ESP32-D0WD-V3 (revision v3.0)"), needs);
    assert_eq!(other, Err(Failure::OtherChip("ESP32-D0WD-V3 (revision v3.0)".to_owned())));
    assert_eq!(
        Failure::look_at(&chip("4MB", "512KB"), needs).unwrap_err().to_string(),
        "the flash has 512 KiB, and the image is for one with 1024 KiB"
    );
    let unknown = Failure::look_at(&chip("4MB", "Unknown"), needs).unwrap_err().to_string();
    assert!(unknown.contains("manufacturer ef, device 4016") && !unknown.contains("wiring"), "{unknown}");
    let nothing = FLASH_ID.replace("4MB", "Unknown").replace("Manufacturer: ef", "Manufacturer: ff");
    let nothing = Failure::look_at(&chip::parse(&nothing).unwrap(), needs).unwrap_err().to_string();
    assert!(nothing.contains("look at its wiring"), "{nothing}");
}

/// What esptool's complaints become. `stdout` is what it had printed by then.
fn failure(stdout: &str, complaint: &str, phase: Phase) -> Failure {
    let stderr = format!("ERROR: A fatal error occurred: {complaint}\n");
    let ran = Ran { succeeded: false, stdout: stdout.to_owned(), stderr };
    Failure::of(&ran, phase, "/dev/ttyUSB0", vec!["/dev/ttyUSB1".to_owned()])
}

#[test]
fn a_port_that_cannot_be_opened_says_why() {
    let port = "/dev/ttyUSB0".to_owned();
    let could_not = |reason: &str| {
        let complaint = format!("Could not open /dev/ttyUSB0, the port is busy or doesn't exist.\n({reason})\n");
        failure("", &complaint, Phase::Reading)
    };
    let missing =
        could_not("[Errno 2] could not open port /dev/ttyUSB0: [Errno 2] No such file or directory: '/dev/ttyUSB0'");
    assert!(matches!(missing, Failure::NoPort { .. }), "{missing}");
    assert!(missing.to_string().ends_with("There is /dev/ttyUSB1"), "{missing}");
    let denied = could_not("[Errno 13] could not open port /dev/ttyUSB0: [Errno 13] Permission denied: '/dev/ttyUSB0'");
    assert_eq!(denied, Failure::NotAllowed(port.clone()));
    assert!(denied.to_string().contains("usermod -a -G dialout"), "{denied}");
    let locked = "[Errno 11] Could not exclusively lock port /dev/ttyUSB0: [Errno 11] Resource temporarily unavailable";
    assert_eq!(could_not(locked), Failure::Busy(port.clone()));
    let taken = "could not open port 'COM4': PermissionError(13, 'Access is denied.', None, 5)";
    assert_eq!(could_not(taken), Failure::Busy(port));
    let refused = could_not("Could not open port rfc2217://127.0.0.1:4101: [Errno 111] Connection refused");
    assert!(matches!(refused, Failure::NoPort { .. }), "{refused}");
    let odd = could_not("Could not configure port: (25, 'Inappropriate ioctl for device')");
    assert!(odd.to_string().contains("Inappropriate ioctl"), "{odd}");
}

#[test]
fn silence_before_is_another_thing_than_silence_in_the_middle() {
    let complaint = "Failed to connect to ESP8266: No serial data received.";
    let silent = failure("esptool v5.6.0\n", complaint, Phase::Reading);
    assert!(matches!(silent, Failure::Silent { booted: false, .. }), "{silent}");
    assert!(silent.to_string().contains("hold GPIO0 to ground"), "{silent}");
    let stopped = failure("esptool v5.6.0\n", complaint, Phase::Writing);
    assert!(matches!(stopped, Failure::Stopped { writing: true, .. }), "{stopped}");
    assert!(stopped.to_string().contains("does not boot: flash again"), "{stopped}");
    let dips = failure("Connected to ESP8266 on /dev/ttyUSB0:\n", "Failed to start stub flasher.", Phase::Reading);
    assert!(matches!(dips, Failure::Stopped { writing: false, .. }), "{dips}");
    assert!(
        dips.to_string().contains("a supply that dips") && dips.to_string().contains("nothing was written"),
        "{dips}"
    );
    let other = failure("", "This chip is ESP32-S3, not ESP8266. Wrong chip argument?", Phase::Reading);
    assert_eq!(other, Failure::OtherChip("ESP32-S3".to_owned()));
    let different = failure(
        "Wrote 12288 bytes at 0x000fd000 in 0.1 s\n",
        "MD5 of file does not match data in flash!",
        Phase::Writing,
    );
    assert_eq!(different, Failure::Different(0xFD000));
}

#[test]
fn a_server_that_hangs_up_is_told_from_a_tool_that_fails() {
    let ran = |stdout: &str| Ran { succeeded: false, stdout: stdout.to_owned(), stderr: String::new() };
    let of = |stdout: &str, port: &str| Failure::of(&ran(stdout), Phase::Reading, port, Vec::new());
    let port = "rfc2217://127.0.0.1:4000";
    let said = "esptool v5.6.0\nSerial port rfc2217://127.0.0.1:4000:\n";
    assert_eq!(of(said, port), Failure::HungUp(port.to_owned()));
    assert_eq!(of("", "/dev/ttyUSB0"), Failure::Other("it says nothing".to_owned()));
}

/// An image of one segment, for a flash of 1 MiB, with so many bytes behind it.
fn contents(length: usize) -> Contents {
    let mut image = vec![0xE9, 1, 0, 0x20, 0, 0, 0x10, 0x40, 0, 0, 0x10, 0x40, 4, 0, 0, 0, 6, 0xFF, 0xFF, 0];
    image.resize(31, 0);
    image.push(0xEF ^ 6);
    image.resize(length, 0x55);
    Contents::of_image(&image, None).unwrap()
}

#[test]
fn what_boots_comes_last() {
    let contents = contents(0x2345);
    let plan = Plan::new(&contents, false);
    let pieces: Vec<(u32, usize)> = plan.pieces.iter().map(|piece| (piece.offset, piece.bytes.len())).collect();
    let init_data = contents.parts()[1].bytes.len();
    assert_eq!(pieces, [(0x1000, 0x1345), (0xFC000, init_data), (0, 0x1000)]);
    // Together they are the parts, byte by byte.
    let image = [&plan.pieces[2].bytes[..], &plan.pieces[0].bytes[..]].concat();
    assert_eq!(image, contents.parts()[0].bytes);
    assert_eq!((plan.size, &plan.kept), (1 << 20, &None));
    assert_eq!(plan.erasure(), ["erase-region", "0x0", "0x1000"]);
    assert_eq!(Plan::new(&contents, true).erasure(), ["erase-flash"]);
    let words = plan.writing(|piece| piece.file());
    let keep = "write-flash --flash-mode keep --flash-freq keep --flash-size keep";
    assert_eq!(words.join(" "), format!("{keep} 0x1000 0x01000.bin 0xfc000 0xfc000.bin 0x0 0x00000.bin"));
}

#[test]
fn the_ducks_settings_are_kept_and_the_sdks_sectors_blanked() {
    let mut image = contents(0x1000).parts()[0].bytes.clone();
    image.extend(firmware::mark::Mark::OWN.to_bytes());
    let contents = Contents::of_image(&image, None).unwrap();
    let plan = Plan::new(&contents, false);
    assert_eq!(plan.kept, Some(firmware::board::SETTINGS_SECTORS));
    let offsets: Vec<u32> = plan.pieces.iter().map(|piece| piece.offset).collect();
    assert_eq!(offsets, [0x1000, 0xFB000, 0xFC000, 0xFD000, 0]);
    assert!(plan.pieces[1].bytes == vec![0xFF; 0x1000] && plan.pieces[3].bytes == vec![0xFF; 0x3000]);
    let blank = Plan::new(&contents, true);
    assert_eq!((blank.pieces.len(), blank.kept), (3, None));
}

#[test]
fn a_banner_counts_with_the_version_that_was_flashed() {
    assert_eq!(readable(b"[boot] yellow duck 0.1.0\r"), Some("[boot] yellow duck 0.1.0"));
    assert_eq!((readable(b"\x92rl\x9e\r"), readable(b"ab"), readable(b"\x01\x02\x03\x04\x05")), (None, None, None));
    let image: &[&[u8]] = &[b"...", b"..0.1.0.."];
    let hears = |line: &str| judge(line, &Wanted::Banner("yellow duck "), image);
    let line = "0.1 boot: yellow duck 0.1.0, reset cause: external";
    assert_eq!(hears(line), Some(Heard::Wanted(line.to_owned())));
    let old = "0.1 boot: yellow duck 0.0.9, reset cause: external";
    assert_eq!(hears(old), Some(Heard::OtherVersion(old.to_owned())));
    assert_eq!(
        (hears("ets Jan  8 2013"), hears("yellow duck ")),
        (None, Some(Heard::OtherVersion("yellow duck ".to_owned())))
    );
    assert_eq!(judge("ready", &Wanted::Text("ESP".to_owned()), image), None);
    assert_eq!(judge("ready", &Wanted::Line, image), Some(Heard::Wanted("ready".to_owned())));
}
