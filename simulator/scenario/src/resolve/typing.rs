//! What is typed at a serial port, byte by byte.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use crate::model::TYPING;

/// How long a line of Python at the raw prompt may take, with what it does to the flash.
const LINE: Duration = Duration::from_millis(400);
/// Bytes of a file that are written in a line.
const CHUNK: usize = 128;
/// Keys of MicroPython's prompts: to the raw one, to the usual one, run what was typed, interrupt.
const RAW: u8 = 0x01;
const USUAL: u8 = 0x02;
const INTERRUPT: u8 = 0x03;
const RUN: u8 = 0x04;

/// Bytes, each so long after the one before.
pub(super) fn keys(bytes: &[u8], every: Duration) -> Vec<(Duration, u8)> {
    (1..).zip(bytes).map(|(place, byte)| (every * place, *byte)).collect()
}

/// What writes files by MicroPython's raw prompt (its reference, "The raw REPL"): their names without folders.
pub(super) fn files(files: &[(String, String)]) -> Vec<(Duration, u8)> {
    let mut typed = Typed::default();
    typed.line(&[INTERRUPT, INTERRUPT, RAW]);
    for (name, content) in files {
        let name = Path::new(name).file_name().map_or_else(|| name.clone(), |name| name.to_string_lossy().into_owned());
        typed.python(&format!("f = open({}, 'wb')", literal(name.as_bytes()).trim_start_matches('b')));
        for chunk in content.as_bytes().chunks(CHUNK) {
            typed.python(&format!("f.write({})", literal(chunk)));
        }
        typed.python("f.close()");
    }
    typed.line(&[USUAL]);
    typed.keys
}

#[derive(Default)]
struct Typed {
    keys: Vec<(Duration, u8)>,
    at: Duration,
}

impl Typed {
    fn python(&mut self, line: &str) {
        self.line(&[line.as_bytes(), &[RUN]].concat());
    }

    fn line(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.at += TYPING;
            self.keys.push((self.at, *byte));
        }
        self.at += LINE;
    }
}

/// Bytes as Python writes them.
fn literal(bytes: &[u8]) -> String {
    let mut text = "b'".to_owned();
    for byte in bytes {
        match byte {
            b'\\' | b'\'' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => {
                // A string takes all that is written to it.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_line_by_line() {
        let typed = files(&[("duck/main.py".to_owned(), "print('\\é')\n".to_owned())]);
        let text: Vec<u8> = typed.iter().map(|(_, byte)| *byte).collect();
        let expected = "\u{3}\u{3}\u{1}f = open('main.py', 'wb')\u{4}f.write(b'print(\\'\\\\\\xc3\\xa9\\')\\x0a')\u{4}f.close()\u{4}\u{2}";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
        assert!(typed.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
