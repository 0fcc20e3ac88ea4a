//! Phones in a duck's network: a small stack with canned replies stands for the duck.

use proptest::prelude::*;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::{tcp, udp};
use smoltcp::wire::{IpAddress, IpCidr};

use super::*;
use crate::internet::dhcp::DhcpServer;
use crate::internet::dns::{Names, answer};
use crate::internet::port::{Port, next_poll, stack_time};
use simulator_record::events::JoinFailure;

const SECOND: Duration = Duration::from_secs(1);
const HOP: Duration = Duration::from_millis(2);
const FORM: &str = "<form method=post action=/save><input name=network value=old><input name=passphrase></form>";

/// What the duck tells to be itself.
const NAMES: [&str; 4] =
    ["connectivitycheck.gstatic.com", "captive.apple.com", "www.msftconnecttest.com", "detectportal.firefox.com"];

/// Answers pages at 192.168.4.1, and every name with that.
struct Duck {
    interface: Interface,
    port: Port,
    sockets: SocketSet<'static>,
    dhcp: DhcpServer,
    services: [SocketHandle; 2],
    listeners: Vec<(SocketHandle, Vec<u8>, Instant)>,
    requests: Vec<String>,
    deadline: Option<Instant>,
}

impl Duck {
    fn new() -> Self {
        let mut port = Port::default();
        let station = EthernetAddress([0x02, 0, 0, 4, 0, 1]);
        let mut interface = Interface::new(Config::new(station.into()), &mut port, stack_time(Instant::START));
        interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(SETUP_ADDRESS.into(), 24)).unwrap());
        let mut sockets = SocketSet::new(Vec::new());
        let services = [67, 53].map(|port| {
            let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 8], vec![0; 8_192]);
            let mut socket = udp::Socket::new(buffer(), buffer());
            socket.bind(port).unwrap();
            sockets.add(socket)
        });
        let mut duck = Self {
            interface,
            port,
            sockets,
            dhcp: DhcpServer::new(SETUP_ADDRESS, SETUP_ADDRESS),
            services,
            listeners: Vec::new(),
            requests: Vec::new(),
            deadline: None,
        };
        for _ in 0..4 {
            let buffer = || tcp::SocketBuffer::new(vec![0; 8_192]);
            let mut socket = tcp::Socket::new(buffer(), buffer());
            socket.listen(80).unwrap();
            duck.listeners.push((duck.sockets.add(socket), Vec::new(), Instant::START));
        }
        duck
    }

    /// A page for each path; a request to /mute gets none.
    fn reply(request: &str) -> Option<String> {
        let path = request.split(' ').nth(1).unwrap();
        let page = |status, extra: &str, body: &str| {
            let length = body.len();
            Some(format!("HTTP/1.1 {status}\r\n{extra}Content-Length: {length}\r\n\r\n{body}"))
        };
        match path {
            "/" => page("200 OK", "", FORM),
            "/save" => page("200 OK", "", "saved"),
            "/mute" => None,
            "/loop" => page("302 Found", "Location: /loop\r\n", ""),
            "/short" => Some("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nquack".to_owned()),
            "/connecttest.txt" => page("200 OK", "", "Microsoft Connect Test"),
            "/hotspot-detect.html" => page("200 OK", "", FORM),
            "/canonical.html" => None,
            "/generate_204" => page("302 Found", "Location: http://192.168.4.1/\r\n", ""),
            _ => page("404 Not Found", "", "no such page"),
        }
    }

    fn run(&mut self, now: Instant) -> Vec<Vec<u8>> {
        loop {
            self.interface.poll(stack_time(now), &mut self.port, &mut self.sockets);
            let mut moved = false;
            let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.services[0]);
            if let Ok((message, _)) = socket.recv() {
                moved = true;
                if let Some((reply, _)) = self.dhcp.answer(message, None).and_then(|answer| answer.reply) {
                    socket.send_slice(&reply, (IpAddress::v4(255, 255, 255, 255), 68)).unwrap();
                }
            }
            let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.services[1]);
            if let Ok((message, from)) = socket.recv() {
                moved = true;
                let known = NAMES.map(|name| (name.to_owned(), vec![SETUP_ADDRESS]));
                let names = Names::from(known);
                let answer = answer(&names, message, |_| None).unwrap();
                socket.send_slice(&answer.message.unwrap(), from.endpoint).unwrap();
            }
            for (handle, received, since) in &mut self.listeners {
                let socket = self.sockets.get_mut::<tcp::Socket<'_>>(*handle);
                if !socket.is_open() {
                    socket.listen(80).unwrap();
                    received.clear();
                    moved = true;
                }
                while socket.can_recv() {
                    socket.recv(|bytes| (bytes.len(), received.extend_from_slice(bytes))).unwrap();
                    *since = now;
                    moved = true;
                }
                let text = String::from_utf8_lossy(received).into_owned();
                let length = text.split("Content-Length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
                let length: usize = length.map_or(0, |length| length.parse().unwrap());
                if text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() == length) {
                    received.clear();
                    moved = true;
                    if let Some(reply) = Self::reply(&text) {
                        socket.send_slice(reply.as_bytes()).unwrap();
                        socket.close();
                    }
                    self.requests.push(text);
                }
                if socket.state() == tcp::State::CloseWait {
                    socket.close();
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        self.deadline = next_poll(now, self.interface.poll_at(stack_time(now), &self.sockets));
        std::mem::take(&mut self.port.outbound)
    }
}

