//! A phone and a duck on one wire: real DHCP, DNS, TCP and HTTP between two network stacks, in virtual time.

use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;
use std::string::String;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::vec::Vec;
use std::{boxed::Box, format, vec};

use embassy_futures::block_on;
use embassy_futures::join::join;
use embassy_net::dns::DnsQueryType;
use embassy_net::driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_net::tcp::TcpSocket;
use embassy_net::{Config, ConfigV4, DhcpConfig, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use embassy_time::{Duration, Instant, Timer};

use super::*;
use crate::dhcp::Heard;
use crate::listener::Listener;
use crate::settings::Fields;
use crate::store::nor::Nor;

type Frames = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// One end of the wire.
struct End {
    address: [u8; 6],
    incoming: Frames,
    outgoing: Frames,
}

struct Received(Vec<u8>);
struct Sent<'a>(&'a Frames);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, f: F) -> R {
        f(&mut self.0)
    }
}

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.borrow_mut().push_back(frame);
        result
    }
}

impl Driver for End {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sent<'a>;

    fn receive(&mut self, _: &mut Context<'_>) -> Option<(Received, Sent<'_>)> {
        let frame = self.incoming.borrow_mut().pop_front()?;
        Some((Received(frame), Sent(&self.outgoing)))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Sent<'_>> {
        Some(Sent(&self.outgoing))
    }

    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = 1514;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address)
    }
}

/// Notices that a future wants to be polled again.
#[derive(Default)]
struct Flag(AtomicBool);

