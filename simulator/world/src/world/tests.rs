//! One device with programs of a few lines, and what the world makes of them.

mod restart;
mod supply;

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use embassy_time::Timer;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};
use embedded_storage_async::nor_flash::{NorFlash as _, ReadNorFlash};
use fake_thingspeak::certificates::Profile;
use fake_thingspeak::legacy_tls::Policy;
use firmware::board::{Board, Network, Parts, Radio, ResetCause, SETTINGS_SECTORS, Security, Watchdog};
use log::info;
use time::macros::datetime;

use super::*;
use crate::air::{AccessPointConfig, Security as AirSecurity};
use crate::boards::yellow_duck;
use crate::device::host::{HostBoard, HostTarget, Program, firmware_runs};
use crate::device::port::Models;
use crate::internet::{CloudSettings, RouterSettings, Settings};
use esp8266_sdk::WATCHDOG_PERIOD;
use simulator_parts::flash::SECTOR;
use simulator_parts::{Part, PartId};
use simulator_record::events::{self, FlashOperation, Vocabulary as _};
use simulator_record::random::Seed;

const DUCK: DeviceId = DeviceId(0);
/// When a device that is powered at the world's beginning starts.
const BOOT: Duration = BOOT_TIME;

struct Bench {
    world: World,
    ports: Vec<Rc<Port>>,
}

/// A world with one device, which is powered from the beginning and does nothing but run `body` at each start.
fn bench<F: Future<Output = String> + 'static>(body: impl Fn(Parts<HostBoard>) -> F + 'static) -> Bench {
    let cloud = CloudSettings {
        host: "api.thingspeak.com".to_owned(),
        certificate: Profile::default(),
        legacy_tls: Policy::Off,
        port: None,
    };
    let start = datetime!(2026-01-01 00:00 UTC);
    let settings = Settings { start, latency: Duration::from_millis(20), cloud, names: Vec::new() };
    let internet = Internet::new(settings, Seed(1)).unwrap();
    let mut bench = Bench { world: World::new(Air::new(Seed(1)), internet), ports: Vec::new() };
    bench.add(body);
    bench.at(Duration::ZERO, Command::Power { device: DUCK, on: true });
    bench
}

impl Bench {
    fn add<F: Future<Output = String> + 'static>(&mut self, body: impl Fn(Parts<HostBoard>) -> F + 'static) {
        let seed = Seed(self.ports.len() as u64);
        let models = Models::of_board(&yellow_duck::BOARD, seed, "");
        let port = Rc::new(Port::new(DeviceId(self.ports.len() as u32), models));
        let load = move |board: HostBoard| -> Program { Box::pin(body(board.into_parts())) };
        let target = HostTarget::with_program(Rc::clone(&port), load);
        self.world.add_device(Rc::clone(&port), Box::new(target));
        self.ports.push(port);
    }

    fn at(&mut self, at: Duration, command: Command) {
        self.world.schedule(Instant::START + at, command);
    }

    fn run_until(&mut self, end: Duration) {
        while self.world.next_at().is_some_and(|at| at <= Instant::START + end) {
            self.world.step();
        }
    }

    /// Runs until `end` and says what happened to the devices.
    fn events(mut self, end: Duration) -> Vec<Event> {
        self.run_until(end);
        self.world.finish(Instant::START + end)
    }
}

/// When the device started, and why.
fn boots(events: &[Event]) -> Vec<(Duration, &'static str)> {
    let boot = |event: &Event| match event.kind {
        EventKind::Boot(events::Boot { cause, .. }) => Some((event.at.since_start(), cause.word())),
        _ => None,
    };
    events.iter().filter_map(boot).collect()
}

fn lines(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Serial(events::Serial { line }) => Some(line.as_str()),
            _ => None,
        })
        .collect()
}

fn pins(events: &[Event]) -> Vec<(Duration, u8, Level)> {
    let pin = |event: &Event| match event.kind {
        EventKind::Pin(events::Pin { gpio, level, .. }) => Some((event.at.since_start(), gpio, level)),
        _ => None,
    };
    events.iter().filter_map(pin).collect()
}

