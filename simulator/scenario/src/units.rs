//! Quantities as a scenario file writes them: a number and its unit in one string.
//!
//! All are integers underneath (tenths, dBm, millionths), so that a run is the same on every machine; a digit more than
//! the integer can hold is an error, not rounded away. [`FromStr`] reads what [`Display`](fmt::Display) writes. A
//! mistake says what would be right; where it stands is the reader's business.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use simulator_record::events::tenths;

/// A temperature in tenths of a degree Celsius, -100.0 °C to 200.0 °C: wider than any sensor, so that a scenario can
/// leave a sensor's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeciCelsius(pub i32);

/// A relative humidity in tenths of a percent, 0 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeciPercent(pub u32);

/// A received signal's strength in dBm, -120 to 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dbm(pub i8);

/// A probability in millionths, 0 to 1,000,000; files write percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PerMillion(pub u32);

/// A voltage in millivolts, 0 to 5,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millivolts(pub u32);

/// A resistance in milliohms, 1 to 100,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Milliohms(pub u32);

/// A capacitance in nanofarads, 100 to 10,000,000; files write microfarads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanofarads(pub u32);

/// Why a string is not the quantity that belongs there. The message is a fragment, the hint what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UnitError {
    /// What is wrong: "`F` is not a unit of temperature".
    pub message: String,
    /// What would be right: "a temperature is written \"21.5 °C\"".
    pub hint: String,
}

impl UnitError {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

/// How a temperature is written.
const TEMPERATURE: &str = "a temperature is written \"21.5 °C\"";
/// How a humidity is written.
const HUMIDITY: &str = "a humidity is written \"45.6 %\"";
/// How a probability is written.
const PROBABILITY: &str = "a probability is written \"10 %\"";
/// How a signal strength is written.
const SIGNAL: &str = "a signal strength is written \"-70 dBm\"";
/// How a voltage is written.
const VOLTAGE: &str = "a voltage is written \"3.3 V\"";
/// How a resistance is written.
const RESISTANCE: &str = "a resistance is written \"6 Ohm\"";
/// How a capacitance is written.
const CAPACITANCE: &str = "a capacitance is written \"100 uF\"";
/// How a duration is written.
const DURATION: &str = "a duration is written \"500ms\", \"5m\" or \"1h 30m\"";

/// A number with a fixed count of decimals, and the unit behind it.
fn number_and_unit(text: &str, decimals: u32, hint: &str) -> Result<(i64, String), UnitError> {
    let text = text.trim();
    let digits = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+' | '−')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_owned();
    if number.is_empty() {
        return Err(UnitError::new(format!("`{text}` does not begin with a number"), hint));
    }
    let not_a_number = || UnitError::new(format!("`{number}` is not a number"), hint);
    let (negative, magnitude) = match number.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || !all_digits(whole)
        || !all_digits(fraction)
        || (magnitude.contains('.') && fraction.is_empty())
    {
        return Err(not_a_number());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > decimals as usize {
        let places = match decimals {
            0 => "no decimals".to_owned(),
            1 => "one decimal".to_owned(),
            more => format!("{more} decimals"),
        };
        return Err(UnitError::new(format!("`{number}` is finer than {places}"), hint));
    }
    let scaled = format!("{whole}{fraction:0<width$}", width = decimals as usize);
    let value: i64 = scaled.parse().map_err(|_| not_a_number())?;
    Ok((if negative { -value } else { value }, unit))
}

/// Checks the unit behind a number.
fn expect_unit(unit: &str, accepted: &[&str], of: &str, hint: &str) -> Result<(), UnitError> {
    if accepted.contains(&unit) {
        Ok(())
    } else if unit.is_empty() {
        Err(UnitError::new(format!("the unit of {of} is missing"), hint))
    } else {
        Err(UnitError::new(format!("`{unit}` is not a unit of {of}"), hint))
    }
}

impl FromStr for DeciCelsius {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (value, unit) = number_and_unit(text, 1, TEMPERATURE)?;
        expect_unit(&unit, &["°C", "C", "℃"], "temperature", TEMPERATURE)?;
        match i32::try_from(value) {
            Ok(value @ -1_000..=2_000) => Ok(Self(value)),
            _ => Err(UnitError::new(format!("{} °C is out of range: -100 °C to 200 °C", tenths(value)), TEMPERATURE)),
        }
    }
}

impl fmt::Display for DeciCelsius {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} °C", tenths(self.0.into()))
    }
}

