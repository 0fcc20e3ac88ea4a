//! The host target: the firmware crate compiled for this machine, driven as a future in virtual time.
//!
//! The future is polled when the world says so; inside a poll the device's local time advances by what its blocking
//! calls cost (delays, pin reads, serial output), computing costs nothing. The board's parts reach the world's models
//! through the [`Port`].
//!
//! A poll that does not come back is ended where its local time passes the watchdog's bite; one that only computes, and
//! looks neither at a pin nor at the clock, cannot be. Nor can this target show what depends on the chip's speed, stack
//! or memory.

mod board;
mod chip;
mod context;
mod serial;
mod uart;
mod words;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use simulator_clock::LimitPassed;

use super::{Port, Progress, Target, Wait};
use simulator_record::events::BootCause;
use simulator_record::time::Instant;

pub use board::{HostBoard, HostFlash};
pub use context::firmware_runs;

use chip::HostChip;

/// The firmware as a future; its output is the reason for the restart it asks for.
pub type Program = Pin<Box<dyn Future<Output = String>>>;

/// How often a device may wake itself while no time passes before it is called a livelock. A busy instant (a burst of
/// frames, a handshake) takes some dozens.
const LIVELOCK_POLLS: u32 = 10_000;

/// The firmware compiled for this machine.
pub struct HostTarget {
    port: Rc<Port>,
    /// Makes the program anew at each start.
    load: Box<dyn Fn(HostBoard) -> Program>,
    running: Option<Running>,
    woken: Arc<Flag>,
}

/// A started program, and the chip that it runs on.
struct Running {
    program: Program,
    chip: Rc<HostChip>,
}

/// All that a waker owns: embassy-net never drops the wakers it stores.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl HostTarget {
    /// The yellow duck.
    pub fn yellow_duck(port: Rc<Port>) -> Self {
        Self::with_program(port, |board| {
            Box::pin(async move {
                let mut resources = Box::new(firmware::Resources::new());
                firmware::run(board, &mut resources).await.reason().to_owned()
            })
        })
    }

    /// Another program over the same board.
    pub fn with_program(port: Rc<Port>, load: impl Fn(HostBoard) -> Program + 'static) -> Self {
        serial::install_logger();
        context::install_panic_hook();
        Self { port, load: Box::new(load), running: None, woken: Arc::new(Flag(AtomicBool::new(false))) }
    }
}

impl Target for HostTarget {
    fn start(&mut self, at: Instant, cause: BootCause) {
        self.stop();
        let board = HostBoard::new(Rc::clone(&self.port), at, words::reset_cause(cause));
        let chip = board.chip();
        self.running = Some(Running { program: (self.load)(board), chip });
    }

    fn run(&mut self, now: Instant) -> Progress {
        let running = self.running.as_mut().expect("the world runs started targets only");
        simulator_clock::set(running.chip.clock_at(now));
        simulator_clock::take_deadline();
        let waker = Waker::from(Arc::clone(&self.woken));
        let local = || running.chip.now();
        let _entered = context::enter(&running.chip);
        let mut polls = 0;
        let polled_at = local();
        let wait = loop {
            self.woken.0.store(false, Ordering::Relaxed);
            simulator_clock::set(simulator_clock::now());
            running.chip.limit_by_watchdog();
            let poll = catch_unwind(AssertUnwindSafe(|| {
                context::in_firmware(|| running.program.as_mut().poll(&mut Context::from_waker(&waker)))
            }));
            simulator_clock::set_limit(None);
            match poll {
                Ok(Poll::Ready(reason)) => break Wait::Restart(reason),
                Ok(Poll::Pending) if self.woken.0.load(Ordering::Relaxed) => {
                    // Time has passed, so the world comes first: it may have a frame, or the watchdog's bite.
                    if local() > polled_at {
                        break Wait::Until(Some(local()));
                    }
                    polls += 1;
                    if polls > LIVELOCK_POLLS {
                        break Wait::Livelock(polls);
                    }
                }
                Ok(Poll::Pending) => {
                    break Wait::Until(simulator_clock::take_deadline().map(|nanos| running.chip.at(nanos)));
                }
                Err(panic) if panic.is::<LimitPassed>() => break Wait::Hung,
                Err(panic) => {
                    let message = context::firmware_panic(panic);
                    running.chip.write_serial(local(), &format!("panic: {message}\r\n"));
                    break Wait::Crashed(message);
                }
            }
        };
        let local = local();
        Progress { local, wait }
    }

    fn watchdog_resets_at(&self) -> Instant {
        self.running.as_ref().expect("the world asks started targets only").chip.watchdog_resets_at()
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            // Dropping the program runs destructors inside the device's context. They happen on no chip, so nothing
            // that they put out counts.
            let _entered = context::enter(&running.chip);
            let dropped = catch_unwind(AssertUnwindSafe(|| context::in_firmware(|| drop(running.program))));
            simulator_clock::set_limit(None);
            if let Err(panic) = dropped
                && !panic.is::<LimitPassed>()
            {
                let _happens_on_no_chip = context::firmware_panic(panic);
            }
            self.port.take_outbox();
        }
    }
}