impl std::task::Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What `phone` made of a duck in configuration mode, and when (in seconds) the duck wanted to restart, if it did.
fn visit<T>(
    flash: &mut Nor,
    stored: Option<&Settings>,
    switch_on: bool,
    phone: impl AsyncFnOnce(Stack<'_>) -> T,
) -> (T, Option<u64>) {
    simulator_clock::set(0);
    let (down, up) = (Frames::default(), Frames::default());
    let end = |address, incoming: &Frames, outgoing: &Frames| End {
        address,
        incoming: incoming.clone(),
        outgoing: outgoing.clone(),
    };
    let cidr = Ipv4Cidr::new(ADDRESS, PREFIX);
    let config = Config::ipv4_static(StaticConfigV4 { address: cidr, gateway: None, dns_servers: Default::default() });
    let mut resources = StackResources::<{ SOCKETS + 2 }>::new();
    let (heard, backlog) = (Heard::default(), Backlog::default());
    let driver = Listener::new(end([2, 0, 0, 0, 0, 1], &up, &down), &heard, &backlog);
    let (duck_stack, mut duck_runner) = embassy_net::new(driver, config, &mut resources, 7);
    let mut resources = StackResources::<12>::new();
    let mut config = Config::default();
    config.ipv4 = ConfigV4::Dhcp(DhcpConfig::default());
    let (phone_stack, mut phone_runner) =
        embassy_net::new(end([2, 0, 0, 0, 0, 2], &down, &up), config, &mut resources, 8);

    let mut arena = Box::new([0; ARENA]);
    let mut duck = pin!(run(duck_stack, flash, &mut arena, stored, || switch_on, &backlog));
    let mut duck_runner = pin!(duck_runner.run());
    let mut phone = pin!(async move {
        phone_stack.wait_config_up().await;
        phone(phone_stack).await
    });
    let mut phone_runner = pin!(phone_runner.run());

    let flag = Arc::new(Flag::default());
    let waker = Waker::from(flag.clone());
    let mut context = Context::from_waker(&waker);
    // Polling a socket wakes its runner, so the runners are polled anyway and wake nobody.
    let mut idle = Context::from_waker(Waker::noop());
    let (mut restart, mut seen) = (None, None);
    let mut patience = None;
    loop {
        simulator_clock::take_deadline();
        flag.0.store(false, Ordering::Relaxed);
        if restart.is_none() && duck.as_mut().poll(&mut context).is_ready() {
            restart = Some(Instant::now().as_secs());
        }
        let _ = duck_runner.as_mut().poll(&mut idle);
        if seen.is_none()
            && let Poll::Ready(result) = phone.as_mut().poll(&mut context)
        {
            seen = Some(result);
            // What goes on behind the phone's back may take a while.
            patience = Some(Instant::now() + Duration::from_secs(20));
        }
        let _ = phone_runner.as_mut().poll(&mut idle);
        let is_over = restart.is_some() || patience.is_some_and(|patience| Instant::now() > patience);
        if let Some(seen) = seen.take_if(|_| is_over) {
            return (seen, restart);
        }
        let is_busy = flag.0.load(Ordering::Relaxed) || !up.borrow().is_empty() || !down.borrow().is_empty();
        if !is_busy {
            let last = patience.map_or(u64::MAX, |patience| patience.as_micros() * 1_000 + 1_000);
            let next = simulator_clock::take_deadline().expect("somebody waits for a time").min(last);
            simulator_clock::set(next.max(simulator_clock::now()));
            assert!(Instant::now().as_secs() < 300, "nothing happens any more");
        }
    }
}

/// Sends a request and reads the reply to its end; empty if the connection was reset.
async fn ask(stack: Stack<'_>, request: &[u8]) -> String {
    let (mut received, mut sent) = ([0; 1500], [0; 1500]);
    let mut socket = TcpSocket::new(stack, &mut received, &mut sent);
    if socket.connect((ADDRESS, 80)).await.is_err() {
        return String::new();
    }
    let mut rest = request;
    while let Ok(written @ 1..) = socket.write(rest).await {
        rest = &rest[written..];
        if rest.is_empty() {
            break;
        }
    }
    let mut reply = Vec::new();
    let mut piece = [0; 500];
    loop {
        match socket.read(&mut piece).await {
            Ok(0) => break,
            Ok(length) => reply.extend_from_slice(&piece[..length]),
            Err(_) => return String::new(),
        }
    }
    socket.close();
    let _ = socket.flush().await;
    String::from_utf8(reply).unwrap()
}

async fn get(stack: Stack<'_>, path: &str) -> String {
    ask(stack, format!("GET {path} HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n").as_bytes()).await
}

async fn post(stack: Stack<'_>, body: &str) -> String {
    let head = format!("POST / HTTP/1.1\r\nHost: 192.168.4.1\r\nContent-Length: {}\r\n\r\n", body.len());
    ask(stack, (head + body).as_bytes()).await
}

fn is_whole(reply: &str) -> bool {
    reply.ends_with("</body></html>\n")
}

const GOOD: &str = "network=M%C3%BCller+%26+Co&passphrase=%26+%25+%2B%2F%3D%3F%23+%22&write-key=0123456789ABCDEF\
                    &host=api.thingspeak.com&port=443&tls=on&trusted-issuer=digicert&interval=60&sensor=DHT22";

#[test]
fn a_phone_finds_the_form_and_sets_the_duck_up() {
    let mut flash = Nor::new(4);
    let (form, restart) = visit(&mut flash, None, true, async |stack| {
        let lease = stack.config_v4().unwrap();
        assert_eq!(lease.address, Ipv4Cidr::new(Ipv4Addr::new(192, 168, 4, 2), 24));
        assert_eq!((lease.gateway, &lease.dns_servers[..]), (Some(ADDRESS), &[ADDRESS][..]));
        let found = stack.dns_query("connectivitycheck.gstatic.com", DnsQueryType::A).await.unwrap();
        assert_eq!(&found[..], [ADDRESS.into()]);

        let probe = b"GET /generate_204 HTTP/1.1\r\nHost: connectivitycheck.gstatic.com\r\n\r\n";
        assert!(ask(stack, probe).await.contains("\r\nLocation: http://192.168.4.1/\r\n"));
        let form = get(stack, "/").await;
        let again = post(stack, &GOOD.replace("0123456789ABCDEF", "wrong").replace("=60", "=5")).await;
        assert!(again.contains("write-key must be 16") && again.contains("interval must be") && is_whole(&again));
        assert!(again.contains("value=\"Müller &amp; Co\"") && !again.contains("% +"), "{again}");

        let saved = post(stack, GOOD).await;
        assert!(saved.contains("Saved") && saved.contains("Turn it off now") && is_whole(&saved), "{saved}");
        form
    });
    assert!(form.starts_with("HTTP/1.1 200 OK\r\n") && is_whole(&form), "{form}");
    assert!(restart.is_some());
    let settings = block_on(store::load(&mut flash)).unwrap().unwrap();
    assert_eq!((settings.network(), settings.passphrase()), ("Müller & Co", "& % +/=?# \""));
    assert_eq!((settings.interval(), settings.write_key()), (60, "0123456789ABCDEF"));
}

#[test]
fn a_foreign_page_saves_nothing() {
    let mut flash = Nor::new(4);
    let ((), restart) = visit(&mut flash, None, true, async |stack| {
        for (host, origin) in [("192.168.4.1", "Origin: http://example.org\r\n"), ("example.org", "")] {
            let head =
                format!("POST / HTTP/1.1\r\nHost: {host}\r\n{origin}Content-Length: {}\r\n\r\n{GOOD}", GOOD.len());
            let reply = ask(stack, head.as_bytes()).await;
            assert!(reply.starts_with("HTTP/1.1 403 ") && is_whole(&reply), "{reply}");
        }
    });
    assert_eq!((restart, flash.operations), (None, 0));
}

#[test]
fn wrong_input_saves_nothing() {
    let mut flash = Nor::new(4);
    let ((), restart) = visit(&mut flash, None, false, async |stack| {
        for body in ["", "network=home", "network=100%&passphrase=&write-key=0123456789ABCDEF", "\u{0}\u{1}"] {
            let reply = post(stack, body).await;
            assert!(is_whole(&reply) && !reply.contains("Saved"), "{reply}");
        }
    });
    assert_eq!((restart, flash.operations), (None, 0));
}

#[test]
fn refusals_are_delivered_whole() {
    visit(&mut Nor::new(4), None, false, async |stack| {
        let large = format!("POST / HTTP/1.1\r\nHost: 192.168.4.1\r\nContent-Length: 5000\r\n\r\n{}", "x".repeat(5000));
        let endless = format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", "x".repeat(3000));
        for (request, status) in [
            ("GET /favicon.ico HTTP/1.1\r\n\r\n", "404"),
            ("PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde", "405"),
            ("POST / HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n", "411"),
            ("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "403"),
            ("\u{16}\u{3}\u{1} hello", "400"),
            (&large, "413"),
            (&endless, "431"),
        ] {
            let reply = ask(stack, request.as_bytes()).await;
            assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")) && is_whole(&reply), "{status}: {reply:?}");
        }
        let head = ask(stack, b"HEAD / HTTP/1.1\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    });
}

/// Opens a connection and says one byte every `pause`, until the duck ends it; how long it lasted, in seconds.
async fn dribble(stack: Stack<'_>, bytes: &[u8], pause: Duration) -> u64 {
    let (mut received, mut sent) = ([0; 500], [0; 500]);
    let mut socket = TcpSocket::new(stack, &mut received, &mut sent);
    socket.connect((ADDRESS, 80)).await.unwrap();
    let begun = Instant::now();
    for byte in bytes {
        if socket.write(&[*byte]).await.is_err() || !socket.may_recv() {
            break;
        }
        Timer::after(pause).await;
    }
    let mut piece = [0; 500];
    while !matches!(socket.read(&mut piece).await, Ok(0) | Err(_)) {}
    begun.elapsed().as_secs()
}

#[test]
fn silent_and_dawdling_clients_hold_up_nobody() {
    let mut flash = Nor::new(4);
    let (((silent, dawdling), waited), _) = visit(&mut flash, None, false, async |stack| {
        let nuisances = join(
            dribble(stack, b"", Duration::from_secs(1)),
            dribble(stack, b"GET / HTTP/1.1\r\nHost: 192", Duration::from_secs(1)),
        );
        let visitor = async {
            Timer::after(Duration::from_millis(500)).await;
            let begun = Instant::now();
            assert!(is_whole(&get(stack, "/").await));
            begun.elapsed().as_millis()
        };
        join(nuisances, visitor).await
    });
    assert!(waited < 1_000, "{waited} ms");
    assert!((4..=5).contains(&silent), "{silent} s");
    assert!((10..=13).contains(&dawdling), "{dawdling} s");
}

#[test]
fn connections_wait_while_all_slots_are_taken() {
    let (served, _) = visit(&mut Nor::new(4), None, false, async |stack| {
        let page = || get(stack, "/");
        let spare = || dribble(stack, b"", Duration::from_secs(1));
        let ((a, b, c), (d, _, _)) = join(join3(page(), page(), page()), join3(page(), spare(), spare())).await;
        [a, b, c, d].map(|page| is_whole(&page))
    });
    assert_eq!(served, [true; 4]);
}

#[test]
fn a_form_in_another_encoding_is_told_so() {
    let mut flash = Nor::new(4);
    let (reply, restart) = visit(&mut flash, None, false, async |stack| {
        post(stack, "network=Caf%E9&passphrase=correct+horse&write-key=0123456789ABCDEF").await
    });
    assert!(reply.starts_with("HTTP/1.1 400 ") && reply.contains("UTF-8") && is_whole(&reply), "{reply}");
    assert_eq!(restart, None);
    assert!(block_on(store::load(&mut flash)).unwrap().is_none());
}

#[test]
fn all_slots_come_back_after_clients_that_misbehave() {
    visit(&mut Nor::new(4), None, false, async |stack| {
        for round in 0..4 {
            // A reset in the middle of a request, as a port scanner leaves it.
            let (mut received, mut sent) = ([0; 500], [0; 500]);
            let mut socket = TcpSocket::new(stack, &mut received, &mut sent);
            socket.connect((ADDRESS, 80)).await.unwrap();
            socket.write(b"POST / HTTP/1.1\r\nHost: 192.168.4.1\r\nContent-Length: 30\r\n\r\nnetwork=").await.unwrap();
            socket.flush().await.unwrap();
            socket.abort();
            socket.flush().await.unwrap();
            drop(socket);
            let silent = || dribble(stack, b"", Duration::from_secs(1));
            join3(silent(), silent(), silent()).await;
            Timer::after(Duration::from_secs(3)).await;
            assert!(is_whole(&get(stack, "/").await), "round {round}");
        }
    });
}

#[test]
fn flash_that_fails_is_told_and_the_form_stays() {
    let mut flash = Nor::new(4);
    flash.power_on(Some(1));
    let ((), restart) = visit(&mut flash, None, false, async |stack| {
        let reply = post(stack, GOOD).await;
        assert!(reply.starts_with("HTTP/1.1 500 ") && is_whole(&reply), "{reply}");
        assert!(is_whole(&get(stack, "/").await));
    });
    assert_eq!(restart, None);
}

#[test]
fn stored_settings_are_shown_without_their_secrets() {
    let fields = Fields {
        network: "home",
        passphrase: "very secret",
        write_key: "0123456789ABCDEF",
        interval: "3600",
        ..Fields::default()
    };
    let stored = Settings::parse(&fields).unwrap();
    let (form, _) = visit(&mut Nor::new(4), Some(&stored), true, async |stack| get(stack, "/").await);
    assert!(form.contains("value=\"home\"") && form.contains("value=\"3600\"") && form.contains("switch is on"));
    assert!(!form.contains("secret") && !form.contains("ABCDEF"));
}

#[test]
fn a_client_that_leaves_before_the_confirmation_does_not_hinder_the_restart() {
    let mut flash = Nor::new(4);
    let ((), restart) = visit(&mut flash, None, false, async |stack| {
        let (mut received, mut sent) = ([0; 500], [0; 1500]);
        let mut socket = TcpSocket::new(stack, &mut received, &mut sent);
        socket.connect((ADDRESS, 80)).await.unwrap();
        let request = format!("POST / HTTP/1.1\r\nHost: 192.168.4.1\r\nContent-Length: {}\r\n\r\n{GOOD}", GOOD.len());
        assert_eq!(socket.write(request.as_bytes()).await.unwrap(), request.len());
        socket.flush().await.unwrap();
        socket.abort();
        socket.flush().await.unwrap();
    });
    assert!(restart.is_some_and(|seconds| seconds < 20), "{restart:?}");
    assert!(block_on(store::load(&mut flash)).unwrap().is_some());
}

#[test]
fn memory_stays_within_its_share() {
    let mut resources = StackResources::<{ SOCKETS + 2 }>::new();
    let end = End { address: [2; 6], incoming: Frames::default(), outgoing: Frames::default() };
    let (stack, _runner) = embassy_net::new(end, Config::default(), &mut resources, 7);
    let (mut flash, mut arena) = (Nor::new(4), Box::new([0; ARENA]));
    let backlog = Backlog::default();
    let future = run(stack, &mut flash, &mut arena, None, || false, &backlog);
    let size = size_of_val(&future);
    std::println!("future {size} bytes, arena {ARENA} bytes");
    assert!(size <= 4_608, "{size} bytes");
    const { assert!(ARENA <= 16 * 1024) };
}
