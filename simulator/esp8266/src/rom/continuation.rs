//! Places within ROM functions where they go on: after a function of the program, or after waiting.
//!
//! Most are where the ROM itself would go on; none is a published entry. Programs come here by returning.

/// `ets_printf`: the next character.
pub const PRINT: u32 = 0x4000_2514;
/// Leaves a frame of 16 bytes, and returns.
pub const LEAVE: u32 = 0x4000_189C;
/// The ROM's endless loop after trouble.
pub const SPIN: u32 = 0x4000_10BA;
/// `send_packet`: the next byte.
pub const SEND_PACKET: u32 = 0x4000_3CA0;
/// `_xtos_l1int_handler`: after an interrupt's handler.
pub const INTERRUPT_DONE: u32 = 0x4000_050C;
/// `ets_delay_us`: its loop.
pub const DELAY: u32 = 0x4000_2EEE;
/// `ets_run`: its loop.
pub const RUN: u32 = 0x4000_0F4F;
/// `ets_run`: nothing to do.
pub const IDLE: u32 = 0x4000_0F65;
/// `ets_run`: after a task's function.
pub const TASK_DONE: u32 = 0x4000_0F49;
/// Handler of FRC2's interrupt.
pub const TIMER_INTERRUPT: u32 = 0x4000_2E24;
/// The timers' task.
pub const TIMER_TASK: u32 = 0x4000_2E3C;
/// `ets_timer_handler_isr`: its loop.
pub const TIMERS_DUE: u32 = 0x4000_2DE0;
/// `ets_timer_handler_isr`: after a timer's function.
pub const TIMER_CALLED: u32 = 0x4000_2E09;
/// Handler of the pins' interrupt.
pub const GPIO_INTERRUPT: u32 = 0x4000_4E34;
/// Handler of the watchdog's interrupt, and of the timer that feeds it.
pub const WATCHDOG: u32 = 0x4000_2F88;
/// `SPIWrite`: the next piece.
pub const FLASH_PROGRAM: u32 = 0x4000_4AC3;
/// `SPIEraseSector` and others: the next unit.
pub const FLASH_ERASE: u32 = 0x4000_4A3C;
/// `main`: what the cause of reset leads to.
pub const BOOT_BY_CAUSE: u32 = 0x4000_106C;
/// `main`: what the strapping leads to.
pub const BOOT_BY_STRAP: u32 = 0x4000_1121;
/// `main`, strapped for download: after the rate is known.
pub const BAUD_RATE_KNOWN: u32 = 0x4000_1130;
/// `UartDwnLdProc`: takes requests.
pub const DOWNLOAD_RECEIVE: u32 = 0x4000_3388;
/// `UartDwnLdProc`: after a reply.
pub const DOWNLOAD_REPLIED: u32 = 0x4000_33A0;
/// `FlashDwnLdStartMsgProc`: after erasing.
pub const DOWNLOAD_ERASED: u32 = 0x4000_3560;
/// `FilePacketSendReqMsgProc`: after writing.
pub const DOWNLOAD_WRITTEN: u32 = 0x4000_35D0;
/// `main`: before it loads.
pub const BOOT_LOAD: u32 = 0x4000_108A;
/// `main`: loads and starts the program. Download stubs jump here.
pub const LOAD_AND_RUN: u32 = 0x4000_10A8;
/// `main`: after `boot_from_flash`.
pub const BOOT_LOADED: u32 = 0x4000_10AB;
/// `boot_from_flash`: its end.
pub const BOOT_RESULT: u32 = 0x4000_15BE;
/// `main`: the program has returned.
pub const USER_DONE: u32 = 0x4000_1100;
/// `MD5Update`: the next block.
pub const MD5_UPDATE: u32 = 0x4000_989C;
/// `pbkdf2_sha1`: the next iteration.
pub const PBKDF2: u32 = 0x4000_B870;
/// Functions of the PHY that call others: after one of them.
pub const PHY_STEP: u32 = 0x4000_7424;
