//! Station mode: five jobs side by side in one task.
//!
//! [`connection`](crate::connection) keeps the device on the network, [`sampling`](crate::sampling) fills the queue of
//! readings, [`uploader`](crate::uploader) empties it into the cloud, [`sntp`](crate::sntp) keeps the calendar, and a
//! tick feeds the watchdog. They share what [`Shared`] holds and nothing else. All are polled together under one waker,
//! so a change that one makes is seen by the others in the next poll.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;

use embassy_futures::join::{join, join4};
use embassy_net::Stack;
use embassy_sync::waitqueue::WakerRegistration;
use embassy_time::{Duration, Instant, Timer};
use log::warn;
use rand_core::{CryptoRng, RngCore};

use crate::apart::apart;
use crate::board::{Board, ResetCause, Watchdog};
use crate::connection;
use crate::dhcp::Heard;
use crate::floor::Floor;
use crate::random::Random;
use crate::readings::{Gap, Measurement, Reading, Readings};
use crate::resources::UploadBuffers;
use crate::sampling;
use crate::settings::Settings;
use crate::sntp;
use crate::store::Own;
use crate::uploader;
use crate::wall_clock::WallClock;

/// How often the main loop feeds the watchdog, which waits for some seconds.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// The parts of the board that station mode uses.
pub(crate) struct Hardware<'a, B: Board> {
    pub data_pin: &'a mut B::DataPin,
    pub wifi_led: &'a mut B::WifiLed,
    pub delay: &'a mut B::Delay,
    pub flash: &'a mut B::Flash,
    pub radio: &'a mut B::Radio,
    pub random: &'a RefCell<Random<B::Random>>,
    pub watchdog: &'a RefCell<B::Watchdog>,
    /// What passes of DHCP.
    pub heard: &'a Heard,
    pub reset_cause: ResetCause,
}

/// Runs station mode for ever.
pub(crate) async fn run<B: Board>(
    hardware: Hardware<'_, B>,
    stack: Stack<'_>,
    settings: &Settings,
    own: Own,
    readings: &mut Readings,
    mut buffers: UploadBuffers<'_>,
) -> ! {
    let shared = Shared::new(readings, WallClock::unknown(own.newest_time));
    let random = SharedRandom(hardware.random);
    let interval = Duration::from_secs(settings.interval().into());
    // Field by field: a future holds an argument that it takes apart a second time.
    let connection =
        pin!(connection::run(&shared, stack, hardware.heard, settings, hardware.radio, hardware.wifi_led, random));
    let sampling = pin!(sampling::run(
        &shared,
        settings.sensor(),
        interval,
        hardware.reset_cause,
        hardware.data_pin,
        hardware.delay
    ));
    let sntp = pin!(sntp::run(&shared, stack, random));
    let mut floor = Floor::new(hardware.flash, own, shared.clock());
    let uploader = pin!(uploader::run(&shared, stack, settings, random, hardware.watchdog, &mut floor, &mut buffers));
    let (never, _) =
        join(feed(hardware.watchdog), join4(apart(connection), apart(sampling), apart(sntp), apart(uploader))).await;
    never
}

/// Feeds the watchdog as long as the main loop comes round.
pub(crate) async fn feed(watchdog: &RefCell<impl Watchdog>) -> ! {
    loop {
        watchdog.borrow_mut().feed();
        Timer::after(TICK).await;
    }
}

/// What the jobs of station mode share.
pub(crate) struct Shared<'a> {
    readings: RefCell<&'a mut Readings>,
    clock: Cell<WallClock>,
    online: Cell<Online>,
    sntp_silent: Cell<bool>,
    resync: Cell<bool>,
    changed: RefCell<WakerRegistration>,
}

/// Whether the device has an address, and the how-manyth time it has got one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Online {
    /// The link is up and the device has an address.
    pub up: bool,
    /// Counts the addresses since boot.
    pub episode: u32,
}

