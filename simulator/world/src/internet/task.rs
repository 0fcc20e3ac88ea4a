//! Server tasks without a runtime: a future, a flag that says whether it was woken, and timers in virtual time.
//!
//! Wakers own nothing but the flag, so that one kept anywhere keeps nothing alive.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use time::OffsetDateTime;

use simulator_record::time::Instant;

/// The world's time as servers see it.
#[derive(Debug)]
pub(super) struct Clock {
    start: OffsetDateTime,
    now: Cell<Instant>,
}

impl Clock {
    /// A clock whose calendar says `start` at the scenario's beginning.
    pub fn new(start: OffsetDateTime) -> Self {
        Self { start, now: Cell::new(Instant::START) }
    }

    /// Sets the virtual time.
    pub fn set(&self, now: Instant) {
        self.now.set(now);
    }

    /// The virtual time.
    pub fn now(&self) -> Instant {
        self.now.get()
    }

    /// The calendar time.
    pub fn calendar(&self) -> OffsetDateTime {
        self.calendar_at(self.now.get())
    }

    /// The calendar time at `at`.
    pub fn calendar_at(&self, at: Instant) -> OffsetDateTime {
        self.start.saturating_add(at.since_start().try_into().unwrap_or(time::Duration::MAX))
    }

    /// The virtual time at which the calendar says `at`; the beginning for what lies before it.
    pub fn instant_of(&self, at: OffsetDateTime) -> Instant {
        let nanos = (at - self.start).whole_nanoseconds();
        Instant::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A server's work on one connection.
pub(super) struct Task {
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    flag: Arc<Flag>,
    waker: Waker,
}

impl Task {
    /// A task that is due at once.
    pub fn new(future: impl Future<Output = ()> + 'static) -> Self {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        Self { future: Some(Box::pin(future)), waker: Waker::from(Arc::clone(&flag)), flag }
    }

    /// Makes the task due.
    pub fn wake(&self) {
        self.waker.wake_by_ref();
    }

    /// Polls the task if it is due; says whether it was.
    pub fn poll_if_woken(&mut self) -> bool {
        let Some(future) = &mut self.future else { return false };
        if !self.flag.0.swap(false, Ordering::Relaxed) {
            return false;
        }
        if future.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready() {
            self.future = None;
        }
        true
    }

    /// Whether the task has nothing left to do.
    pub fn is_finished(&self) -> bool {
        self.future.is_none()
    }
}

/// The moments one task waits for.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    pending: Rc<RefCell<BTreeSet<(Instant, u64)>>>,
    count: Rc<Cell<u64>>,
}

impl Timers {
    /// The earliest.
    pub fn next(&self) -> Option<Instant> {
        self.pending.borrow().first().map(|&(at, _)| at)
    }

    /// Waits until `clock` says `at`. The task's owner polls it when the [next](Self::next) moment has come.
    pub fn sleep_until(&self, clock: &Rc<Clock>, at: Instant) -> Sleep {
        let key = (at, self.count.get());
        self.count.set(key.1 + 1);
        self.pending.borrow_mut().insert(key);
        Sleep { key, clock: Rc::clone(clock), timers: self.clone() }
    }
}

/// See [`Timers::sleep_until`].
#[derive(Debug)]
pub(super) struct Sleep {
    key: (Instant, u64),
    clock: Rc<Clock>,
    timers: Timers,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.key.0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.timers.pending.borrow_mut().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_sleeping_task_says_when_it_wants_to_go_on() {
        let clock = Rc::new(Clock::new(datetime!(2026-01-01 00:00 UTC)));
        let timers = Timers::default();
        let mut task = Task::new({
            let (clock, timers) = (Rc::clone(&clock), timers.clone());
            async move { timers.sleep_until(&clock, Instant::from_secs(5)).await }
        });
        assert!(task.poll_if_woken());
        assert!(!task.poll_if_woken(), "polled though nothing happened");
        assert_eq!(timers.next(), Some(Instant::from_secs(5)));
        clock.set(Instant::from_secs(5));
        task.wake();
        task.poll_if_woken();
        assert!(task.is_finished());
        assert_eq!(timers.next(), None);
        assert_eq!(clock.calendar(), datetime!(2026-01-01 00:00:05 UTC));
    }
}
