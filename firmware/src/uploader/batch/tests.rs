use embassy_time::Instant;

use super::*;
use crate::readings::{Gap, Measurement};
use crate::settings::{Fields, SensorKind};
use crate::uploader::request::BODY_SIZE;
use crate::wall_clock::RELEASE_DATE;

const STORED: Verdict = Verdict::Stored { entry: Some(1), channel: None };
const BULK: Plan = Plan::Bulk { channel: 7 };

fn settings() -> Settings {
    let fields = Fields { network: "home", write_key: "ABCDEFGHIJKLMNOP", ..Fields::default() };
    Settings::parse(&fields).expect("valid")
}

/// A clock that says the device was booted at the release, plus `moved` seconds.
fn clock(moved: i64) -> WallClock {
    let mut clock = WallClock::unknown(None);
    clock.hear_sntp((RELEASE_DATE + moved) * 1_000_000, Instant::from_ticks(0));
    clock
}

fn queue(count: u64) -> Readings {
    let mut readings = Readings::new();
    for n in 0..count {
        let measurement = Measurement { temperature: 215, humidity: 456, sensor: SensorKind::Dht22 };
        readings.push(Instant::from_secs(3 + 60 * n), measurement, Gap::NONE);
    }
    readings
}

fn pack(plan: Plan, moved: i64, readings: &mut Readings) -> Batch {
    Batch::pack(plan, &settings(), clock(moved), readings, &mut [0; BODY_SIZE]).expect("there is something to pack")
}

fn created(readings: &Readings) -> std::vec::Vec<Option<i64>> {
    readings.iter().map(|reading| reading.created_at.map(|at| at - RELEASE_DATE)).collect()
}

#[test]
fn requests_go_where_the_cloud_expects_them() {
    let settings = settings();
    let mut body = [0; BODY_SIZE];
    for (plan, path, key, content_type, rows) in [
        (Plan::AskTime, "/", None, "application/x-www-form-urlencoded", 0),
        (Plan::Single, "/update", Some("ABCDEFGHIJKLMNOP"), "application/x-www-form-urlencoded", 1),
        (Plan::SingleForChannel, "/update.json", Some("ABCDEFGHIJKLMNOP"), "application/x-www-form-urlencoded", 1),
        (BULK, "/channels/7/bulk_update.json", None, "application/json", 3),
    ] {
        let mut readings = queue(3);
        let batch = Batch::pack(plan, &settings, clock(0), &mut readings, &mut body).expect("packs");
        let outgoing = batch.outgoing(&settings, &body);
        assert_eq!((outgoing.path, outgoing.write_key, outgoing.content_type), (path, key, content_type));
        assert_eq!((batch.rows, outgoing.body.is_empty()), (rows, rows == 0));
    }
}

#[test]
fn what_was_sent_keeps_its_identity_and_the_rest_follows_the_clock() {
    let mut readings = queue(2);
    let batch = pack(Plan::Single, 0, &mut readings);
    // It did not get as far as being sent: the clock may still correct it.
    drop(batch);
    let batch = pack(Plan::Single, 10, &mut readings);
    assert_eq!(created(&readings), [Some(13), None]);
    batch.sent(&mut readings);
    batch.doubt(&mut readings);
    pack(BULK, 500, &mut readings);
    assert_eq!(created(&readings), [Some(13), Some(563)]);
}

#[test]
fn a_conflict_means_stored_only_if_a_reply_was_lost() {
    let mut readings = queue(2);
    let batch = pack(Plan::Single, 0, &mut readings);
    batch.sent(&mut readings);
    batch.doubt(&mut readings);
    let batch = pack(Plan::Single, 0, &mut readings);
    batch.sent(&mut readings);
    assert_eq!(batch.settle(Verdict::Conflict, &mut readings), Settled::Gone);
    assert_eq!(readings.oldest().map(|reading| reading.number), Some(1));

    let batch = pack(Plan::Single, 0, &mut readings);
    batch.sent(&mut readings);
    assert_eq!(batch.settle(Verdict::Conflict, &mut readings), Settled::Moved);
    let batch = pack(Plan::Single, 0, &mut readings);
    assert_eq!(created(&readings), [Some(64)]);
    assert_eq!(batch.settle(STORED, &mut readings), Settled::Gone);
    assert!(readings.is_empty());
}

#[test]
fn nothing_leaves_the_queue_before_the_cloud_says_stored() {
    for verdict in [Verdict::TooSoon, Verdict::KeyRefused, Verdict::BulkRefused, Verdict::Trouble] {
        let mut readings = queue(3);
        let batch = pack(BULK, 0, &mut readings);
        assert_eq!(batch.settle(verdict, &mut readings), Settled::Kept);
        assert_eq!(readings.len(), 3);
        assert!(readings.iter().all(|reading| reading.in_doubt == (verdict == Verdict::Trouble)));
    }
}

#[test]
fn readings_taken_while_others_travel_stay() {
    let mut readings = queue(20);
    let batch = pack(BULK, 0, &mut readings);
    assert_eq!(batch.rows, 14);
    let measurement = Measurement { temperature: 215, humidity: 456, sensor: SensorKind::Dht22 };
    readings.push(Instant::from_secs(5_000), measurement, Gap::NONE);
    batch.settle(STORED, &mut readings);
    assert_eq!(
        readings.iter().map(|reading| reading.number).collect::<std::vec::Vec<_>>(),
        [14, 15, 16, 17, 18, 19, 20]
    );
}

#[test]
fn without_the_time_no_reading_is_packed() {
    let mut readings = queue(1);
    let clock = WallClock::unknown(None);
    assert!(Batch::pack(Plan::Single, &settings(), clock, &mut readings, &mut [0; BODY_SIZE]).is_none());
}
