//! The service as clients see it: recorded and documented exchanges, and requests that no client should send.

use std::net::Ipv4Addr;

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use time::Duration;
use time::macros::datetime;

use super::*;

mod account;
mod owner;
mod reads;
mod requests;
mod talkback;

const START: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// A cloud with one channel, and a hand that moves time on.
struct Service {
    cloud: Cloud,
    access: Access,
    now: OffsetDateTime,
}

impl Service {
    fn new() -> Self {
        Self::with(Profile::Docs, true)
    }

    fn with(profile: Profile, public: bool) -> Self {
        let mut cloud = Cloud::new([7; 32]).with_profile(profile);
        let name = |name: &str| Some(name.to_owned());
        let fields = [name("temperature"), name("humidity"), None, None, None, None, None, None];
        let about = NewChannel { name: "duck <1>".to_owned(), fields, public };
        let access = cloud.create_channel(about, START);
        Self { cloud, access, now: START }
    }

    /// `KEY`, `READ` and `ID` in the target and the body stand for the channel's own.
    fn filled(&self, text: &str) -> String {
        text.replace("KEY", &self.access.write_key)
            .replace("READ", &self.access.read_key)
            .replace("ID", &self.access.channel.to_string())
    }

    fn send(&mut self, method: &str, target: &str, content_type: Option<&str>, body: &str) -> Sent {
        let mut request = Request::builder().method(method).uri(self.filled(target));
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let request = request.body(Bytes::from(self.filled(body))).unwrap();
        self.send_this(&request)
    }

    fn send_this(&mut self, request: &Request<Bytes>) -> Sent {
        let Handled { reply, stored, refused } = self.cloud.handle(request, self.now, CLIENT);
        Sent { response: reply.response(request), stored, refused }
    }

    fn get(&mut self, target: &str) -> (u16, String) {
        seen(&self.send("GET", target, None, ""))
    }

    fn post(&mut self, target: &str, body: &str) -> (u16, String) {
        seen(&self.send("POST", target, Some(FORM), body))
    }

    fn bulk(&mut self, body: &str) -> (u16, String) {
        seen(&self.send("POST", "/channels/ID/bulk_update.json", Some(JSON), body))
    }

    fn wait(&mut self, seconds: i64) {
        self.now += Duration::seconds(seconds);
    }

    fn count(&self) -> usize {
        self.cloud.entries(self.access.channel).unwrap().len()
    }
}

/// What came of a request.
struct Sent {
    response: Response<Bytes>,
    stored: Vec<Stored>,
    refused: Option<&'static str>,
}

fn seen(handled: &Sent) -> (u16, String) {
    (handled.response.status().as_u16(), String::from_utf8(handled.response.body().to_vec()).unwrap())
}

