//! From reset to the program: strapping, messages, loading from flash.
//!
//! The ROM initializes the core and its own data, says why it was reset and how its pins are strapped, loads the image
//! at the flash's beginning (format version 1: header, segments, XOR checksum) and jumps to it. Messages are exactly
//! the ROM's.
//!
//! Strapping is GPIO15, GPIO0, GPIO2 from high bit to low: 3 boots from flash, 2 jumps into instruction RAM, 1 waits
//! for a download over UART0 (see `download`), and everything else for an SDIO host, which never comes.

use super::call::{Call, Flow, Trouble};
use super::{console, continuation, download, flash, printf, ram, xtos};
use crate::cpu::ps;

type Outcome = Result<Flow, Trouble>;

/// GPIO_IN, with the strapping in its upper half.
const GPIO_IN: u32 = 0x6000_0318;
const RTC: u32 = 0x6000_0700;
/// Attributes that the ROM gives to the eight regions of 512 MiB, lowest region in the lowest digit.
const REGIONS: u32 = 0x2222_211F;

fn strap(call: &mut Call<'_>) -> Result<u32, Trouble> {
    Ok(call.word(GPIO_IN)? >> 16 & 7)
}

/// `_ResetVector` and `_ResetHandler`: core and data, then [`main`].
pub fn reset(call: &mut Call<'_>) -> Outcome {
    call.cpu.intenable = 0;
    call.cpu.litbase = 0;
    call.cpu.vecbase = 0x4000_0000;
    for region in 0..8 {
        let attribute = (REGIONS >> (4 * region) & 0xF) as u8;
        call.memory.set_region(region, true, attribute);
        call.memory.set_region(region, false, attribute);
    }
    ram::initialize(call.memory);
    call.state.outputs.clear();
    call.state.frames.clear();
    call.cpu.a[1] = 0x4000_0000;
    call.cpu.ps = ps::UM;
    call.spend(6000);
    Ok(Flow::Jump(MAIN))
}

const MAIN: u32 = 0x4000_0FEC;

/// `main`: the UART, the reset's cause, and the message.
pub fn main(call: &mut Call<'_>) -> Outcome {
    call.enter(16, 2)?;
    console::attach(call)?;
    console::initialize(call, 0)?;
    call.set_word(ram::PRINTF + 12, console::PUTC1)?;
    let cause = reset_reason(call)?;
    call.cpu.a[13] = cause;
    let pins = call.word(GPIO_IN)?;
    let text = format!("\n ets Jan  8 2013,rst cause:{cause}, boot mode:({},{})\n\n", pins >> 16 & 7, pins >> 29 & 7);
    printf::print(call, &text, continuation::BOOT_BY_CAUSE)
}

/// `rtc_get_reset_reason()`: 1 power on, 2 reset pin, 3 software, 4 watchdog, 5 deep sleep, 6 SDIO.
pub fn rtc_get_reset_reason(call: &mut Call<'_>) -> Outcome {
    let reason = reset_reason(call)?;
    call.returns(reason)
}

fn reset_reason(call: &mut Call<'_>) -> Result<u32, Trouble> {
    let reason = match call.word(RTC + 0x14)? & 0xF {
        5 => match call.word(RTC + 0x18)? >> 8 & 0x3F {
            1 => 6,
            8 => 5,
            _ => 0,
        },
        reason => reason,
    };
    call.modify(RTC + 0x08, 1 << 21, 0)?;
    Ok(reason)
}

/// What each cause of reset leads to.
pub(super) fn by_cause(call: &mut Call<'_>) -> Outcome {
    match call.cpu.a[13] {
        1 | 2 => by_strap(call),
        4 => printf::print(call, "wdt reset\n", continuation::BOOT_BY_STRAP),
        3 | 5 | 6 => Ok(Flow::Jump(continuation::BOOT_LOAD)),
        _ => printf::print(call, "unknown reset\nets_main.c ", continuation::SPIN),
    }
}

/// What the strapping says: where the program comes from.
pub(super) fn by_strap(call: &mut Call<'_>) -> Outcome {
    match strap(call)? {
        3 => {
            flash::attach(call)?;
            call.set_word(ram::USER_START, 0)?;
        }
        2 => call.set_word(ram::USER_START, 0x4010_0000)?,
        1 => return download::begin(call),
        _ => return printf::print(call, "waiting for host\n", continuation::SPIN),
    }
    Ok(Flow::Jump(continuation::BOOT_LOAD))
}

/// Loads from flash if the strapping wants it, and starts the program.
pub(super) fn load(call: &mut Call<'_>) -> Outcome {
    let wanted = match strap(call)? {
        3 => true,
        1 => call.word(ram::USER_START)? == 0,
        _ => false,
    };
    if wanted { Ok(Flow::Jump(continuation::LOAD_AND_RUN)) } else { start(call) }
}

/// `main` from where it loads: the download stubs jump here to boot what they have written.
pub(super) fn load_and_run(call: &mut Call<'_>) -> Outcome {
    call.calls(BOOT_FROM_FLASH, continuation::BOOT_LOADED)
}

const BOOT_FROM_FLASH: u32 = 0x4000_1308;

/// After `boot_from_flash`. The ROM means to print a line number as well, but reads it as the address of a string.
pub(super) fn loaded(call: &mut Call<'_>) -> Outcome {
    if call.cpu.a[2] != 0 {
        return printf::print(call, "ets_main.c ", continuation::SPIN);
    }
    start(call)
}

/// The ROM's handlers of exceptions: of unaligned accesses, and of all others that a program is likely to raise.
const ALIGNMENT_EXCEPTION: u32 = 0x4000_17E0;
const FATAL_EXCEPTION: u32 = 0x4000_1878;