/// A duck and phones, in an air where joining takes a second and only `helloduck` is let in.
struct Bench {
    duck: Duck,
    phones: Vec<Phone>,
    now: Instant,
    events: Vec<(String, PhoneEvent)>,
    frames: Vec<(Instant, Vec<u8>)>,
}

fn hurt(damage: &BTreeMap<usize, (usize, u8)>, number: usize, frame: &mut [u8]) {
    if let Some(&(place, change)) = damage.get(&number) {
        let place = place % frame.len();
        frame[place] ^= change;
    }
}

enum Coming {
    ToDuck(Vec<u8>),
    ToPhone(usize, Vec<u8>),
    Joined(usize, JoinOutcome),
}

impl Bench {
    /// Runs until every phone is done and quiet.
    fn run(phones: &[(&str, Vec<Action>)]) -> Self {
        Self::disturbed(phones, &BTreeMap::new(), |_, _| {})
    }

    /// The same with one phone that has habits.
    fn of_a_kind(habits: Habits, actions: Vec<Action>) -> Self {
        Self::disturbed(&[("alice", actions)], &BTreeMap::new(), |now, phones| {
            if now == Instant::START {
                let phone = phones.pop().unwrap();
                phones.push(phone.with(habits));
            }
        })
    }

    /// The heads of requests for this path.
    fn heads(&self, path: &str) -> Vec<&str> {
        let asks = |request: &&String| request.split(' ').nth(1) == Some(path);
        self.duck.requests.iter().filter(asks).map(|request| request.split("\r\n\r\n").next().unwrap()).collect()
    }

