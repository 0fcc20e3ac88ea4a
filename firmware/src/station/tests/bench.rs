//! A duck in station mode on a bench: a sensor on its wire, a network that comes and goes, and a router with a time
//! server and a cloud whose replies are written down beforehand. All in virtual time; everything above the frame and
//! the pin is the firmware's own code.

use core::cell::{Cell, RefCell};
use core::convert::Infallible;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::boxed::Box;
use std::collections::VecDeque;
use std::rc::Rc;
use std::string::{String, ToString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::vec::Vec;
use std::{format, vec};

use embassy_futures::block_on;
use embassy_futures::join::join3;
use embassy_net::driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_net::tcp::TcpSocket;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{Config, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use embassy_time::{Instant, Timer};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};

use crate::board::{
    AccessPoint, Board, Delay, JoinError, LinkLoss, Network, Parts, Radio, RadioError, ResetCause, Watchdog,
};
use crate::portal;
use crate::resources::Resources;
use crate::settings::{Fields, Settings};
use crate::store::nor::Nor;
use crate::testing::Numbers;
use crate::wall_clock::RELEASE_DATE;

const PORT: u16 = 8080;

/// What the cloud does with a request.
#[derive(Clone, Copy)]
pub enum Reply {
    /// Answers so.
    Says(u16, &'static str),
    /// Answers so much later, in seconds.
    Late(u64, u16, &'static str),
    /// Closes the connection without a word.
    Nothing,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// In seconds since the duck's boot.
    pub at: u64,
    /// `/update`
    pub path: String,
    /// Head and body.
    pub text: String,
}

impl Arrived {
    /// The `created_at` of its readings, in seconds since boot.
    pub fn created(&self) -> Vec<i64> {
        let marks = self.text.match_indices("created_at").map(|(at, mark)| &self.text[at + mark.len()..]);
        marks
            .map(|rest| {
                let value = rest.trim_start_matches(['=', '"', ':']).replace("%3A", ":");
                let time = chrono::DateTime::parse_from_rfc3339(&value[..20]).expect("a date and time");
                time.timestamp() - RELEASE_DATE
            })
            .collect()
    }
}

/// The bench's switches and what it has seen.
#[derive(Default)]
pub struct Bench {
    /// Whether the access point is on.
    pub network: Cell<bool>,
    /// Whether the time server answers.
    pub time_server: Cell<bool>,
    /// Whether the sensor answers.
    pub sensor: Cell<bool>,
    /// Seconds by which the time server is wrong.
    pub time_error: Cell<i64>,
    /// Whether the cloud's replies have a `Date`.
    pub dated: Cell<bool>,
    /// What the cloud does next; a good reply when there is nothing more.
    pub replies: RefCell<VecDeque<Reply>>,
    /// The requests so far.
    pub arrived: RefCell<Vec<Arrived>>,
    /// When LD1 changed, in seconds, and to what.
    pub led: RefCell<Vec<(u64, bool)>>,
    /// When the firmware pulled its data pin low, in milliseconds.
    pub starts: RefCell<Vec<u64>>,
    /// When the watchdog was fed, in seconds.
    pub feeds: RefCell<Vec<u64>>,
    joined: Cell<bool>,
    pulled: Cell<bool>,
    released: Cell<u64>,
}

type Frames = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// One end of the wire. The duck's is down while it is not joined.
struct End {
    address: [u8; 6],
    incoming: Frames,
    outgoing: Frames,
    bench: Option<Rc<Bench>>,
}

impl End {
    fn is_up(&self) -> bool {
        self.bench.as_ref().is_none_or(|bench| bench.joined.get())
    }
}

struct Received(Vec<u8>);
struct Sent<'a>(&'a Frames, bool);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, f: F) -> R {
        f(&mut self.0)
    }
}

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        if self.1 {
            self.0.borrow_mut().push_back(frame);
        }
        result
    }
}

