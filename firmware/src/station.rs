//! Station mode: five jobs side by side in one task.
//!
//! [`connection`](crate::connection) keeps the device on the network, [`sampling`](crate::sampling) fills the queue of
//! readings, [`uploader`](crate::uploader) empties it into the cloud, [`sntp`](crate::sntp) keeps the calendar, and a
//! tick feeds the watchdog. They share what [`Shared`](crate::shared::Shared) holds and nothing else. All are polled
//! together under one waker, so a change that one makes is seen by the others in the next poll.

use core::cell::RefCell;
use core::pin::pin;

use embassy_futures::join::{join, join4};
use embassy_net::Stack;
use embassy_time::{Duration, Timer};

use crate::board::{Board, ResetCause, Watchdog};
use crate::connection;
use crate::dhcp::Heard;
use crate::floor::Floor;
use crate::own_frame::in_own_frame;
use crate::random::Random;
use crate::readings::Readings;
use crate::resources::UploadBuffers;
use crate::sampling;
use crate::settings::Settings;
use crate::shared::{Shared, SharedRandom};
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
    let (never, _) = join(
        feed(hardware.watchdog),
        join4(in_own_frame(connection), in_own_frame(sampling), in_own_frame(sntp), in_own_frame(uploader)),
    )
    .await;
    never
}

/// Feeds the watchdog as long as the main loop comes round.
pub(crate) async fn feed(watchdog: &RefCell<impl Watchdog>) -> ! {
    loop {
        watchdog.borrow_mut().feed();
        Timer::after(TICK).await;
    }
}

#[cfg(test)]
mod tests;