impl FromStr for DeciPercent {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (value, unit) = number_and_unit(text, 1, HUMIDITY)?;
        expect_unit(&unit, &["%", "%RH", "% RH"], "humidity", HUMIDITY)?;
        match u32::try_from(value) {
            Ok(value @ 0..=1_000) => Ok(Self(value)),
            _ => Err(UnitError::new(format!("{} % is out of range: 0 % to 100 %", tenths(value)), HUMIDITY)),
        }
    }
}

impl fmt::Display for DeciPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", tenths(self.0.into()))
    }
}

impl FromStr for Dbm {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (value, unit) = number_and_unit(text, 0, SIGNAL)?;
        expect_unit(&unit, &["dBm"], "signal strength", SIGNAL)?;
        match i8::try_from(value) {
            Ok(value @ -120..=0) => Ok(Self(value)),
            _ => Err(UnitError::new(
                format!("{value} dBm is out of range: -120 dBm to 0 dBm"),
                "good signals are above -70 dBm; below -90 dBm the device hears nothing",
            )),
        }
    }
}

impl fmt::Display for Dbm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} dBm", self.0)
    }
}

impl FromStr for PerMillion {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (value, unit) = number_and_unit(text, 4, PROBABILITY)?;
        expect_unit(&unit, &["%"], "probability", PROBABILITY)?;
        match u32::try_from(value) {
            Ok(value @ 0..=1_000_000) => Ok(Self(value)),
            _ => Err(UnitError::new(format!("`{text}` is out of range: 0 % to 100 %"), PROBABILITY)),
        }
    }
}

impl fmt::Display for PerMillion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", Decimal { value: self.0, decimals: 4 })
    }
}

/// A quantity in thousandths of its unit, within a range.
fn thousandths(text: &str, units: &[&str], of: &str, (least, most): (u32, u32), hint: &str) -> Result<u32, UnitError> {
    let (value, unit) = number_and_unit(text, 3, hint)?;
    expect_unit(&unit, units, of, hint)?;
    match u32::try_from(value) {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ => {
            let range = format!("{} {unit} to {} {unit}", thousand(least), thousand(most));
            Err(UnitError::new(format!("`{text}` is out of range: {range}"), hint))
        }
    }
}

/// A number with so many decimals, without zeros at its end.
struct Decimal {
    value: u32,
    decimals: u32,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u32.pow(self.decimals);
        let fraction = format!("{:0width$}", self.value % one, width = self.decimals as usize);
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{}", self.value / one),
            fraction => write!(f, "{}.{fraction}", self.value / one),
        }
    }
}

/// Thousandths, as a number.
fn thousand(value: u32) -> Decimal {
    Decimal { value, decimals: 3 }
}

impl FromStr for Millivolts {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        thousandths(text, &["V"], "voltage", (0, 5_000), VOLTAGE).map(Self)
    }
}

impl fmt::Display for Millivolts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} V", thousand(self.0))
    }
}

impl FromStr for Milliohms {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        thousandths(text, &["Ohm", "ohm", "Ω", "Ω"], "resistance", (1, 100_000), RESISTANCE).map(Self)
    }
}

impl fmt::Display for Milliohms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Ohm", thousand(self.0))
    }
}

impl FromStr for Nanofarads {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        thousandths(text, &["uF", "µF", "μF"], "capacitance", (100, 10_000_000), CAPACITANCE).map(Self)
    }
}

impl fmt::Display for Nanofarads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} uF", thousand(self.0))
    }
}

/// Longest duration a file may write: ten years.
pub(super) const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);
const TOO_LONG: &str = "longer than ten years";

