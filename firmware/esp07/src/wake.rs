//! Asks the SDK to have the firmware polled: a leaf, so that what wakes the firmware need not know what polls it.

use core::cell::Cell;

use crate::sdk;
use crate::task_level::TaskLevel;

/// The firmware's task: the lowest of the three that programs have.
pub const PRIORITY: u8 = 0;

/// Whether an event waits.
static POSTED: TaskLevel<Cell<bool>> = TaskLevel::new(Cell::new(false));

/// Has the firmware polled soon. The task exists.
pub fn wake() {
    if !POSTED.replace(true) {
        // SAFETY: the task exists. The queue has room, because at most one event waits.
        unsafe { sdk::system_os_post(PRIORITY, 0, 0) };
    }
}

/// The event that waited has come.
pub fn taken() {
    POSTED.set(false);
}