impl Driver for End {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sent<'a>;

    fn receive(&mut self, _: &mut Context<'_>) -> Option<(Received, Sent<'_>)> {
        let frame = self.incoming.borrow_mut().pop_front()?;
        self.is_up().then_some((Received(frame), Sent(&self.outgoing, true)))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Sent<'_>> {
        Some(Sent(&self.outgoing, self.is_up()))
    }

    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        if self.is_up() { LinkState::Up } else { LinkState::Down }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = 1_514;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address)
    }
}

/// A part of the duck's board.
struct Part(Rc<Bench>);

impl ErrorType for Part {
    type Error = Infallible;
}

impl InputPin for Part {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        let micros = simulator_clock::now() / 1_000 - self.0.released.get();
        Ok(!self.0.sensor.get() || wire_level(micros))
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|high| !high)
    }
}

impl OutputPin for Part {
    fn set_low(&mut self) -> Result<(), Infallible> {
        if !self.0.pulled.replace(true) {
            self.0.starts.borrow_mut().push(Instant::now().as_millis());
        }
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.pulled.set(false);
        self.0.released.set(simulator_clock::now() / 1_000);
        Ok(())
    }
}

/// The wire's level so many microseconds after the host has released it: 21.5 °C and 45.6 % from a DHT22.
fn wire_level(micros: u64) -> bool {
    let mut bytes = [0x01, 0xC8, 0x00, 0xD7, 0];
    bytes[4] = bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    let (mut end, mut level) = (30, true);
    let pulses = [80, 80].into_iter().chain(bits.flat_map(|bit| [50, if bit { 70 } else { 26 }])).chain([50]);
    for pulse in pulses {
        if micros < end {
            return level;
        }
        end += pulse;
        level = !level;
    }
    micros >= end || level
}

/// LD1.
struct Led(Rc<Bench>);

impl ErrorType for Led {
    type Error = Infallible;
}

impl OutputPin for Led {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.note(false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.note(true);
        Ok(())
    }
}

impl Led {
    fn note(&self, lit: bool) {
        let mut led = self.0.led.borrow_mut();
        if led.last().is_some_and(|(_, was)| *was) != lit {
            led.push((Instant::now().as_secs(), lit));
        }
    }
}

/// The switch on GPIO5, off.
struct Off;

impl ErrorType for Off {
    type Error = Infallible;
}

impl InputPin for Off {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        Ok(true)
    }
}

impl DelayNs for Off {
    fn delay_ns(&mut self, nanos: u32) {
        simulator_clock::advance(nanos.into());
    }
}

impl Delay for Off {}

impl Radio for Part {
    async fn start_access_point(&mut self, _: &AccessPoint<'_>) -> Result<(), RadioError> {
        Err(RadioError)
    }

    async fn join(&mut self, network: &Network<'_>) -> Result<(), JoinError> {
        assert_eq!(network.name, "home");
        Timer::after_secs(1).await;
        self.0.joined.set(self.0.network.get());
        if self.0.network.get() { Ok(()) } else { Err(JoinError::NotFound) }
    }

    async fn leave(&mut self) {
        self.0.joined.set(false);
    }

    async fn link_lost(&mut self) -> LinkLoss {
        poll_fn(|_| {
            if self.0.joined.get() && self.0.network.get() {
                return Poll::Pending;
            }
            self.0.joined.set(false);
            Poll::Ready(LinkLoss::BeaconTimeout)
        })
        .await
    }

    fn signal_strength(&self) -> Option<i8> {
        Some(-60)
    }
}

impl Watchdog for Part {
    fn feed(&mut self) {
        self.0.feeds.borrow_mut().push(Instant::now().as_secs());
    }
}

struct Duck {
    bench: Rc<Bench>,
    flash: Nor,
    frames: End,
}

