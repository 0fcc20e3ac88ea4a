use std::time::Duration;

use crate::injection::TlsFaultKind;
use fake_thingspeak::attack::Attack;
use fake_thingspeak::certificates::Kind;
use fake_thingspeak::serve::{Fault, Pieces, WrittenReply};

use super::order::words;
use super::*;

fn order(given: &[(&str, &str)]) -> Result<Order, String> {
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Order::parse(given, Instant::now())
}

#[test]
fn every_word_is_a_fault() {
    for word in words() {
        let needs = match word {
            "status" => ("status", "503"),
            "certificate" => ("certificate", "expired"),
            "man-in-the-middle" => ("attack", "empty-record"),
            "refused-connection" => ("seconds", "1"),
            word if word == "close-when-idle" || word.starts_with("delay") || word.starts_with("retry-after") => {
                ("delay", "2.5")
            }
            _ => ("count", "1"),
        };
        let order = order(&[("fault", word), needs]).unwrap();
        assert_eq!(order.word, word);
    }
    let delay = order(&[("fault", "delay-after-storing"), ("delay", "0.25")]).unwrap();
    assert_eq!(delay.effect, Effect::Request(Fault::DelayAfterStoring(Duration::from_millis(250))));
}

#[test]
fn an_order_that_makes_no_sense_is_told_what_would() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[], "`fault` is missing: one of status, "),
        (&[("fault", "nap")], "`nap` is no fault; there are status, "),
        (&[("fault", "status")], "needs a `status` like 503"),
        (&[("fault", "status"), ("status", "199")], "from 200 to 599"),
        (&[("fault", "delay-before-storing")], "needs `delay`, in seconds"),
        (&[("fault", "delay-before-storing"), ("delay", "NaN")], "not `NaN`"),
        (&[("fault", "delay-before-storing"), ("delay", "1e300")], "is a number of seconds"),
        (&[("fault", "reset"), ("seconds", "-1")], "not `-1`"),
        (&[("fault", "refused-connection")], "needs `seconds`"),
        (&[("fault", "refused-connection"), ("count", "1")], "needs `seconds`"),
        (&[("fault", "reset"), ("count", "0")], "`0` is no count from 1"),
        (&[("fault", "reset"), ("count", "1"), ("seconds", "1")], "not both"),
        (&[("fault", "reset"), ("delay", "1")], "`delay` means nothing for `reset`"),
        (&[("fault", "reset"), ("path", "update")], "like /update"),
        (&[("fault", "reply"), ("status", "99")], "`99` is no status from 200 to 599"),
        (&[("fault", "reply"), ("headers", "Retry-After 60")], "is no header like `Retry-After: 60`"),
        (&[("fault", "reply"), ("headers", "Retry After: 60")], "is no name of a header"),
        (&[("fault", "reply"), ("pause", "1")], "`pause` needs `piece-bytes`"),
        (&[("fault", "reply"), ("piece-bytes", "0")], "is a number of bytes from 1, not `0`"),
        (&[("fault", "reply"), ("stores", "yes")], "`stores` is true or false, not `yes`"),
        (&[("fault", "certificate"), ("certificate", "nice")], "`nice` is no certificate; there are expired, "),
        (&[("fault", "man-in-the-middle")], "`man-in-the-middle` needs `attack`: one of forged-certificate, "),
        (&[("fault", "man-in-the-middle"), ("attack", "nap")], "`nap` is no attack; there are forged-certificate, "),
        (&[("fault", "certificate"), ("certificate", "expired"), ("attack", "empty-record")], "means nothing for"),
        (
            &[("fault", "man-in-the-middle"), ("attack", "empty-record"), ("path", "/update")],
            "`path` means nothing for `man-in-the-middle`",
        ),
    ];
    for (given, expected) in cases {
        let message = order(given).unwrap_err();
        assert!(message.contains(expected), "{given:?}: {message}");
    }
}

#[test]
fn a_reply_is_what_the_order_writes() {
    let given = [
        ("fault", "reply"),
        ("status", "301"),
        ("headers", "Location: https://a.example/\nRetry-After: 60\n"),
        ("body", "Moved"),
        ("piece-bytes", "3"),
        ("pause", "0.5"),
        ("close-after-bytes", "70"),
        ("path", "/update"),
    ];
    let headers = [("Location", "https://a.example/"), ("Retry-After", "60")];
    let expected = WrittenReply {
        status: 301,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: "Moved".to_owned(),
        pieces: Some(Pieces { bytes: 3, pause: Duration::from_millis(500) }),
        close_after: Some(70),
        stores: false,
    };
    assert_eq!(order(&given).unwrap().effect, Effect::Reply(expected.into()));
    let plain = order(&[("fault", "reply"), ("stores", "true")]).unwrap().effect;
    assert_eq!(plain, Effect::Reply(WrittenReply { stores: true, ..WrittenReply::default() }.into()));
}

