//! What is typed at a serial port, byte by byte.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use crate::model::Turn;

/// Bytes of a file that are written in a line.
const CHUNK: usize = 128;
/// What begins the raw prompt, and what it says then.
const RAW: (&[u8], &[u8]) = (b"\x03\x03\x01", b"raw REPL; CTRL-B to exit\r\n>");
/// What lets it run what was typed, and what it says when that has run.
const RUN: (&[u8], &[u8]) = (b"\x04", b"\x04>");
/// What brings back the usual prompt.
const USUAL: &[u8] = b"\x02";

/// Bytes, each so long after the one before.
pub(super) fn keys(bytes: &[u8], every: Duration) -> Vec<(Duration, u8)> {
    (1..).zip(bytes).map(|(place, byte)| (every * place, *byte)).collect()
}

/// What writes files by MicroPython's raw prompt (its reference, "The raw REPL"): their names without folders.
pub(super) fn files(files: &[(String, String)]) -> Vec<Turn> {
    let python = |line: &str| Turn { keys: [line.as_bytes(), RUN.0].concat(), answer: RUN.1.to_owned() };
    let mut turns = vec![Turn { keys: RAW.0.to_owned(), answer: RAW.1.to_owned() }];
    for (name, content) in files {
        let name = Path::new(name).file_name().map_or_else(|| name.clone(), |name| name.to_string_lossy().into_owned());
        turns.push(python(&format!("f = open({}, 'wb')", literal(name.as_bytes()).trim_start_matches('b'))));
        turns.extend(content.as_bytes().chunks(CHUNK).map(|chunk| python(&format!("f.write({})", literal(chunk)))));
        turns.push(python("f.close()"));
    }
    turns.push(Turn { keys: USUAL.to_owned(), answer: Vec::new() });
    turns
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
        let turns = files(&[("duck/main.py".to_owned(), "print('\\é')\n".to_owned())]);
        let typed: Vec<u8> = turns.iter().flat_map(|turn| turn.keys.clone()).collect();
        let expected = "\u{3}\u{3}\u{1}f = open('main.py', 'wb')\u{4}f.write(b'print(\\'\\\\\\xc3\\xa9\\')\\x0a')\u{4}f.close()\u{4}\u{2}";
        assert_eq!(String::from_utf8(typed).unwrap(), expected);
        assert_eq!(turns.iter().filter(|turn| turn.answer == b"\x04>").count(), 3, "it waits until each line has run");
    }
}
