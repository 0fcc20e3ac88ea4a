//! Which interrupts are enabled and pending.

pub use bare_metal::CriticalSection;

unsafe extern "C" {
    safe fn cpu_swap_intenable(mask: u32) -> u32;
    safe fn cpu_interrupt() -> u32;
    safe fn cpu_intclear(mask: u32);
}

/// An interrupt that has a number.
///
/// # Safety
/// Each number belongs to one interrupt, for good.
pub unsafe trait InterruptNumber: Copy {
    /// Its bit in INTENABLE and INTERRUPT.
    fn number(self) -> u16;
}

/// Disables all interrupts and returns which were enabled.
pub fn disable() -> u32 {
    cpu_swap_intenable(0)
}

/// Enables exactly the interrupts in `mask` and returns which were enabled.
///
/// # Safety
/// Breaks critical sections that rest on masked interrupts.
pub unsafe fn set_mask(mask: u32) -> u32 {
    cpu_swap_intenable(mask)
}

/// Enables the interrupts in `mask` too and returns which were enabled.
///
/// # Safety
/// Breaks critical sections that rest on masked interrupts.
pub unsafe fn enable_mask(mask: u32) -> u32 {
    let before = disable();
    cpu_swap_intenable(before | mask);
    before
}

/// The pending interrupts.
pub fn get() -> u32 {
    cpu_interrupt()
}

/// Takes back software and edge interrupts.
///
/// # Safety
/// An interrupt that is taken back is lost.
pub unsafe fn clear(mask: u32) {
    cpu_intclear(mask);
}

/// Runs `act` while no interrupt is enabled.
pub fn free<F: FnOnce(&CriticalSection<'_>) -> R, R>(act: F) -> R {
    let before = disable();
    // SAFETY: no interrupt is enabled, and there is one core.
    let section = unsafe { CriticalSection::new() };
    let result = act(&section);
    cpu_swap_intenable(before);
    result
}
