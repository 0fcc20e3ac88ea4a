//! The bodies of requests: a form for one reading, JSON for several.

use core::fmt::{self, Write};

use crate::readings::Reading;
use crate::wall_clock::Iso8601;

/// No more readings than this in one bulk request.
pub const MOST_ROWS: usize = 14;

/// Room for [`MOST_ROWS`] rows without a `status`; with one, fewer fit.
pub const BODY_SIZE: usize = 1_280;

/// Text in a buffer of fixed size.
pub struct Text<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl<'a> Text<'a> {
    /// No text yet.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// The text.
    pub fn into_bytes(self) -> &'a [u8] {
        &self.buffer[..self.length]
    }
}

impl Write for Text<'_> {
    /// Appends `text` whole, or nothing if it does not fit.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length.checked_add(text.len()).ok_or(fmt::Error)?;
        self.buffer.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Writes `application/x-www-form-urlencoded` for one reading or report, created at `created_at` (seconds since 1970).
///
/// # Errors
/// If it does not fit.
pub fn write_form(text: &mut Text<'_>, reading: &Reading, created_at: i64) -> fmt::Result {
    if let Some(measurement) = &reading.measurement {
        write!(text, "field1={}&field2={}&", measurement.celsius(), measurement.percent())?;
    }
    text.write_str("created_at=")?;
    write!(FormEncoded(text), "{}", Iso8601(created_at))?;
    let status = reading.status();
    if !status.is_empty() {
        text.write_str("&status=")?;
        write!(FormEncoded(text), "{status}")?;
    }
    Ok(())
}

/// Writes the JSON of a bulk request with as many readings (and their `created_at`) as fit, up to [`MOST_ROWS`]. Says
/// how many.
///
/// # Errors
/// If not even one fits.
pub fn write_bulk<'r>(
    text: &mut Text<'_>,
    write_key: &str,
    rows: impl Iterator<Item = (&'r Reading, i64)>,
) -> Result<usize, fmt::Error> {
    const END: &str = "]}";
    write!(text, "{{\"write_api_key\":\"{write_key}\",\"updates\":[")?;
    let mut count = 0;
    for (reading, created_at) in rows.take(MOST_ROWS) {
        let before = text.length;
        let separator = if count == 0 { "" } else { "," };
        let written = text.write_str(separator).and_then(|()| write_row(text, reading, created_at));
        if written.is_err() || text.buffer.len() - text.length < END.len() {
            text.length = before;
            break;
        }
        count += 1;
    }
    text.write_str(END)?;
    if count == 0 { Err(fmt::Error) } else { Ok(count) }
}

/// Numbers as strings, as the cloud hands them out again. A [`Status`](crate::readings::Status) has nothing in it that
/// JSON would escape.
fn write_row(text: &mut Text<'_>, reading: &Reading, created_at: i64) -> fmt::Result {
    write!(text, "{{\"created_at\":\"{}\"", Iso8601(created_at))?;
    if let Some(measurement) = &reading.measurement {
        write!(text, ",\"field1\":\"{}\",\"field2\":\"{}\"", measurement.celsius(), measurement.percent())?;
    }
    let status = reading.status();
    if !status.is_empty() {
        write!(text, ",\"status\":\"{status}\"")?;
    }
    text.write_str("}")
}

/// Percent-encodes all but unreserved characters (RFC 3986 §2.3).
struct FormEncoded<'a, W>(&'a mut W);

