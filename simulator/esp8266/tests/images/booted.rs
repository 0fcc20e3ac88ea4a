//! A published image on a chip, from its reset vector on, with somebody at its prompt.

#[path = "../../examples/boot/board.rs"]
pub mod board;

use std::path::PathBuf;

use board::{Board, type_in};
use esp8266::chip::{Chip, Configuration, Stop};
use esp8266::image::flash;
use esp8266::peripherals::Time;

/// A chip with an image, and what it has sent.
pub struct Booted {
    pub chip: Chip<Board>,
    pub sent: String,
    /// How much of it has been looked at.
    pub seen: usize,
    pub resets: usize,
}

impl Booted {
    pub fn new(name: &str, size: usize) -> Self {
        let path = images().join(name).with_added_extension("bin");
        let image = std::fs::read(&path)
            .unwrap_or_else(|error| panic!("could not read {}: {error}; ci/setup-images fetches it", path.display()));
        let flash = flash::write_image(&image, Some(size)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let chip = Chip::new(Configuration { mac: [0x18, 0xFE, 0x34, 1, 2, 3], seed: 1 }, Board::new(flash));
        Self { chip, sent: String::new(), seen: 0, resets: 0 }
    }

    pub fn step(&mut self) {
        match self.chip.run_until(self.chip.now() + Time::from_milliseconds(1)) {
            Stop::Limit | Stop::Transmitted | Stop::Restarted | Stop::DeepSleep(_) => {}
            Stop::Reset(_) => self.resets += 1,
            stop => panic!("{stop:?} at {:#010x}, after {}", self.chip.core.cpu.pc, self.sent),
        }
        let sent = std::mem::take(&mut self.chip.core.bus.outside.sent);
        self.sent += &String::from_utf8_lossy(&sent);
    }

    /// Runs until this text has been sent behind what was waited for before, for so many seconds at most.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str, seconds: u64) {
        let end = self.chip.now() + Time::from_milliseconds(1_000 * seconds);
        while self.chip.now() < end {
            self.step();
            if let Some(at) = self.sent[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
        }
        panic!("{text:?} was not sent within {seconds} s; resets: {}; sent: {}", self.resets, self.sent);
    }

    /// Lets it run for so many milliseconds.
    pub fn pass(&mut self, milliseconds: u64) {
        let end = self.chip.now() + Time::from_milliseconds(milliseconds);
        while self.chip.now() < end {
            self.step();
        }
    }

    /// Types a line.
    pub fn enter(&mut self, line: &str) {
        type_in(&mut self.chip, &format!("{line}\r"));
    }
}

/// Where `ci/setup-images` puts images: beside the other things that are built.
fn images() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("images")
}
