//! Memory that is only used at task level.

/// A static that only tasks, timers and the SDK's callbacks use. They run one after another on the one core, and none
/// of our code runs in an interrupt, so what is in here is never used by two at a time.
pub struct TaskLevel<T>(T);

// SAFETY: there is one core and no thread, and interrupts do not come here.
unsafe impl<T> Sync for TaskLevel<T> {}

impl<T> TaskLevel<T> {
    /// Memory for task level.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> core::ops::Deref for TaskLevel<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
