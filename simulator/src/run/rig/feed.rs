//! What reaches the cloud: new entries of a channel, as its feed has them.
//!
//! A thread asks twice a second. What was there when the run began does not count.

#![expect(clippy::disallowed_methods, reason = "when an entry was seen is a time on the wall")]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use simulator_record::events::Stored;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// From one question to the next.
const EVERY: Duration = Duration::from_millis(500);
/// So often in a row it may not be read, before that is told: a network has bad moments.
const FAILURES: u32 = 10;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A channel's feed.
#[derive(Debug)]
pub(super) struct Feed {
    seen: Receiver<Seen>,
}

/// An entry and when it was seen first; or why no more will be.
pub(super) type Seen = Result<(Instant, Stored), String>;

impl Feed {
    /// Watches a feed from now on.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn watch(url: &str) -> Result<Self, String> {
        let known = entries(url)?.into_iter().map(|entry| entry.entry_id).max().unwrap_or(0);
        let (sender, seen) = channel();
        let url = url.to_owned();
        let watch = move || watch(&url, known, &sender);
        thread::Builder::new().name("feed".to_owned()).spawn(watch).map_err(|error| error.to_string())?;
        Ok(Self { seen })
    }

    /// The next entry that has been seen.
    pub(super) fn next(&self) -> Option<Seen> {
        self.seen.try_recv().ok()
    }
}

fn watch(url: &str, mut known: u64, sender: &Sender<Seen>) {
    let mut failures = 0;
    loop {
        thread::sleep(EVERY);
        let read = entries(url);
        let at = Instant::now();
        failures = if read.is_err() { failures + 1 } else { 0 };
        let new: Vec<Seen> = match read {
            Err(_) if failures < FAILURES => continue,
            Err(reason) => vec![Err(reason)],
            Ok(entries) => {
                entries.into_iter().filter(|entry| entry.entry_id > known).map(|entry| Ok((at, entry))).collect()
            }
        };
        for seen in new {
            let (id, over) = match &seen {
                Ok((_, entry)) => (entry.entry_id, false),
                Err(_) => (known, true),
            };
            known = known.max(id);
            if sender.send(seen).is_err() || over {
                return;
            }
        }
    }
}

/// All entries that a feed has, the oldest first.
fn entries(url: &str) -> Result<Vec<Stored>, String> {
    let failed = |reason: String| format!("could not read the feed {url}: {reason}");
    let response = minreq::get(url).with_timeout(PATIENCE.as_secs()).send();
    let response = response.map_err(|error| failed(error.to_string()))?;
    if response.status_code != 200 {
        return Err(failed(format!("it answers {} {}", response.status_code, response.reason_phrase)));
    }
    let text = response.as_str().map_err(|error| failed(error.to_string()))?;
    parse(text).map_err(failed)
}

/// The entries of a feed, as ThingSpeak writes it.
fn parse(text: &str) -> Result<Vec<Stored>, String> {
    let feed: Value =
        serde_json::from_str(text).map_err(|_| "it is no JSON; a feed's name ends in .json".to_owned())?;
    let channel = feed["channel"]["id"].as_u64().and_then(|id| u32::try_from(id).ok());
    let (Some(channel), Some(entries)) = (channel, feed["feeds"].as_array()) else {
        return Err("it has no `channel` and `feeds`, as a channel's feed has".to_owned());
    };
    entries.iter().map(|entry| stored(channel, entry).ok_or_else(|| format!("it has an odd entry: {entry}"))).collect()
}

fn stored(channel: u32, entry: &Value) -> Option<Stored> {
    let text = |name: &str| entry[name].as_str().map(str::to_owned);
    let created = OffsetDateTime::parse(entry["created_at"].as_str()?, &Rfc3339).ok()?;
    Some(Stored {
        channel,
        entry_id: entry["entry_id"].as_u64()?,
        created_at: created.unix_timestamp(),
        fields: core::array::from_fn(|index| text(&format!("field{}", index + 1))),
        status: text("status"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_read() {
        let text = r#"{"channel":{"id":7,"name":"pond"},"feeds":[
            {"created_at":"2026-01-01T00:00:05Z","entry_id":3,"field1":"21.5","field2":null}]}"#;
        let entries = parse(text).unwrap();
        let [entry] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((entry.channel, entry.entry_id, entry.created_at), (7, 3, 1_767_225_605));
        assert_eq!((entry.fields[0].as_deref(), entry.fields[1].as_deref()), (Some("21.5"), None));
        for (wrong, said) in [("<html>", "it is no JSON"), ("{}", "no `channel`"), ("-1", "no `channel`")] {
            assert!(parse(wrong).unwrap_err().contains(said), "{wrong}");
        }
    }
}
