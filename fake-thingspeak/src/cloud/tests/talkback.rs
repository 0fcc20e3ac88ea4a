//! Queues of commands.

use super::*;

/// A service with a TalkBack; `TKEY` and `TID` stand for its key and number.
fn service() -> (Service, TalkbackAccess) {
    let mut service = Service::new();
    let talkback = service.cloud.create_talkback();
    (service, talkback)
}

fn send(service: &mut Service, talkback: &TalkbackAccess, method: &str, target: &str, body: &str) -> (u16, String) {
    let filled = |text: &str| text.replace("TKEY", &talkback.key).replace("TID", &talkback.talkback.to_string());
    seen(&service.send(method, &filled(target), Some(FORM), &filled(body)))
}

#[test]
fn commands_wait_in_their_order_until_they_are_executed() {
    let (mut service, talkback) = service();
    let mut send = |method: &str, target: &str, body: &str| send(&mut service, &talkback, method, target, body);
    let all = "/talkbacks/TID/commands";
    assert_eq!(send("POST", all, "api_key=TKEY&command_string=OPENDOOR"), ok("1"));
    assert_eq!(send("POST", all, "api_key=TKEY&command_string=CLOSEDOOR"), ok("2"));
    let first =
        r#"{"command_string":"RING","created_at":"2026-01-01T00:00:00Z","executed_at":null,"id":3,"position":1}"#;
    assert_eq!(send("POST", "/talkbacks/TID/commands.json", "api_key=TKEY&command_string=RING&position=1"), ok(first));
    assert_eq!(send("GET", "/talkbacks/TID/commands?api_key=TKEY", ""), ok("RING\nOPENDOOR\nCLOSEDOOR\n"));
    let (_, list) = send("GET", "/talkbacks/TID/commands.json?api_key=TKEY", "");
    let positions: serde_json::Value = serde_json::from_str(&list).unwrap();
    let positions: Vec<_> = (0..3).map(|index| positions[index]["position"].as_u64()).collect();
    assert_eq!(positions, [Some(1), Some(2), Some(3)]);
    assert_eq!(
        send("GET", "/talkbacks/TID/commands/last?api_key=TKEY", ""),
        (404, "error_resource_not_found".to_owned())
    );

    assert_eq!(send("POST", "/talkbacks/TID/commands/execute", "api_key=TKEY"), ok("RING"));
    let (_, last) = send("GET", "/talkbacks/TID/commands/last.json?api_key=TKEY", "");
    assert!(last.ends_with(r#""executed_at":"2026-01-01T00:00:00Z","id":3,"position":null}"#), "{last}");
    assert_eq!(
        send("PUT", "/talkbacks/TID/commands/1", "api_key=TKEY&command_string=LOCKDOOR&position=9"),
        ok("LOCKDOOR")
    );
    assert_eq!(send("DELETE", "/talkbacks/TID/commands/2?api_key=TKEY", ""), ok("CLOSEDOOR"));
    let (_, xml) = send("GET", "/talkbacks/TID/commands/execute.xml?api_key=TKEY", "");
    assert!(xml.contains("<command><command-string>LOCKDOOR</command-string>"), "{xml}");
    assert!(xml.ends_with("<position type=\"integer\" nil=\"true\"/></command>"), "{xml}");
    assert_eq!(send("GET", "/talkbacks/TID/commands/execute?api_key=TKEY", ""), ok(""));
    assert_eq!(send("GET", "/talkbacks/TID/commands/execute.json?api_key=TKEY", ""), ok("{}"));
    assert_eq!(send("DELETE", "/talkbacks/TID/commands.json?api_key=TKEY", ""), ok("[]"));
    assert_eq!(send("GET", "/talkbacks/TID/commands/3?api_key=TKEY", "").0, 404);
}

#[test]
fn what_is_wrong_with_a_command_is_told() {
    let (mut service, talkback) = service();
    let mut send = |method: &str, target: &str, body: &str| send(&mut service, &talkback, method, target, body).0;
    let all = "/talkbacks/TID/commands";
    assert_eq!(send("GET", "/talkbacks/TID/commands?api_key=KEY", ""), 401);
    assert_eq!(send("GET", "/talkbacks/1/commands?api_key=TKEY", ""), 404);
    assert_eq!(send("POST", all, "api_key=TKEY"), 400);
    assert_eq!(send("POST", all, &format!("api_key=TKEY&command_string={}", "x".repeat(256))), 400);
    assert_eq!(send("POST", all, &format!("api_key=TKEY&command_string={}", "%C3%A9".repeat(255))), 200);
    assert_eq!(send("PUT", "/talkbacks/TID/commands?api_key=TKEY", ""), 405);
    assert_eq!(send("DELETE", "/talkbacks/TID/commands/execute?api_key=TKEY", ""), 405);
}

#[test]
fn an_update_may_take_a_command_along() {
    let (mut service, talkback) = service();
    send(&mut service, &talkback, "POST", "/talkbacks/TID/commands", "api_key=TKEY&command_string=OPENDOOR");
    let update = "api_key=KEY&field1=1&talkback_key=TKEY";
    assert_eq!(send(&mut service, &talkback, "POST", "/update", update), ok("OPENDOOR"));
    assert_eq!(send(&mut service, &talkback, "POST", "/update", update), ok("0"));
    service.wait(15);
    assert_eq!(send(&mut service, &talkback, "POST", "/update.json", update), ok("{}"));
    assert_eq!(service.count(), 2);
    // In 2015, it did not have to wait.
    service.cloud = service.cloud.clone().with_profile(Profile::OpenSource2015);
    assert_eq!(send(&mut service, &talkback, "POST", "/update", update), ok(""));
    assert_eq!(service.count(), 3);
}

#[test]
fn a_queue_is_not_endless_and_neither_is_its_past() {
    let (mut service, talkback) = service();
    let number = talkback.talkback;
    let command = |id, executed_at: Option<OffsetDateTime>| Change::CommandSet {
        talkback: number,
        command: Command {
            id,
            text: "x".to_owned(),
            position: executed_at.is_none().then_some(id),
            created_at: START,
            executed_at,
        },
    };
    service.cloud.restore((1..=7_999).map(|id| command(id, Some(START))));
    let mut send =
        |method: &str, target: &str| send(&mut service, &talkback, method, target, "api_key=TKEY&command_string=y");
    for id in 8_000..8_003 {
        assert_eq!(send("POST", "/talkbacks/TID/commands"), ok(&id.to_string()));
        assert_eq!(send("POST", "/talkbacks/TID/commands/execute"), ok("y"));
    }
    assert_eq!(send("GET", "/talkbacks/TID/commands/2?api_key=TKEY").0, 404);
    assert_eq!(send("GET", "/talkbacks/TID/commands/3?api_key=TKEY"), ok("x"));
    service.cloud.restore((9_001..=17_000).map(|id| command(id, None)));
    assert_eq!(
        self::send(&mut service, &talkback, "POST", "/talkbacks/TID/commands", "api_key=TKEY&command_string=y").0,
        400
    );
}
