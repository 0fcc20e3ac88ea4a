//! Exchanges with the service, recorded or documented, and what each profile makes of the same request.
//!
//! The tables are in `conformance`. Every case meets a service of its own: the two channels that the recordings of 2017
//! and 2019 are of, and a TalkBack. What the recorded names, numbers, times and values were, they are here; keys and
//! the latter half of the entries are not.

#![expect(clippy::unwrap_used, reason = "clippy takes only functions marked as tests for tests, not what they share")]

use std::net::{IpAddr, Ipv4Addr};

use fake_thingspeak::cloud::{About, Access, Change, Cloud, Command, Content, Profile};
use http::Request;
use hyper::body::Bytes;
use time::OffsetDateTime;
use time::macros::datetime;

#[path = "conformance/account.rs"]
mod account;
#[path = "conformance/exchanges.rs"]
mod exchanges;

use account::SPENT;
use exchanges::{Case, EXCHANGES, Expected};

/// When the recordings of 2019 were made.
const NOW: OffsetDateTime = datetime!(2019-02-20 22:07:37 UTC);
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 23));

/// The service as it was recorded.
fn service(profile: Profile) -> Cloud {
    let mut cloud = Cloud::new([1; 32]).with_profile(profile);
    let access = |channel, write_key: &str, read_key: &str| Access {
        channel,
        write_key: write_key.to_owned(),
        read_key: read_key.to_owned(),
    };
    let about = |description: &str, field1: &str, field2: &str, public| {
        let mut about = About {
            name: "py thingspeak".to_owned(),
            description: Some(description.to_owned()),
            latitude: Some("0.0".to_owned()),
            longitude: Some("0.0".to_owned()),
            public,
            ..About::default()
        };
        about.fields[0] = Some(field1.to_owned());
        about.fields[1] = Some(field2.to_owned());
        about
    };
    let entry = |channel, created_at: OffsetDateTime, written_at: OffsetDateTime, fields: [Option<&str>; 2]| {
        let mut content = Content::default();
        content.fields[0] = fields[0].map(str::to_owned);
        content.fields[1] = fields[1].map(str::to_owned);
        Change::EntryAdded { channel, created_at, content: content.into(), written_at }
    };
    let public = 86_945;
    let private = 204_504;
    let written = datetime!(2017-02-11 21:40:41 UTC);
    cloud.restore([
        Change::ChannelCreated {
            access: access(public, "PUBLICWRITE00000", "PUBLICREAD000000"),
            about: about("Python thingspeak testing", "cpu_pc", "mem_avail_mb", true).into(),
            at: datetime!(2016-02-09 20:22:23 UTC),
        },
        Change::ChannelCreated {
            access: access(private, "PRIVATEWRITE0000", "PRIVATEREAD00000"),
            about: about("Testing private channel", "label1", "label2", false).into(),
            at: datetime!(2016-12-18 11:03:55 UTC),
        },
        entry(public, datetime!(2016-02-09 20:25:53 UTC), written, [Some("9.2"), Some("1000")]),
        entry(public, datetime!(2016-02-09 20:30:16 UTC), written, [Some("25.0"), Some("58.9")]),
        entry(public, datetime!(2017-02-11 19:48:30 UTC), written, [Some("1"), None]),
        entry(private, datetime!(2017-02-11 20:13:49 UTC), written, [Some("1"), None]),
        Change::TalkbackCreated { talkback: 3, key: "TALKBACK00000000".to_owned() },
        Change::CommandSet {
            talkback: 3,
            command: Command {
                id: 18,
                text: "OPENDOOR".to_owned(),
                position: Some(5),
                created_at: datetime!(2013-12-29 22:53:40 UTC),
                executed_at: None,
            },
        },
    ]);
    cloud
}

/// `METHOD target`, headers, an empty line, and the body.
fn request(text: &str) -> Request<Bytes> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    request.body(Bytes::from(body.to_owned())).unwrap()
}

fn check(mut cloud: Cloud, case: &Case, profile: Profile, expected: &Expected) {
    let user = cloud.user().key.clone();
    for before in case.after {
        cloud.handle(&request(&before.replace("USERKEY", &user)), NOW, CLIENT);
    }
    let request = request(&case.request.replace("USERKEY", &user));
    let reply = cloud.handle(&request, NOW, CLIENT).reply.response(&request);
    let what = format!("{} ({}), as {profile}", case.title, case.source);
    let body = str::from_utf8(reply.body()).unwrap();
    let mut body = body.replace(&user, "USERKEY");
    if let Some(made) = cloud.channels().pop().filter(|made| made.created_at == NOW) {
        body = body
            .replace(&made.access.channel.to_string(), "NEW")
            .replace(&made.access.write_key, "NEWWRITE")
            .replace(&made.access.read_key, "NEWREAD");
    }
    assert_eq!(body, expected.body, "{what}");
    assert_eq!(reply.status().as_u16(), expected.status, "{what}");
    for (name, value) in expected.headers {
        let seen = reply.headers().get(*name).map(|value| value.to_str().unwrap());
        assert_eq!(seen, Some(*value).filter(|value| *value != exchanges::ABSENT), "{what}: {name}");
    }
}

/// Holds each case against the service of each profile.
fn check_all(cases: &[Case], service: impl Fn(Profile) -> Cloud) {
    for case in cases {
        for profile in Profile::ALL {
            let expected = case.replies.iter().find(|(profiles, _)| profiles.contains(&profile));
            let (_, expected) = expected.unwrap_or_else(|| panic!("{} says nothing of {profile}", case.title));
            check(service(profile), case, profile, expected);
        }
    }
}

#[test]
fn every_profile_answers_as_it_did() {
    check_all(EXCHANGES, service);
}

#[test]
fn an_account_without_channels_or_messages_left_is_told_so_in_every_format() {
    check_all(SPENT, |profile| service(profile).with_max_channels(2).with_message_quota(0));
}