fn start(call: &mut Call<'_>) -> Outcome {
    xtos::install_exception_handler(call, 9, ALIGNMENT_EXCEPTION)?;
    for cause in [0, 2, 3, 28, 29, 8] {
        xtos::install_exception_handler(call, cause, FATAL_EXCEPTION)?;
    }
    match call.word(ram::USER_START)? {
        0 => user_done(call),
        program => call.calls(program, continuation::USER_DONE),
    }
}

/// The program has returned: its tasks go on.
pub(super) fn user_done(call: &mut Call<'_>) -> Outcome {
    printf::print(call, "user code done\n", ETS_RUN)
}

const ETS_RUN: u32 = 0x4000_0E04;

/// What `boot_from_flash` has made of the flash.
#[derive(Debug)]
struct Loading {
    messages: String,
    checksum: u8,
    /// The 16 bytes that were read last.
    buffer: [u8; 16],
    /// Where the next are.
    next: u32,
}

impl Loading {
    /// Reads 16 bytes more.
    fn read(&mut self, call: &mut Call<'_>) -> Result<(), Trouble> {
        let words = flash::read_piece(call, self.next, 16)?;
        for (bytes, word) in self.buffer.chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        self.next += 16;
        Ok(())
    }

    fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes([self.buffer[at], self.buffer[at + 1], self.buffer[at + 2], self.buffer[at + 3]])
    }

    /// Copies part of the buffer to memory: as the ROM does, a whole block as its target allows, an end by words if its
    /// length allows that.
    fn copy(&mut self, call: &mut Call<'_>, to: u32, from: usize, length: usize) -> Result<(), Trouble> {
        let bytes = &self.buffer[from..from + length];
        for byte in bytes {
            self.checksum ^= byte;
        }
        call.spend(12 * length as u64);
        let by_words = if length == 16 { to.is_multiple_of(4) } else { length.is_multiple_of(4) };
        if by_words {
            for (offset, word) in (0..).step_by(4).zip(bytes.chunks_exact(4)) {
                call.set_word(to.wrapping_add(offset), u32::from_le_bytes([word[0], word[1], word[2], word[3]]))?;
            }
        } else {
            for (offset, &byte) in (0..).zip(bytes) {
                call.set_byte(to.wrapping_add(offset), byte)?;
            }
        }
        Ok(())
    }
}

/// `boot_from_flash()`: loads the image at the flash's beginning; 0 if its checksum is right.
pub fn boot_from_flash(call: &mut Call<'_>) -> Outcome {
    let mut loading = Loading { messages: String::new(), checksum: 0xEF, buffer: [0; 16], next: 0 };
    loading.read(call)?;
    let [magic, segments, mode, ..] = loading.buffer;
    if magic != 0xE9 {
        return call.returns(1);
    }
    let entry = loading.word(4);
    flash::set_read_mode(call, u32::from(mode))?;
    // The result waits in a12 while the messages go out.
    call.enter(96, 4)?;
    let outcome = load_segments(call, &mut loading, segments);
    let is_good = match outcome {
        Ok(is_good) => is_good,
        Err(_) => {
            // A segment that memory refuses raises an exception here, before anybody handles it.
            return printf::print(call, &loading.messages, continuation::SPIN);
        }
    };
    if is_good {
        call.set_word(ram::USER_START, entry)?;
    }
    call.cpu.a[12] = u32::from(!is_good);
    printf::print(call, &loading.messages, continuation::BOOT_RESULT)
}

/// The end of `boot_from_flash`.
pub(super) fn result(call: &mut Call<'_>) -> Outcome {
    call.cpu.a[2] = call.cpu.a[12];
    call.leave(96, 4)
}

fn load_segments(call: &mut Call<'_>, loading: &mut Loading, segments: u8) -> Result<bool, Trouble> {
    use core::fmt::Write;

    let (mut address, mut length) = (loading.word(8), loading.word(12));
    if segments == 0 {
        return Ok(true);
    }
    loading.read(call)?;
    let mut position = 0;
    for left in (0..segments).rev() {
        let room = 16 - position;
        let _ = writeln!(loading.messages, "load 0x{address:08x}, len {length}, room {room} ");
        let mut tail = length as usize;
        if length as usize >= room {
            loading.copy(call, address, position, room)?;
            address = address.wrapping_add(room as u32);
            for _ in 0..(length as usize - room) / 16 {
                loading.read(call)?;
                loading.copy(call, address, 0, 16)?;
                address = address.wrapping_add(16);
            }
            tail = (length as usize - room) % 16;
            loading.read(call)?;
            position = 0;
        }
        let _ = writeln!(loading.messages, "tail {tail}");
        loading.copy(call, address, position, tail)?;
        let _ = writeln!(loading.messages, "chksum 0x{:02x}", loading.checksum);
        position += tail;
        if left == 0 {
            break;
        }
        if 16 - position >= 8 {
            (address, length) = (loading.word(position), loading.word(position + 4));
            position += 8;
        } else {
            let room = 16 - position;
            let _ = writeln!(loading.messages, "ho {} tail {tail} room {room}", position - tail);
            let mut header = [0; 8];
            header[..room].copy_from_slice(&loading.buffer[position..]);
            loading.read(call)?;
            header[room..].copy_from_slice(&loading.buffer[..8 - room]);
            let [a, b, c, d, e, f, g, h] = header;
            (address, length) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
            position = 8 - room;
        }
    }
    let _ = writeln!(loading.messages, "csum 0x{:02x}", loading.checksum);
    if loading.buffer[15] == loading.checksum {
        return Ok(true);
    }
    loading.messages.push_str("csum err\n");
    Ok(false)
}
