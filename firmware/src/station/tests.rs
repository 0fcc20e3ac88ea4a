//! Station mode from end to end, against a router and a cloud on the bench, without TLS.

mod bench;

use std::vec::Vec;

use bench::{Arrived, Bench, Reply, run};
use embassy_time::Timer;

fn arrived(bench: &Bench) -> Vec<Arrived> {
    bench.arrived.borrow().clone()
}

/// Path and `created_at`s of each request.
fn requests(bench: &Bench) -> Vec<(std::string::String, Vec<i64>)> {
    arrived(bench).iter().map(|request| (request.path.clone(), request.created())).collect()
}

fn update(created: i64) -> (std::string::String, Vec<i64>) {
    ("/update".into(), std::vec![created])
}

#[test]
fn readings_go_up_one_by_one_with_the_time_they_were_taken() {
    let bench = run(|_| async { Timer::after_secs(200).await });
    assert_eq!(requests(&bench), [update(2), update(62), update(122), update(182)]);
    let first = &arrived(&bench)[0];
    assert!(first.text.contains("X-THINGSPEAKAPIKEY: ABCDEFGHIJKLMNOP\r\n"), "{}", first.text);
    assert!(first.text.ends_with("field1=21.5&field2=45.6&created_at=2026-01-01T00%3A00%3A02Z"), "{}", first.text);
    assert_eq!(bench.led.borrow()[..], [(1, true)]);
    let starts: Vec<_> = bench.starts.borrow().iter().map(|at| at - bench.starts.borrow()[0]).collect();
    assert_eq!(
        starts,
        [0, 58_000, 60_000, 118_000, 120_000, 178_000, 180_000],
        "each reading but the first is asked for twice"
    );
    let feeds = bench.feeds.borrow();
    assert!(feeds.windows(2).all(|pair| pair[1] - pair[0] <= 1) && feeds.len() >= 200);
}

#[test]
fn a_refusal_is_kept_and_sent_again_no_sooner_than_the_rate_limit() {
    let bench = run(|bench| async move {
        bench.replies.borrow_mut().extend([Reply::Says(200, "0"), Reply::Says(200, "0")]);
        Timer::after_secs(200).await;
    });
    let created: Vec<_> = requests(&bench).iter().map(|(_, created)| created[0]).collect();
    assert_eq!(created[..4], [2, 2, 2, 62]);
    let times: Vec<_> = arrived(&bench).iter().map(|request| request.at).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 15), "{times:?}");
}

#[test]
fn a_lost_reply_is_asked_for_again_under_the_same_identity() {
    for lost in [Reply::Nothing, Reply::Late(40, 200, "1"), Reply::Says(503, "")] {
        let bench = run(|bench| async move {
            bench.replies.borrow_mut().extend([lost, Reply::Says(409, "error_conflict")]);
            Timer::after_secs(59).await;
            // The clock is moved meanwhile; what was sent stays what it was.
            bench.time_error.set(-7);
            Timer::after_secs(120).await;
        });
        assert_eq!(requests(&bench)[..2], [update(2), update(2)]);
        assert!(requests(&bench)[2..].iter().all(|(_, created)| created[0] > 2));
    }
}

