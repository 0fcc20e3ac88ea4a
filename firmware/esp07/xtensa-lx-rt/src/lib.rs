//! Names that `esp8266-hal` 0.5.1 takes from the published crate of this name, so that it compiles.
//!
//! The vendor's SDK brings the start-up code and the exception vectors, so nothing here is ever run: what could be is a
//! panic.
#![no_std]

/// Marks an entry point; there is none beside `user_init`.
#[macro_export]
macro_rules! entry {
    ($($tokens:tt)*) => {};
}

/// Marks an exception handler; there is none in Rust.
#[macro_export]
macro_rules! exception {
    ($($tokens:tt)*) => {};
}

/// Would zero `.bss`.
///
/// # Safety
/// None to keep: it panics.
///
/// # Panics
/// Always.
pub unsafe fn zero_bss(_start: *mut u32, _end: *mut u32) {
    panic!("the SDK zeroes .bss");
}

/// Would start the chip.
///
/// # Safety
/// None to keep: it panics.
///
/// # Panics
/// Always.
#[expect(non_snake_case, reason = "the published name")]
pub unsafe fn Reset() -> ! {
    panic!("the SDK starts the chip");
}
