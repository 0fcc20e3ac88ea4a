//! The cycle counter.

unsafe extern "C" {
    safe fn cpu_cycles() -> u32;
}

/// CCOUNT: CPU cycles, wrapping.
pub fn get_cycle_count() -> u32 {
    cpu_cycles()
}
