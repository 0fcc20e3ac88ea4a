//! Programs for boards as they are published, unmodified, on the emulated one.

mod flash;
mod statements;

use std::path::{Path, PathBuf};

use super::*;
use crate::command::bench::Ended;

/// A file below the folder of what is built and fetched.
pub(super) fn fetched(path: &str, by: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let found = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target")).join(path);
    assert!(found.exists(), "{} is not there; {by} fetches it", found.display());
    found.canonicalize().unwrap()
}

/// A published program, in a folder.
struct Client<'a> {
    bench: &'a Bench,
    /// What it is begun with.
    line: String,
}

impl<'a> Client<'a> {
    /// esptool at a board's port.
    fn esptool(bench: &'a Bench, board: &Board, options: &str) -> Self {
        let esptool = fetched("clients/venv/bin", "ci/setup-clients").join("esptool");
        Self { bench, line: format!("timeout 110 '{}' --port {} {options}", esptool.display(), board.port) }
    }

    fn run(&self, arguments: &str) -> Ended {
        let ended = self.bench.shell(&format!("{} {arguments}", self.line));
        // What it says of progress is not for a person here.
        Ended { stdout: ended.stdout.replace('\r', "\n"), ..ended }
    }

    /// What it says when it succeeds.
    fn says(&self, arguments: &str) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments}:\n{}\n{}", ended.stdout, ended.stderr);
        ended.stdout
    }
}

pub fn image(name: &str) -> PathBuf {
    fetched("images", "ci/setup-images").join(name)
}

