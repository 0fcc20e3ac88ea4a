//! What the channel holds at the end, read off the entries that the cloud stored.

use std::time::Duration;

use humantime::format_duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Failure;
use crate::events::{Event, EventKind};
use crate::scenario::model::ChannelCheck;
use crate::time::Instant;

/// A stored entry.
struct Entry<'e> {
    stored: Instant,
    id: u64,
    created_at: i64,
    fields: &'e [Option<String>; 8],
}

/// Judges the entries in the order of their numbers; tells the first that is wrong of each thing that is.
pub(super) fn judge(check: &ChannelCheck, events: &[Event]) -> Result<(), Failure> {
    let mut entries: Vec<Entry<'_>> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Stored { entry_id, created_at, fields, .. } => {
                Some(Entry { stored: event.at, id: *entry_id, created_at: *created_at, fields })
            }
            _ => None,
        })
        .collect();
    entries.sort_by_key(|entry| entry.id);
    let mut wrong: Vec<(Option<Instant>, String)> = Vec::new();
    let count = entries.len() as u64;
    match check.entries {
        Some(quantity) if !quantity.allows(count) => wrong.push((None, entries_in_words(&entries))),
        None if entries.is_empty() => wrong.push((None, "the channel is empty".to_owned())),
        _ => {}
    }
    let neighbours = || entries.iter().zip(entries.iter().skip(1));
    if check.ascending
        && let Some((before, entry)) = neighbours().find(|(before, entry)| entry.created_at <= before.created_at)
    {
        wrong.push((
            Some(entry.stored),
            format!(
                "entry {} was created at {}, not later than entry {} at {}",
                entry.id,
                calendar(entry.created_at),
                before.id,
                calendar(before.created_at)
            ),
        ));
    }
    if let Some(longest) = check.longest_gap {
        let gap = |before: &Entry<'_>, entry: &Entry<'_>| {
            Duration::from_secs(entry.created_at.saturating_sub(before.created_at).unsigned_abs())
        };
        if let Some((before, entry)) = neighbours().find(|(before, entry)| gap(before, entry) > longest) {
            wrong.push((
                Some(entry.stored),
                format!(
                    "{} lie between entry {} at {} and entry {}",
                    format_duration(gap(before, entry)),
                    before.id,
                    calendar(before.created_at),
                    entry.id
                ),
            ));
        }
    }
    // An entry that only tells the device's status has no reading that could be wrong.
    let readings: Vec<&Entry<'_>> = entries.iter().filter(|entry| entry.fields.iter().any(Option::is_some)).collect();
    if readings.is_empty() && !entries.is_empty() && check.fields.iter().any(Option::is_some) {
        wrong.push((None, "no entry has a reading".to_owned()));
    }
    for (index, wanted) in check.fields.iter().enumerate() {
        let Some(wanted) = wanted else { continue };
        if let Some(entry) = readings.iter().find(|entry| !wanted.matches(entry.fields[index].as_deref())) {
            let value = entry.fields[index].as_ref().map_or("absent".to_owned(), |value| format!("`{value}`"));
            wrong.push((
                Some(entry.stored),
                format!("field{} of entry {} at {} is {value}", index + 1, entry.id, calendar(entry.created_at)),
            ));
        }
    }
    match wrong.first() {
        None => Ok(()),
        Some((at, _)) => {
            let texts: Vec<&str> = wrong.iter().map(|(_, text)| text.as_str()).collect();
            Err(Failure::new(texts.join("; "), *at))
        }
    }
}

/// "2 entries, created from … to …".
fn entries_in_words(entries: &[Entry<'_>]) -> String {
    match entries {
        [] => "the channel is empty".to_owned(),
        [only] => format!("1 entry, created at {}", calendar(only.created_at)),
        [first, .., last] => format!(
            "{} entries, created from {} to {}",
            entries.len(),
            calendar(first.created_at),
            calendar(last.created_at)
        ),
    }
}

/// Seconds since 1970 as a date and time.
fn calendar(unix_time: i64) -> String {
    OffsetDateTime::from_unix_timestamp(unix_time)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{unix_time} s since 1970"))
}