/// Number, operation and whether it was torn.
fn flash_operations(events: &[Event]) -> Vec<(u32, FlashOperation, bool)> {
    let flash = |event: &Event| match event.kind {
        EventKind::Flash(events::Flash { number, operation, torn, .. }) => Some((number, operation, torn)),
        _ => None,
    };
    events.iter().filter_map(flash).collect()
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A program that waits for a later number of milliseconds in 32 bits, as many do.
async fn wait_for_a_later_number(parts: &mut Parts<HostBoard>) {
    let milliseconds = || embassy_time::Instant::now().as_millis() as u32;
    let from = milliseconds();
    while milliseconds() < from.saturating_add(10_000) {
        parts.watchdog.feed();
        Timer::after_millis(100).await;
    }
    Timer::after_secs(1).await;
}

#[test]
fn counters_begin_at_the_uptime_once() {
    let program = |mut parts: Parts<HostBoard>| async move {
        info!(target: "boot", "{}", embassy_time::Instant::now().as_secs());
        for _ in 0..2 {
            wait_for_a_later_number(&mut parts).await;
        }
        "done".to_owned()
    };
    let seen = |uptime| {
        let mut bench = bench(program);
        bench.ports[0].uptime.set(uptime);
        bench.at(Duration::from_secs(30), Command::Power { device: DUCK, on: false });
        bench.at(Duration::from_secs(40), Command::Power { device: DUCK, on: true });
        let events = bench.events(Duration::from_secs(41));
        (lines(&events).iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(), boots(&events).len())
    };
    let (log, boots) = seen(Duration::ZERO);
    assert!(log[0].ends_with(" 0"), "{log:?}");
    assert_eq!(boots, 3, "{log:?}");
    let (log, boots) = seen(Duration::from_millis((1 << 32) - 15_000));
    assert!(log[0].ends_with(" 4294952"), "{log:?}");
    assert!(log[1].ends_with(" 0"), "power was away: {log:?}");
    assert_eq!(boots, 2, "the second wait does not end: {log:?}");
}

#[test]
fn a_panic_is_the_firmwares_crash_and_the_watchdog_ends_it() {
    let bench = bench(|mut parts| async move {
        Timer::after_secs(3).await;
        parts.watchdog.feed();
        panic!("{} ducks are too many", 5);
    });
    let events = bench.events(ms(12_000));
    let crash = events.iter().find_map(|event| match &event.kind {
        EventKind::Crash(events::Crash { message, .. }) => Some((event.at.since_start(), message.as_str())),
        _ => None,
    });
    let (at, message) = crash.unwrap();
    assert_eq!(at, BOOT + ms(3_000));
    assert!(message.starts_with("5 ducks are too many at world/src/world/tests.rs:"), "{message}");
    assert_eq!(lines(&events), [format!("panic: {message}")]);
    assert_eq!(boots(&events), [(BOOT, "power-on"), (BOOT + ms(3_000) + WATCHDOG_PERIOD + BOOT, "watchdog")]);
}

#[test]
fn a_panicking_destructor_ends_neither_the_run_nor_anything_else() {
    struct Brittle;
    impl Drop for Brittle {
        fn drop(&mut self) {
            panic!("destroyed");
        }
    }
    let mut bench = bench(|_| async {
        let _brittle = Brittle;
        pending().await
    });
    bench.at(ms(1_000), Command::PressReset { device: DUCK });
    let events = bench.events(ms(2_000));
    assert_eq!(boots(&events), [(BOOT, "power-on"), (ms(1_000) + BOOT, "external reset")]);
    assert!(!events.iter().any(|event| matches!(event.kind, EventKind::Crash(_))));
}

#[test]
fn a_held_reset_pin_keeps_a_device_down_even_when_its_power_comes_back() {
    let mut bench = bench(|_| pending());
    bench.at(ms(1_000), Command::HoldReset { device: DUCK, held: true });
    bench.at(ms(2_000), Command::CutPower { device: DUCK, length: ms(100) });
    bench.at(ms(3_000), Command::HoldReset { device: DUCK, held: false });
    let events = bench.events(ms(4_000));
    assert_eq!(boots(&events), [(BOOT, "power-on"), (ms(3_010), "external reset")]);
}

#[test]
fn a_panic_of_our_own_unwinds_out_of_the_run() {
    let mut bench = bench(|mut parts| async move {
        let _level = parts.data_pin.is_high();
        pending().await
    });
    let port = Rc::clone(&bench.ports[0]);
    let held = port.part_on(yellow_duck::SENSOR).and_then(Part::sensor).unwrap();
    let unwound = catch_unwind(AssertUnwindSafe(|| bench.run_until(ms(1_000))));
    drop(held);
    assert!(unwound.is_err());
    assert!(!firmware_runs());
    assert!(!bench.world.events().iter().any(|event| matches!(event.kind, EventKind::Crash(_))));
}

#[test]
fn a_program_that_wakes_itself_without_end_is_a_livelock() {
    let mut bench = bench(|_| {
        poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::Pending
        })
    });
    bench.run_until(ms(60_000));
    assert_eq!(bench.world.next_at(), None, "the run has ended");
    let last = bench.world.events().last().unwrap();
    assert!(matches!(last.kind, EventKind::Livelock(events::Livelock { polls }) if polls > 1_000), "{last:?}");
    assert_eq!(last.at, Instant::START + BOOT);
}

