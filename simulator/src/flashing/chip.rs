//! What `esptool flash-id` says of a chip and its flash.

use serde::Serialize;

/// A chip, and the flash beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chip {
    /// As esptool calls it: `ESP8266EX`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its MAC address, six bytes in hexadecimal digits with colons.
    pub mac: String,
    /// The flash.
    pub flash: FlashChip,
}

/// A flash chip, as it answers to JEDEC's "read identification" (0x9F).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlashChip {
    /// The manufacturer's number, two hexadecimal digits.
    pub manufacturer: String,
    /// The device's number, four hexadecimal digits.
    pub device: String,
    /// Its bytes; `None` if esptool does not know that device.
    pub bytes: Option<u32>,
}

/// Why what esptool says is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChipError {
    /// A line is missing, or there twice.
    #[error("esptool says {count} times {label:?}, and once is expected")]
    Line {
        /// What the line begins with.
        label: &'static str,
        /// How many there are.
        count: usize,
    },
    /// A line says something else than it should.
    #[error("esptool says {label:?} {found:?}, and {expected} is expected")]
    Value {
        /// What the line begins with.
        label: &'static str,
        /// What comes behind that.
        found: String,
        /// What should.
        expected: &'static str,
    },
}

/// Reads what `esptool flash-id` has printed.
///
/// # Errors
/// [`ChipError`], if it is anything else than esptool 5 prints.
pub fn parse(text: &str) -> Result<Chip, ChipError> {
    let value = |label: &'static str| {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(label));
        match (lines.next(), lines.count()) {
            (Some(value), 0) => Ok((label, value.trim().to_owned())),
            (first, more) => Err(ChipError::Line { label, count: more + usize::from(first.is_some()) }),
        }
    };
    let hexadecimal = |(label, found): (&'static str, String), digits, expected| {
        let is_one = found.len() == digits && found.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_one { Ok(found) } else { Err(ChipError::Value { label, found, expected }) }
    };
    let (_, kind) = value("Chip type:")?;
    let (label, mac) = value("MAC:")?;
    let bytes: Vec<&str> = mac.split(':').collect();
    if bytes.len() != 6 || bytes.iter().any(|byte| byte.len() != 2 || u8::from_str_radix(byte, 16).is_err()) {
        return Err(ChipError::Value { label, found: mac, expected: "six bytes with colons" });
    }
    let manufacturer = hexadecimal(value("Manufacturer:")?, 2, "two hexadecimal digits")?;
    let device = hexadecimal(value("Device:")?, 4, "four hexadecimal digits")?;
    let (label, size) = value("Detected flash size:")?;
    let bytes = match size.as_str() {
        "Unknown" => None,
        size => Some(bytes_of(size).ok_or_else(|| ChipError::Value {
            label,
            found: size.to_owned(),
            expected: "a size such as 1MB, or Unknown",
        })?),
    };
    Ok(Chip { kind, mac, flash: FlashChip { manufacturer, device, bytes } })
}

/// A size as esptool writes it.
fn bytes_of(size: &str) -> Option<u32> {
    let (number, shift) = match (size.strip_suffix("KB"), size.strip_suffix("MB")) {
        (Some(number), _) => (number, 10),
        (None, Some(number)) => (number, 20),
        (None, None) => return None,
    };
    number.parse::<u32>().ok()?.checked_mul(1 << shift)
}