    /// The same; `damage` tells which byte is changed in the frame of a number, and `disturb` is called at each moment.
    fn disturbed(
        phones: &[(&str, Vec<Action>)],
        damage: &BTreeMap<usize, (usize, u8)>,
        mut disturb: impl FnMut(Instant, &mut Vec<Phone>),
    ) -> Self {
        let phone = |(number, (name, actions)): (usize, &(&str, Vec<Action>))| {
            Phone::new(name, EthernetAddress([0x02, 0, 0, 5, 0, number as u8]), actions.clone(), Seed(5))
        };
        let phones = phones.iter().enumerate().map(phone).collect();
        let mut bench = Self { duck: Duck::new(), phones, now: Instant::START, events: Vec::new(), frames: Vec::new() };
        let mut coming = BTreeMap::<(Instant, u64), Coming>::new();
        let mut count = 0_u64;
        let mut push = |coming: &mut BTreeMap<_, _>, at: Instant, what| {
            count += 1;
            coming.insert((at, count), what);
        };
        for _ in 0..1_000_000 {
            let now = bench.now;
            disturb(now, &mut bench.phones);
            while let Some(entry) = coming.first_entry().filter(|entry| entry.key().0 <= now) {
                match entry.remove() {
                    Coming::ToDuck(frame) => bench.duck.port.inbound.push_back(frame),
                    Coming::ToPhone(number, frame) => bench.phones[number].receive(now, &frame),
                    Coming::Joined(number, outcome) => bench.phones[number].joined(now, outcome),
                }
            }
            for mut frame in bench.duck.run(now) {
                bench.frames.push((now, frame.clone()));
                hurt(damage, bench.frames.len(), &mut frame);
                for number in 0..bench.phones.len() {
                    push(&mut coming, now + HOP, Coming::ToPhone(number, frame.clone()));
                }
            }
            for (number, phone) in bench.phones.iter_mut().enumerate() {
                if phone.next_deadline().is_some_and(|deadline| deadline <= now) {
                    phone.poll(now);
                }
                for mut frame in phone.take_frames() {
                    bench.frames.push((now, frame.clone()));
                    hurt(damage, bench.frames.len(), &mut frame);
                    push(&mut coming, now + HOP, Coming::ToDuck(frame));
                }
                for request in phone.take_requests() {
                    if let AirRequest::Join { network, passphrase } = request {
                        let outcome = match (network.as_str(), passphrase.as_deref().unwrap_or_default()) {
                            ("yellow-duck", "helloduck") => JoinOutcome::Joined,
                            ("yellow-duck", _) => JoinOutcome::Failed(JoinFailure::WrongPassphrase),
                            ("nobody answers", _) => continue,
                            _ => JoinOutcome::Failed(JoinFailure::NotFound),
                        };
                        push(&mut coming, now + SECOND, Coming::Joined(number, outcome));
                    }
                }
                let name = phone.name().to_owned();
                bench.events.extend(phone.take_events().into_iter().map(|event| (name.clone(), event)));
            }
            if coming.is_empty() && bench.phones.iter().all(Phone::is_done) {
                return bench;
            }
            let phones = bench.phones.iter().filter_map(Phone::next_deadline);
            let next = coming.keys().map(|key| key.0).chain(bench.duck.deadline).chain(phones).min();
            bench.now = next.unwrap().max(now + Duration::from_nanos(1));
        }
        panic!("the phones do not come to an end");
    }

    /// What `phone` saw, its first three events (join, lease) left out.
    fn saw(&self, phone: &str) -> Vec<String> {
        let text = |event: &PhoneEvent| match event {
            PhoneEvent::Join { outcome, .. } => outcome.to_string(),
            PhoneEvent::Lease { address } => format!("{address}"),
            PhoneEvent::Resolved { name, address } => format!("{name} is {address:?}"),
            PhoneEvent::Reply { request, status, body, .. } => format!("{request}: {status} {}", body.len()),
            PhoneEvent::Failed { request, reason } => format!("{request}: {reason}"),
            PhoneEvent::Left {} => "left".to_owned(),
        };
        self.events.iter().filter(|(name, _)| name == phone).map(|(_, event)| text(event)).collect()
    }
}

fn join() -> Action {
    Action::Join { network: "yellow-duck".to_owned(), passphrase: Some("helloduck".to_owned()) }
}

fn open(url: &str) -> Action {
    Action::Open { url: url.to_owned() }
}

fn request(method: &str, path: &str, body: &[u8]) -> Action {
    Action::Request { method: method.to_owned(), path: path.to_owned(), headers: BTreeMap::new(), body: body.to_vec() }
}

fn after_lease(actions: impl IntoIterator<Item = Action>) -> (Bench, Vec<String>) {
    let actions = [join()].into_iter().chain(actions).collect();
    let bench = Bench::run(&[("alice", actions)]);
    let saw = bench.saw("alice");
    assert_eq!(saw[..2], ["joined", "192.168.4.10"]);
    (bench, saw[2..].to_vec())
}

