//! Addresses at which the chip stops and the SDK's part is done here. No memory is there, so no program has code at
//! them.

/// A call from the SDK into the program returns.
pub(crate) const RETURN: u32 = 0x5000_0000;
/// The SDK's handler of exceptions (`user_fatal_exception_handler`).
pub(crate) const FATAL_EXCEPTION: u32 = 0x5000_0020;
/// The SDK's handler of LoadStoreError (`load_non_32_wide_handler`).
pub(crate) const LOAD_STORE_ERROR: u32 = 0x5000_0030;
/// The SDK's own task, as far as it sees to the software watchdog.
pub(crate) const WATCHDOG_TASK: u32 = 0x5000_0040;
/// `user_iram_memory_is_enabled` returns.
pub(crate) const CACHE_ANSWER: u32 = 0x5000_0050;

/// All of them.
pub(crate) const ALL: [u32; 5] = [RETURN, FATAL_EXCEPTION, LOAD_STORE_ERROR, WATCHDOG_TASK, CACHE_ANSWER];
