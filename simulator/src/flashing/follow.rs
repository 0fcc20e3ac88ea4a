//! What a board says after its reset, until it has said what is waited for.
//!
//! Boot ROM and SDK speak at other rates and say other things first, so that lines which mean nothing are passed over.

use std::io;
use std::time::{Duration, Instant};

use simulator_live::port::SerialPort;

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A line that can be read.
    Line,
    /// A line with this text.
    Text(String),
    /// A line with this text, and behind it the version of what was flashed: a word of the image.
    Banner(&'static str),
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// What was waited for: the line.
    Wanted(String),
    /// A banner with a version that is not in the image.
    OtherVersion(String),
    /// Nothing of that kind; so many lines that can be read.
    Nothing {
        /// How many there were.
        lines: usize,
    },
}

/// A line of fewer characters may be noise that looks like one.
const SHORTEST: usize = 4;

/// Listens for so long at most. `image` is what was flashed; each line that can be read is told.
///
/// # Errors
/// If the port is gone.
pub fn follow(
    port: &SerialPort,
    wanted: &Wanted,
    image: &[&[u8]],
    limit: Duration,
    mut tell: impl FnMut(&str),
) -> io::Result<Heard> {
    let end = now() + limit;
    let (mut partial, mut lines) = (Vec::new(), 0);
    loop {
        let left = end.saturating_duration_since(now());
        if left.is_zero() {
            return Ok(Heard::Nothing { lines });
        }
        let Some(received) = port.receive(left) else { continue };
        for byte in received.bytes.map_err(io::Error::other)? {
            if byte != b'\n' {
                partial.push(byte);
                continue;
            }
            let bytes = std::mem::take(&mut partial);
            let Some(line) = readable(&bytes) else { continue };
            lines += 1;
            tell(line);
            if let Some(heard) = judge(line, wanted, image) {
                return Ok(heard);
            }
        }
    }
}

/// A line, if it is text: printable ASCII, and not too little of it.
pub(super) fn readable(bytes: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(bytes).ok()?.trim();
    let is_text = line.len() >= SHORTEST && line.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
    is_text.then_some(line)
}

/// What a line means to whoever waits.
pub(super) fn judge(line: &str, wanted: &Wanted, image: &[&[u8]]) -> Option<Heard> {
    let is_it = Heard::Wanted(line.to_owned());
    match wanted {
        Wanted::Line => Some(is_it),
        Wanted::Text(text) => line.contains(text.as_str()).then_some(is_it),
        Wanted::Banner(banner) => {
            let (_, rest) = line.split_once(banner)?;
            let version = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-').next()?;
            let has = |part: &&[u8]| part.windows(version.len()).any(|bytes| bytes == version.as_bytes());
            let is_flashed = !version.is_empty() && image.iter().any(has);
            Some(if is_flashed { is_it } else { Heard::OtherVersion(line.to_owned()) })
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a board is listened to is a matter of real time")]
fn now() -> Instant {
    Instant::now()
}
