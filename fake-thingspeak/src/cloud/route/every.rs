//! A path for each resource, for tests that go over all of them.
//!
//! [`path`] is the reverse of [`route`](super::route) and has no catch-all: a new resource does not compile before it
//! has a path here, and belongs into [`EVERY`] then.

use super::Resource;

/// Each resource, at least once; those with a variant inside, with each of them.
const EVERY: [Resource<'static>; 25] = [
    Resource::Update,
    Resource::BulkUpdate { channel: CHANNEL, csv: false },
    Resource::BulkUpdate { channel: CHANNEL, csv: true },
    Resource::Channels,
    Resource::PublicChannels,
    Resource::User { login: LOGIN },
    Resource::UserChannels { login: LOGIN },
    Resource::Channel { channel: CHANNEL },
    Resource::Feeds { channel: CHANNEL, field: None },
    Resource::Feeds { channel: CHANNEL, field: Some(1) },
    Resource::Last { channel: CHANNEL, field: None },
    Resource::Last { channel: CHANNEL, field: Some(1) },
    Resource::Entry { channel: CHANNEL, field: None, entry_id: 1 },
    Resource::Entry { channel: CHANNEL, field: Some(1), entry_id: 1 },
    Resource::LastAge { channel: CHANNEL, field: None },
    Resource::LastAge { channel: CHANNEL, field: Some(1) },
    Resource::LastEntryId { channel: CHANNEL },
    Resource::LastGroup { channel: CHANNEL, measure: "average" },
    Resource::Statuses { channel: CHANNEL },
    Resource::Status { channel: CHANNEL, entry_id: None },
    Resource::Status { channel: CHANNEL, entry_id: Some(1) },
    Resource::Commands { talkback: TALKBACK },
    Resource::Command { talkback: TALKBACK, command: 1 },
    Resource::NextCommand { talkback: TALKBACK },
    Resource::LastCommand { talkback: TALKBACK },
];

/// Stand for what a test has made.
const CHANNEL: u32 = 4_000_000_001;
const TALKBACK: u32 = 4_000_000_002;
const LOGIN: &str = "nobody";

/// The paths of all resources, without a format, of these things.
pub(crate) fn paths(channel: u32, talkback: u32, login: &str) -> Vec<String> {
    let paths = EVERY.into_iter().map(path);
    let names = [(CHANNEL, channel), (TALKBACK, talkback)].map(|(sign, number)| (sign.to_string(), number.to_string()));
    let filled = |path: String| {
        let path = names.iter().fold(path, |path, (sign, number)| path.replace(sign, number));
        path.replace(LOGIN, login)
    };
    paths.map(filled).collect()
}

fn path(resource: Resource<'_>) -> String {
    let fields = |channel: u32, field: Option<usize>| match field {
        Some(field) => format!("/channels/{channel}/fields/{field}"),
        None => format!("/channels/{channel}/feeds"),
    };
    match resource {
        Resource::Update => "/update".to_owned(),
        Resource::BulkUpdate { channel, csv: false } => format!("/channels/{channel}/bulk_update.json"),
        Resource::BulkUpdate { channel, csv: true } => format!("/channels/{channel}/bulk_update.csv"),
        Resource::Channels => "/channels".to_owned(),
        Resource::PublicChannels => "/channels/public".to_owned(),
        Resource::User { login } => format!("/users/{login}"),
        Resource::UserChannels { login } => format!("/users/{login}/channels"),
        Resource::Channel { channel } => format!("/channels/{channel}"),
        Resource::Feeds { channel, field } => fields(channel, field),
        Resource::Last { channel, field } => format!("{}/last", fields(channel, field)),
        Resource::Entry { channel, field, entry_id } => format!("{}/{entry_id}", fields(channel, field)),
        Resource::LastAge { channel, field } => format!("{}/last_data_age", fields(channel, field)),
        Resource::LastEntryId { channel } => format!("/channels/{channel}/last_entry_id"),
        Resource::LastGroup { channel, measure } => format!("/channels/{channel}/feeds/last_{measure}"),
        Resource::Statuses { channel } => format!("/channels/{channel}/status"),
        Resource::Status { channel, entry_id: None } => format!("/channels/{channel}/status/last"),
        Resource::Status { channel, entry_id: Some(entry_id) } => format!("/channels/{channel}/status/{entry_id}"),
        Resource::Commands { talkback } => format!("/talkbacks/{talkback}/commands"),
        Resource::Command { talkback, command } => format!("/talkbacks/{talkback}/commands/{command}"),
        Resource::NextCommand { talkback } => format!("/talkbacks/{talkback}/commands/execute"),
        Resource::LastCommand { talkback } => format!("/talkbacks/{talkback}/commands/last"),
    }
}

#[test]
fn each_path_is_that_of_its_resource() {
    for resource in EVERY {
        let path = path(resource);
        assert_eq!(super::route(&path).0, Some(resource), "{path}");
    }
}