/// Reads a duration: "500ms", "5m", "1h 30m", "2d"; at most ten years.
///
/// # Errors
/// If the text is not a duration, or a longer one.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let text = text.trim();
    if text.starts_with(['-', '−']) {
        return Err(UnitError::new("a duration cannot be negative here", DURATION));
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text != "0" {
        return Err(UnitError::new(
            "the unit of the duration is missing",
            format!("\"{text}s\" are seconds, \"{text}m\" minutes"),
        ));
    }
    match humantime::parse_duration(text) {
        Ok(value) if value <= LONGEST => Ok(value),
        Ok(_) | Err(humantime::DurationError::NumberOverflow) => Err(UnitError::new(TOO_LONG, DURATION)),
        Err(humantime::DurationError::UnknownUnit { unit, .. }) => {
            Err(UnitError::new(format!("`{unit}` is not a unit of time"), DURATION))
        }
        Err(_) => Err(UnitError::new(format!("`{text}` is not a duration"), DURATION)),
    }
}

/// Reads a duration that may be negative, "-400d": how far a clock is wrong.
///
/// # Errors
/// As [`duration`].
pub fn signed_duration(text: &str) -> Result<time::Duration, UnitError> {
    let text = text.trim();
    let (negative, magnitude) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = duration(magnitude)?;
    let value = time::Duration::try_from(magnitude).map_err(|_| UnitError::new(TOO_LONG, DURATION))?;
    Ok(if negative { -value } else { value })
}

/// Reads a time of day, "15:00" or "15:00:30": the duration since midnight.
///
/// # Errors
/// If the text is not a time of day.
pub fn time_of_day(text: &str) -> Result<Duration, UnitError> {
    let wrong = || UnitError::new(format!("`{text}` is not a time of day"), "a time of day is written \"15:00\"");
    let mut seconds = 0;
    let mut parts = text.trim().split(':');
    for (limit, weight, required) in [(24, 3_600, true), (60, 60, true), (60, 1, false)] {
        match parts.next() {
            Some(part) if (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()) => {
                match part.parse::<u64>() {
                    Ok(value) if value < limit => seconds += value * weight,
                    _ => return Err(wrong()),
                }
            }
            None if !required => {}
            _ => return Err(wrong()),
        }
    }
    if parts.next().is_some() {
        return Err(wrong());
    }
    Ok(Duration::from_secs(seconds))
}

/// Reads a value of a channel field with or without its unit ("21 °C", "40 %", "7"): tenths, and the unit as it is
/// written in full.
///
/// # Errors
/// If the text is not a number with one decimal, or its unit is none of these.
pub fn field_value(text: &str) -> Result<(i64, Option<&'static str>), UnitError> {
    const HINT: &str = "a value is written \"21.5 °C\", \"45.6 %\" or \"7\"";
    let (value, unit) = number_and_unit(text, 1, HINT)?;
    expect_unit(&unit, &["", "°C", "C", "℃", "%"], "a channel's field", HINT)?;
    let unit = match unit.as_str() {
        "" => None,
        "%" => Some("%"),
        _ => Some("°C"),
    };
    Ok((value, unit))
}

