//! The terminal that the program runs on as the far end of a serial line: keys go in as they are typed.
//!
//! The terminal is in raw mode as long as [`Raw`] lives, and as before afterwards, also when a panic unwinds. Ctrl-]
//! ends the session; Ctrl-C goes to the device, where MicroPython and others expect it.

use std::io::{self, Write};
use std::thread;

use rustix::termios::{self, OptionalActions, Termios};

use crate::line::{Command, Event, Events, Output};

/// Ctrl-].
const END: u8 = 0x1D;

/// Raw mode of standard input's terminal.
pub struct Raw(Termios);

impl Raw {
    /// Puts the terminal into raw mode. What is put out still begins new lines as the device's text asks for.
    ///
    /// # Errors
    /// If standard input is no terminal.
    pub fn new() -> io::Result<Self> {
        let before = termios::tcgetattr(rustix::stdio::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// Reads keys up to Ctrl-], and asks the session to end then; at the end of standard input, too, if `ends` says so.
///
/// # Errors
/// If there can be no thread for it.
pub fn read_keys(events: Events, ends: bool) -> io::Result<()> {
    thread::Builder::new().name("keys".to_owned()).spawn(move || {
        let mut chunk = [0; 64];
        loop {
            let count = match io::Read::read(&mut io::stdin(), &mut chunk) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            let keys = &chunk[..count];
            let end = keys.iter().position(|key| *key == END);
            let typed = &keys[..end.unwrap_or(count)];
            if !typed.is_empty() && !events.put(Event::Bytes(typed.to_vec())) {
                return;
            }
            if end.is_some() || count == 0 && ends {
                events.put(Event::Say(Command::Quit));
            }
            if end.is_some() || count == 0 {
                return;
            }
        }
    })?;
    Ok(())
}

/// Standard output, at whatever rate the device sends.
pub struct Screen;

impl Output for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush())
    }

    fn rate(&mut self) -> Option<u32> {
        None
    }
}