#[test]
fn a_program_that_does_nothing_but_crash_ends_the_run_after_so_many_times() {
    let ended = |limits: CrashLimits, crashing: bool| {
        let mut bench = bench(move |_| async move {
            assert!(!crashing, "again");
            pending().await
        });
        bench.world.end_after_equal_crashes(limits);
        bench.run_until(ms(100_000));
        (bench.world.crashes(), bench.world.ended(), bench.world.events().last().unwrap().kind.clone())
    };
    let life = BOOT + WATCHDOG_PERIOD;
    let limits = CrashLimits { crash: Some(4), watchdog: Some(3) };

    let (crashes, at, last) = ended(limits, true);
    let EventKind::CrashLoop(events::CrashLoop { crashes: 4, message }) = last else { panic!("{last:?}") };
    assert!(message.starts_with("again at "), "{message}");
    assert_eq!((crashes, at), (4, Some(Instant::START + life * 4 + BOOT)));

    let (crashes, at, last) = ended(limits, false);
    assert_eq!(last, EventKind::CrashLoop(events::CrashLoop { crashes: 3, message: "the watchdog bites".to_owned() }));
    assert_eq!((crashes, at), (3, Some(Instant::START + life * 3 + BOOT)));

    let (crashes, at, _) = ended(CrashLimits { crash: None, watchdog: Some(3) }, true);
    assert_eq!((crashes, at), (11, None), "nobody has set a limit for crashes");
}

#[test]
fn a_program_that_wakes_itself_while_time_passes_meets_the_watchdog() {
    let bench = bench(|mut parts| {
        poll_fn(move |context| {
            parts.delay.delay_ms(1);
            context.waker().wake_by_ref();
            Poll::Pending
        })
    });
    let events = bench.events(ms(9_000));
    assert_eq!(boots(&events), [(BOOT, "power-on"), (BOOT + WATCHDOG_PERIOD + BOOT, "watchdog")]);
}

#[test]
fn the_watchdog_bites_who_waits_without_feeding_it() {
    let starving = bench(|_| pending());
    let period = WATCHDOG_PERIOD + BOOT;
    let events = starving.events(ms(20_000));
    assert_eq!(boots(&events), [(BOOT, "power-on"), (BOOT + period, "watchdog"), (BOOT + period * 2, "watchdog")]);
    let feeding = bench(|mut parts| async move {
        loop {
            parts.watchdog.feed();
            Timer::after_secs(6).await;
        }
    });
    assert_eq!(boots(&feeding.events(ms(60_000))), [(BOOT, "power-on")]);
}

/// A program that never comes back from its first poll, with a line before.
fn hanging(hang: impl Fn(&mut Parts<HostBoard>) + Copy + 'static) -> Vec<Event> {
    let bench = bench(move |mut parts| async move {
        parts.watchdog.feed();
        info!(target: "boot", "round and round");
        loop {
            hang(&mut parts);
        }
    });
    bench.events(ms(9_000))
}

#[test]
fn the_watchdog_bites_who_never_comes_back() {
    let pins = hanging(|parts| while parts.config_switch.is_low() == Ok(true) {});
    let delays = hanging(|parts| parts.delay.delay_us(10));
    let clock = hanging(|_| while embassy_time::Instant::now().as_secs() < 60 {});
    for events in [pins, delays, clock] {
        assert_eq!(lines(&events), ["[0.000000] boot: round and round"; 2], "once for each start");
        assert_eq!(boots(&events), [(BOOT, "power-on"), (BOOT + WATCHDOG_PERIOD + BOOT, "watchdog")]);
        assert!(!events.iter().any(|event| matches!(event.kind, EventKind::Crash(_))));
    }
}