impl Board for Duck {
    type DataPin = Part;
    type ConfigSwitch = Off;
    type WifiLed = Led;
    type Delay = Off;
    type Flash = Nor;
    type Random = Numbers;
    type Frames = End;
    type Radio = Part;
    type Watchdog = Part;

    fn into_parts(self) -> Parts<Self> {
        let part = || Part(self.bench.clone());
        Parts {
            data_pin: part(),
            config_switch: Off,
            wifi_led: Led(self.bench.clone()),
            delay: Off,
            flash: self.flash,
            random: Numbers(5),
            frames: self.frames,
            radio: part(),
            watchdog: part(),
            reset_cause: ResetCause::PowerOn,
        }
    }
}

/// Answers SNTP requests with the boot at the release date.
async fn time_server(stack: Stack<'_>, bench: &Bench) {
    let (mut in_meta, mut out_meta) = ([PacketMetadata::EMPTY; 4], [PacketMetadata::EMPTY; 4]);
    let (mut incoming, mut outgoing) = ([0; 256], [0; 256]);
    let mut socket = UdpSocket::new(stack, &mut in_meta, &mut incoming, &mut out_meta, &mut outgoing);
    socket.bind(123).expect("free");
    loop {
        let mut packet = [0; 48];
        let (_, from) = socket.recv_from(&mut packet).await.expect("fits");
        if !bench.time_server.get() {
            continue;
        }
        let now = RELEASE_DATE + 2_208_988_800 + Instant::now().as_secs() as i64 + bench.time_error.get();
        let mut reply = [0; 48];
        (reply[0], reply[1]) = (4 << 3 | 4, 2);
        reply[24..32].copy_from_slice(&packet[40..]);
        reply[32..36].copy_from_slice(&(now as u32).to_be_bytes());
        reply[40..44].copy_from_slice(&(now as u32).to_be_bytes());
        socket.send_to(&reply, from).await.expect("sendable");
    }
}