#[test]
fn a_form_is_opened_filled_in_and_sent() {
    let fields = BTreeMap::from([("passphrase".to_owned(), "50% & more".to_owned())]);
    let (bench, saw) = after_lease([Action::Submit { page: None, fields, charset: None }, Action::Leave]);
    let page = FORM.len();
    assert_eq!(
        saw,
        [format!("GET http://192.168.4.1/: 200 {page}"), "POST http://192.168.4.1/save: 200 5".into(), "left".into()]
    );
    let post = &bench.duck.requests[1];
    assert!(post.ends_with("\r\n\r\nnetwork=old&passphrase=50%25+%26+more"), "{post}");
    assert!(post.contains("Content-Type: application/x-www-form-urlencoded\r\n"), "{post}");
    assert!(post.contains("Referer: http://192.168.4.1/\r\n"), "{post}");
}

#[test]
fn a_portal_probe_is_resolved_and_redirected() {
    let (_, saw) = after_lease([open("http://connectivitycheck.gstatic.com/generate_204")]);
    assert_eq!(
        saw,
        [
            "connectivitycheck.gstatic.com is Some(192.168.4.1)".to_owned(),
            "GET http://connectivitycheck.gstatic.com/generate_204: 302 0".to_owned(),
            format!("GET http://192.168.4.1/: 200 {}", FORM.len()),
        ]
    );
}

#[test]
fn failures_are_told_apart() {
    let (_, saw) = after_lease([
        open("http://elsewhere.example/"),
        open("http://192.168.4.1:8080/"),
        open("http://192.168.4.1/short"),
        open("http://192.168.4.1/mute"),
        open("https://192.168.4.1/"),
        open("http://192.168.4.1/loop"),
        Action::Submit { page: None, fields: BTreeMap::from([("colour".to_owned(), "red".to_owned())]), charset: None },
    ]);
    let refused = "GET http://192.168.4.1:8080/: the connection was refused";
    let short = "GET http://192.168.4.1/short: the connection was closed before the reply was complete";
    assert_eq!(saw[..2], ["elsewhere.example is None", "GET http://elsewhere.example/: the name was not resolved"]);
    assert_eq!(saw[2..5], [refused, short, "GET http://192.168.4.1/mute: no reply in 30 s"]);
    assert_eq!(saw[5], "GET https://192.168.4.1/: it is no http: address");
    assert_eq!(saw[6..13].iter().filter(|line| line.ends_with(": 302 0")).count(), 6);
    assert_eq!(saw[12], "GET http://192.168.4.1/loop: too many redirects");
    assert_eq!(saw[14..], ["GET http://192.168.4.1/: the form has no field `colour`"]);
}

#[test]
fn odd_requests_are_sent_as_told() {
    let (bench, saw) = after_lease([request("PUT", "/quack?a=1", &[b'x'; 5_000]), request("HEAD", "/", b"")]);
    assert_eq!(saw, ["PUT http://192.168.4.1/quack?a=1: 404 12", "HEAD http://192.168.4.1/: 200 0"]);
    assert!(bench.duck.requests[0].starts_with("PUT /quack?a=1 HTTP/1.1\r\nHost: 192.168.4.1\r\n"));
    assert!(bench.duck.requests[0].ends_with(&"x".repeat(5_000)));
}