#[test]
fn who_blocks_for_longer_than_the_watchdog_cannot_feed_it_afterwards() {
    let bench = bench(|mut parts| async move {
        parts.delay.delay_ms(9_000);
        parts.watchdog.feed();
        pending().await
    });
    assert_eq!(boots(&bench.events(ms(9_000)))[1], (BOOT + WATCHDOG_PERIOD + BOOT, "watchdog"));
}

#[test]
fn a_restart_waits_for_the_last_words() {
    let bench = bench(|_| async {
        info!(target: "boot", "these are the last words before the restart, and they are many");
        "enough".to_owned()
    });
    let events = bench.events(ms(300));
    let restart = events.iter().find(|event| matches!(event.kind, EventKind::Restart(_))).unwrap();
    assert_eq!(restart.kind, EventKind::Restart(events::Restart { reason: "enough".to_owned() }));
    assert!(lines(&events)[0].ends_with("and they are many"), "{events:?}");
    assert_eq!(boots(&events)[1], (restart.at.since_start() + BOOT, "software restart"));
}

#[test]
fn a_power_cut_cuts_the_line_that_is_being_sent() {
    let mut bench = bench(|_| async {
        info!(target: "boot", "a line that takes four milliseconds");
        info!(target: "boot", "a line that nobody sees");
        pending().await
    });
    bench.at(BOOT + ms(2), Command::Power { device: DUCK, on: false });
    // 115200 baud are 11.52 bytes a millisecond.
    assert_eq!(lines(&bench.events(ms(1_000))), ["[0.000000] boot: a line"]);
}

#[test]
fn what_lies_behind_a_power_cut_has_not_happened() {
    let mut bench = bench(|mut parts| async move {
        parts.delay.delay_ms(100);
        let _lit = parts.wifi_led.set_high();
        info!(target: "boot", "lit");
        let _written = parts.flash.write(0, &[0; 4]).await;
        pending().await
    });
    bench.at(BOOT + ms(50), Command::Power { device: DUCK, on: false });
    let port = Rc::clone(&bench.ports[0]);
    let events = bench.events(ms(1_000));
    assert_eq!(pins(&events), []);
    assert_eq!(lines(&events), [""; 0]);
    assert_eq!(flash_operations(&events), []);
    assert_eq!(port.flash.borrow().operations(), 0);
}

#[test]
fn a_reset_darkens_the_led() {
    let mut bench = bench(|mut parts| async move {
        let _lit = parts.wifi_led.set_high();
        pending().await
    });
    bench.at(ms(1_000), Command::PressReset { device: DUCK });
    let events = bench.events(ms(1_500));
    assert_eq!(
        pins(&events),
        [(BOOT, 13, Level::High), (ms(1_000), 13, Level::Low), (ms(1_000) + BOOT, 13, Level::High)]
    );
}

/// Erases two sectors at its first start, and only reads afterwards.
fn eraser() -> Bench {
    let bench = bench(|mut parts| async move {
        match parts.reset_cause {
            ResetCause::PowerOn if parts.config_switch.is_low() == Ok(true) => {
                let _erased = parts.flash.erase(0, 2 * SECTOR).await;
            }
            _ => {
                let mut bytes = [0; 4];
                let read = parts.flash.read(0, &mut bytes).await;
                info!(target: "flash", "{read:?}");
            }
        }
        pending().await
    });
    bench.ports[0].flash.borrow_mut().preload(SETTINGS_SECTORS.start, &[0; 2 * SECTOR as usize]).unwrap();
    bench
}

fn sectors(port: &Port) -> [Vec<u8>; 2] {
    [0, SECTOR].map(|offset| {
        let mut bytes = vec![0; SECTOR as usize];
        port.flash.borrow_mut().read(Instant::FAR_FUTURE, SETTINGS_SECTORS.start + offset, &mut bytes).unwrap();
        bytes
    })
}