impl<W: Write> Write for FormEncoded<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    self.0.write_char(byte.into())?
                }
                _ => write!(self.0, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::vec::Vec;

    use embassy_time::Instant;

    use super::*;
    use crate::readings::{Gap, Measurement, SensorFault};
    use crate::settings::SensorKind;

    const AT: i64 = 1_767_225_900;

    fn reading(sensor: SensorKind, gap: Gap) -> Reading {
        let measurement = Measurement { temperature: 215, humidity: 456, sensor };
        Reading {
            number: 0,
            taken: Instant::from_secs(3),
            measurement: Some(measurement),
            gap,
            created_at: None,
            sent: false,
            in_doubt: false,
        }
    }

    fn text(size: usize, write: impl FnOnce(&mut Text<'_>)) -> std::string::String {
        let mut buffer = std::vec![0; size];
        let mut text = Text::new(&mut buffer);
        write(&mut text);
        std::string::String::from_utf8(text.into_bytes().to_vec()).expect("text")
    }

    #[test]
    fn a_reading_is_a_form() {
        let form = |reading: Reading| text(BODY_SIZE, |text| write_form(text, &reading, AT).expect("fits"));
        assert_eq!(
            form(reading(SensorKind::Dht22, Gap::NONE)),
            "field1=21.5&field2=45.6&created_at=2026-01-01T00%3A05%3A00Z"
        );
        assert_eq!(
            form(reading(SensorKind::Dht11, Gap { failed: 1, reason: Some(SensorFault::NoAnswer), dropped: 0 })),
            "field1=21&field2=45&created_at=2026-01-01T00%3A05%3A00Z\
             &status=1%20reading%20failed%20before%20this%20one%3A%20no%20answer"
        );
        let gap = Gap { failed: 3, reason: Some(SensorFault::Checksum), dropped: 0 };
        assert_eq!(
            form(Reading { measurement: None, ..reading(SensorKind::Dht22, gap) }),
            "created_at=2026-01-01T00%3A05%3A00Z&status=3%20readings%20failed%3A%20wrong%20checksum"
        );
    }

    #[test]
    fn readings_in_bulk_are_json_and_as_many_as_fit() {
        let one = reading(SensorKind::Dht22, Gap::NONE);
        let two = reading(SensorKind::Dht22, Gap { dropped: 3, ..Gap::NONE });
        let report = Reading { measurement: None, ..two };
        let mut count = 0;
        let json = text(BODY_SIZE, |text| {
            count =
                write_bulk(text, "ABCDEFGHIJKLMNOP", [(&one, AT), (&two, AT + 300), (&report, AT + 600)].into_iter())
                    .expect("fits");
        });
        assert_eq!(count, 3);
        assert_eq!(
            json,
            "{\"write_api_key\":\"ABCDEFGHIJKLMNOP\",\"updates\":[\
             {\"created_at\":\"2026-01-01T00:05:00Z\",\"field1\":\"21.5\",\"field2\":\"45.6\"},\
             {\"created_at\":\"2026-01-01T00:10:00Z\",\"field1\":\"21.5\",\"field2\":\"45.6\",\"status\":\"3 readings dropped\"},\
             {\"created_at\":\"2026-01-01T00:15:00Z\",\"status\":\"3 readings dropped\"}]}"
        );
    }

    #[test]
    fn the_body_has_room_for_a_full_request_and_never_overflows() {
        let coldest = Measurement { temperature: -400, humidity: 1_000, sensor: SensorKind::Dht22 };
        let mut row = reading(SensorKind::Dht22, Gap::NONE);
        row.measurement = Some(coldest);
        let rows: Vec<_> = (0..64).map(|n| (&row, AT + n)).collect();
        for size in 0..=BODY_SIZE {
            let mut buffer = std::vec![0; size];
            let mut text = Text::new(&mut buffer);
            if let Ok(count) = write_bulk(&mut text, "ABCDEFGHIJKLMNOP", rows.iter().copied()) {
                let json = core::str::from_utf8(text.into_bytes()).expect("text");
                assert_eq!(json.matches("created_at").count(), count);
                assert!(json.ends_with("}]}"), "{}", format!("{json} at {size}"));
                assert!(count == MOST_ROWS || size < BODY_SIZE);
            } else {
                assert!(size < 130);
            }
        }
    }

    #[test]
    fn no_status_needs_escaping_in_json() {
        for reason in [
            SensorFault::NoAnswer,
            SensorFault::LateAnswer,
            SensorFault::Checksum,
            SensorFault::OutOfRange,
            SensorFault::Pin,
        ] {
            let gap = Gap { failed: u16::MAX, reason: Some(reason), dropped: u16::MAX };
            let status = format!("{}", reading(SensorKind::Dht22, gap).status());
            assert!(status.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\' || b == b' '));
            assert!(status.len() <= 255);
        }
    }
}
