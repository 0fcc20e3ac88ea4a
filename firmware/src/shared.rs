//! What the jobs of station mode share: the queue of readings, the calendar, whether the device is on the network, and
//! the random numbers.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::Poll;

use embassy_sync::waitqueue::WakerRegistration;
use embassy_time::Instant;
use log::warn;
use rand_core::{CryptoRng, RngCore};

use crate::readings::{Gap, Measurement, Reading, Readings};
use crate::wall_clock::WallClock;

/// What the jobs of station mode share.
pub(crate) struct Shared<'a> {
    readings: RefCell<&'a mut Readings>,
    clock: Cell<WallClock>,
    online: Cell<Online>,
    sntp_silent: Cell<bool>,
    resync: Cell<bool>,
    cut_off: Cell<bool>,
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
            cut_off: Cell::new(false),
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

    /// Nothing beyond the network has been reached for long: what the lease says of it may be out of date.
    pub fn tell_cut_off(&self) {
        self.cut_off.set(true);
        self.notify();
    }

    /// Waits until that is told.
    pub async fn cut_off(&self) {
        self.until(|shared| shared.cut_off.take()).await;
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