/// Takes one connection after the other.
async fn cloud(stack: Stack<'_>, bench: &Bench) {
    let (mut incoming, mut outgoing) = (vec![0; 4_096], vec![0; 4_096]);
    loop {
        let mut socket = TcpSocket::new(stack, &mut incoming, &mut outgoing);
        if socket.accept(PORT).await.is_err() {
            continue;
        }
        if let Some(request) = receive(&mut socket).await {
            let path = request.split(' ').nth(1).unwrap_or_default().to_string();
            bench.arrived.borrow_mut().push(Arrived {
                at: Instant::now().as_secs(),
                path: path.clone(),
                text: request,
            });
            let reply = bench.replies.borrow_mut().pop_front();
            let reply = reply.unwrap_or(match &*path {
                "/update" => Reply::Says(200, "7"),
                "/update.json" => Reply::Says(200, r#"{"channel_id":9,"entry_id":7}"#),
                "/" => Reply::Says(404, "error_resource_not_found"),
                _ => Reply::Says(202, r#"{"success":true}"#),
            });
            let (status, body) = match reply {
                Reply::Nothing => {
                    socket.abort();
                    let _ = socket.flush().await;
                    continue;
                }
                Reply::Says(status, body) => (status, body),
                Reply::Late(secs, status, body) => {
                    Timer::after_secs(secs).await;
                    (status, body)
                }
            };
            let date =
                chrono::DateTime::from_timestamp(RELEASE_DATE + Instant::now().as_secs() as i64, 0).expect("valid");
            let (day, time) = (date.date_naive(), date.time());
            assert_eq!(day.to_string(), "2026-01-01", "the Date below is for this day");
            let date = if bench.dated.get() { format!("Date: Thu, 01 Jan 2026 {time} GMT\r\n") } else { String::new() };
            let text = format!("HTTP/1.1 {status} x\r\n{date}Content-Length: {}\r\n\r\n{body}", body.len());
            let mut rest = text.as_bytes();
            while let Ok(written @ 1..) = socket.write(rest).await {
                rest = &rest[written..];
                if rest.is_empty() {
                    break;
                }
            }
        }
        socket.close();
        let _ = embassy_time::with_timeout(embassy_time::Duration::from_secs(5), socket.flush()).await;
        socket.abort();
        let _ = embassy_time::with_timeout(embassy_time::Duration::from_secs(1), socket.flush()).await;
    }
}

async fn receive(socket: &mut TcpSocket<'_>) -> Option<String> {
    let mut text = Vec::new();
    loop {
        let mut piece = [0; 600];
        match socket.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => text.extend_from_slice(&piece[..length]),
        }
        let so_far = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else { continue };
        let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(so_far);
        }
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

/// Runs a duck that takes a reading each minute on a bench where all is well, except for what `hands` do meanwhile,
/// until they are done.
pub fn run<H: Future<Output = ()>>(hands: impl FnOnce(Rc<Bench>) -> H) -> Rc<Bench> {
    simulator_clock::set(0);
    let bench = Rc::new(Bench::default());
    for switch in [&bench.network, &bench.time_server, &bench.sensor, &bench.dated] {
        switch.set(true);
    }
    let (down, up) = (Frames::default(), Frames::default());
    let fields = Fields {
        network: "home",
        write_key: "ABCDEFGHIJKLMNOP",
        host: "cloud.test",
        port: "8080",
        tls: "off",
        interval: "60",
        ..Fields::default()
    };
    let settings = Settings::parse(&fields).expect("valid");
    let mut flash = Nor::new(4);
    block_on(crate::store::save(&mut flash, &settings)).expect("saved");
    let frames =
        End { address: [2, 0, 0, 0, 0, 1], incoming: down.clone(), outgoing: up.clone(), bench: Some(bench.clone()) };
    let mut resources = Box::new(Resources::new());
    let mut duck = pin!(crate::run(Duck { bench: bench.clone(), flash, frames }, &mut resources));

    let config = Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(portal::ADDRESS, portal::PREFIX),
        gateway: None,
        dns_servers: Default::default(),
    });
    let mut router_memory = StackResources::<{ portal::SOCKETS + 4 }>::new();
    let frames = End { address: [2, 0, 0, 0, 0, 2], incoming: up.clone(), outgoing: down.clone(), bench: None };
    let (stack, mut router) = embassy_net::new(frames, config, &mut router_memory, 8);
    let (mut router_flash, mut router_arena) = (Nor::new(4), Box::new([0; portal::ARENA]));
    let backlog = portal::Backlog::default();
    let leases_and_names = portal::run(stack, &mut router_flash, &mut router_arena, None, || false, &backlog);
    let mut world = pin!(join3(leases_and_names, time_server(stack, &bench), cloud(stack, &bench)));
    let mut router = pin!(router.run());
    let mut hands = pin!(hands(bench.clone()));

    let flag = Arc::new(Flag::default());
    let waker = Waker::from(flag.clone());
    let mut context = Context::from_waker(&waker);
    let (mut instant, mut polls) = (0, 0);
    loop {
        simulator_clock::take_deadline();
        flag.0.store(false, Ordering::Relaxed);
        if hands.as_mut().poll(&mut context).is_ready() {
            break;
        }
        assert!(duck.as_mut().poll(&mut context).is_pending(), "station mode has no end");
        let _ = world.as_mut().poll(&mut context);
        let _ = router.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        polls = if simulator_clock::now() == instant { polls + 1 } else { 0 };
        instant = simulator_clock::now();
        assert!(polls < 1_000, "the duck polls itself for ever");
        let is_busy = flag.0.load(Ordering::Relaxed) || !up.borrow().is_empty() || !down.borrow().is_empty();
        if !is_busy {
            let next = simulator_clock::take_deadline().expect("the watchdog waits for its next feed");
            simulator_clock::set(next.max(simulator_clock::now()));
        }
    }
    bench.clone()
}