#[test]
fn bytes_drip_and_others_are_served_meanwhile() {
    let drip = Action::Dribble { bytes: b"GET / HT".to_vec(), every: 2 * SECOND };
    let bench = Bench::run(&[
        ("mallory", vec![join(), drip, Action::ConnectAndSayNothing(5 * SECOND)]),
        ("alice", vec![join(), Action::Wait(5 * SECOND), open("http://192.168.4.1/")]),
    ]);
    assert_eq!(
        bench.saw("mallory")[2..],
        [
            "8 bytes, one at a time: nothing came in 30s after 8 bytes",
            "a silent connection: nothing came in 5s after 0 bytes",
        ]
    );
    let position = |name: &str| bench.events.iter().rposition(|(phone, _)| phone == name).unwrap();
    assert!(position("alice") < position("mallory"));
    assert_eq!(bench.saw("alice")[2..], [format!("GET http://192.168.4.1/: 200 {}", FORM.len())]);
    // 1 s to join, 14 s to drip, 30 s and 5 s to wait.
    assert!(bench.now >= Instant::from_secs(50) && bench.now < Instant::from_secs(52), "{}", bench.now);
}

#[test]
fn a_dribbled_request_that_becomes_whole_is_answered() {
    let bytes = b"GET /save HTTP/1.1\r\n\r\n".to_vec();
    let (_, saw) = after_lease([Action::Dribble { bytes, every: SECOND / 10 }]);
    assert_eq!(saw, ["22 bytes, one at a time: 200 5"]);
}

#[test]
fn who_is_not_let_in_tells_why_and_what_follows_fails() {
    let try_join = |network: &str, passphrase: &str| Action::Join {
        network: network.to_owned(),
        passphrase: Some(passphrase.to_owned()),
    };
    let bench = Bench::run(&[(
        "alice",
        vec![
            try_join("yellow-duck", "hellodog"),
            try_join("green-duck", ""),
            try_join("nobody answers", ""),
            open("http://192.168.4.1/"),
        ],
    )]);
    assert_eq!(
        bench.saw("alice"),
        [
            "wrong passphrase",
            "not found",
            "join nobody answers: the network did not answer in 30 s",
            "GET http://192.168.4.1/: the phone is in no network",
        ]
    );
}

#[test]
fn a_network_that_goes_away_ends_what_was_under_way() {
    let actions = vec![join(), open("http://192.168.4.1/mute"), open("http://192.168.4.1/")];
    let bench = Bench::disturbed(&[("alice", actions)], &BTreeMap::new(), |now, phones| {
        if now >= Instant::from_secs(10) {
            phones[0].link_lost(now);
        }
    });
    assert_eq!(
        bench.saw("alice")[2..],
        [
            "left",
            "GET http://192.168.4.1/mute: the network went away",
            "GET http://192.168.4.1/: the phone is in no network",
        ]
    );
}

fn habits(kind: PhoneKind) -> Habits {
    Habits { kind: Some(kind), ..Habits::default() }
}

#[test]
fn a_kind_asks_its_own_server_and_opens_what_comes_of_it() {
    let android = Bench::of_a_kind(habits(PhoneKind::Android), vec![join(), Action::SignIn, Action::Leave]);
    let [probe, ..] = &android.heads("/generate_204")[..] else { panic!("{:?}", android.duck.requests) };
    assert!(
        probe.starts_with("GET /generate_204 HTTP/1.1\r\nHost: connectivitycheck.gstatic.com\r\nConnection: close\r\nUser-Agent: Mozilla/5.0 (X11; Linux"),
        "{probe}"
    );
    assert_eq!(android.heads("/").len(), 1, "it opens where it was led");

    let ios = Bench::of_a_kind(habits(PhoneKind::Ios), vec![join(), Action::SignIn, Action::Leave]);
    let [probe, page, ..] = &ios.heads("/hotspot-detect.html")[..] else { panic!("{:?}", ios.duck.requests) };
    assert_eq!(
        *probe,
        "GET /hotspot-detect.html HTTP/1.0\r\nHost: captive.apple.com\r\nConnection: close\r\nUser-Agent: CaptiveNetworkSupport-480 wispr"
    );
    assert!(page.contains("HTTP/1.1") && page.contains("iPhone"), "{page}");
}

