//! Which events a page holds word for word: all of a short run, and of a long one its beginning, its end, what went
//! wrong, and what happened around the moments of failures.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value, json};
use simulator_record::events::{Event, EventKind, SensorOutcome};
use simulator_record::time::Instant;

use crate::report::lane::{Lane, News};

/// How many events from the beginning on.
const FIRST: u64 = 3_000;
/// How many up to the end.
const LAST: usize = 3_000;
/// How many before and after each moment.
const AROUND: usize = 250;
/// How many between these, of what went wrong and of what the scenario or a person did.
const NOTABLE: usize = 1_500;
/// How many bytes of a text, such as a body of HTTP.
const LONGEST_TEXT: usize = 2_000;
/// Of how many transactions the wire's edges are shown, of those that worked and of those that did not.
const WAVEFORMS: [usize; 2] = [60, 200];

/// The events that are kept, each as JSON by its place in the record.
pub(super) struct Kept {
    kept: BTreeMap<u64, String>,
    /// The last ones, of which nobody knows yet whether they are to be kept.
    recent: VecDeque<(u64, String)>,
    /// What to keep around, ascending; those that have been reached are gone.
    moments: VecDeque<Instant>,
    after: usize,
    notable: usize,
    waveforms: [usize; 2],
    total: u64,
}

impl Kept {
    /// None yet; around these moments more than elsewhere.
    pub(super) fn new(mut moments: Vec<Instant>) -> Self {
        moments.sort_unstable();
        Self {
            kept: BTreeMap::new(),
            recent: VecDeque::new(),
            moments: moments.into(),
            after: 0,
            notable: 0,
            waveforms: [0; 2],
            total: 0,
        }
    }

    /// The next event, which belongs to that strip of the timeline.
    pub(super) fn see(&mut self, event: &Event, strip: Option<usize>) {
        self.total += 1;
        if self.moments.pop_front_if(|moment| *moment <= event.at).is_some() {
            let before = self.recent.len().saturating_sub(AROUND);
            self.kept.extend(self.recent.drain(before..));
            self.after = AROUND;
        }
        let row = self.row(event, strip).to_string();
        let notable = News::of(&event.kind) == News::Bad
            || matches!(Lane::of(&event.kind), Lane::Faults | Lane::Steps | Lane::Power | Lane::Boots);
        if self.total <= FIRST {
            self.kept.insert(event.sequence, row);
        } else if self.after > 0 {
            self.after -= 1;
            self.kept.insert(event.sequence, row);
        } else if notable && self.notable < NOTABLE {
            self.notable += 1;
            self.kept.insert(event.sequence, row);
        } else {
            self.recent.push_back((event.sequence, row));
            if self.recent.len() > LAST {
                self.recent.pop_front();
            }
        }
    }

    /// How many events there were.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Those that are kept, in order.
    pub(super) fn into_rows(mut self) -> Vec<String> {
        self.kept.extend(self.recent);
        self.kept.into_values().collect()
    }

    /// `[microseconds, sequence, kind, strip, news, text, fields]`.
    fn row(&mut self, event: &Event, strip: Option<usize>) -> Value {
        let text = match &event.kind {
            EventKind::Serial(serial) => shortened(&serial.line),
            kind => shortened(&kind.to_string()),
        };
        let mut row =
            json!([event.at.as_micros(), event.sequence, event.kind.kind(), strip, News::of(&event.kind) as u8, text]);
        if let (Some(fields), Value::Array(cells)) = (self.fields(&event.kind), &mut row) {
            cells.push(Value::Object(fields));
        }
        row
    }

    /// What else there is to an event than its text.
    fn fields(&mut self, kind: &EventKind) -> Option<Map<String, Value>> {
        if let EventKind::Serial(_) = kind {
            return None;
        }
        let Ok(Value::Object(mut fields)) = serde_json::to_value(kind) else { return None };
        fields.remove("event");
        if let EventKind::Sensor(sensor) = kind {
            fields.remove("edges");
            let failed = usize::from(sensor.outcome != SensorOutcome::Answered);
            if self.waveforms[failed] < WAVEFORMS[failed] {
                self.waveforms[failed] += 1;
                // From edge to edge takes fewer digits.
                let lengths = sensor.edges.windows(2).map(|two| two[1].saturating_sub(two[0]));
                fields.insert("wire".to_owned(), lengths.collect());
            }
        }
        fields.values_mut().for_each(shorten);
        Some(fields)
    }
}

/// Shortens each text in a value.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > LONGEST_TEXT => *text = shortened(text),
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

/// A text, or its beginning and how much more there is.
pub(super) fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LONGEST_TEXT);
    format!("{} … and {} bytes more", &text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator_record::events::Serial;

    fn sequences(count: u64, moments: &[u64]) -> Vec<u64> {
        let mut kept = Kept::new(moments.iter().map(|second| Instant::from_secs(*second)).collect());
        for sequence in 0..count {
            let kind = Serial { line: "x".to_owned() }.into();
            let at = Instant::from_secs(sequence);
            kept.see(&Event { at, sequence, device: None, name: None, kind }, Some(0));
        }
        let rows = kept.into_rows().into_iter().map(|row| serde_json::from_str::<Value>(&row).unwrap());
        rows.map(|row| row[1].as_u64().unwrap()).collect()
    }

    #[test]
    fn a_short_run_is_kept_whole() {
        assert_eq!(sequences(6_000, &[]), (0..6_000).collect::<Vec<_>>());
    }

    #[test]
    fn of_a_long_run_its_ends_and_the_surroundings_of_moments_are_kept() {
        let kept = sequences(1_000_000, &[500_000]);
        assert_eq!(kept.len(), FIRST as usize + 2 * AROUND + LAST);
        assert!(kept.is_sorted() && kept.contains(&499_750) && kept.contains(&500_249));
        assert!(!kept.contains(&499_749) && !kept.contains(&500_250) && kept.contains(&999_999));
    }

    #[test]
    fn a_long_text_says_how_much_is_left_out() {
        assert_eq!(shortened(&"ö".repeat(1_001)), format!("{} … and 2 bytes more", "ö".repeat(1_000)));
    }
}
