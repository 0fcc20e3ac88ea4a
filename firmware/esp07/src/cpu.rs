//! The core: interrupts, the cycle counter, a stack of our own, and byte-wide access where there are only words.
//!
//! The functions behind it are in `firmware/toolchain/cpu.S`.

use core::ffi::c_void;

use embedded_hal::delay::DelayNs;

use crate::sdk;

/// The core's clock after [`run_at_full_speed`], in MHz.
pub const MEGAHERTZ: u32 = 160;

unsafe extern "C" {
    safe fn cpu_mask_interrupts() -> u32;
    fn cpu_restore_interrupts(status: u32);
    safe fn cpu_cycles() -> u32;
    fn cpu_call_on_stack(function: unsafe extern "C" fn(*mut c_void), argument: *mut c_void, top: *mut u8);
    safe fn cpu_see_to_narrow_accesses();
    safe fn cpu_halt() -> !;
}

/// From now on bytes and half words can be loaded from flash, and loaded from and stored to instruction memory, which
/// their buses refuse: the exception is seen to in some 50 cycles. Constants lie in flash and the heap in instruction
/// memory, because data memory is scarce.
pub fn see_to_narrow_accesses() {
    cpu_see_to_narrow_accesses();
}

/// 160 MHz: a TLS handshake is 200 million instructions.
pub fn run_at_full_speed() {
    // SAFETY: a call without arguments that could be wrong.
    unsafe { sdk::system_update_cpu_freq(MEGAHERTZ as u8) };
}

/// Stands still until the watchdog resets the chip.
pub fn halt() -> ! {
    cpu_halt()
}

/// Calls `function` with `argument` on another stack.
///
/// # Safety
/// `stack` is used by nobody else meanwhile, `function` may be called with `argument`, and needs no more than there is.
pub unsafe fn call_on_stack<const SIZE: usize>(
    stack: *mut Stack<SIZE>,
    function: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
) {
    // SAFETY: the end of the stack lies in the same object, and is aligned as the stack is; the rest is the caller's.
    unsafe { cpu_call_on_stack(function, argument, stack.cast::<u8>().add(SIZE)) };
}

/// Memory for a stack of `SIZE` bytes, a multiple of 16.
#[repr(align(16))]
pub struct Stack<const SIZE: usize>([u8; SIZE]);

impl<const SIZE: usize> Stack<SIZE> {
    /// An unused stack.
    pub const fn new() -> Self {
        Self([0; SIZE])
    }
}

/// Masked interrupts for the ecosystem's critical sections.
struct MaskedInterrupts;

critical_section::set_impl!(MaskedInterrupts);

// SAFETY: one core, and all interrupts are masked but the NMI, which nothing uses: the radio's is an ordinary one in
// this SDK, so that the radio waits as well.
unsafe impl critical_section::Impl for MaskedInterrupts {
    unsafe fn acquire() -> critical_section::RawRestoreState {
        cpu_mask_interrupts()
    }

    unsafe fn release(status: critical_section::RawRestoreState) {
        // SAFETY: the caller hands back what `acquire` returned.
        unsafe { cpu_restore_interrupts(status) };
    }
}

/// Delays that count cycles: exact to a fraction of a microsecond while interrupts are masked.
pub struct Delay;

impl DelayNs for Delay {
    fn delay_ns(&mut self, nanos: u32) {
        // Nanoseconds times 0.16, as a fraction of 2^28.
        const CYCLES: u64 = (MEGAHERTZ as u64) * (1 << 28) / 1_000;
        wait(cpu_cycles(), ((u64::from(nanos) * CYCLES) >> 28) as u32);
    }

    fn delay_us(&mut self, micros: u32) {
        // In pieces that the counter does not wrap in.
        const PIECE: u32 = 10_000_000;
        let mut start = cpu_cycles();
        let mut rest = micros;
        while rest > PIECE {
            wait(start, PIECE * MEGAHERTZ);
            start = start.wrapping_add(PIECE * MEGAHERTZ);
            rest -= PIECE;
        }
        wait(start, rest * MEGAHERTZ);
    }

    fn delay_ms(&mut self, millis: u32) {
        for _ in 0..millis {
            self.delay_us(1_000);
        }
    }
}

/// Waits until so many cycles have passed since `start`. In instruction memory: the sensor does not wait for flash.
#[inline(never)]
#[unsafe(link_section = ".iram.text.wait")]
fn wait(start: u32, cycles: u32) {
    while cpu_cycles().wrapping_sub(start) < cycles {}
}

impl firmware::board::Delay for Delay {
    fn undisturbed<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        critical_section::with(|_| act(self))
    }
}