#[test]
fn a_kind_that_finds_the_internet_or_no_answer_shows_no_login_page() {
    let windows = Bench::of_a_kind(habits(PhoneKind::Windows), vec![join(), Action::SignIn]);
    assert_eq!(windows.heads("/connecttest.txt").len(), 1);
    assert_eq!(windows.saw("alice").last().unwrap(), "sign in: the phone has noticed no login page in 30 s");

    // Asked at 1 s; given up at 11 s, again at 12 s, given up at 22 s, again at 24 s.
    let firefox = Bench::of_a_kind(habits(PhoneKind::Firefox), vec![join(), Action::SignIn]);
    assert_eq!(firefox.heads("/canonical.html").len(), 3);
    assert_eq!(firefox.heads("/success.txt?ipv4").len(), 3);
    assert!(!firefox.saw("alice").iter().any(|line| line.contains("/login")));
}

#[test]
fn some_kinds_look_again_after_each_page() {
    let pages = || vec![join(), open("http://192.168.4.1/"), open("http://192.168.4.1/"), Action::Wait(2 * SECOND)];
    let checks = |kind, path| Bench::of_a_kind(habits(kind), pages()).heads(path).len();
    assert_eq!(checks(PhoneKind::Android, "/generate_204"), 2, "one beside the first page, one after the last");
    assert_eq!(checks(PhoneKind::Windows, "/connecttest.txt"), 1);
}

#[test]
fn spare_connections_say_nothing_until_the_next_request() {
    let spare = |wait: Duration| {
        let habits = Habits { spare_connections: 2, ..Habits::default() };
        let page = || open("http://192.168.4.1/");
        let bench = Bench::of_a_kind(habits, vec![join(), page(), Action::Wait(wait), page(), Action::Wait(SECOND)]);
        let opened = |(_, frame): &&(Instant, Vec<u8>)| is_opening(frame);
        assert_eq!(bench.heads("/").len(), 2);
        bench.frames.iter().filter(opened).count()
    };
    assert_eq!(spare(SECOND), 4, "three at first, and one to have two again");
    assert_eq!(spare(11 * SECOND), 6, "the unused ones are closed by then");
}

/// Whether a frame asks for a TCP connection: SYN without ACK.
fn is_opening(frame: &[u8]) -> bool {
    frame[12..14] == [8, 0] && frame[23] == 6 && frame[47] & 0b1_0010 == 0b10
}

#[test]
fn a_form_takes_its_time_to_fill_in_and_has_the_encoding_of_its_page() {
    let submit = |charset| {
        let fields = BTreeMap::from([("network".to_owned(), "Café".to_owned())]);
        let habits = Habits { typing: 45 * SECOND, ..habits(PhoneKind::Windows) };
        let bench = Bench::of_a_kind(habits, vec![join(), Action::Submit { page: None, fields, charset }]);
        assert!(bench.now > Instant::from_secs(46), "{}", bench.now);
        bench.duck.requests.last().unwrap().rsplit("\r\n").next().unwrap().to_owned()
    };
    assert_eq!(submit(None), "network=Caf%E9&passphrase=", "the page says no encoding");
    assert_eq!(submit(Some(Charset::Utf8)), "network=Caf%C3%A9&passphrase=");
}

#[test]
fn the_same_seed_gives_the_same_frames() {
    let run = || {
        let actions = || vec![join(), open("http://connectivitycheck.gstatic.com/generate_204")];
        Bench::run(&[("alice", actions()), ("bob", actions())]).frames
    };
    assert_eq!(run(), run());
}

proptest! {
    /// Whatever a broken link makes of frames, a phone comes to an end.
    #[test]
    fn no_frame_is_too_strange(
        damage in proptest::collection::btree_map(0..60_usize, (any::<usize>(), 1..=255_u8), 1..40),
    ) {
        let actions = vec![join(), open("http://connectivitycheck.gstatic.com/generate_204")];
        let bench = Bench::disturbed(&[("alice", actions)], &damage, |_, _| {});
        let (_, last) = bench.events.last().unwrap();
        prop_assert!(matches!(last, PhoneEvent::Reply { .. } | PhoneEvent::Failed { .. }), "{last:?}");
    }
}
