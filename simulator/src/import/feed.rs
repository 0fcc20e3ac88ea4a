//! A ThingSpeak channel's export: CSV as *Data Import / Export* writes it, and the JSON of `/feeds.json`.
//!
//! Rows without a value are passed over, `nan` is a reading that failed, and rows with the same time stay as they are.
//! A row whose time cannot be read is a mistake, told with its line.

use serde_json::Value;

use super::evidence::{Evidence, Origin, Reading};
use super::stamp::Zone;
use super::{Hints, stamp};

/// What a sensor of the language can be asked to measure, in tenths; what lies outside is a reading that failed.
const TEMPERATURE: std::ops::RangeInclusive<i32> = -400..=800;
const HUMIDITY: std::ops::RangeInclusive<i32> = 0..=1000;

/// Whether a text begins as a CSV export does.
pub(super) fn is_csv(text: &str) -> bool {
    let header = text.lines().next().unwrap_or_default();
    let mut names = header.split([',', ';', '\t']).map(|name| name.trim().trim_matches('"'));
    names.any(|name| matches!(name, "created_at" | "time" | "entry_id"))
}

/// Reads a CSV export.
pub(super) fn csv(file: &str, text: &str, hints: &Hints) -> Result<Evidence, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(false).from_reader(text.as_bytes());
    let headers: Vec<String> = reader.headers().map_err(|error| error.to_string())?.iter().map(str::to_owned).collect();
    if headers.len() == 1 && headers[0].contains([';', '\t']) {
        return Err("line 1: columns are separated by commas, and decimals written with a point; these are not".into());
    }
    let place = |name: &str| headers.iter().position(|header| header == name);
    let time = place("created_at").or_else(|| place("time"));
    let time = time.ok_or("line 1: there is no column `created_at`, as ThingSpeak exports it")?;
    let columns = columns(&headers, &headers, hints)?;
    let mut zone = Zone { said: hints.utc_offset, ..Zone::default() };
    let mut evidence = Evidence::new(file, "a channel's export");
    evidence.calendar = headers[time] == "created_at";
    evidence.columns =
        columns.map(|column| column.map(|column| format!("column {}", headers[column])).unwrap_or_default());
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |index: usize| record.get(index).unwrap_or_default();
        let written = cell(time);
        let moment = stamp::calendar(written);
        evidence.calendar |= moment.is_some();
        let at = moment.map(|moment| zone.place(moment));
        let at = at.or_else(|| stamp::seconds(written).filter(|_| !evidence.calendar)).ok_or_else(|| {
            format!("line {line}: `{written}` is no time from 1970 to 2200; ThingSpeak writes 2026-01-01 12:00:00 UTC")
        })?;
        let values = columns.map(|column| column.map(&cell));
        add(&mut evidence, at, values, Origin::line(file, line), &|| format!("line {line}"))?;
    }
    evidence.notes.extend(zone.note(file));
    finish(evidence)
}

/// Reads the JSON of `/feeds.json` or `/fields/N.json`.
pub(super) fn json(file: &str, text: &str, hints: &Hints) -> Result<Evidence, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))?;
    let feeds = match &document {
        Value::Array(feeds) => feeds,
        _ => document["feeds"].as_array().ok_or(
            "there is no list `feeds`, as /channels/ID/feeds.json has it beside `channel`; -1 means that the key is wrong",
        )?,
    };
    let mut headers: Vec<String> = Vec::new();
    for row in feeds.iter().filter_map(Value::as_object) {
        headers.extend(row.keys().filter(|key| !headers.contains(key)).cloned().collect::<Vec<_>>());
    }
    // The channel says what its owner calls each field.
    let called = |header: &String| document["channel"][header].as_str().unwrap_or(header).to_owned();
    let names: Vec<String> = headers.iter().map(called).collect();
    let columns = columns(&headers, &names, hints)?;
    let mut zone = Zone { said: hints.utc_offset, ..Zone::default() };
    let mut evidence = Evidence::new(file, "a channel's feed");
    evidence.calendar = true;
    evidence.columns = columns.map(|column| column.map(|column| headers[column].clone()).unwrap_or_default());
    for (number, row) in feeds.iter().enumerate() {
        let entry = row["entry_id"].as_u64().map_or_else(|| format!("row {}", number + 1), |id| format!("entry {id}"));
        let written = row["created_at"].as_str().ok_or_else(|| format!("{entry}: `created_at` is missing"))?;
        let moment = stamp::calendar(written).ok_or_else(|| {
            format!("{entry}: `{written}` is no time from 1970 to 2200; ThingSpeak writes 2026-01-01T12:00:00Z")
        })?;
        let at = zone.place(moment);
        let texts = columns.map(|column| {
            column.map(|column| match &row[&headers[column]] {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => String::new(),
            })
        });
        let values = [texts[0].as_deref(), texts[1].as_deref()];
        add(&mut evidence, at, values, Origin::at(file, entry.clone()), &|| entry.clone())?;
    }
    evidence.notes.extend(zone.note(file));
    finish(evidence)
}