#[test]
fn readings_wait_while_the_network_is_away_and_go_up_in_bulk() {
    let bench = run(|bench| async move {
        Timer::after_secs(30).await;
        bench.network.set(false);
        Timer::after_secs(1_200).await;
        bench.network.set(true);
        Timer::after_secs(250).await;
    });
    let requests = requests(&bench);
    assert_eq!(requests[0], update(2));
    assert_eq!(requests[1], ("/update.json".into(), std::vec![62]));
    assert_eq!(requests[2].0, "/channels/9/bulk_update.json");
    assert_eq!(requests[2].1.len(), 14);
    let all: Vec<_> = requests.iter().flat_map(|(_, created)| created.clone()).collect();
    assert_eq!(all, (0..all.len() as i64).map(|n| 2 + 60 * n).collect::<Vec<_>>());
    assert!(all.len() >= 24, "{all:?}");
    let (bulk, led) = (&arrived(&bench)[2], bench.led.borrow());
    assert!(bulk.text.contains(r#"{"write_api_key":"ABCDEFGHIJKLMNOP","updates":[{"created_at":"#), "{}", bulk.text);
    assert!(!bulk.text.contains("X-THINGSPEAKAPIKEY"), "{}", bulk.text);
    assert!(!led[1].1);
    assert!((30..=31).contains(&led[1].0) && led[2].1 && (1_230..=1_300).contains(&led[2].0), "{led:?}");
}

#[test]
fn a_bulk_request_with_something_stored_already_goes_one_by_one() {
    let bench = run(|bench| async move {
        bench.replies.borrow_mut().extend([
            Reply::Says(200, "7"),
            Reply::Says(200, r#"{"channel_id":9,"entry_id":8}"#),
            // The bulk request is carried out and its reply lost.
            Reply::Nothing,
            Reply::Says(409, ""),
            Reply::Says(409, ""),
            Reply::Says(409, ""),
        ]);
        Timer::after_secs(30).await;
        bench.network.set(false);
        Timer::after_secs(160).await;
        bench.network.set(true);
        Timer::after_secs(400).await;
    });
    let requests = requests(&bench);
    let bulk = |created: &[i64]| ("/channels/9/bulk_update.json".into(), created.to_vec());
    assert_eq!(requests[..3], [update(2), ("/update.json".into(), std::vec![62]), bulk(&[122, 182])]);
    // Meanwhile one more was taken; it goes one by one with them.
    assert_eq!(requests[3..7], [bulk(&[122, 182, 242]), update(122), update(182), update(242)]);
    let after: Vec<_> = requests[7..].iter().flat_map(|(_, created)| created.clone()).collect();
    assert_eq!(after[..3], [302, 362, 422]);
}

#[test]
fn a_refused_key_is_tried_rarely() {
    let bench = run(|bench| async move {
        bench.replies.borrow_mut().extend([Reply::Says(400, "0"), Reply::Says(401, "error_auth_required")]);
        Timer::after_secs(1_900).await;
    });
    let times: Vec<_> = arrived(&bench).iter().map(|request| request.at).collect();
    assert_eq!(times.len(), 2, "{times:?}");
    assert!(times[1] - times[0] >= 1_800, "{times:?}");
}

#[test]
fn without_a_time_server_the_cloud_tells_the_time() {
    for error in [None, Some(-400 * 86_400)] {
        let bench = run(|bench| async move {
            bench.time_server.set(error.is_some());
            bench.time_error.set(error.unwrap_or(0));
            Timer::after_secs(60).await;
        });
        let requests = requests(&bench);
        assert_eq!(requests[0], ("/".into(), std::vec![]));
        assert!(!arrived(&bench)[0].text.contains("ABCDEFGHIJKLMNOP"));
        // The Date has whole seconds, so the reading may seem to be half a second older or younger than it is.
        assert!(requests[1].0 == "/update" && (1..=2).contains(&requests[1].1[0]), "{requests:?}");
    }
}

#[test]
fn a_cloud_that_does_not_tell_the_time_is_asked_with_patience() {
    let bench = run(|bench| async move {
        bench.time_server.set(false);
        bench.dated.set(false);
        Timer::after_secs(1_800).await;
    });
    let times: Vec<_> = arrived(&bench).iter().map(|request| request.at).collect();
    assert!((3..=12).contains(&times.len()), "{} questions at {times:?}", times.len());
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 15), "{times:?}");
    assert!(arrived(&bench).iter().all(|request| request.path == "/"));
}

#[test]
fn a_silent_sensor_is_tried_three_times_and_told_with_the_next_reading() {
    let bench = run(|bench| async move {
        bench.sensor.set(false);
        Timer::after_secs(70).await;
        bench.sensor.set(true);
        Timer::after_secs(70).await;
    });
    let requests = arrived(&bench);
    assert_eq!(requests.len(), 1);
    assert!(requests[0].text.ends_with("&status=2%20readings%20failed%20before%20this%20one%3A%20no%20answer"));
    let starts = bench.starts.borrow();
    assert_eq!(starts.len(), 9);
    assert!(starts[0] >= 2_000 && starts[1] - starts[0] >= 2_000 && starts[4] - starts[0] == 60_000, "{starts:?}");
}

#[test]
fn a_dead_sensor_is_reported_rarely_and_each_report_is_stored_once() {
    let bench = run(|bench| async move {
        bench.sensor.set(false);
        // The first report's reply is lost.
        bench.replies.borrow_mut().extend([Reply::Nothing, Reply::Says(409, "error_conflict")]);
        Timer::after_secs(1_000).await;
        bench.sensor.set(true);
        Timer::after_secs(70).await;
    });
    let body = |request: &Arrived| request.text.split("\r\n\r\n").nth(1).map(std::string::String::from);
    let bodies: Vec<_> = arrived(&bench).iter().filter_map(body).collect();
    // Readings fail in their third try, four seconds after they are due.
    let first = "created_at=2026-01-01T00%3A02%3A06Z&status=3%20readings%20failed%3A%20no%20answer";
    let second = "created_at=2026-01-01T00%3A14%3A06Z&status=12%20readings%20failed%3A%20no%20answer";
    assert_eq!(bodies[..3], [first, first, second]);
    assert!(bodies[3].ends_with("&status=2%20readings%20failed%20before%20this%20one%3A%20no%20answer"), "{bodies:?}");
    assert_eq!(requests(&bench)[3..], [update(1_022)]);
}

#[test]
fn a_day_goes_up_without_a_gap() {
    let bench = run(|_| async { Timer::after_secs(86_000).await });
    let requests = requests(&bench);
    let all: Vec<_> = requests.iter().flat_map(|(_, created)| created.clone()).collect();
    assert_eq!(all, (0..all.len() as i64).map(|n| 2 + 60 * n).collect::<Vec<_>>());
    assert_eq!(all.len(), 1_434);
    assert_eq!(bench.led.borrow().len(), 1);
}