#[tokio::test(start_paused = true)]
async fn a_rule_lasts_as_long_as_it_should_and_the_last_one_counts() {
    let mut faults = Faults::default();
    let now = Instant::now();
    let set = |faults: &mut Faults, given: &[(&str, &str)]| faults.set(order(given).unwrap());
    set(&mut faults, &[("fault", "chunked")]);
    set(&mut faults, &[("fault", "reset"), ("seconds", "10")]);
    set(&mut faults, &[("fault", "status"), ("status", "503"), ("count", "2"), ("path", "/update")]);
    set(&mut faults, &[("fault", "silent-connection"), ("count", "1")]);
    let shown = serde_json::to_string(&faults.list(now)).unwrap();
    let expected = concat!(
        r#"[{"id":1,"fault":"chunked","remaining":null},{"id":2,"fault":"reset","remaining":{"seconds":10}},"#,
        r#"{"id":3,"fault":"status","status":503,"path":"/update","remaining":{"count":2}},"#,
        r#"{"id":4,"fault":"silent-connection","remaining":{"count":1}}]"#,
    );
    assert_eq!(shown, expected);
    let mut next = |path: &str, now| faults.request(path, now).rule;
    assert_eq!(next("/update", now).as_deref(), Some("fault 3, status"));
    assert_eq!(next("/channels", now).as_deref(), Some("fault 2, reset"));
    assert_eq!(next("/update.json", now).as_deref(), Some("fault 3, status"));
    assert_eq!(next("/update", now).as_deref(), Some("fault 2, reset"));
    assert_eq!(next("/update", now + Duration::from_secs(10)).as_deref(), Some("fault 1, chunked"));
    let now = now + Duration::from_secs(10);
    assert_eq!(faults.connection(now), Some(("fault 4, silent-connection".to_owned(), ConnectionFault::Silent)));
    assert_eq!((faults.connection(now), faults.tls(now)), (None, None));
    assert_eq!(faults.list(now).len(), 1);
    assert!(faults.clear(1) && !faults.clear(1) && !faults.clear(3));
    assert_eq!(faults.request("/update", now), Verdict::honest());
}

#[tokio::test(start_paused = true)]
async fn of_a_certificate_and_an_attack_the_last_one_counts() {
    let mut faults = Faults::default();
    let now = Instant::now();
    faults.set(order(&[("fault", "certificate"), ("certificate", "expired")]).unwrap());
    faults.set(order(&[("fault", "man-in-the-middle"), ("attack", "no-certificate"), ("count", "1")]).unwrap());
    let shown = serde_json::to_value(faults.list(now)).unwrap();
    assert_eq!((&shown[1]["fault"], &shown[1]["attack"]), (&"man-in-the-middle".into(), &"no-certificate".into()));
    let attack = TlsFault::Attack(Attack::NoCertificate);
    assert_eq!(faults.tls(now), Some(("fault 2, man-in-the-middle no-certificate".to_owned(), attack)));
    let certificate = TlsFault::Certificate(Kind::Expired);
    assert_eq!(faults.tls(now), Some(("fault 1, certificate expired".to_owned(), certificate)));
    assert_eq!(faults.request("/", now), Verdict::honest());
}

#[tokio::test(start_paused = true)]
async fn connections_are_refused_until_the_time_is_over_or_another_fault_counts() {
    let mut faults = Faults::default();
    let now = Instant::now();
    assert_eq!(faults.refusal(now), None);
    faults.set(order(&[("fault", "refused-connection"), ("seconds", "10")]).unwrap());
    let end = now + Duration::from_secs(10);
    assert_eq!(faults.refusal(now), Some(("fault 1, refused-connection".to_owned(), end)));
    let other = faults.set(order(&[("fault", "silent-connection")]).unwrap());
    assert_eq!(faults.refusal(now), None);
    faults.clear(other);
    assert!(faults.refusal(now).is_some());
    assert_eq!(faults.refusal(end), None);
}

/// All words and the names of all values that a part of the scenarios' schema has.
fn said(schema: &serde_json::Value) -> std::collections::BTreeSet<String> {
    let inside: Vec<_> = match schema {
        serde_json::Value::Object(object) => object.values().collect(),
        serde_json::Value::Array(list) => list.iter().collect(),
        _ => Vec::new(),
    };
    let mut said: std::collections::BTreeSet<String> = inside.into_iter().flat_map(said).collect();
    said.extend(schema["const"].as_str().map(str::to_owned));
    said.extend(schema["properties"].as_object().into_iter().flat_map(|all| all.keys().cloned()));
    said
}

#[test]
fn what_a_scenario_says_of_the_cloud_can_be_set() {
    let schema = include_str!("../../../../simulator/schema/scenario.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let inject = &schema["properties"]["faults"]["items"]["properties"]["inject"]["properties"];
    let of_cloud = &inject["cloud"];
    let mut faults = said(of_cloud);
    // What is in a reply is not itself a fault.
    for key in said(&of_cloud["anyOf"][1]["properties"]["reply"]) {
        assert!(key == "status" || faults.remove(&key), "{key}");
    }
    faults.extend(said(&inject["route"]["properties"]["reply"]).iter().map(|word| format!("{word}-connection")));
    faults.extend(["certificate", "man-in-the-middle"].map(str::to_owned));
    // A server on real sockets tells the machine's time: a wrong one is for simulated worlds.
    assert!(faults.remove("date-wrong-by"));
    assert_eq!(faults, words().map(str::to_owned).collect());
    let choices = |kind: TlsFaultKind| kind.choices().into_iter().map(|(word, _)| word.to_owned()).collect();
    assert_eq!(said(&inject["man-in-the-middle"]), choices(TlsFaultKind::Attack));
    let mut certificates = said(&schema["$defs"]["certificate"]["anyOf"][0]);
    assert!(certificates.remove("good"));
    // The others are what a man in the middle shows.
    let known = choices(TlsFaultKind::Certificate);
    assert!(!certificates.is_empty() && certificates.is_subset(&known), "{certificates:?}");
}