/// Which columns hold temperature and humidity: as asked for, else by their names, else the first two fields.
fn columns(headers: &[String], names: &[String], hints: &Hints) -> Result<[Option<usize>; 2], String> {
    let asked = |wanted: &Option<String>| -> Result<Option<usize>, String> {
        let Some(wanted) = wanted else { return Ok(None) };
        let found =
            headers.iter().position(|header| header == wanted).or_else(|| names.iter().position(|it| it == wanted));
        found.map(Some).ok_or_else(|| format!("there is no column `{wanted}` (there are: {})", headers.join(", ")))
    };
    let like =
        |words: &[&str]| names.iter().position(|name| words.iter().any(|word| name.to_lowercase().contains(word)));
    let field = |number: usize| headers.iter().position(|header| *header == format!("field{number}"));
    let humidity = asked(&hints.humidity)?.or_else(|| like(&["humid", "feucht", "humedad"]));
    let temperature = asked(&hints.temperature)?.or_else(|| like(&["temp", "celsius"]));
    let other = |taken: Option<usize>, first: usize, second: usize| {
        [field(first), field(second)].into_iter().flatten().find(|column| Some(*column) != taken)
    };
    let temperature = temperature.or_else(|| other(humidity, 1, 2));
    let humidity = humidity.or_else(|| field(2).filter(|column| Some(*column) != temperature));
    if headers.is_empty() {
        return Err("it has no fields, so there is nothing to measure again".to_owned());
    }
    if temperature.is_none() && humidity.is_none() {
        return Err(format!(
            "no column has readings (there are: {}); --temperature and --humidity name them",
            headers.join(", ")
        ));
    }
    Ok([temperature, humidity])
}

fn add(
    evidence: &mut Evidence,
    at: i64,
    values: [Option<&str>; 2],
    origin: Origin,
    place: &dyn Fn() -> String,
) -> Result<(), String> {
    evidence.reach(at);
    let present = values.iter().flatten().any(|text| !text.is_empty());
    if !present {
        // A status alone, or another field's value.
        return Ok(());
    }
    let mut read = [None; 2];
    for ((value, read), range) in values.iter().zip(&mut read).zip([TEMPERATURE, HUMIDITY]) {
        *read = match value {
            None => Some(if range == TEMPERATURE { 215 } else { 456 }),
            Some("") => None,
            Some(text) if text.trim_start_matches(['-', '+']).eq_ignore_ascii_case("nan") => None,
            Some(text) => {
                let wrong = || format!("{}: `{text}` is neither a decimal number nor `nan`", place());
                let tenths = stamp::tenths(text).ok_or_else(wrong)?;
                if !range.contains(&tenths) {
                    evidence
                        .notes
                        .push(format!("{origin}: {text} is no value that a sensor sends; taken as a failed reading"));
                }
                Some(tenths).filter(|tenths| range.contains(tenths))
            }
        };
    }
    evidence.readings.push(Reading { at, temperature: read[0], humidity: read[1], origin });
    Ok(())
}

fn finish(mut evidence: Evidence) -> Result<Evidence, String> {
    if evidence.readings.is_empty() {
        return Err("it has no row with a reading".to_owned());
    }
    if !evidence.readings.is_sorted_by_key(|reading| reading.at) {
        evidence.notes.push(format!("{}: rows are not in the order of their times; sorted", evidence.file));
        evidence.readings.sort_by_key(|reading| reading.at);
    }
    for pair in evidence.readings.windows(2).filter(|pair| pair[0].at == pair[1].at) {
        evidence.notes.push(format!(
            "{} and {} have the same time; the sensor measures what the last one says",
            pair[0].origin, pair[1].origin.place
        ));
    }
    Ok(evidence)
}
