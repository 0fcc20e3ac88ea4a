//! The firmware as one task of the SDK, and the time.
//!
//! The task polls the firmware's future once for each event that is posted to it: by the timer when a deadline passes,
//! by the radio when a frame or a change of the link arrives, by the future's own waker. At most one event waits. A
//! poll runs on a stack of its own, because the SDK's is small (some 5 KiB, shared with its interrupts); between polls
//! the SDK runs the radio.
//!
//! Time is the SDK's 32-bit microsecond counter, continued to 64 bits: something looks at it far more often than it
//! wraps (every 71 minutes), since the firmware feeds the watchdog each second.

use alloc::boxed::Box;
use core::cell::{Cell, RefCell};
use core::ffi::c_void;
use core::future::Future;
use core::pin::Pin;
use core::ptr::null_mut;
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use embassy_time_driver::{Driver, time_driver_impl};
use firmware::{Resources, Restart};

use crate::board::Esp07;
use crate::cpu::{self, Stack};
use crate::sdk::{self, Event, OsTimer};
use crate::task_level::TaskLevel;
use crate::wake::{self, PRIORITY, wake};

/// What one poll may need: the deepest is the search for a path in a server's certificates, 10,432 bytes for two of
/// them as seen on the emulated core (`cargo ci handshake`), and 1,472 more for each further one of at most five. The
/// SDK's interrupts come on top of whatever runs.
const STACK_SIZE: usize = 17 * 1_024 + 512;
/// The SDK's timers end here, in milliseconds; a later deadline is armed for again.
const LONGEST_TIMER: u64 = 3_600_000;

// An emulator finds it by this name and tells when something runs over its lower end.
#[unsafe(export_name = "firmware_stack")]
static mut STACK: Stack<STACK_SIZE> = Stack::new();
static mut RESOURCES: Resources = Resources::new();
static mut QUEUE: [Event; 2] = [const { Event { signal: 0, parameter: 0 } }; 2];
static mut TIMER: OsTimer = OsTimer::new();

/// The firmware; its output is why it wants to be restarted.
type Program = Pin<Box<dyn Future<Output = Restart>>>;

static PROGRAM: TaskLevel<RefCell<Option<Program>>> = TaskLevel::new(RefCell::new(None));

/// What the firmware's future takes of the heap, in bytes; `cargo ci size` reads it from the linked program.
#[unsafe(no_mangle)]
static FUTURE_SIZE: usize = output_size(&firmware::run::<Esp07>);
const _: () = assert!(output_size(&firmware::run::<Esp07>) <= firmware::FUTURE_BUDGET);

/// The size of what a function returns.
const fn output_size<A, B, T>(_: &impl FnOnce(A, B) -> T) -> usize {
    size_of::<T>()
}

/// Makes the task and has it polled for the first time.
pub fn start() {
    // SAFETY: once; the timer and the queue live as long as the program, and only the SDK uses them from now on.
    unsafe {
        sdk::ets_timer_setfn(&raw mut TIMER, on_timer, null_mut());
        sdk::system_os_task(on_event, PRIORITY, (&raw mut QUEUE).cast(), 2);
    }
    wake();
}

unsafe extern "C" fn on_timer(_: *mut c_void) {
    wake();
}

unsafe extern "C" fn on_event(_: *mut Event) {
    wake::taken();
    // SAFETY: the SDK calls one task at a time, and `poll` does not come back here.
    unsafe { cpu::call_on_stack(&raw mut STACK, poll, null_mut()) };
    CLOCK.arm();
}

/// Polls the firmware, on its own stack.
unsafe extern "C" fn poll(_: *mut c_void) {
    let mut program = PROGRAM.borrow_mut();
    let program = program.get_or_insert_with(begin);
    CLOCK.deadline.set(u64::MAX);
    if let Poll::Ready(_restart) = program.as_mut().poll(&mut Context::from_waker(&waker())) {
        // The SDK goes on for some milliseconds before it restarts, and its events still come here. What is over must
        // not be polled again; nor is it dropped, which would take what the SDK may still use.
        core::mem::forget(core::mem::replace(program, Box::pin(core::future::pending())));
        // SAFETY: a call without arguments.
        unsafe { sdk::system_restart() };
    }
}

/// The firmware from its beginning. Not part of `poll`, whose frame lies below the deepest calls.
#[inline(never)]
fn begin() -> Program {
    let resources = &raw mut RESOURCES;
    // SAFETY: only here, which is reached once.
    let (board, resources) = unsafe { (Esp07::new(), &mut *resources) };
    Box::pin(firmware::run(board, resources))
}

/// A waker that owns nothing: there is one future to wake.
fn waker() -> Waker {
    static TABLE: RawWakerVTable =
        RawWakerVTable::new(|_| RawWaker::new(core::ptr::null(), &TABLE), |_| wake(), |_| wake(), |_| {});
    // SAFETY: the functions ignore the pointer.
    unsafe { Waker::from_raw(RawWaker::new(core::ptr::null(), &TABLE)) }
}

/// Microseconds since the chip started.
pub fn now() -> u64 {
    CLOCK.now()
}

/// The time driver.
struct Clock {
    /// When it was last looked at.
    last: TaskLevel<Cell<u64>>,
    /// The next deadline of the future, as of this poll.
    deadline: TaskLevel<Cell<u64>>,
}

time_driver_impl!(static CLOCK: Clock = Clock {
    last: TaskLevel::new(Cell::new(0)),
    deadline: TaskLevel::new(Cell::new(u64::MAX)),
});

impl Clock {
    /// Has the firmware polled when its next deadline passes.
    fn arm(&self) {
        let deadline = self.deadline.get();
        let left = deadline.saturating_sub(self.now()).div_ceil(1_000);
        // SAFETY: the timer is ours and was set up by `start`.
        unsafe {
            sdk::ets_timer_disarm(&raw mut TIMER);
            match left {
                0 => wake(),
                _ => sdk::ets_timer_arm_new(&raw mut TIMER, left.min(LONGEST_TIMER) as u32, false, true),
            }
        }
    }
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        let last = self.last.get();
        // SAFETY: a call without arguments.
        let low = unsafe { sdk::system_get_time() };
        let now = last + u64::from(low.wrapping_sub(last as u32));
        self.last.set(now);
        now
    }

    fn schedule_wake(&self, at: u64, _waker: &Waker) {
        self.deadline.set(self.deadline.get().min(at));
    }
}
