//! The frame of 256 bytes that the boot ROM saves registers in, on the interrupted stack: offsets in it.

pub const SIZE: u32 = 0x100;
pub const EPC: u32 = 0;
pub const PS: u32 = 4;
pub const SAR: u32 = 8;
pub const PRIORITIES: u32 = 12;
pub const A0: u32 = 16;
/// a2 to a15.
pub const A2: u32 = 20;
pub const CAUSE: u32 = 76;
