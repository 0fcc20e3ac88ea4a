//! Replies as text: one kind of record, and what it looks like in JSON, XML and CSV.

use std::fmt::Write as _;

use http::StatusCode;
use serde::ser::{Serialize, SerializeMap, Serializer};
use time::OffsetDateTime;

use super::route::Format;
use super::store::Content;
use super::timestamps::{iso, spaced};

/// A reply before it is one of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    /// Whether the reply says what Rails says of a good one, or that it must not be kept.
    pub(super) cacheable: bool,
    pub(super) body: String,
}

impl Answer {
    /// A good reply.
    pub(super) fn ok(format: Format, body: String) -> Self {
        Self { status: StatusCode::OK, content_type: format.content_type(), cacheable: true, body }
    }
}

/// Names and values in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record(pub(super) Vec<(&'static str, Cell)>);

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Integer(Option<u64>),
    Truth(bool),
    Text(Option<String>),
    /// A number that JSON shows as text.
    Decimal(Option<String>),
    /// Shown with the offset that it has.
    Time(Option<OffsetDateTime>),
    Record(Record),
    /// The name is that of each element in XML.
    List(&'static str, Vec<Record>),
}

impl Cell {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl Record {
    pub(super) fn new<const N: usize>(cells: [(&'static str, Cell); N]) -> Self {
        Self(cells.into())
    }

    pub(super) fn push(&mut self, name: &'static str, cell: Cell) {
        self.0.push((name, cell));
    }
}

/// The names of the eight fields.
pub(super) const FIELDS: [&str; 8] = ["field1", "field2", "field3", "field4", "field5", "field6", "field7", "field8"];

/// What the fields of an entry look like, those that are to be shown.
pub(super) fn push_fields(record: &mut Record, content: &Content, shown: &[bool; 8]) {
    for index in (0..8).filter(|index| shown[*index]) {
        record.push(FIELDS[index], Cell::Text(content.fields[index].clone()));
    }
}

/// What the place of an entry looks like.
pub(super) fn push_location(record: &mut Record, content: &Content) {
    record.push("latitude", Cell::Decimal(content.latitude.clone()));
    record.push("longitude", Cell::Decimal(content.longitude.clone()));
    record.push("elevation", Cell::Text(content.elevation.clone()));
}

/// In order, whatever map `serde_json` was built with.
impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, cell) in &self.0 {
            map.serialize_entry(name, cell)?;
        }
        map.end()
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(number) => number.serialize(serializer),
            Self::Truth(truth) => truth.serialize(serializer),
            Self::Text(text) | Self::Decimal(text) => text.serialize(serializer),
            Self::Time(time) => time.map(iso).serialize(serializer),
            Self::Record(record) => record.serialize(serializer),
            Self::List(_, records) => records.serialize(serializer),
        }
    }
}

/// A record, or several, in JSON.
pub(super) fn json(records: &impl Serialize) -> String {
    serde_json::to_string(records).expect("texts and numbers have a form in JSON")
}

const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The record as an element called `name`, in Rails' XML.
pub(super) fn xml(name: &str, record: &Record) -> String {
    let mut text = PROLOG.to_owned();
    element(&mut text, name, record);
    text
}

/// Records as an element called `name` with one called `element` for each, in Rails' XML.
pub(super) fn xml_list(name: &'static str, element: &'static str, records: Vec<Record>) -> String {
    let mut text = PROLOG.to_owned();
    cells(&mut text, &Record::new([(name, Cell::List(element, records))]));
    text
}

/// What Rails makes of nothing in XML.
pub(super) fn xml_of_nothing() -> String {
    format!("{PROLOG}<hash></hash>")
}

fn element(text: &mut String, name: &str, record: &Record) {
    let _ = write!(text, "<{name}>");
    cells(text, record);
    let _ = write!(text, "</{name}>");
}

fn cells(text: &mut String, record: &Record) {
    for (name, cell) in &record.0 {
        let name = name.replace('_', "-");
        let (kind, value) = match cell {
            Cell::Integer(number) => (" type=\"integer\"", number.map(|number| number.to_string())),
            Cell::Text(value) => ("", value.clone()),
            Cell::Decimal(value) => (" type=\"decimal\"", value.clone()),
            Cell::Truth(truth) => (" type=\"boolean\"", Some(truth.to_string())),
            Cell::Time(time) => (" type=\"dateTime\"", time.map(iso)),
            Cell::Record(record) => {
                element(text, &name, record);
                continue;
            }
            Cell::List(_, records) if records.is_empty() => {
                let _ = write!(text, "<{name} type=\"array\"/>");
                continue;
            }
            Cell::List(each, records) => {
                let _ = write!(text, "<{name} type=\"array\">");
                let each = each.replace('_', "-");
                records.iter().for_each(|record| element(text, &each, record));
                let _ = write!(text, "</{name}>");
                continue;
            }
        };
        let _ = match value {
            Some(value) => write!(text, "<{name}{kind}>{}</{name}>", escaped(&value)),
            None => write!(text, "<{name}{kind} nil=\"true\"/>"),
        };
    }
}

/// Text for XML, without the control characters that XML 1.0 has no way to write.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// A header line with `names`' names, and a line for each row.
pub(super) fn csv(names: &Record, rows: &[Record]) -> String {
    let header: Vec<_> = names.0.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut text = header.join(",");
    text.push('\n');
    for row in rows {
        let line: Vec<_> = row.0.iter().map(|(_, cell)| csv_cell(cell)).collect();
        text.push_str(&line.join(","));
        text.push('\n');
    }
    text
}

fn csv_cell(cell: &Cell) -> String {
    let text = match cell {
        Cell::Integer(number) => number.map(|number| number.to_string()).unwrap_or_default(),
        Cell::Text(text) | Cell::Decimal(text) => text.clone().unwrap_or_default(),
        Cell::Truth(truth) => truth.to_string(),
        Cell::Time(time) => time.map(spaced).unwrap_or_default(),
        Cell::Record(_) | Cell::List(..) => String::new(),
    };
    // RFC 4180 §2.
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
