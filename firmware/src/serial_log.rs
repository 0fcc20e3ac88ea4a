//! How a line of the serial log looks: `[12.000345] wifi: joined home, -60 dBm`.
//!
//! The firmware logs through the `log` crate with the area as the record's target; each target of the build brings the
//! logger, which hands the record here together with the time since boot. Areas are `boot`, `config`, `wifi`, `sensor`,
//! `cloud` and `time`.

use core::fmt;

use log::Record;

/// Writes one line, without its line end, `micros` microseconds after boot. A message of several lines becomes one:
/// control characters would let what comes from outside (a network's name, a server's reply) forge lines.
///
/// # Errors
/// The writer's.
pub fn write_line(out: &mut impl fmt::Write, micros: u64, record: &Record<'_>) -> fmt::Result {
    write!(out, "[{}.{:06}] {}: ", micros / 1_000_000, micros % 1_000_000, record.target())?;
    fmt::write(&mut OneLine(out), *record.args())
}

/// Replaces control characters by spaces.
struct OneLine<'a, W>(&'a mut W);

impl<W: fmt::Write> fmt::Write for OneLine<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(|c: char| c.is_control()) {
            self.0.write_str(before)?;
            self.0.write_char(' ')?;
            rest = after;
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(micros: u64, target: &str, message: fmt::Arguments<'_>) -> heapless::String<80> {
        let mut out = heapless::String::new();
        write_line(&mut out, micros, &Record::builder().target(target).args(message).build()).expect("fits");
        out
    }

    #[test]
    fn a_line_tells_when_where_and_what() {
        assert_eq!(
            line(12_000_345, "wifi", format_args!("joined {}, {} dBm", "home", -60)),
            "[12.000345] wifi: joined home, -60 dBm"
        );
        assert_eq!(line(7, "boot", format_args!("x")), "[0.000007] boot: x");
    }

    #[test]
    fn nothing_from_outside_can_forge_a_line() {
        assert_eq!(
            line(0, "wifi", format_args!("joined {}", "a\r\n[9.0] boot: b\u{7}")),
            "[0.000000] wifi: joined a  [9.0] boot: b "
        );
    }
}