fn ok(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

#[test]
fn an_update_is_accepted_in_all_its_forms() {
    let mut service = Service::new();
    let key = service.access.write_key.clone();
    let in_header = |name: &str| {
        Request::post("/update").header(name, &key).header(CONTENT_TYPE, FORM).body(Bytes::from("field1=1")).unwrap()
    };
    let requests = [
        in_header("X-THINGSPEAKAPIKEY"),
        in_header("THINGSPEAKAPIKEY"),
        Request::get(format!("/update?api_key={key}&field1=1")).body(Bytes::new()).unwrap(),
        Request::get(format!("/update?key={key}&1=1")).body(Bytes::new()).unwrap(),
        Request::post(format!("/update?apikey={key}&field1=1")).body(Bytes::new()).unwrap(),
        Request::post("/update").body(Bytes::from(format!("api_key={key}&field1=1"))).unwrap(),
        Request::post("/s/update")
            .header(CONTENT_TYPE, JSON)
            .body(Bytes::from(format!(r#"{{"api_key":"{key}","field1":1}}"#)))
            .unwrap(),
    ];
    for (number, request) in (1..).zip(&requests) {
        let handled = service.send_this(request);
        assert_eq!(seen(&handled), ok(&number.to_string()), "{request:?}");
        let [stored] = &handled.stored[..] else { panic!("{request:?} stored {:?}", handled.stored) };
        assert_eq!((stored.entry_id, stored.created_at, stored.channel), (number, service.now, service.access.channel));
        assert_eq!(stored.fields[0].as_deref(), Some("1"));
        service.wait(15);
    }
}

#[test]
fn what_is_too_long_is_told_from_what_is_malformed() {
    let mut service = Service::new();
    let talkback = service.cloud.create_talkback();
    let long = "a".repeat(256);
    let commands = format!("/talkbacks/{}/commands?api_key={}&command_string=", talkback.talkback, talkback.key);
    let mut refused = |method: &str, target: &str| service.send(method, target, None, "").refused;
    assert_eq!(refused("POST", &format!("{commands}{long}")), Some("a value is too long"));
    assert_eq!(refused("POST", &commands), Some("something in it is malformed"));
    let feed = "/channels/ID/feeds.json?callback=";
    assert_eq!(refused("GET", &format!("{feed}{long}")), Some("a value is too long"));
    assert_eq!(refused("GET", &format!("{feed}alert(1)")), Some("something in it is malformed"));
    assert_eq!(refused("GET", &format!("/update?api_key=KEY&field1={long}")), Some("a value is too long"));
    assert_eq!(refused("GET", "/update?api_key=KEY&field1=1"), None);
}

#[test]
fn what_waits_in_numbers_is_small() {
    // Of both there are hundreds while a commit is under way, and they are moved.
    assert!(size_of::<Change>() <= 128, "{}", size_of::<Change>());
    assert!(size_of::<Draft>() <= 96, "{}", size_of::<Draft>());
}

#[test]
fn a_write_within_fifteen_seconds_gets_a_0_and_does_not_move_the_window() {
    let mut service = Service::new();
    assert_eq!(service.post("/update", "api_key=KEY&field1=1"), ok("1"));
    service.wait(14);
    assert_eq!(service.post("/update.json", "api_key=KEY&field1=2"), ok("0"));
    assert_eq!(service.bulk(r#"{"write_api_key":"KEY","updates":[{"created_at":"2026-01-01","field1":1}]}"#).0, 429);
    service.wait(1);
    assert_eq!(service.post("/update", "api_key=KEY&field1=3"), ok("2"));
    assert_eq!(service.count(), 2);
}

#[test]
fn the_reply_is_an_entry_in_the_format_of_the_path() {
    let mut service = Service::new();
    let entry = r#"{"channel_id":ID,"created_at":"2026-01-01T00:00:00Z","entry_id":1,"field1":"21.5","field2":null,"field3":null,"field4":null,"field5":null,"field6":null,"field7":null,"field8":null,"latitude":null,"longitude":null,"elevation":null,"status":"<ok>"}"#;
    let handled = service.send("POST", "/update.json", Some(FORM), "api_key=KEY&field1=21.5&status=%3Cok%3E");
    assert_eq!(seen(&handled), ok(&service.filled(entry)));
    assert_eq!(handled.response.headers()[CONTENT_TYPE], "application/json; charset=utf-8");

    let mut service = Service::new();
    let (_, xml) = service.post("/update.xml", "api_key=KEY&field1=21.5&status=%3Cok%3E");
    let expected = "<feed><channel-id type=\"integer\">ID</channel-id><created-at type=\"dateTime\">2026-01-01T00:00:00Z\
        </created-at><entry-id type=\"integer\">1</entry-id><field1>21.5</field1><field2 nil=\"true\"/>";
    assert!(xml.contains(&service.filled(expected)), "{xml}");
    assert!(
        xml.ends_with(
            "<longitude type=\"decimal\" nil=\"true\"/><elevation nil=\"true\"/><status>&lt;ok&gt;</status></feed>"
        ),
        "{xml}"
    );

    // The order of the keys as recorded on 2017-02-11.
    let mut service = Service::with(Profile::Recorded2019, true);
    let (_, recorded) = service.post("/update.json?api_key=KEY&field1=1", "");
    let expected = r#"{"channel_id":ID,"field1":"1","field2":null,"field3":null,"field4":null,"field5":null,"field6":null,"field7":null,"field8":null,"created_at":"2026-01-01T00:00:00Z","entry_id":1,"status":null,"latitude":null,"longitude":null,"elevation":null}"#;
    assert_eq!(recorded, service.filled(expected));
}

#[test]
fn errors_have_the_shape_of_the_path() {
    let long = "x".repeat(3_000);
    let too_large = format!("api_key=KEY&field1={long}");
    let long_value = format!("api_key=KEY&field1={}", &long[..256]);
    let json = |status: u16, code: &str, message: &str, details: &str| {
        format!(
            r#"{{"status":"{status}","error":{{"error_code":"{code}","message":"{message}","details":"{details}"}}}}"#
        )
    };
    let unauthorized =
        json(401, "error_auth_required", "Authorization Required", "Please make sure that your API key is correct.");
    let cases: Vec<(&str, &str, &str, u16, String)> = vec![
        ("POST", "/update", "api_key=0000000000000000&field1=1", 401, "error_auth_required".into()),
        ("POST", "/update", "field1=1", 401, "error_auth_required".into()),
        ("POST", "/update", "api_key=READ&field1=1", 401, "error_auth_required".into()),
        ("POST", "/update.json", "api_key=READ&field1=1", 401, unauthorized),
        ("PUT", "/update", "api_key=KEY&field1=1", 405, "error_method_invalid".into()),
        ("POST", "/update", &too_large, 413, "error_request_too_large".into()),
        ("POST", "/update", &long_value, 400, "error_bad_request".into()),
        ("POST", "/update", "api_key=KEY&field1=%ff", 422, "error_invalid_byte_sequence".into()),
        ("GET", "/nowhere", "", 404, "error_resource_not_found".into()),
        ("GET", "/channels/1/feeds.csv", "", 404, "error_resource_not_found".into()),
    ];
    let mut service = Service::new();
    for (method, target, body, status, expected) in cases {
        let handled = service.send(method, target, Some(FORM), body);
        assert_eq!(seen(&handled), (status, expected), "{method} {target}");
        assert_eq!(handled.response.headers()[CACHE_CONTROL], "no-cache");
        assert!(handled.stored.is_empty());
    }
    let (status, xml) = service.get("/channels/1/feeds.xml");
    assert_eq!(status, 404);
    assert!(xml.contains("<error><error-code>error_resource_not_found</error-code><message>"), "{xml}");
    assert_eq!(service.count(), 0);

    // 2019-02-20, with a read key.
    let mut service = Service::with(Profile::Recorded2019, true);
    assert_eq!(service.post("/update.json", "api_key=READ&field1=1"), (400, "0".to_owned()));
}

#[test]
fn a_form_in_parts_is_a_form() {
    let mut service = Service::new();
    let form = Some("Multipart/Form-Data; boundary=b");
    let part =
        |name: &str, value: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let body = format!("{}{}--b--\r\n", part("api_key", "KEY"), part("field1", "21.5"));
    let handled = service.send("POST", "/update?field1=1&field2=2", form, &body);
    assert_eq!(seen(&handled), ok("1"));
    let fields = &handled.stored[0].fields;
    assert_eq!([fields[0].as_deref(), fields[1].as_deref()], [Some("21.5"), Some("2")]);
    // One that is cut short is refused, and no empty entry is stored.
    service.wait(15);
    let handled = service.send("POST", "/update?api_key=KEY", form, &body[..body.len() - 6]);
    assert_eq!(seen(&handled), (400, "error_bad_request".to_owned()));
    assert_eq!((handled.stored.len(), service.count()), (0, 1));
    // A type without a body loses nothing.
    assert_eq!(seen(&service.send("GET", "/update?api_key=KEY&field1=1", form, "")), ok("2"));
}

#[test]
fn an_existing_created_at_is_refused_alone_and_in_bulk() {
    let mut service = Service::new();
    let update = "api_key=KEY&field1=1&created_at=2026-01-01T00:00:00%2B01:00";
    assert_eq!(service.post("/update", update), ok("1"));
    service.wait(15);
    assert_eq!(service.post("/update", update), (409, "error_conflict".to_owned()));
    // A refusal does not move the window either.
    let row = |time: &str| format!(r#"{{"created_at":"{time}","field1":"2"}}"#);
    let bulk = |rows: &[String]| format!(r#"{{"write_api_key":"KEY","updates":[{}]}}"#, rows.join(","));
    let taken = "2025-12-31T23:00:00Z";
    let (status, body) = service.bulk(&bulk(&[row("2026-01-01T01:00:00Z"), row(taken)]));
    assert_eq!((status, body.contains("error_conflict")), (409, true));
    let twice = [row("2026-01-01T01:00:00Z"), row("2026-01-01 01:00:00 UTC")];
    assert_eq!(service.bulk(&bulk(&twice)).0, 409);
    assert_eq!(service.count(), 1);
    let accepted = service.bulk(&bulk(&[row("2026-01-01T01:00:00Z"), row("1767225599")]));
    assert_eq!(accepted, (202, r#"{"success":true}"#.to_owned()));
    let times: Vec<_> = service.cloud.entries(service.access.channel).unwrap();
    let times: Vec<_> = times.iter().map(|entry| (entry.entry_id, entry.created_at)).collect();
    let expected = [
        (1, datetime!(2025-12-31 23:00 UTC)),
        (3, datetime!(2025-12-31 23:59:59 UTC)),
        (2, datetime!(2026-01-01 1:00 UTC)),
    ];
    assert_eq!(times, expected);
}

#[test]
fn a_bulk_update_may_count_from_the_end() {
    let mut service = Service::new();
    let body = r#"{"write_api_key":"KEY","updates":[{"delta_t":0,"field1":1},{"delta_t":20,"field1":2},{"delta_t":"5","status":"x"}]}"#;
    let handled = service.send("POST", "/channels/ID/bulk_update.json", Some(JSON), body);
    assert_eq!(handled.response.status(), StatusCode::ACCEPTED);
    let seen: Vec<_> = handled.stored.iter().map(|entry| (entry.entry_id, entry.created_at - START)).collect();
    assert_eq!(seen, [(1, Duration::seconds(-25)), (2, Duration::seconds(-5)), (3, Duration::ZERO)]);
}

#[test]
fn a_bulk_update_that_is_wrong_stores_nothing() {
    let many = vec![r#"{"delta_t":1}"#; 961].join(",");
    let cases = [
        (401, r#"{"write_api_key":"READ","updates":[{"created_at":"2026-01-01"}]}"#.to_owned()),
        (401, r#"{"updates":[{"created_at":"2026-01-01"}]}"#.to_owned()),
        (400, r#"{"write_api_key":"KEY","updates":[]}"#.to_owned()),
        (400, r#"{"write_api_key":"KEY","updates":[{"field1":1}]}"#.to_owned()),
        (400, r#"{"write_api_key":"KEY","updates":[{"created_at":"2026-01-01"},{"created_at":"soon"}]}"#.to_owned()),
        (400, r#"{"write_api_key":"KEY","updates":[7]}"#.to_owned()),
        (400, r#"{"write_api_key":"KEY"}"#.to_owned()),
        (400, "updates".to_owned()),
        (413, format!(r#"{{"write_api_key":"KEY","updates":[{many}]}}"#)),
    ];
    let mut service = Service::new();
    for (status, body) in cases {
        let (seen, reply) = service.bulk(&body);
        assert_eq!(seen, status, "{body}: {reply}");
    }
    assert_eq!(service.count(), 0);
    assert_eq!(service.get("/channels/ID/bulk_update.json").0, 405);
}

#[test]
fn values_are_what_the_client_meant() {
    let mut service = Service::new();
    let body = r"api_key=KEY&field1=ip_address&field2=4\n&lat=1.5&long=-2&status=a+b&unknown=x&created_at=whenever";
    let handled = service.send("POST", "/update", Some(FORM), body);
    let [stored] = &handled.stored[..] else { panic!("{:?}", handled.stored) };
    assert_eq!(stored.fields[..2], [Some("192.0.2.7".to_owned()), Some("4".to_owned())]);
    assert_eq!((stored.status.as_deref(), stored.created_at), (Some("a b"), START));
    let (_, feed) = service.get("/channels/ID/feeds/last.json?location=true&status=true");
    assert!(feed.ends_with(r#""latitude":"1.5","longitude":"-2","elevation":null,"status":"a b"}"#), "{feed}");
}

#[test]
fn keys_and_numbers_depend_on_the_seed_and_the_order_alone() {
    let (one, two) = (Service::new(), Service::new());
    assert_eq!(one.access, two.access);
    for key in [&one.access.write_key, &one.access.read_key] {
        assert_eq!(key.len(), 16);
        assert!(key.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()), "{key}");
    }
    assert_ne!(one.access.write_key, one.access.read_key);
}

#[test]
fn a_refusal_looks_like_the_real_one() {
    let mut service = Service::new();
    let request = |target: &str| Request::post(target).body(Bytes::new()).unwrap();
    let mut refused = |target: &str, refusal| {
        let response = service.cloud.refuse(&request(target), refusal);
        (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
    };
    assert_eq!(refused("/update", Refusal::TooSoon), ok("0"));
    assert_eq!(refused("/channels/1/bulk_update.json", Refusal::TooSoon).0, 429);
    assert_eq!(refused("/update", Refusal::Key), (401, "error_auth_required".to_owned()));
    assert_eq!(refused("/update", Refusal::Status(409)), (409, "error_conflict".to_owned()));
    let (status, page) = refused("/update.json", Refusal::Status(503));
    assert!(status == 503 && page.contains("<title>503 Service Unavailable</title>"), "{page}");
    assert_eq!(refused("/update", Refusal::Status(100)).0, 500);
    assert_eq!(refused("/update", Refusal::Status(7)).0, 500);
}
