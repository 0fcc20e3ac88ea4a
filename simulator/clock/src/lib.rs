//! The time that `embassy-time` sees in a simulated device: one clock per thread, set from outside.
//!
//! A simulator runs many devices on one thread, one at a time. Before it polls a device it [`set`]s the clock to that
//! device's local time; while the device runs, blocking delays [`advance`] it; timers the device waits for leave behind
//! the earliest of their deadlines, which the simulator [takes](take_deadline) after the poll. Nothing here reads real
//! time.
//!
//! A device that never returns can be ended as well: a [limit](set_limit) unwinds out of whatever lets time pass beyond
//! it. Code that does nothing but read the clock lets time pass, too, after it has read it very often.
//!
//! Timers are not kept: a device re-arms all of its pending timers whenever it is polled, so the earliest deadline
//! since the last poll is all that a simulator needs, and a dropped timer leaves nothing behind.
//!
//! ```
//! use core::pin::pin;
//! use core::task::{Context, Poll, Waker};
//!
//! use embassy_time::{Instant, Timer};
//!
//! let mut device = pin!(async {
//!     Timer::after_secs(2).await;
//!     Instant::now().as_millis()
//! });
//! let mut cx = Context::from_waker(Waker::noop());
//!
//! simulator_clock::set(0);
//! assert!(device.as_mut().poll(&mut cx).is_pending());
//! // The device waits for two seconds. They pass at once.
//! let deadline = simulator_clock::take_deadline().expect("the device waits for a timer");
//! assert_eq!(deadline, 2_000_000_000);
//! simulator_clock::set(deadline);
//! assert_eq!(device.as_mut().poll(&mut cx), Poll::Ready(2_000));
//! ```

use core::cell::Cell;
use core::task::Waker;
use std::panic::resume_unwind;
use std::thread::panicking;

struct Clock {
    /// Nanoseconds since the device started.
    nanos: Cell<u64>,
    /// The earliest deadline (in ticks) asked for since it was last taken.
    deadline: Cell<u64>,
    /// See [`set_limit`].
    limit: Cell<u64>,
    /// How often the device has read the clock since it was last set.
    reads: Cell<u32>,
}

/// What unwinds out of code that let time pass beyond the clock's limit. No panic: the panic hook is not called.
#[derive(Debug)]
pub struct LimitPassed;

const NEVER: u64 = u64::MAX;
/// `embassy-time` counts microseconds (feature `tick-hz-1_000_000`).
const NANOS_PER_TICK: u64 = 1_000;
/// How often the clock may be read before each further reading takes a tick. Whoever does something between readings
/// reads it some dozens of times before the simulator sets it again; who reads it so often waits for it to go on.
const FREE_READS: u32 = 100_000;

thread_local! {
    static CLOCK: Clock = const {
        Clock { nanos: Cell::new(0), deadline: Cell::new(NEVER), limit: Cell::new(NEVER), reads: Cell::new(0) }
    };
}

struct ThreadClock;

impl embassy_time_driver::Driver for ThreadClock {
    fn now(&self) -> u64 {
        let reads = CLOCK.with(|clock| clock.reads.replace(clock.reads.get().saturating_add(1)));
        if reads >= FREE_READS {
            advance(NANOS_PER_TICK);
        }
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
    CLOCK.with(|clock| {
        clock.nanos.set(nanos);
        clock.reads.set(0);
    });
}

/// Lets `nanos` nanoseconds pass on this thread: what a blocking delay does. Unwinds with [`LimitPassed`] if time is
/// then beyond the limit, unless the thread unwinds already.
pub fn advance(nanos: u64) {
    let beyond = CLOCK.with(|clock| {
        clock.nanos.set(clock.nanos.get().saturating_add(nanos));
        clock.nanos.get() > clock.limit.get()
    });
    if beyond && !panicking() {
        resume_unwind(Box::new(LimitPassed));
    }
}

/// Sets this thread's limit, in nanoseconds since the device started; `None` takes it away.
pub fn set_limit(nanos: Option<u64>) {
    CLOCK.with(|clock| clock.limit.set(nanos.unwrap_or(NEVER)));
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
    fn time_that_passes_beyond_the_limit_unwinds() {
        set(0);
        set_limit(Some(2_000));
        advance(2_000);
        let passed = std::panic::catch_unwind(|| advance(1)).unwrap_err();
        assert!(passed.is::<LimitPassed>());
        set_limit(None);
        advance(1);
        assert_eq!(now(), 2_002);
    }

    #[test]
    fn who_only_reads_the_clock_sees_it_go_on() {
        set(7_000);
        assert!((0..FREE_READS).all(|_| ThreadClock.now() == 7));
        assert_eq!([ThreadClock.now(), ThreadClock.now()], [8, 9]);
        set(now());
        assert_eq!([ThreadClock.now(), ThreadClock.now()], [9, 9]);
    }

    #[test]
    fn each_thread_has_its_own_time() {
        set(5_000);
        advance(1_500);
        assert_eq!(ThreadClock.now(), 6);
        std::thread::spawn(|| assert_eq!(now(), 0)).join().unwrap();
    }
}
