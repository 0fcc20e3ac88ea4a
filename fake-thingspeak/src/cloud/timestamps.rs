//! Times as clients write them and as the service shows them, in whole seconds.

use time::macros::format_description;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use super::zone::Zone;

/// Reads `2026-01-01T12:00:00Z` and its relatives: a space for the `T`, seconds or time of day missing, fractions
/// (cut off), `Z`, `UTC`, `±hh:mm`, `±hhmm`, `±hh` or nothing (it is of `zone`). `None` for anything else.
pub(super) fn parse(text: &str, zone: &Zone) -> Option<OffsetDateTime> {
    let text = text.trim();
    let (date, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], text[at + 1..].trim_start()),
        None => (text, ""),
    };
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let month = Month::try_from(digits(month)?).ok()?;
    let date = Date::from_calendar_date(i32::from(digits_u16(year)?), month, digits(day)?).ok()?;

    let zone_at = rest.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(rest.len());
    let (clock, zone_text) = rest.split_at(zone_at);
    let clock = clock.split('.').next().unwrap_or_default();
    let time = match clock.split(':').collect::<Vec<_>>()[..] {
        [""] => Time::MIDNIGHT,
        [hour, minute] => Time::from_hms(digits(hour)?, digits(minute)?, 0).ok()?,
        [hour, minute, second] => Time::from_hms(digits(hour)?, digits(minute)?, digits(second)?).ok()?,
        _ => return None,
    };
    let clock_time = PrimitiveDateTime::new(date, time);
    match zone_text.trim() {
        "" => zone.at(clock_time),
        named => clock_time.assume_offset(offset(named)?).checked_to_offset(UtcOffset::UTC),
    }
}

/// Reads what [`parse`] reads, and seconds since 1970: a bulk update may hold either.
pub(super) fn parse_or_epoch(text: &str, zone: &Zone) -> Option<OffsetDateTime> {
    match text.trim().parse() {
        Ok(seconds) => OffsetDateTime::from_unix_timestamp(seconds).ok(),
        Err(_) => parse(text, zone),
    }
}

fn offset(zone: &str) -> Option<UtcOffset> {
    if matches!(zone, "Z" | "z" | "UTC" | "GMT") {
        return Some(UtcOffset::UTC);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.len() {
        2 => (rest, "00"),
        4 => rest.split_at_checked(2)?,
        5 => rest.split_once(':')?,
        _ => return None,
    };
    let signed = |text| Some(sign * i8::try_from(digits(text)?).ok()?);
    UtcOffset::from_hms(signed(hours)?, signed(minutes)?, 0).ok()
}

/// A number of one or two digits.
fn digits(text: &str) -> Option<u8> {
    (text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn digits_u16(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `2026-01-01T12:00:00Z` or `2026-01-01T12:00:00+01:00`, as in JSON and XML.
pub(super) fn iso(time: OffsetDateTime) -> String {
    let utc = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let local = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second][offset_hour sign:mandatory]:[offset_minute]"
    );
    let shown = if time.offset().is_utc() { time.format(utc) } else { time.format(local) };
    shown.unwrap_or_default()
}

/// `2026-01-01 12:00:00 UTC` or `2026-01-01 12:00:00 +0100`, as in CSV.
pub(super) fn spaced(time: OffsetDateTime) -> String {
    let utc = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let local = format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second] [offset_hour sign:mandatory][offset_minute]"
    );
    let shown = if time.offset().is_utc() { time.format(utc) } else { time.format(local) };
    shown.unwrap_or_default()
}

/// `time` in UTC and whole seconds.
pub(super) fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(time.unix_timestamp()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_are_read_in_all_their_spellings() {
        let expected = datetime!(2026-02-03 04:05:06 UTC);
        let spellings = [
            "2026-02-03T04:05:06Z",
            "2026-02-03t04:05:06.999z",
            "2026-02-03 04:05:06",
            "2026-02-03 04:05:06 UTC",
            "2026-02-03T05:05:06+01:00",
            "2026-02-03T05:05:06 +0100",
            "2026-02-02T23:35:06-04:30",
            " 2026-2-3 4:5:6 ",
        ];
        for text in spellings {
            assert_eq!(parse(text, &Zone::default()), Some(expected), "{text}");
        }
        assert_eq!(parse("2026-02-03", &Zone::default()), Some(datetime!(2026-02-03 0:00 UTC)));
        assert_eq!(parse("2026-02-03 04:05", &Zone::default()), Some(datetime!(2026-02-03 4:05 UTC)));
        assert_eq!(parse_or_epoch("1770091506", &Zone::default()), Some(expected));
        let india = Zone::of(Some("Asia/Kolkata"), None);
        assert_eq!(parse("2026-02-03 09:35:06", &india), Some(expected));
        assert_eq!(parse("2026-02-03 04:05:06Z", &india), Some(expected));
        assert_eq!(iso(india.local(expected)), "2026-02-03T09:35:06+05:30");
        assert_eq!(spaced(india.local(expected)), "2026-02-03 09:35:06 +0530");
        assert_eq!(iso(expected), "2026-02-03T04:05:06Z");
        assert_eq!(spaced(expected), "2026-02-03 04:05:06 UTC");
    }

    #[test]
    fn what_is_no_time_is_none() {
        let texts = [
            "",
            "now",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "2026-02-03T24:00:00Z",
            "2026-02-03T1:2:3:4",
            "2026-02-03T04:05:06+1",
            "2026-02-03T04:05:06+99:00",
            "9999-12-31T23:59:59-01:00",
            "-026-01-01",
            "2026-é-01",
            "2026-02-03T04:05:06+é1",
            "1770091506",
        ];
        for text in texts {
            assert_eq!(parse(text, &Zone::default()), None, "{text}");
        }
        assert_eq!(parse_or_epoch("99999999999999999", &Zone::default()), None);
    }
}