impl<'a> Shared<'a> {
    pub fn new(readings: &'a mut Readings, clock: WallClock) -> Self {
        Self {
            readings: RefCell::new(readings),
            clock: Cell::new(clock),
            online: Cell::new(Online::default()),
            sntp_silent: Cell::new(false),
            resync: Cell::new(false),
            changed: RefCell::new(WakerRegistration::new()),
        }
    }

    /// Waits until `condition` holds. Whoever changes what it reads does so through this struct.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        poll_fn(|context| {
            if condition(self) {
                Poll::Ready(())
            } else {
                self.changed.borrow_mut().register(context.waker());
                Poll::Pending
            }
        })
        .await;
    }

    fn notify(&self) {
        self.changed.borrow_mut().wake();
    }

    /// Whether the device is on the network.
    pub fn online(&self) -> Online {
        self.online.get()
    }

    /// The device has got (or lost) its address.
    pub fn set_online(&self, up: bool) {
        let Online { up: was_up, episode } = self.online.get();
        self.online.set(Online { up, episode: episode.wrapping_add(u32::from(up && !was_up)) });
        self.notify();
    }

    /// The calendar as it is known now.
    pub fn clock(&self) -> WallClock {
        self.clock.get()
    }

    /// Lets `hear` change the calendar.
    pub fn tell_clock<T>(&self, hear: impl FnOnce(&mut WallClock) -> T) -> T {
        let mut clock = self.clock.get();
        let heard = hear(&mut clock);
        self.clock.set(clock);
        self.notify();
        heard
    }

    /// Whether the time servers do not answer, so that the cloud has to be asked for the time.
    pub fn sntp_is_silent(&self) -> bool {
        self.sntp_silent.get()
    }

    /// The time servers do not answer (or do again).
    pub fn set_sntp_silent(&self, silent: bool) {
        self.sntp_silent.set(silent);
        self.notify();
    }

    /// Asks for the time again, because a certificate seems to be of another time.
    pub fn doubt_clock(&self) {
        self.resync.set(true);
        self.notify();
    }

    /// Whether the time is in doubt; asking ends the doubt.
    pub fn take_doubt(&self) -> bool {
        self.resync.replace(false)
    }

    /// Whether the time is in doubt.
    pub fn clock_in_doubt(&self) -> bool {
        self.resync.get()
    }

    /// Puts a reading into the queue.
    pub fn add_reading(&self, taken: Instant, measurement: Measurement, gap: Gap) {
        self.added(self.with_readings(|readings| readings.push(taken, measurement, gap)));
    }

    /// Puts a report into the queue: an entry that only tells of `gap`.
    pub fn add_report(&self, taken: Instant, gap: Gap) {
        self.added(self.with_readings(|readings| readings.push_report(taken, gap)));
    }

    fn added(&self, dropped: Option<Reading>) {
        if let Some(dropped) = dropped {
            warn!(
                target: "cloud",
                "{} readings wait, the oldest, taken {} s after boot, is dropped",
                self.waiting(),
                dropped.taken.as_secs()
            );
        }
        self.notify();
    }

    /// How many readings wait.
    pub fn waiting(&self) -> usize {
        self.readings.borrow().len()
    }

    /// Lets `use_them` work on the queue; it must not call back here.
    pub fn with_readings<T>(&self, use_them: impl FnOnce(&mut Readings) -> T) -> T {
        use_them(&mut self.readings.borrow_mut())
    }
}

/// The board's random numbers, drawn by several jobs in turn.
pub(crate) struct SharedRandom<'a, R>(pub &'a RefCell<R>);

impl<R> Clone for SharedRandom<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for SharedRandom<'_, R> {}

impl<R: RngCore> RngCore for SharedRandom<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.borrow_mut().next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.borrow_mut().next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.borrow_mut().fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.borrow_mut().try_fill_bytes(bytes)
    }
}

impl<R: CryptoRng> CryptoRng for SharedRandom<'_, R> {}

#[cfg(test)]
mod tests;
