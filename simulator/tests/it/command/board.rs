//! `preflash board`: what it refuses, its serial ports, and published programs on them: esptool, miniterm, mpremote,
//! ampy (those tests are ignored unless asked for, by `cargo ci board`, because they need what `ci/setup-clients` and
//! `ci/setup-images` fetch).

#[cfg(unix)]
pub(super) mod clients;
mod device;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use super::bench::Bench;

/// A board that runs.
struct Board {
    child: Child,
    stdin: Option<ChildStdin>,
    /// What programs call its serial port.
    port: String,
    /// Its standard error.
    told: PathBuf,
}

impl Board {
    /// Starts one in a folder, with arguments separated by spaces.
    fn start(bench: &Bench, arguments: &str) -> Self {
        let told = bench.folder.with_extension("board");
        // Whoever runs the tests may ignore signals, which children inherit.
        let mut child = Command::new("env")
            .args(["--default-signal=INT,HUP,TERM", env!("CARGO_BIN_EXE_preflash"), "board"])
            .args(arguments.split_whitespace())
            .current_dir(&bench.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&told).unwrap())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let stdin = child.stdin.take();
        Self { child, stdin, port: port.trim().to_owned(), told }
    }

    /// Says something to the session.
    fn say(&mut self, command: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{command}").unwrap();
    }

    /// What has happened to it, and what it complains of.
    fn told(&self) -> String {
        std::fs::read_to_string(&self.told).unwrap()
    }

    /// A connection to its port.
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.port.rsplit_once('/').unwrap().1).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Waits for its end, and gives the exit code.
    fn ended(mut self) -> Option<i32> {
        for _ in 0..600 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("it has not ended within a minute");
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads up to a text.
fn read_to(stream: &mut impl Read, end: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut byte = [0];
    while !all.ends_with(end) {
        stream
            .read_exact(&mut byte)
            .unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&all)));
        all.push(byte[0]);
    }
    all
}

#[test]
fn what_cannot_be_is_refused_with_a_way_out() {
    let bench = Bench::new("board-refused");
    bench.file("text.bin", "this is no image").file("odd.flash", "12345");
    let refused = |arguments: &str| {
        let ended = bench.preflash(&format!("board {arguments}"));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments}");
        ended.stderr
    };
    assert!(refused("").contains("--serial <PORT>"));
    assert!(refused("--serial usb").contains("expected pty, tcp:PORT or rfc2217:PORT"));
    assert!(refused("--serial tcp:70000").contains("with a port from 0 to 65535"));
    assert!(refused("--serial tcp:0 missing.bin").contains("could not read missing.bin: no such file"));
    assert!(refused("--serial tcp:0 text.bin").contains("could not use text.bin: the image at 0x0 starts with 0x74"));
    let odd = refused("--serial tcp:0 --flash-file odd.flash");
    assert!(
        odd.contains("could not go on with odd.flash: could not use the flash's contents: no flash has 0x5 bytes"),
        "{odd}"
    );
    let both = refused("--serial tcp:0 --flash-file odd.flash text.bin");
    assert!(both.contains("odd.flash is there already, and the board goes on with what it holds"), "{both}");
    let short = refused("--serial tcp:0 --wifi home:short");
    assert!(short.contains("a passphrase has 8 to 63 bytes, this has 5"), "{short}");
    assert!(refused("--serial tcp:0 --scenario nowhere.toml").contains("could not read the scenario"));
    let beside = refused("--serial tcp:0 --flash-file no/folder/here.flash");
    assert!(beside.contains("could not keep the flash in no/folder/here.flash"), "{beside}");
}

/// SYNC, as esptool sends it.
fn sync() -> Vec<u8> {
    let mut sync = vec![0xC0, 0, 8, 36, 0, 0, 0, 0, 0, 7, 7, 0x12, 0x20];
    sync.extend([0x55; 32]);
    sync.push(0xC0);
    sync
}

#[test]
fn a_board_that_waits_for_a_download_answers_and_keeps_its_flash() {
    let bench = Bench::new("board-download");
    let mut board = Board::start(&bench, "--serial tcp:0 --boot download --flash-size 512K --flash-file my.flash");
    assert!(board.port.starts_with("socket://127.0.0.1:"), "{}", board.port);
    assert_eq!(bench.files("")[std::path::Path::new("my.flash")], vec![0xFF; 512 << 10]);
    let second = bench.preflash("board --serial tcp:0 --flash-file my.flash");
    assert_eq!(second.code, Some(2));
    assert!(second.stderr.contains("my.flash: another board goes on with it"), "{}", second.stderr);
    let mut stream = board.connect();
    // Only one at a time.
    let mut other = board.connect();
    assert_eq!(other.read(&mut [0]).unwrap(), 0);
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(300));
        stream.write_all(&sync()).unwrap();
    }
    read_to(&mut stream, &[0xC0, 1, 8, 2, 0, 7, 7, 0x12, 0x20, 0, 0, 0xC0]);
    board.say("reset");
    read_to(&mut stream, b"rst cause:2, boot mode:(3,0)\r\n");
    board.say("nonsense");
    board.say("download");
    read_to(&mut stream, b"rst cause:2, boot mode:(1,0)\r\n");
    board.say("quit");
    assert_eq!(board.ended(), Some(0));
    let told = bench.read("../board-download.board");
    assert!(told.contains("there is no command \"nonsense\": it is one of reset, download, quit"), "{told}");
    // What is in the file is what the next one has.
    let board = Board::start(&bench, "--serial tcp:0 --flash-file my.flash");
    drop(board);
    assert_eq!(bench.files("")[std::path::Path::new("my.flash")].len(), 512 << 10);
}

#[test]
fn a_pseudo_terminal_is_a_serial_port() {
    let bench = Bench::new("board-pty");
    let mut board = Board::start(&bench, "--serial pty --flash-size 1M");
    assert!(board.port.starts_with("/dev/"), "{}", board.port);
    let set = bench.shell(&format!("stty -F {} raw -echo 38400", board.port));
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    let mut port = File::options().read(true).write(true).open(&board.port).unwrap();
    // A rate that is not the ROM's makes something else of it.
    let set = bench.shell(&format!("stty -F {} 115200", board.port));
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    board.say("reset");
    let mut bytes = [0; 40];
    port.read_exact(&mut bytes).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("ets Jan"), "{bytes:?}");
    board.say("quit");
    assert_eq!(board.ended(), Some(0));
}

#[cfg(unix)]
#[test]
fn signals_end_it_with_their_code() {
    let bench = Bench::new("board-signals");
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let board = Board::start(&bench, "--serial tcp:0 --flash-file my.flash");
        let killed = bench.shell(&format!("kill -{signal} {}", board.child.id()));
        assert_eq!(killed.code, Some(0), "{}", killed.stderr);
        assert_eq!(board.ended(), Some(code), "{signal}");
    }
}
