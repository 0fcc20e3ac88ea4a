//! The internet as a station with an ordinary stack meets it.

mod bench;
mod tls;

use std::time::Duration;

use proptest::prelude::*;
use smoltcp::socket::dns::GetQueryResultError;

use super::fault::{CloudFault, DhcpFault, DnsFault, NtpFault, RouteFault};
use super::*;
use bench::{Bench, HOP, HOST};
use simulator_record::events::{self, LeaseOutcome};

const SECOND: Duration = Duration::from_secs(1);
/// The way to the servers and back.
const ROUND_TRIP: Duration = Duration::from_millis(41);

/// An upload as the yellow duck makes it.
fn update(bench: &Bench, body: &str) -> Vec<u8> {
    let key = &bench.channel.write_key;
    let length = body.len();
    format!(
        "POST /update HTTP/1.1\r\nHost: {HOST}\r\nX-THINGSPEAKAPIKEY: {key}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn upload(bench: &mut Bench) -> Option<(Vec<u8>, bool)> {
    let request = update(bench, "field1=21.5&field2=45.6");
    bench.exchange(80, &request, 60 * SECOND)
}

fn stored(bench: &Bench) -> usize {
    bench.seen.iter().filter(|kind| matches!(kind, EventKind::Stored(_))).count()
}

fn route(reply: RouteFault) -> Fault {
    Fault::Route { to: Some(CLOUD.to_owned()), reply }
}

#[test]
fn a_station_gets_a_lease_a_name_and_the_time() {
    let mut bench = Bench::new(1);
    bench.lease();
    assert_eq!(bench.clients[0].address, Some(Ipv4Addr::new(192, 168, 1, 10)));
    assert_eq!(bench.resolve("api.thingspeak.com"), Some(Ok(CLOUD_ADDRESS)));
    assert_eq!(bench.resolve("pool.ntp.org"), Some(Ok(TIME_ADDRESS)));
    assert_eq!(bench.resolve("example.org"), Some(Err(GetQueryResultError::Failed)));
    let asked = bench.now;
    let answer = bench.ask_time().unwrap();
    assert_eq!(bench.now.saturating_since(asked), ROUND_TRIP, "the way there and back");
    let told = u32::from_be_bytes(*answer[40..].first_chunk().unwrap());
    assert_eq!(i64::from(told) - 2_208_988_800, bench::START.unix_timestamp() + asked.as_millis() as i64 / 1_000);
}

#[test]
fn the_way_out_and_the_name_server_may_be_other_boxes_and_the_way_out_may_move() {
    let address = |host| Ipv4Addr::new(192, 168, 178, host);
    let mut bench = Bench::new(1);
    let settings = RouterSettings {
        address: Some(address(1)),
        lease: Some(120 * SECOND),
        gateway: Some(address(254)),
        name_server: Some(Ipv4Addr::new(9, 9, 9, 9)),
    };
    bench.network = bench.internet.add_network("office", settings);
    bench.lease();
    assert_eq!(bench.clients[0].address, Some(address(10)));
    let asked = bench.now;
    assert_eq!(bench.resolve("api.thingspeak.com"), Some(Ok(CLOUD_ADDRESS)));
    assert!(bench.now.saturating_since(asked) >= ROUND_TRIP, "it is in the internet");
    upload(&mut bench).unwrap();
    let moved = Fault::Dhcp { network: "office".to_owned(), reply: DhcpFault::NewGateway(address(253)) };
    bench.internet.set_active("new box", moved, None);
    assert_eq!(upload(&mut bench), None, "the lease still names the earlier one");
    let mut faults = bench.seen.iter().filter_map(|kind| match kind {
        EventKind::Fault(fault) => Some(fault.to_string()),
        _ => None,
    });
    assert!(faults.any(|fault| fault.contains("the earlier gateway let nothing through")));
    bench.wait(120 * SECOND);
    upload(&mut bench).unwrap();
    bench.internet.clear("new box");
    assert_eq!(upload(&mut bench), None);
    bench.wait(120 * SECOND);
    upload(&mut bench).unwrap();
}

#[test]
fn an_upload_is_stored_and_recorded() {
    let mut bench = Bench::new(1);
    bench.lease();
    let (reply, orderly) = upload(&mut bench).unwrap();
    let reply = String::from_utf8(reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("\r\n\r\n1"), "{reply}");
    assert!(reply.contains("Date: Thu, 01 Jan 2026 00:00:"), "{reply}");
    assert!(orderly);
    bench.wait(SECOND);
    assert_eq!(stored(&bench), 1);
    assert_eq!(bench.connections(), ["opened", "closed"]);
    let http = bench.seen.iter().find_map(|kind| if let EventKind::Http(http) = kind { Some(http) } else { None });
    let http = http.unwrap();
    assert_eq!((http.server.as_str(), http.connection, http.tls, http.stored), (CLOUD, 1, false, 1));
    assert_eq!((http.method.as_str(), http.target.as_str(), http.status), ("POST", "/update", Some(200)));
    // Everything is over once the sockets have gone through TIME-WAIT.
    bench.wait(100 * SECOND);
    assert_eq!(bench.internet.next_deadline(), None);
}

#[test]
fn a_hundred_stations_upload_at_once() {
    let mut bench = Bench::new(100);
    bench.lease();
    let channels: Vec<_> = (0..100)
        .map(|number| {
            let pond = fake_thingspeak::cloud::NewChannel {
                name: format!("pond {number}"),
                fields: std::array::from_fn(|_| Some("x".to_owned())),
                public: true,
            };
            bench.internet.cloud().create_channel(pond, bench::START)
        })
        .collect();
    let handles: Vec<_> = bench.clients.iter_mut().map(|client| client.connect(CLOUD_ADDRESS, 80, 50_000)).collect();
    let mut sent = [false; 100];
    let mut answered = [false; 100];
    let done = bench.until(60 * SECOND, |bench| {
        for number in 0..100 {
            let socket = bench.clients[number].tcp(handles[number]);
            if socket.can_send() && !sent[number] {
                let key = &channels[number].write_key;
                let request = format!("GET /update?api_key={key}&field1={number} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
                socket.send_slice(request.as_bytes()).unwrap();
                sent[number] = true;
                bench.clients[number].touch();
                continue;
            }
            answered[number] |= socket.can_recv();
        }
        answered.iter().all(|&answered| answered).then_some(())
    });
    assert_eq!(done, Some(()));
    assert_eq!(stored(&bench), 100);
}

#[test]
fn the_same_seed_gives_the_same_frames() {
    let run = || {
        let mut bench = Bench::new(2);
        bench.lease();
        bench.resolve(HOST);
        upload(&mut bench);
        bench.frames
    };
    assert_eq!(run(), run());
}

#[test]
fn pings_are_answered_by_router_and_servers() {
    let mut bench = Bench::new(1);
    bench.lease();
    for (target, round_trip) in [(Ipv4Addr::new(192, 168, 1, 1), 0), (CLOUD_ADDRESS, 40)] {
        let client = &bench.clients[0];
        let ping = smoltcp::wire::Icmpv4Repr::EchoRequest { ident: 1, seq_no: 2, data: b"quack" };
        let ends = Ends {
            from: client.station,
            to: bench.internet.router(bench.network),
            source: client.address.unwrap(),
            destination: target,
        };
        let frame = packet::icmp(ends, &ping);
        let (from, network) = (bench.now, bench.network);
        bench.internet.receive(from, network, &frame);
        let at = bench.internet.next_deadline().map_or(from, |at| at);
        if round_trip == 0 {
            assert_eq!(bench.internet.take_frames().len(), 1);
        } else {
            assert_eq!(at, from + Duration::from_millis(20));
            bench.internet.poll(at);
            bench.internet.poll(at + Duration::from_millis(20));
            let reply = &bench.internet.take_frames()[0].frame;
            assert_eq!(packet::source(reply), Some(CLOUD_ADDRESS));
        }
    }
}

#[test]
fn dhcp_faults() {
    let mut bench = Bench::new(1);
    let dhcp = |reply| Fault::Dhcp { network: "home".to_owned(), reply };
    bench.internet.set_active("router is stuck", dhcp(DhcpFault::Silent), None);
    bench.wait(30 * SECOND);
    assert_eq!(bench.clients[0].address, None);
    assert!(bench.actions().contains(&"the DHCP server did not answer"));

    bench.internet.set_active("router is stuck", dhcp(DhcpFault::Refuse), None);
    bench.wait(60 * SECOND);
    assert_eq!(bench.clients[0].address, None);
    assert!(bench.actions().contains(&"the DHCP server refused a lease"));
    assert!(
        bench
            .seen
            .iter()
            .any(|kind| matches!(kind, EventKind::Lease(events::Lease { outcome: LeaseOutcome::Refused, .. })))
    );

    bench.internet.clear("router is stuck");
    bench.lease();

    let mut bench = Bench::new(1);
    bench.internet.set_active("slow", dhcp(DhcpFault::Slow(2 * SECOND)), None);
    bench.lease();
    assert!(bench.now.since_start() >= 4 * SECOND, "an offer and an acknowledgement");
}

#[test]
fn dns_faults() {
    let mut bench = Bench::new(1);
    bench.lease();
    let mut resolve = |fault| {
        bench.internet.set_active("dns", Fault::Dns(fault), None);
        let from = bench.now;
        let answer = bench.resolve(HOST);
        (answer, bench.now.saturating_since(from))
    };
    let failed = Some(Err(GetQueryResultError::Failed));
    assert_eq!(resolve(DnsFault::Refused).0, failed);
    assert_eq!(resolve(DnsFault::ServerFailure).0, failed);
    assert_eq!(resolve(DnsFault::NoSuchName).0, failed);
    let wrong = Ipv4Addr::new(203, 0, 113, 66);
    assert_eq!(resolve(DnsFault::WrongAddress(wrong)).0, Some(Ok(wrong)));
    let (slow, took) = resolve(DnsFault::Slow(SECOND / 2));
    assert_eq!((slow, took), (Some(Ok(CLOUD_ADDRESS)), SECOND / 2 + HOP));
    let (silent, took) = resolve(DnsFault::Silent);
    assert_eq!(silent, failed);
    assert!(took >= 5 * SECOND, "the client gave up by itself");
}

#[test]
fn ntp_faults() {
    let mut bench = Bench::new(1);
    bench.lease();
    bench.internet.set_active("ntp", Fault::Ntp(NtpFault::Silent), Some(1));
    assert_eq!(bench.ask_time(), None);
    assert!(bench.ask_time().is_some(), "the rule applies once");
    bench.internet.set_active("ntp", Fault::Ntp(NtpFault::KissOfDeath), None);
    assert_eq!(bench.ask_time().unwrap()[12..16], *b"RATE");
    bench.internet.set_active("ntp", Fault::Ntp(NtpFault::Slow(3 * SECOND)), None);
    let from = bench.now;
    bench.ask_time().unwrap();
    assert_eq!(bench.now.saturating_since(from), 3 * SECOND + ROUND_TRIP);
}

#[test]
fn route_faults() {
    let mut bench = Bench::new(1);
    bench.lease();
    bench.internet.set_active("route", route(RouteFault::Refused), None);
    let from = bench.now;
    assert_eq!(upload(&mut bench), Some((vec![], false)));
    assert!(bench.now.saturating_since(from) < 2 * ROUND_TRIP, "the client is told, and does not have to wait");
    assert_eq!(bench.connections(), ["refused"]);

    bench.internet.set_active("route", route(RouteFault::Reset), None);
    assert_eq!(upload(&mut bench), Some((vec![], false)));
    bench.wait(SECOND);
    assert_eq!(bench.connections(), ["refused", "opened", "reset"]);

    bench.internet.set_active("route", route(RouteFault::Silent), None);
    assert_eq!(upload(&mut bench), None);
    assert_eq!(bench.connections()[3..], ["ignored"], "its retries are the same attempt");
    assert_eq!(stored(&bench), 0);
}

#[test]
fn a_route_that_dies_later_swallows_what_is_under_way() {
    let mut bench = Bench::new(1);
    bench.lease();
    let delay = Fault::Cloud(CloudFault::DelayBeforeStoring(5 * SECOND));
    bench.internet.set_active("slow", delay, None);
    let request = update(&bench, "field1=1");
    assert_eq!(bench.exchange(80, &request, SECOND), None);
    bench.internet.set_active("route", route(RouteFault::Silent), None);
    let frames = bench.frames.len();
    bench.wait(30 * SECOND);
    assert_eq!(stored(&bench), 1, "the cloud does not know that nobody hears it");
    let from_cloud = |(_, frame): &&(Instant, Vec<u8>)| packet::source(frame) == Some(CLOUD_ADDRESS);
    assert_eq!(bench.frames[frames..].iter().filter(from_cloud).count(), 0);
}

#[test]
fn nobody_answers_on_other_ports_and_addresses() {
    let mut bench = Bench::new(1);
    bench.lease();
    assert_eq!(bench.exchange(8_080, b"", 10 * SECOND), Some((vec![], false)));
    assert_eq!(bench.connections(), ["refused"]);
    let handle = bench.clients[0].connect(Ipv4Addr::new(192, 168, 1, 1), 80, 51_000);
    bench.wait(SECOND);
    assert!(!bench.clients[0].tcp(handle).is_open(), "the router has no web page");
    let handle = bench.clients[0].connect(Ipv4Addr::new(203, 0, 113, 66), 80, 51_001);
    bench.wait(10 * SECOND);
    assert_eq!(bench.clients[0].tcp(handle).state(), smoltcp::socket::tcp::State::SynSent);
}

#[test]
fn cloud_faults() {
    let mut bench = Bench::new(1);
    bench.lease();
    let mut upload = |fault| {
        bench.internet.set_active("cloud", Fault::Cloud(fault), Some(1));
        let (from, before) = (bench.now, stored(&bench));
        let ending = upload(&mut bench).map(|(reply, orderly)| (String::from_utf8(reply).unwrap(), orderly));
        let took = bench.now.saturating_since(from);
        let after = stored(&bench);
        bench.wait(20 * SECOND);
        let (reply, orderly) = ending.unwrap();
        (reply, orderly, after - before, took)
    };
    let (reply, _, stored, _) = upload(CloudFault::Status(503));
    assert!(reply.starts_with("HTTP/1.1 503 "), "{reply}");
    assert_eq!(stored, 0);
    let (reply, _, stored, _) = upload(CloudFault::RetryAfter(90 * SECOND));
    assert!(reply.starts_with("HTTP/1.1 429 ") && reply.contains("Retry-After: 90\r\n"), "{reply}");
    assert_eq!(stored, 0);
    let (reply, _, stored, _) = upload(CloudFault::RetryAfterDate(90 * SECOND));
    assert!(reply.starts_with("HTTP/1.1 503 ") && reply.contains("Retry-After: "), "{reply}");
    assert_eq!(stored, 0);
    let (_, _, stored, took) = upload(CloudFault::DelayBeforeStoring(4 * SECOND));
    assert!(stored == 1 && took >= 4 * SECOND);
    let (_, _, stored, took) = upload(CloudFault::DelayAfterStoring(4 * SECOND));
    assert!(stored == 1 && took >= 4 * SECOND);
    let (reply, orderly, stored, _) = upload(CloudFault::DropBeforeStoring);
    assert_eq!((reply.as_str(), orderly, stored), ("", true, 0));
    let (reply, orderly, stored, _) = upload(CloudFault::DropAfterStoring);
    assert_eq!((reply.as_str(), orderly, stored), ("", true, 1));
    let (reply, orderly, stored, _) = upload(CloudFault::Reset);
    assert_eq!((reply.as_str(), orderly, stored), ("", false, 0));
    let (reply, _, stored, _) = upload(CloudFault::Chunked);
    assert!(reply.to_ascii_lowercase().contains("transfer-encoding: chunked"), "{reply}");
    assert_eq!(stored, 1);
    let (reply, _, _, _) = upload(CloudFault::TooSoon);
    assert!(reply.ends_with("\r\n\r\n0"), "{reply}");
    assert_eq!(bench.actions().len(), 10);
}

#[test]
fn a_connection_that_is_closed_while_idle_is_told_when_it_is() {
    let mut bench = Bench::new(1);
    bench.lease();
    bench.internet.set_active("impatient", Fault::Cloud(CloudFault::CloseWhenIdle(5 * SECOND)), None);
    let request = String::from_utf8(update(&bench, "field1=21.5")).unwrap();
    // Who closes itself meets nothing of it.
    bench.exchange(80, request.as_bytes(), 60 * SECOND).unwrap();
    bench.wait(20 * SECOND);
    assert!(bench.actions().is_empty(), "{:?}", bench.actions());
    let request = request.replace("Connection: close", "Connection: keep-alive");
    let from = bench.now;
    bench.exchange(80, request.as_bytes(), 60 * SECOND).unwrap();
    assert_eq!(bench.actions(), ["closed the connection, on which nothing had come for 5s"]);
    assert!(bench.now.saturating_since(from) >= 5 * SECOND);
}

#[test]
fn a_silent_connection_is_closed_and_forgotten() {
    let mut bench = Bench::new(1);
    bench.lease();
    let handle = bench.clients[0].connect(CLOUD_ADDRESS, 80, 52_000);
    bench.wait(SECOND);
    // The station vanishes: nothing it would send arrives any more.
    bench.clients.clear();
    let _ = handle;
    bench.wait(600 * SECOND);
    assert_eq!(bench.internet.next_deadline(), None);
    assert_eq!(bench.connections().first(), Some(&"opened"));
    assert_eq!(bench.connections().len(), 2);
}

#[test]
fn lost_frames_are_made_up_for() {
    let mut bench = Bench::new(1);
    bench.lease();
    for one_lost_of in [3, 4, 5, 7] {
        bench.one_lost_of = one_lost_of;
        let entry = stored(&bench) + 1;
        let (reply, _) = upload(&mut bench).unwrap();
        assert!(reply.ends_with(format!("\r\n\r\n{entry}").as_bytes()), "one of {one_lost_of}");
        assert_eq!(stored(&bench), entry);
        bench.wait(60 * SECOND);
    }
}

#[test]
fn a_station_that_reboots_may_use_the_same_port_again() {
    let mut bench = Bench::new(1);
    bench.lease();
    let handle = bench.clients[0].connect(CLOUD_ADDRESS, 80, 49_152);
    bench.wait(SECOND);
    assert!(bench.clients[0].tcp(handle).may_send());
    bench.reboot(0);
    bench.lease();
    let handle = bench.clients[0].connect(CLOUD_ADDRESS, 80, 49_152);
    bench.wait(3 * SECOND);
    assert!(bench.clients[0].tcp(handle).may_send());
    assert_eq!(bench.connections(), ["opened", "reset", "opened"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever a broken link makes of frames, routers and servers go on and come to rest.
    #[test]
    fn no_frame_is_too_strange(
        damage in proptest::collection::btree_map(0..60_usize, (any::<usize>(), 1..=255_u8), 0..40),
        noise in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..5),
    ) {
        let mut bench = Bench::new(1);
        bench.damage = damage;
        bench.wait(60 * SECOND);
        for frame in noise {
            bench.internet.receive(bench.now, bench.network, &frame);
        }
        if bench.clients[0].address.is_some() {
            bench.resolve(HOST);
            bench.ask_time();
            upload(&mut bench);
        }
        prop_assert!(stored(&bench) <= 1);
        bench.clients.clear();
        bench.wait(1_000 * SECOND);
        prop_assert_eq!(bench.internet.next_deadline(), None);
    }
}