/// What the board at a port with RFC 2217 sends after a reset, at a rate: within so many seconds, or until it has sent
/// `until`. A carriage return is typed now and then.
fn listen(bench: &Bench, board: &Board, baud: u32, seconds: u32, until: &str) -> String {
    let python = fetched("clients/venv/bin", "ci/setup-clients").join("python");
    let script = format!(
        "import serial, sys, time\n\
         port = serial.serial_for_url('{}', {baud}, do_not_open=True, timeout=1)\n\
         port.dtr = port.rts = False\n\
         port.open()\n\
         port.rts = True; time.sleep(0.1); port.rts = False\n\
         all, until = b'', {until:?}.encode()\n\
         end = time.time() + {seconds}\n\
         while time.time() < end and not (until and until in all):\n\
         \x20   all += port.read(1000)\n\
         \x20   port.write(b'\\r')\n\
         sys.stdout.write(all.decode(errors='replace'))\n",
        board.port
    );
    bench.file("listen.py", &script);
    let ended = bench.shell(&format!("PYTHONIOENCODING=utf-8 timeout 100 '{}' listen.py", python.display()));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended.stdout
}

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn esptool_knows_the_chip() {
    let bench = Bench::new("board-esptool-reads");
    let mut board = Board::start(&bench, "--serial pty --boot download --flash-size 1M");
    for options in ["", "--no-stub"] {
        let esptool = Client::esptool(&bench, &board, &format!("{options} --before no-reset --after no-reset"));
        let chip = esptool.says("chip-id");
        assert!(chip.contains("ESP8266EX") && chip.contains("Crystal frequency:  26MHz"), "{chip}");
        assert!(esptool.says("read-mac").contains("18:fe:34:00:00:00"));
        let flash = esptool.says("flash-id");
        assert!(flash.contains("Manufacturer: ef") && flash.contains("Device: 4014"), "{flash}");
        assert!(flash.contains("Detected flash size: 1MB"), "{flash}");
        // Else the stub goes on.
        board.say("download");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// What an image's file and the flash's beginning have in common, with the size that esptool has written into the
/// header.
fn is_flashed(bench: &Bench, name: &str) {
    // The file is written once a second.
    std::thread::sleep(Duration::from_secs(2));
    let (flash, sent) = (bench.files("")[Path::new("my.flash")].clone(), std::fs::read(image(name)).unwrap());
    assert_eq!((flash[0], &flash[4..sent.len()]), (sent[0], &sent[4..]));
}

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn micropython_is_flashed_and_boots() {
    let (bench, name) = (Bench::new("board-esptool-micropython"), "micropython-1.9.4.bin");
    let file = image(name);
    let file = file.display();
    let board = Board::start(&bench, "--serial rfc2217:0 --flash-size 4M --flash-file my.flash");
    let esptool = Client::esptool(&bench, &board, "--baud 460800");
    let written = esptool.says(&format!("--after no-reset write-flash --flash-size 4MB 0 '{file}'"));
    assert!(written.contains("Hash of data verified"), "{written}");
    is_flashed(&bench, name);
    let verified = esptool.says(&format!("--after no-reset verify-flash --flash-size 4MB 0 '{file}'"));
    assert!(verified.contains("Verification successful"), "{verified}");
    esptool.says("--after hard-reset read-flash 0x1000 0x8000 back.bin");
    let (back, sent) = (bench.files("")[Path::new("back.bin")].clone(), std::fs::read(image(name)).unwrap());
    assert_eq!(back[..], sent[0x1000..0x9000]);
    let said = listen(&bench, &board, 115_200, 60, ">>> ");
    assert!(said.contains(">>> "), "{said}");
    let erased = esptool.says("erase-flash");
    assert!(erased.contains("Flash memory erased successfully"), "{erased}");
    let said = listen(&bench, &board, 74_880, 3, "");
    assert!(said.contains("boot mode:(3,") && said.ends_with("ets_main.c "), "{said}");
    drop(board);
    assert!(bench.files("")[Path::new("my.flash")].iter().all(|byte| *byte == 0xFF));
}

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn an_arduino_image_is_flashed_and_boots() {
    let (bench, name) = (Bench::new("board-esptool-arduino"), "esp-linker-1.4.2.bin");
    let board = Board::start(&bench, "--serial rfc2217:0 --flash-size 4M --flash-file my.flash");
    let esptool = Client::esptool(&bench, &board, "--baud 460800");
    let written = esptool.says(&format!("write-flash --flash-size 4MB 0 '{}'", image(name).display()));
    assert!(written.contains("Hash of data verified"), "{written}");
    is_flashed(&bench, name);
    let said = listen(&bench, &board, 115_200, 60, "ESP-Linker ready");
    assert!(said.contains("ESP-Linker ready"), "{said}");
}

/// The first 64 KiB of an image, in a file.
fn beginning_of(name: &str, bench: &Bench) {
    let bytes = std::fs::read(image(name)).unwrap();
    std::fs::write(bench.folder.join("beginning.bin"), &bytes[..0x1_0000]).unwrap();
}

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn the_rom_alone_writes_what_is_not_compressed_over_a_line_without_dtr_and_rts() {
    let bench = Bench::new("board-esptool-rom");
    beginning_of("esp-linker-1.4.2.bin", &bench);
    for serial in ["pty", "tcp:0"] {
        let mut board = Board::start(&bench, &format!("--serial {serial} --boot download --flash-file {serial}.flash"));
        let options = "--no-stub --before no-reset --after no-reset";
        let esptool = Client::esptool(&bench, &board, options);
        let written = esptool.says("write-flash --flash-size keep --flash-mode keep --flash-freq keep 0 beginning.bin");
        assert!(written.contains("Wrote 65536 bytes at 0x00000000"), "{written}");
        // The stub, uploaded on the way, reads back what the ROM has written.
        let esptool = Client::esptool(&bench, &board, "--before no-reset --after no-reset");
        let keeps = "--flash-size keep --flash-mode keep --flash-freq keep";
        let verified = esptool.says(&format!("verify-flash {keeps} 0 beginning.bin"));
        assert!(verified.contains("Verification successful"), "{verified}");
        board.say("download");
        let ran = esptool.says("--no-stub run");
        assert!(ran.contains("Connected to ESP8266"), "{ran}");
        board.say("quit");
        assert_eq!(board.ended(), Some(0));
        let flash = &bench.files("")[Path::new(&format!("{serial}.flash"))];
        let sent = &bench.files("")[Path::new("beginning.bin")];
        assert_eq!(&flash[..0x1_0000], &sent[..], "{serial}");
        // As much as it asked for is erased, and no more: the rest was blank anyway.
        assert!(flash[0x1_0000..].iter().all(|byte| *byte == 0xFF));
    }
}

/// Passes on what goes between a program and a board, and flips a bit of what the program sends: of byte `first`, and
/// of each `every`th behind it.
fn with_flipped_bits(board: &Board, first: usize, every: usize) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut there = board.connect();
    let mut back = there.try_clone().unwrap();
    back.set_read_timeout(None).unwrap();
    std::thread::spawn(move || {
        let (mut program, _) = listener.accept().unwrap();
        let mut answers = program.try_clone().unwrap();
        // Both ends go when the test is over.
        std::thread::spawn(move || std::io::copy(&mut back, &mut answers));
        let (mut passed, mut next) = (0, first);
        let mut chunk = [0; 1_024];
        while let Ok(count @ 1..) = program.read(&mut chunk) {
            while (passed..passed + count).contains(&next) {
                chunk[next - passed] ^= 0x10;
                next += every;
            }
            passed += count;
            if there.write_all(&chunk[..count]).is_err() {
                return;
            }
        }
    });
    format!("socket://{address}")
}

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn a_flipped_bit_on_the_line_is_noticed() {
    let bench = Bench::new("board-esptool-noise");
    beginning_of("esp-linker-1.4.2.bin", &bench);
    let written = |first: usize, every: usize| {
        let mut board = Board::start(&bench, "--serial tcp:0 --boot download --flash-size 1M --flash-file my.flash");
        // In the midst of the data, after what finds out the chip.
        board.port = with_flipped_bits(&board, first, every);
        let esptool = Client::esptool(&bench, &board, "--trace --no-stub --before no-reset --after no-reset");
        let ended = esptool.run("write-flash --flash-size keep 0 beginning.bin");
        board.say("quit");
        assert_eq!(board.ended(), Some(0));
        (ended.code, format!("{}{}", ended.stdout, ended.stderr))
    };
    // The packet is refused for its checksum, and sent again.
    let (code, said) = written(20_000, 1 << 30);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("01030200000000000107"), "{said}");
    assert_eq!(bench.files("")[Path::new("my.flash")][..0x1_0000], bench.files("")[Path::new("beginning.bin")][..]);
    std::fs::remove_file(bench.folder.join("my.flash")).unwrap();
    // On a line that bad nothing helps.
    let (code, said) = written(20_000, 701);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("A fatal error occurred: Failed to write to target flash"), "{said}");
}

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn what_was_cut_off_does_not_boot_and_can_be_flashed_again() {
    let bench = Bench::new("board-esptool-cut");
    let name = "micropython-1.9.4.bin";
    let file = image(name);
    let arguments = "--serial rfc2217:0 --flash-size 4M --flash-file my.flash";
    let mut board = Board::start(&bench, arguments);
    let esptool = |board: &Board| Client::esptool(&bench, board, "--baud 460800 --after no-reset").line;
    let write = format!("write-flash --flash-size 4MB 0 '{}'", file.display());
    // The programmer is killed when a tenth has been written, and unplugged with that.
    let line = esptool(&board).replace("timeout 110 ", "");
    let script = format!(
        "{line} {write} &\n\
         until [ -n \"$(tail -c +60000 my.flash | head -c 4096 | tr -d '\\377')\" ]; do sleep 0.1; done\n\
         kill -9 $!\n"
    );
    bench.file("cut.sh", &script);
    let cut = bench.shell("timeout 100 sh cut.sh");
    assert_eq!(cut.code, Some(0), "{}{}", cut.stdout, cut.stderr);
    let said = listen(&bench, &board, 115_200, 6, "");
    assert!(!said.contains(">>>"), "{said}");
    // The board is cut off, too; its file is a flash all the same.
    board.child.kill().unwrap();
    drop(board);
    let flash = bench.files("")[Path::new("my.flash")].clone();
    let sent = std::fs::read(&file).unwrap();
    assert_eq!((flash.len(), &flash[4..0xE000]), (4 << 20, &sent[4..0xE000]));
    assert!(flash[sent.len() - 0x1000..sent.len()].iter().all(|byte| *byte == 0xFF));
    let board = Board::start(&bench, arguments);
    let written = bench.shell(&format!("{} {write}", esptool(&board)));
    assert!(written.stdout.contains("Hash of data verified"), "{}{}", written.stdout, written.stderr);
    let said = listen(&bench, &board, 115_200, 60, ">>> ");
    assert!(said.contains(">>>"), "{said}");
}

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn files_are_put_listed_and_run_on_micropython() {
    let bench = Bench::new("board-mpremote");
    bench.file("six.py", "print('six times seven is', 6 * 7)\n");
    let image = image("micropython-1.10.0.bin");
    let mut board = Board::start(&bench, &format!("{} --flash-size 4M --serial pty", image.display()));
    // It makes its file system first.
    std::thread::sleep(Duration::from_secs(5));
    let tools = fetched("clients/venv/bin", "ci/setup-clients");
    let says = |line: String| {
        let ended = bench.shell(&format!("timeout 60 '{}'/{line}", tools.display()));
        assert_eq!(ended.code, Some(0), "{line}:\n{}\n{}", ended.stdout, ended.stderr);
        ended.stdout
    };
    let mpremote = |arguments: &str| says(format!("mpremote connect {} {arguments}", board.port));
    mpremote("fs cp six.py :six.py");
    assert!(mpremote("fs ls").contains("six.py"));
    assert!(mpremote("exec 'import six'").contains("six times seven is 42"));
    assert!(mpremote("run six.py").contains("six times seven is 42"));
    let ampy = |arguments: &str| says(format!("ampy --port {} {arguments}", board.port));
    ampy("put six.py more.py");
    assert!(ampy("ls").contains("/more.py"));
    assert_eq!(ampy("get more.py").trim(), bench.read("six.py").trim());
    // A person at a terminal: miniterm reads keys from one, which `script` gives it.
    let typed = "(sleep 1; printf '1000 + 337\\r'; sleep 2; printf '\\035')";
    let miniterm = format!("'{}'/python -m serial.tools.miniterm {} 115200", tools.display(), board.port);
    let ended = bench.shell(&format!("{typed} | timeout 30 script -qec \"{miniterm}\" /dev/null"));
    assert!(ended.stdout.contains("1337"), "{}{}", ended.stdout, ended.stderr);
    board.say("quit");
    assert_eq!(board.ended(), Some(0));
}
