//! The time that `embassy-time` sees in a simulated device: one clock per thread, set from outside.
//!
//! A simulator runs many devices on one thread, one at a time. Before it polls a device it [`set`]s the clock to that
//! device's local time; while the device runs, blocking delays [`advance`] it; timers the device waits for leave behind
//! the earliest of their deadlines, which the simulator [takes](take_deadline) after the poll. Nothing here reads real time.
//!
//! Timers are not kept: a device re-arms all of its pending timers whenever it is polled, so the earliest deadline since
//! the last poll is all that a simulator needs, and a dropped timer leaves nothing behind.

use core::cell::Cell;
use core::task::Waker;

/// Nanoseconds since the device started, and the earliest deadline (in ticks) asked for since it was last taken.
struct Clock {
    nanos: Cell<u64>,
    deadline: Cell<u64>,
}

const NEVER: u64 = u64::MAX;
/// `embassy-time` counts microseconds (feature `tick-hz-1_000_000`).
const NANOS_PER_TICK: u64 = 1_000;

thread_local! {
    static CLOCK: Clock = const { Clock { nanos: Cell::new(0), deadline: Cell::new(NEVER) } };
}

struct ThreadClock;

impl embassy_time_driver::Driver for ThreadClock {
    fn now(&self) -> u64 {
        now() / NANOS_PER_TICK
    }

    fn schedule_wake(&self, at: u64, _waker: &Waker) {
        CLOCK.with(|clock| clock.deadline.set(clock.deadline.get().min(at)));
    }
}

embassy_time_driver::time_driver_impl!(static DRIVER: ThreadClock = ThreadClock);

/// This thread's time in nanoseconds since the device started.
pub fn now() -> u64 {
    CLOCK.with(|clock| clock.nanos.get())
}

/// Sets this thread's time, in nanoseconds since the device started.
pub fn set(nanos: u64) {
    CLOCK.with(|clock| clock.nanos.set(nanos));
}

/// Lets `nanos` nanoseconds pass on this thread: what a blocking delay does.
pub fn advance(nanos: u64) {
    CLOCK.with(|clock| clock.nanos.set(clock.nanos.get().saturating_add(nanos)));
}

/// The earliest time, in nanoseconds since the device started, that a timer has asked to be woken at since the last
/// call; forgets it. `None` if no timer waits.
pub fn take_deadline() -> Option<u64> {
    let ticks = CLOCK.with(|clock| clock.deadline.replace(NEVER));
    (ticks != NEVER).then(|| ticks.saturating_mul(NANOS_PER_TICK))
}

#[cfg(test)]
mod tests {
    use core::task::Waker;
    use embassy_time_driver::Driver;

    use super::*;

    #[test]
    fn keeps_the_earliest_deadline_until_it_is_taken() {
        ThreadClock.schedule_wake(70, Waker::noop());
        ThreadClock.schedule_wake(20, Waker::noop());
        ThreadClock.schedule_wake(90, Waker::noop());
        assert_eq!(take_deadline(), Some(20_000));
        assert_eq!(take_deadline(), None);
    }

    #[test]
    fn each_thread_has_its_own_time() {
        set(5_000);
        advance(1_500);
        assert_eq!(ThreadClock.now(), 6);
        std::thread::spawn(|| assert_eq!(now(), 0)).join().unwrap();
    }
}