#[test]
fn the_flash_completes_the_sector_that_it_is_at_when_only_the_chip_is_reset() {
    let mut bench = eraser();
    bench.at(BOOT + ms(10), Command::PressReset { device: DUCK });
    let port = Rc::clone(&bench.ports[0]);
    let events = bench.events(ms(1_000));
    assert_eq!(flash_operations(&events), [(1, FlashOperation::Erase, true)]);
    let [first, second] = sectors(&port);
    assert!(first.iter().all(|byte| *byte == 0xFF), "the first sector is erased");
    assert!(second.iter().all(|byte| *byte == 0), "nothing was begun with the second");
    assert!(lines(&events)[0].ends_with("flash: Ok(())"), "the flash is ready for the next start");
}

#[test]
fn a_power_cut_tears_the_flash_operation() {
    let mut bench = eraser();
    bench.at(BOOT + ms(10), Command::Power { device: DUCK, on: false });
    let port = Rc::clone(&bench.ports[0]);
    let events = bench.events(ms(1_000));
    assert_eq!(flash_operations(&events), [(1, FlashOperation::Erase, true)]);
    let [first, second] = sectors(&port);
    assert!(first.contains(&0) && first.iter().any(|byte| *byte != 0), "the first sector is torn");
    assert!(second.iter().all(|byte| *byte == 0));
}

#[test]
fn a_brown_out_resets_the_chip_and_tears_its_flash_operation() {
    let mut bench = eraser();
    bench.at(BOOT + ms(9), Command::Switch { device: DUCK, part: PartId(1), on: true, bounce: ms(0) });
    bench.at(BOOT + ms(10), Command::BrownOut { device: DUCK, length: ms(50) });
    let events = bench.events(ms(1_000));
    let power: Vec<_> = events
        .iter()
        .filter_map(|event| match event.kind {
            EventKind::Power(events::Power { state }) => Some((event.at.since_start(), state)),
            _ => None,
        })
        .collect();
    let [dip, back] = [BOOT + ms(10), BOOT + ms(60)];
    assert_eq!(power, [(ms(0), PowerState::On), (dip, PowerState::BrownOut), (back, PowerState::On)]);
    assert_eq!(boots(&events), [(BOOT, "power-on"), (back + BOOT, "power-on")]);
    assert_eq!(flash_operations(&events), [(1, FlashOperation::Erase, true)]);
    assert!(lines(&events)[0].ends_with("flash: Ok(())"));
}

#[test]
fn power_that_is_cut_during_a_brown_out_stays_off() {
    let mut bench = bench(|_| pending());
    bench.at(ms(1_000), Command::BrownOut { device: DUCK, length: ms(50) });
    bench.at(ms(1_020), Command::Power { device: DUCK, on: false });
    assert_eq!(boots(&bench.events(ms(5_000))), [(BOOT, "power-on")]);
}

#[test]
fn a_button_pressed_during_a_brown_out_starts_nothing_before_the_supply_is_back() {
    let mut bench = bench(|_| pending());
    bench.at(ms(1_000), Command::BrownOut { device: DUCK, length: ms(500) });
    bench.at(ms(1_100), Command::PressReset { device: DUCK });
    let events = bench.events(ms(5_000));
    assert_eq!(boots(&events), [(BOOT, "power-on"), (ms(1_500) + BOOT, "power-on")]);
    assert!(events.iter().any(|event| event.kind == EventKind::Power(events::Power { state: PowerState::On })
        && event.at == Instant::from_millis(1_500)));
}

#[test]
fn a_button_pressed_without_power_starts_nothing() {
    let mut bench = bench(|_| pending());
    bench.at(ms(1_000), Command::Power { device: DUCK, on: false });
    bench.at(ms(1_100), Command::PressReset { device: DUCK });
    bench.at(ms(1_200), Command::BrownOut { device: DUCK, length: ms(50) });
    bench.at(ms(3_000), Command::Power { device: DUCK, on: true });
    assert_eq!(boots(&bench.events(ms(5_000))), [(BOOT, "power-on"), (ms(3_000) + BOOT, "power-on")]);
}

