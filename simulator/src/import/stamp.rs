//! Times as they stand in front of a line or in a cell: between 1970 and 2200, so that what is counted with them fits.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::evidence::{SECOND, Time};

/// The year 2200.
pub(super) const LATEST: Time = 7_258_118_400 * SECOND;

/// A calendar time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// As UTC if no zone stands there.
    at: Time,
    /// Whether its offset from UTC stands there.
    zoned: bool,
}

/// How far east of UTC clocks without a zone are, and whether one of them was met.
#[derive(Debug, Default)]
pub(super) struct Zone {
    /// In nanoseconds, if somebody said so.
    pub(super) said: Option<Time>,
    pub(super) needed: bool,
}

impl Zone {
    /// The moment in UTC.
    pub(super) fn place(&mut self, moment: Moment) -> Time {
        self.needed |= !moment.zoned;
        moment.at - if moment.zoned { 0 } else { self.said.unwrap_or(0) }
    }

    /// What a reader should know of it.
    pub(super) fn note(&self, file: &str) -> Option<String> {
        let how = match self.said {
            None => "taken as UTC; --utc-offset says another".to_owned(),
            Some(said) => {
                let minutes = said.abs() / SECOND / 60;
                let sign = if said < 0 { '-' } else { '+' };
                format!("taken as {sign}{:02}:{:02}, as --utc-offset says", minutes / 60, minutes % 60)
            }
        };
        self.needed.then(|| format!("{file}: its times have no zone: {how}"))
    }
}

/// An offset from UTC as the command line has it, `+02:00` or `-0530`, in nanoseconds.
pub fn utc_offset(text: &str) -> Result<Time, &'static str> {
    const WRONG: &str = "expected an offset from UTC such as +02:00 or -05:30";
    let (sign, rest) = match text.as_bytes() {
        [b'+', ..] => (1, &text[1..]),
        [b'-', ..] => (-1, &text[1..]),
        _ => return Err(WRONG),
    };
    let digits: String = rest.chars().filter(|letter| *letter != ':').collect();
    let number = |range| digits.get(range).and_then(|text: &str| text.parse::<Time>().ok());
    match (digits.len(), number(0..2), number(2..4)) {
        (4, Some(hours @ 0..=14), Some(minutes @ 0..60)) => Ok(sign * (hours * 60 + minutes) * 60 * SECOND),
        _ => Err(WRONG),
    }
}

/// A calendar time: RFC 3339, or as ThingSpeak exports it (`2026-04-18 16:00:00 UTC`, `… -0500`).
pub(super) fn calendar(text: &str) -> Option<Moment> {
    let text = text.trim();
    let parsed = OffsetDateTime::parse(text, &Rfc3339).ok().map(|moment| (moment, true));
    let (moment, zoned) = parsed.or_else(|| spaced(text))?;
    let at = Time::try_from(moment.unix_timestamp_nanos()).ok().filter(|at| (0..=LATEST).contains(at))?;
    Some(Moment { at, zoned })
}

/// The same of one that has a zone, as the device itself writes it.
pub(super) fn zoned(text: &str) -> Option<Time> {
    calendar(text).map(|moment| moment.at)
}

/// A date and a time with a space or a `T` between them, and whatever follows as its offset, if anything does.
fn spaced(text: &str) -> Option<(OffsetDateTime, bool)> {
    let (date, rest) = (text.get(..10)?, text.get(11..)?);
    let end = rest.find([' ', '+', '-', 'Z']).unwrap_or(rest.len());
    let (clock, zone) = (rest[..end].replace(',', "."), rest[end..].trim());
    let offset = match zone {
        "" | "UTC" | "Z" | "GMT" => "Z".to_owned(),
        zone => {
            let digits: String = zone.chars().skip(1).filter(|letter| *letter != ':').collect();
            let (hours, minutes) = (digits.get(..2)?, digits.get(2..).filter(|it| !it.is_empty()).unwrap_or("00"));
            format!("{}{hours}:{minutes}", zone.get(..1)?)
        }
    };
    Some((OffsetDateTime::parse(&format!("{date}T{clock}{offset}"), &Rfc3339).ok()?, !zone.is_empty()))
}

/// A time of day, since midnight: `16:00:02.123`.
pub(super) fn time_of_day(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let (hours, minutes) = (parts.next()?.parse::<Time>().ok()?, parts.next()?.parse::<Time>().ok()?);
    let seconds = seconds(parts.next()?)?;
    let fits = parts.next().is_none() && hours < 24 && minutes < 60 && seconds < 60 * SECOND;
    fits.then_some((hours * 60 + minutes) * 60 * SECOND + seconds)
}

/// Seconds with or without a fraction, at most nine digits of it.
pub(super) fn seconds(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    if whole.is_empty() || fraction.len() > 9 || !whole.bytes().chain(fraction.bytes()).all(|it| it.is_ascii_digit()) {
        return None;
    }
    let fraction: Time = format!("{fraction:0<9}").parse().ok()?;
    whole.parse::<Time>().ok()?.checked_mul(SECOND)?.checked_add(fraction).filter(|at| *at <= LATEST)
}

/// A moment as TOML and a recording write it.
pub(super) fn rfc3339(at: Time) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(at.into()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&Rfc3339).unwrap_or_default()
}

/// A decimal number in tenths, rounded half away from zero.
pub(super) fn tenths(text: &str) -> Option<i32> {
    let number: f64 = text.trim().parse().ok().filter(|number: &f64| number.is_finite())?;
    let tenths = (number * 10.0).round();
    (tenths.abs() < 1e9).then_some(tenths as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_exports_and_terminals_write_them() {
        let noon = 1_767_268_800 * SECOND;
        for text in
            ["2026-01-01T12:00:00Z", "2026-01-01 12:00:00 UTC", "2026-01-01 07:00:00 -0500", "2026-01-01 12:00:00"]
        {
            assert_eq!(zoned(text), Some(noon), "{text}");
        }
        assert_eq!(zoned("2026-01-01 12:00:00.250"), Some(noon + SECOND / 4));
        let mut zone = Zone { said: Some(utc_offset("+02:00").unwrap()), needed: false };
        assert_eq!(zone.place(calendar("2026-01-01 12:00:00 UTC").unwrap()), noon);
        assert_eq!(zone.note("x.log"), None);
        assert_eq!(zone.place(calendar("2026-01-01 14:00:00").unwrap()), noon);
        assert_eq!(zone.note("x.log").unwrap(), "x.log: its times have no zone: taken as +02:00, as --utc-offset says");
        assert_eq!(utc_offset("-0530"), Ok(-19_800 * SECOND));
        assert!(["", "2", "+2", "+15:00", "+02:60", "Z"].iter().all(|text| utc_offset(text).is_err()));
        for text in [
            "2262-04-11 23:47:16",
            "9999-12-31T23:59:59Z",
            "",
            "2026-01-01",
            "2026-13-01 12:00:00 UTC",
            "12:00:00",
            "2026-01-01 12:00:00 MEZ",
        ] {
            assert_eq!(calendar(text), None, "{text}");
        }
        assert_eq!(time_of_day("01:00:00.5"), Some(3_600_500_000_000));
        assert_eq!((seconds("2.504831"), seconds("x"), seconds("-1")), (Some(2_504_831_000), None, None));
        assert_eq!((tenths("17.65"), tenths("-0.04"), tenths("inf")), (Some(177), Some(0), None));
    }
}
