//! Devices that restart themselves without a reset of the chip.

use super::*;
use crate::device::Progress;

/// A target that restarts itself each second without a reset of its chip, for one and the same cause.
struct Restarting {
    port: Rc<Port>,
    cause: BootCause,
    event: Option<EventKind>,
}

impl Target for Restarting {
    fn start(&mut self, _: Instant, _: BootCause) {}

    fn run(&mut self, now: Instant) -> Progress {
        let event = self.event.clone().map(Box::new);
        self.port.put(now + ms(1_000), Output::Restarted { cause: self.cause, event });
        let local = now + ms(1_000);
        Progress { local, wait: Wait::Until(Some(local)) }
    }

    fn stop(&mut self) {}

    fn watchdog_resets_at(&self) -> Instant {
        Instant::FAR_FUTURE
    }
}

/// A world with one such device.
fn restarting(cause: BootCause, event: Option<EventKind>) -> Bench {
    let mut bench = bench(|_| pending());
    let port = Rc::new(Port::new(DUCK, Models::of_board(&yellow_duck::BOARD, Seed(0), "")));
    bench.world.devices.clear();
    bench.world.add_device(Rc::clone(&port), Box::new(Restarting { port, cause, event }));
    bench
}

#[test]
fn a_device_that_restarts_itself_without_a_reset_is_told_like_any_other_and_runs_on() {
    let events = restarting(BootCause::Software, None).events(ms(2_500));
    let expected = [(BOOT, "power-on"), (BOOT + ms(1_000), "software restart"), (BOOT + ms(2_000), "software restart")];
    assert_eq!(boots(&events), expected);
    let restarts = events.iter().filter(|event| matches!(event.kind, EventKind::Restart(_)));
    assert_eq!(restarts.count(), 2);

    let crash = EventKind::from(events::Crash { message: "again".to_owned(), report: None });
    let mut bench = restarting(BootCause::Exception, Some(crash));
    bench.world.end_after_equal_crashes(CrashLimits { crash: Some(3), watchdog: None });
    bench.run_until(ms(100_000));
    assert_eq!((bench.world.crashes(), bench.world.ended()), (3, Some(Instant::START + BOOT + ms(3_000))));
}
