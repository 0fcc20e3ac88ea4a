//! A serial line as a pseudo-terminal: programs open its name as they open `/dev/ttyUSB0`.
//!
//! The rate is the one that the program has set, and 115200 baud before. A pseudo-terminal has no DTR and RTS.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::thread;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{self, OptionalActions};

use crate::line::{Events, Output, read_all};

/// The rate before a program sets one.
const RATE: u32 = 115_200;

/// The device's side.
struct Pty {
    master: File,
    /// Held open, so that a program that closes it does not end it.
    _slave: OwnedFd,
}

impl Output for Pty {
    /// What no program reads is lost when the terminal's buffer is full.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.master.write(bytes) {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn rate(&mut self) -> Option<u32> {
        let attributes = termios::tcgetattr(self.master.as_fd()).ok()?;
        Some(attributes.output_speed()).filter(|rate| *rate > 0)
    }
}

/// A file that is not waited for by reading it.
struct Polled(File);

impl Read for Polled {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            rustix::event::poll(&mut [PollFd::new(&self.0, PollFlags::IN)], None)?;
            match self.0.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
    }
}

/// Opens a pseudo-terminal; its name, and what takes the device's bytes.
///
/// # Errors
/// If there is none.
pub fn open(events: Events) -> io::Result<(PathBuf, impl Output + 'static)> {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    let name = rustix::pty::ptsname(&master, Vec::new())?;
    let path = PathBuf::from(String::from_utf8_lossy(name.as_bytes()).into_owned());
    let slave = rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?;
    let mut attributes = termios::tcgetattr(&slave)?;
    attributes.make_raw();
    attributes.set_speed(RATE)?;
    termios::tcsetattr(&slave, OptionalActions::Now, &attributes)?;
    // A write does not wait for a program to read; nor does a read, then, which is why it is polled for.
    rustix::fs::fcntl_setfl(&master, OFlags::NONBLOCK)?;
    let reader = Polled(File::from(master.try_clone()?));
    thread::Builder::new().name("pseudo-terminal".to_owned()).spawn(move || {
        // It ends with the process.
        let _ = read_all(reader, &events);
    })?;
    Ok((path, Pty { master: File::from(master), _slave: slave }))
}