#[test]
fn who_leaves_a_network_and_joins_it_again_at_once_is_not_told_of_the_old_loss() {
    let mut bench = bench(|mut parts| async move {
        let home = Network { name: "home", security: Security::Open };
        for _ in 0..2 {
            parts.radio.leave().await;
            info!(target: "wifi", "{:?}", parts.radio.join(&home).await);
        }
        let _loss = parts.radio.link_lost().await;
        info!(target: "wifi", "lost");
        loop {
            parts.watchdog.feed();
            Timer::after_secs(1).await;
        }
    });
    bench.world.add_network(
        AccessPointConfig {
            name: "home".to_owned(),
            bssid: [2, 0, 0, 0, 1, 0],
            channel: 6,
            security: AirSecurity::Open,
            signal: -60,
            capacity: 4,
            features: Default::default(),
        },
        RouterSettings::default(),
    );
    let events = bench.events(ms(6_500));
    let said: Vec<&str> = lines(&events).into_iter().filter_map(|line| Some(line.split_once("wifi: ")?.1)).collect();
    assert_eq!(said, ["Ok(())", "Ok(())"]);
}

#[test]
fn each_device_has_its_own_clock_and_log() {
    let mut bench = bench(|_| async {
        info!(target: "boot", "the first");
        Timer::after_millis(1_500).await;
        info!(target: "boot", "still the first");
        pending().await
    });
    bench.add(|_| async {
        info!(target: "boot", "the second");
        pending().await
    });
    bench.at(ms(1_000), Command::Power { device: DeviceId(1), on: true });
    let events = bench.events(ms(2_000));
    let of = |id| {
        let its: Vec<_> = events.iter().filter(|event| event.device == Some(DeviceId(id))).cloned().collect();
        lines(&its).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of(0), ["[0.000000] boot: the first", "[1.500000] boot: still the first"]);
    assert_eq!(of(1), ["[0.000000] boot: the second"]);
}

#[test]
fn flash_operations_are_told_when_they_begin() {
    let mut bench = bench(|mut parts| async move {
        for page in 0..3 {
            let _written = parts.flash.write(page * 256, &[0; 256]).await;
        }
        pending().await
    });
    bench.run_until(ms(2_000));
    let began = bench.world.take_flash_operations();
    assert_eq!(began.len(), 3);
    let ended: Vec<_> =
        bench.events(ms(3_000)).into_iter().filter(|event| matches!(event.kind, EventKind::Flash(_))).collect();
    for (began, ended) in began.iter().zip(&ended) {
        assert_eq!(began.device, DUCK);
        assert!(began.at < began.ends && began.ends <= ended.at, "{began:?}, {ended:?}");
    }
}

#[test]
fn a_switch_that_is_thrown_again_while_it_bounces_stays_where_it_was_put() {
    let mut bench = bench(|_| pending());
    let config = |on, bounce| Command::Switch { device: DUCK, part: PartId(1), on, bounce };
    bench.at(BOOT + ms(10), config(true, ms(50)));
    bench.at(BOOT + ms(20), config(false, ms(0)));
    bench.at(BOOT + ms(200), Command::Press { device: DUCK, part: PartId(1), length: ms(5), bounce: ms(30) });
    let port = Rc::clone(&bench.ports[0]);
    let events = bench.events(ms(1_000));
    let recorded = pins(&events);
    let last = |until: Duration| recorded.iter().rfind(|(at, ..)| *at < until).map(|(_, _, level)| *level);
    assert_eq!(last(BOOT + ms(100)), Some(Level::Low), "{recorded:?}");
    assert_eq!(last(ms(1_000)), Some(Level::Low), "{recorded:?}");
    assert_eq!(port.level(yellow_duck::CONFIG_SWITCH, Instant::from_millis(1_000)), Some(Level::Low));
    assert!(recorded.windows(2).all(|pair| pair[0].2 != pair[1].2), "each tells a change: {recorded:?}");
}

#[test]
fn a_press_while_it_is_pressed_takes_the_place_of_the_one_before() {
    for (second, ends) in [(ms(200), 250), (ms(20), 70)] {
        let mut bench = bench(|_| pending());
        let press = |length| Command::Press { device: DUCK, part: PartId(1), length, bounce: ms(0) };
        bench.at(BOOT, press(ms(100)));
        bench.at(BOOT + ms(50), press(second));
        let events = bench.events(ms(1_000));
        assert_eq!(pins(&events), [(BOOT, 5, Level::High), (BOOT + ms(ends), 5, Level::Low)]);
    }
}
