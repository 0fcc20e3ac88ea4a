//! Which device runs on this thread, and whether it is its own code or ours that executes.
//!
//! The process-wide logger and the panic hook ask here: a line is logged for the device that runs, and a panic belongs
//! to the firmware exactly if it starts while firmware code executes (the board's parts are ours, although the firmware
//! calls them).

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Once;

use super::chip::HostChip;
use simulator_record::time::Instant;

thread_local! {
    /// The device that runs on this thread.
    static CURRENT: RefCell<Option<Rc<HostChip>>> = const { RefCell::new(None) };
    static FIRMWARE: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// While it lives, the device runs on this thread.
pub(super) struct Entered;

/// Makes a device the one that runs on this thread.
pub(super) fn enter(chip: &Rc<HostChip>) -> Entered {
    CURRENT.with(|current| *current.borrow_mut() = Some(Rc::clone(chip)));
    Entered
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.with(|current| current.borrow_mut().take());
    }
}

/// Hands the running device's chip and local time to `act`; `None` if no device runs.
pub(super) fn with_current<R>(act: impl FnOnce(&HostChip, Instant) -> R) -> Option<R> {
    CURRENT.with(|current| {
        let current = current.borrow();
        let chip = current.as_ref()?;
        Some(act(chip, chip.now()))
    })
}

/// Runs firmware code.
pub(super) fn in_firmware<R>(act: impl FnOnce() -> R) -> R {
    let _back = Switched::to(true);
    act()
}

/// Runs code of the simulator that firmware called.
pub(super) fn in_simulator<R>(act: impl FnOnce() -> R) -> R {
    let _back = Switched::to(false);
    act()
}

/// Whether firmware code executes on this thread now: what it allocates and where it panics is the firmware's own.
pub fn firmware_runs() -> bool {
    FIRMWARE.with(Cell::get)
}

/// Puts back who executes, also when unwinding. A panic of the simulator inside firmware must stay the simulator's, so
/// unwinding leaves the flag alone until it has passed.
struct Switched {
    before: bool,
}

impl Switched {
    fn to(firmware: bool) -> Self {
        Self { before: FIRMWARE.with(|flag| flag.replace(firmware)) }
    }
}

impl Drop for Switched {
    fn drop(&mut self) {
        FIRMWARE.with(|flag| flag.set(self.before));
    }
}

/// Makes the process's panic hook note firmware panics quietly and leave ours to the previous hook.
pub(super) fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !firmware_runs() {
                return previous(info);
            }
            let message = info.payload_as_str().unwrap_or("(no message)");
            let place = info.location().map(|at| format!(" at {}:{}", short(at.file()), at.line())).unwrap_or_default();
            PANIC.with(|panic| *panic.borrow_mut() = Some(format!("{message}{place}")));
        }));
    });
}

/// A source path without what depends on the machine: from the crate's folder on.
fn short(path: &str) -> &str {
    let end = path.rfind("/src/").unwrap_or(0);
    path[..end].rfind('/').map_or(path, |slash| &path[slash + 1..])
}

/// What a panic that was caught around the firmware says; a panic of our own goes on unwinding.
pub(super) fn firmware_panic(panic: Box<dyn Any + Send>) -> String {
    match PANIC.with(|noted| noted.borrow_mut().take()) {
        Some(message) => message,
        None => resume_unwind(panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_what_depends_on_the_machine() {
        assert_eq!(
            short("/home/me/.cargo/registry/src/index/smoltcp-0.13.1/src/iface/mod.rs"),
            "smoltcp-0.13.1/src/iface/mod.rs"
        );
        assert_eq!(short("firmware/src/run.rs"), "firmware/src/run.rs");
    }
}
