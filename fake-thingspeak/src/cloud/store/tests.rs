//! What is remembered, and what of it can be found again.

use proptest::prelude::*;
use time::Duration;
use time::macros::datetime;

use super::*;

const START: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);

fn access(channel: u32) -> Access {
    Access { channel, write_key: format!("W{channel}"), read_key: format!("R{channel}") }
}

/// A channel whose entries were stored in this order of their times, in seconds from the start.
fn channel_with(times: &[i64]) -> Store {
    let mut store = Store::default();
    store.apply(Change::ChannelCreated { access: access(1), about: Box::default(), at: START });
    for (number, time) in times.iter().enumerate() {
        let mut content = Content::default();
        content.fields[number % 2] = Some(number.to_string());
        let created_at = START + Duration::seconds(*time);
        store.apply(Change::EntryAdded { channel: 1, created_at, content: content.into(), written_at: START });
    }
    store
}

#[test]
fn an_entry_that_is_handed_back_is_the_one_that_was_stored() {
    let (mut added, mut applied) = (channel_with(&[30, 10]), channel_with(&[30, 10]));
    added.keep_changes();
    let content = Content { status: Some("fine".to_owned()), ..Content::default() };
    let created_at = datetime!(2026-01-01 1:00:20.7 +1);
    let entry = added.add_entry(1, created_at, content.clone(), START).unwrap();
    assert_eq!((entry.entry_id, entry.created_at), (3, START + Duration::seconds(20)));
    assert_eq!(added.channel(1).unwrap().last(), Some(entry));
    for change in added.take_changes() {
        applied.apply(change);
    }
    assert_eq!(applied.channel(1).unwrap().last(), added.channel(1).unwrap().last());
    assert_eq!(added.add_entry(2, created_at, content, START), None);
}

fn numbers(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.entry_id).collect()
}

#[test]
fn entries_are_found_by_time_and_by_number() {
    let store = channel_with(&[30, 10, 20, 20, 40]);
    let channel = store.channel(1).unwrap();
    let at = |seconds| Some(START + Duration::seconds(seconds));
    assert_eq!(numbers(&channel.between(None, None, 9)), [2, 3, 4, 1, 5]);
    assert_eq!(numbers(&channel.between(at(20), at(30), 9)), [3, 4, 1]);
    assert_eq!(numbers(&channel.between(at(10), None, 2)), [1, 5]);
    assert!(channel.between(at(30), at(20), 9).is_empty());
    assert_eq!(numbers(&channel.between(Some(START + Duration::milliseconds(10_001)), at(20), 9)), [3, 4]);
    assert_eq!(numbers(&channel.numbered(1..=3, 9)), [2, 3, 1]);
    assert_eq!(numbers(&channel.numbered(0..=u64::MAX, 2)), [1, 5]);
    assert!(channel.numbered(1..=5, 0).is_empty());
    assert!(channel.numbered(6..=9, 9).is_empty());
    assert_eq!(channel.entry(2).unwrap().created_at, START + Duration::seconds(10));
    assert_eq!((channel.entry(0), channel.entry(6)), (None, None));
    assert_eq!(channel.last().unwrap().entry_id, 5);
    assert_eq!(channel.last_with(2).unwrap().entry_id, 4);
    assert_eq!(channel.last_with(3), None);
    assert!(channel.has(START + Duration::seconds(20)) && !channel.has(START + Duration::seconds(21)));
}

#[test]
fn a_channel_that_is_cleared_counts_from_1_again() {
    let mut store = channel_with(&[10, 20]);
    store.apply(Change::ChannelCleared { channel: 1 });
    let channel = store.channel(1).unwrap();
    assert_eq!((channel.last_entry_id(), channel.last(), channel.last_with(1)), (0, None, None));
    assert!(!channel.has(START + Duration::seconds(10)));
    // The writer still has to wait.
    assert!(channel.is_resting(START + Duration::seconds(14), Duration::seconds(15)));
    store.apply(Change::EntryAdded {
        channel: 1,
        created_at: START,
        content: Content::default().into(),
        written_at: START,
    });
    assert_eq!(store.channel(1).unwrap().last().unwrap().entry_id, 1);
    store.apply(Change::ChannelDeleted { channel: 1 });
    assert!(store.channel(1).is_none() && store.writable("W1").is_none());
}

#[test]
fn changes_that_were_kept_make_the_same_store() {
    let mut store = Store::default();
    store.keep_changes();
    let about = Box::new(About { tags: vec!["pond".to_owned()], ..About::default() });
    let text = || "swim".to_owned();
    let command = |position, executed_at| Command { id: 1, text: text(), position, created_at: START, executed_at };
    let changes = [
        Change::ChannelCreated { access: access(1), about: Box::default(), at: START },
        Change::ChannelCreated { access: access(2), about: about.clone(), at: START },
        Change::ChannelDescribed { channel: 1, about, at: START },
        Change::EntryAdded { channel: 1, created_at: START, content: Content::default().into(), written_at: START },
        Change::ChannelDeleted { channel: 2 },
        Change::TalkbackCreated { talkback: 7, key: "T7".to_owned() },
        Change::CommandSet { talkback: 7, command: command(Some(1), None) },
        Change::CommandSet { talkback: 7, command: command(None, Some(START)) },
    ];
    for change in changes.clone() {
        store.apply(change);
    }
    let taken = store.take_changes();
    assert_eq!(taken, changes);
    assert!(store.take_changes().is_empty());
    let mut other = Store::default();
    other.keep_changes();
    taken.into_iter().for_each(|change| other.apply(change));
    other.take_changes();
    assert_eq!(format!("{store:?}"), format!("{other:?}"));
    assert_eq!(other.talkback(7).unwrap().last_executed().map(|command| command.id), Some(1));
    assert_eq!((other.next_command(), other.tag("pond"), other.tag("lake")), (2, 1, 0));
}

proptest! {
    /// The fast ways to find entries against looking at every one of them.
    #[test]
    fn what_is_found_is_what_there_is(
        times in prop::collection::vec(0i64..50, 0..40),
        since in prop::option::of(0i64..50),
        until in prop::option::of(0i64..50),
        numbers in (0u64..45, 0u64..45),
        most in 0usize..45,
    ) {
        let store = channel_with(&times);
        let channel = store.channel(1).unwrap();
        let all: Vec<Entry> = channel.entries().collect();
        let at = |seconds: Option<i64>| seconds.map(|seconds| START + Duration::seconds(seconds));
        let newest = |mut found: Vec<Entry>| found.split_off(found.len() - found.len().min(most));
        let inside = |entry: &&Entry| {
            at(since).is_none_or(|since| entry.created_at >= since) && at(until).is_none_or(|until| entry.created_at <= until)
        };
        let expected = newest(all.iter().filter(inside).cloned().collect());
        prop_assert_eq!(channel.between(at(since), at(until), most), expected);
        let inside = |entry: &&Entry| (numbers.0..=numbers.1).contains(&entry.entry_id);
        let expected = newest(all.iter().filter(inside).cloned().collect());
        prop_assert_eq!(channel.numbered(numbers.0..=numbers.1, most), expected);
        for entry in &all {
            prop_assert_eq!(channel.entry(entry.entry_id), Some(entry.clone()));
        }
        for field in 1..=8 {
            let expected = all.iter().filter(|entry| entry.content.fields[field - 1].is_some()).max_by_key(|entry| entry.entry_id);
            prop_assert_eq!(channel.last_with(field), expected.cloned());
        }
    }
}
