//! Times as they stand in front of a line or in a cell.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::evidence::{SECOND, Time};

/// A calendar time: RFC 3339, or as ThingSpeak exports it (`2026-04-18 16:00:00 UTC`, `… -0500`); without an offset it
/// is taken as UTC.
pub(super) fn calendar(text: &str) -> Option<Time> {
    let text = text.trim();
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| spaced(text))?;
    Time::try_from(moment.unix_timestamp_nanos()).ok().filter(|at| *at >= 0)
}

/// A date and a time with a space or a `T` between them, and whatever follows as its offset.
fn spaced(text: &str) -> Option<OffsetDateTime> {
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
    OffsetDateTime::parse(&format!("{date}T{clock}{offset}"), &Rfc3339).ok()
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
    whole.parse::<Time>().ok()?.checked_mul(SECOND)?.checked_add(fraction)
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
            assert_eq!(calendar(text), Some(noon), "{text}");
        }
        assert_eq!(calendar("2026-01-01 12:00:00.250"), Some(noon + SECOND / 4));
        for text in ["", "2026-01-01", "2026-13-01 12:00:00 UTC", "12:00:00", "2026-01-01 12:00:00 MEZ"] {
            assert_eq!(calendar(text), None, "{text}");
        }
        assert_eq!(time_of_day("01:00:00.5"), Some(3_600_500_000_000));
        assert_eq!((seconds("2.504831"), seconds("x"), seconds("-1")), (Some(2_504_831_000), None, None));
        assert_eq!((tenths("17.65"), tenths("-0.04"), tenths("inf")), (Some(177), Some(0), None));
    }
}
