//! What an account has no more of is refused, and nothing is lost of what there is.

use super::*;

const PAYMENT: &str = r#"{"status":"402","error":{"error_code":"error_payment_required","message":"Payment Required","details":"The account has no channel or no message of this year left."}}"#;

fn with_quota(messages: u64) -> Service {
    let Service { cloud, access, now } = Service::new();
    Service { cloud: cloud.with_message_quota(messages), access, now }
}

#[test]
fn a_message_too_many_is_refused_until_the_year_is_over() {
    let mut service = with_quota(2);
    assert_eq!(service.get("/update?api_key=KEY&field1=1"), ok("1"));
    // What is not stored costs nothing.
    assert_eq!(service.get("/update?api_key=KEY&field1=1"), ok("0"));
    service.wait(15);
    assert_eq!(service.get("/update?api_key=KEY&field1=2"), ok("2"));
    service.wait(15);
    assert_eq!(service.get("/update?api_key=KEY&field1=3"), (402, "error_payment_required".to_owned()));
    assert_eq!(service.get("/update.json?api_key=KEY&field1=3"), (402, PAYMENT.to_owned()));
    assert_eq!(service.get("/update?api_key=x&field1=3").0, 401);
    // Entries that are gone were messages nevertheless.
    let user = service.cloud.user().key.clone();
    assert_eq!(seen(&service.send("DELETE", &format!("/channels/ID/feeds.json?api_key={user}"), None, "")).0, 200);
    assert_eq!(service.get("/update?api_key=KEY&field1=3").0, 402);
    service.now = datetime!(2027-01-01 0:00 UTC);
    assert_eq!(service.get("/update?api_key=KEY&field1=3"), ok("1"));
}

#[test]
fn each_entry_of_a_bulk_update_is_a_message_and_all_or_none_are_stored() {
    let mut service = with_quota(3);
    let updates =
        |count| format!(r#"{{"write_api_key":"KEY","updates":[{}]}}"#, [r#"{"delta_t":1}"#; 4][..count].join(","));
    assert_eq!(service.bulk(&updates(4)), (402, PAYMENT.to_owned()));
    assert_eq!(service.count(), 0);
    assert_eq!(service.bulk(&updates(3)).0, 202);
    service.wait(15);
    assert_eq!(service.bulk(&updates(1)).0, 402);
    assert_eq!(service.count(), 3);
}

#[test]
fn what_is_restored_counts_in_its_year() {
    let mut service = Service::new();
    service.cloud.keep_changes();
    service.get("/update?api_key=KEY&field1=1&created_at=2025-12-31T23:59:59Z");
    service.wait(15);
    service.get("/update?api_key=KEY&field1=2");
    let changes = service.cloud.take_changes();
    let mut again = with_quota(2);
    again.cloud.restore(changes);
    again.wait(30);
    assert_eq!(again.get("/update?api_key=KEY&field1=3"), ok("3"));
    again.wait(15);
    assert_eq!(again.get("/update?api_key=KEY&field1=4").0, 402);
}

#[test]
fn that_an_emptied_channel_was_written_to_is_no_message() {
    let mut service = with_quota(1);
    service.cloud.restore([Change::ChannelWritten { channel: service.access.channel, at: service.now }]);
    assert_eq!(service.get("/update?api_key=KEY&field1=1"), ok("0"));
    service.wait(15);
    assert_eq!(service.get("/update?api_key=KEY&field1=1"), ok("1"));
}

#[test]
fn a_channel_too_many_is_refused_until_one_is_deleted() {
    let Service { cloud, access, now } = Service::new();
    let mut service = Service { cloud: cloud.with_max_channels(2), access, now };
    let user = service.cloud.user().key.clone();
    let make = format!("/channels.json?api_key={user}");
    assert_eq!(seen(&service.send("POST", &make, None, "name=a")).0, 200);
    assert_eq!(seen(&service.send("POST", &make, None, "name=b")), (402, PAYMENT.to_owned()));
    assert_eq!(service.cloud.channels().len(), 2);
    assert_eq!(seen(&service.send("DELETE", &format!("/channels/ID.json?api_key={user}"), None, "")).0, 200);
    assert_eq!(seen(&service.send("POST", &make, None, "name=b")).0, 200);
}
