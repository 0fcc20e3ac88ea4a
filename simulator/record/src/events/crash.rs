//! What the emulated chip tells of a program that came to grief, or that met the emulation's limits.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An address or a register's value, written as `0x3ffe8000`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hexadecimal(pub u32);

impl fmt::Display for Hexadecimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08x}", self.0)
    }
}

impl fmt::Debug for Hexadecimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hexadecimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hexadecimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let value = text.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
        value.map(Self).ok_or_else(|| D::Error::custom(format_args!("`{text}` is no number such as 0x3ffe8000")))
    }
}

/// Why, where and by which way a program came to where it stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CrashReport {
    /// The exception's name in the Xtensa ISA manual, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// EXCVADDR, if the exception is one of an access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Hexadecimal>,
    /// What else is to be known, such as a stack pointer that is in no stack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// The registers by name, as they were then.
    #[serde(serialize_with = "as_map", deserialize_with = "from_map")]
    pub registers: Vec<(Cow<'static, str>, Hexadecimal)>,
    /// Where the program stood, and then the callers from the inside out.
    pub trace: Vec<TraceEntry>,
}

fn as_map<S: Serializer>(registers: &[(Cow<'static, str>, Hexadecimal)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(registers.len()))?;
    for (name, value) in registers {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

/// In the order in which they were written.
fn from_map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(Cow<'static, str>, Hexadecimal)>, D::Error> {
    struct Registers;

    impl<'de> Visitor<'de> for Registers {
        type Value = Vec<(Cow<'static, str>, Hexadecimal)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("registers by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut registers = Vec::new();
            while let Some((name, value)) = map.next_entry::<String, Hexadecimal>()? {
                registers.push((Cow::Owned(name), value));
            }
            Ok(registers)
        }
    }

    deserializer.deserialize_map(Registers)
}

/// A line of a back trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TraceEntry {
    /// The instruction, or the address that a call returns to.
    pub address: Hexadecimal,
    /// The function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The source file, from the folder of its crate on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The function was inlined into that of the next entry, which has the same address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inlined: bool,
    /// Found by searching the stack: it may be left over from an earlier call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guessed: bool,
}

impl fmt::Display for TraceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.address, if self.guessed { "?" } else { " " })?;
        write!(f, " {}", self.function.as_deref().unwrap_or("(unknown)"))?;
        if let Some(file) = &self.file {
            write!(f, " at {file}")?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
        }
        if self.inlined { f.write_str(" (inlined)") } else { Ok(()) }
    }
}