/// Reads a hardware address, "02:00:00:00:01:00".
///
/// # Errors
/// If the text is not six pairs of hexadecimal digits, or the address is a group address.
pub fn hardware_address(text: &str) -> Result<[u8; 6], UnitError> {
    const HINT: &str = "a BSSID is written \"02:00:00:00:01:00\"";
    let wrong = || UnitError::new(format!("`{text}` is not a hardware address"), HINT);
    let mut address = [0; 6];
    let mut parts = text.trim().split([':', '-']);
    for byte in &mut address {
        let part = parts.next().filter(|part| part.len() == 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(part, 16).map_err(|_| wrong())?;
    }
    if parts.next().is_some() {
        return Err(wrong());
    }
    if address[0] & 1 == 1 {
        return Err(UnitError::new(format!("`{text}` is a group address"), "the first byte of a BSSID is even"));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_required_and_their_own() {
        assert_eq!("21.5 °C".parse(), Ok(DeciCelsius(215)));
        assert_eq!("-3C".parse(), Ok(DeciCelsius(-30)));
        assert_eq!("-0.4 °C".parse(), Ok(DeciCelsius(-4)));
        assert_eq!("45.6 %".parse(), Ok(DeciPercent(456)));
        assert_eq!("-70 dBm".parse(), Ok(Dbm(-70)));
        assert_eq!("0.25 %".parse(), Ok(PerMillion(2_500)));
        assert_eq!("3.3 V".parse(), Ok(Millivolts(3_300)));
        assert_eq!("0.3 Ω".parse(), Ok(Milliohms(300)));
        assert_eq!("0.1uF".parse(), Ok(Nanofarads(100)));
        let capacitance = "20000 µF".parse::<Nanofarads>().unwrap_err().message;
        assert_eq!(capacitance, "`20000 µF` is out of range: 0.1 µF to 10000 µF");
        let message = |text: &str| text.parse::<DeciCelsius>().unwrap_err().message;
        assert_eq!(message("70 °F"), "`°F` is not a unit of temperature");
        assert_eq!(message("21.5"), "the unit of temperature is missing");
        assert_eq!(message("warm"), "`warm` does not begin with a number");
        assert_eq!(message("21.55 °C"), "`21.55` is finer than one decimal");
        assert_eq!(message("300 °C"), "300 °C is out of range: -100 °C to 200 °C");
        assert_eq!(message("2.1.5 °C"), "`2.1.5` is not a number");
    }

    #[test]
    fn durations_say_what_is_missing() {
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(duration("5").unwrap_err().hint, "\"5s\" are seconds, \"5m\" minutes");
        assert_eq!(duration("5 parsecs").unwrap_err().message, "`parsecs` is not a unit of time");
        assert_eq!(duration("-5m").unwrap_err().message, "a duration cannot be negative here");
        assert_eq!(duration("11y").unwrap_err().message, "longer than ten years");
        assert_eq!(duration("99999999999999999999s").unwrap_err().message, "longer than ten years");
        assert_eq!(signed_duration("-400d"), Ok(time::Duration::days(-400)));
    }

    #[test]
    fn times_of_day_and_hardware_addresses() {
        assert_eq!(time_of_day("15:00"), Ok(Duration::from_secs(54_000)));
        assert_eq!(time_of_day("00:00:07"), Ok(Duration::from_secs(7)));
        for wrong in ["24:00", "12:60", "noon", "12", "1:2:3:4", "+1:00"] {
            assert!(time_of_day(wrong).is_err(), "{wrong}");
        }
        assert_eq!(hardware_address("02:00:00:00:01:0a"), Ok([2, 0, 0, 0, 1, 10]));
        for wrong in ["01:00:00:00:00:00", "02:00:00:00:01", "02:00:00:00:01:00:00", "02:00:00:00:01:zz"] {
            assert!(hardware_address(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn quantities_read_what_they_write(
            celsius in -1_000..=2_000_i32,
            percent in 0..=1_000_u32,
            dbm in -120..=0_i8,
            per_million in 0..=1_000_000_u32,
            millivolts in 0..=5_000_u32,
            milliohms in 1..=100_000_u32,
            nanofarads in 100..=10_000_000_u32,
            millis in 0..=86_400_000_u64,
        ) {
            prop_assert_eq!(DeciCelsius(celsius).to_string().parse(), Ok(DeciCelsius(celsius)));
            prop_assert_eq!(DeciPercent(percent).to_string().parse(), Ok(DeciPercent(percent)));
            prop_assert_eq!(Dbm(dbm).to_string().parse(), Ok(Dbm(dbm)));
            prop_assert_eq!(PerMillion(per_million).to_string().parse(), Ok(PerMillion(per_million)));
            prop_assert_eq!(Millivolts(millivolts).to_string().parse(), Ok(Millivolts(millivolts)));
            prop_assert_eq!(Milliohms(milliohms).to_string().parse(), Ok(Milliohms(milliohms)));
            prop_assert_eq!(Nanofarads(nanofarads).to_string().parse(), Ok(Nanofarads(nanofarads)));
            let time = Duration::from_millis(millis);
            prop_assert_eq!(duration(&humantime::format_duration(time).to_string()), Ok(time));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), number in "[-+]?[0-9.]{0,25} ?[°C%a-z]{0,4}") {
            for text in [text, number] {
                let _ = text.parse::<DeciCelsius>();
                let _ = text.parse::<DeciPercent>();
                let _ = text.parse::<Dbm>();
                let _ = text.parse::<PerMillion>();
                let _ = (duration(&text), signed_duration(&text), time_of_day(&text));
                let _ = (field_value(&text), hardware_address(&text));
            }
        }
    }
}
