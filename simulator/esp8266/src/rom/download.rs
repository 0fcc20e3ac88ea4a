//! Download over UART0 (`UartDwnLdProc`): what a programmer such as esptool speaks with a chip that is strapped for it.
//!
//! The rate is that of the first bytes that come in. Then requests and replies go in SLIP frames, one after the other.
//! A request has a direction (0), an operation, the length of its data and a checksum; a reply has a direction (1), the
//! operation, the length of its data, a value, and as data a status (0 or 1) and an error. SYNC is answered eight
//! times. So is a request that is not understood, with the operation of the last one that was.
//!
//! A request lies in the ROM's buffer in data RAM, where programs that are loaded must not lie before their last packet
//! has come. Only counters are kept outside of the chip's memory.
//!
//! After Espressif's description of the protocol (esptool, "Serial Protocol") and what esptool does about the ROM's
//! peculiarities. Not known, and so as simple as can be: what the value of a reply is that has none (0 here), whether
//! the ROM looks at sequence numbers (not here), and what it makes of a frame that is longer than its buffer (not
//! understood, here).

use super::call::{Call, Flow, Trouble};
use super::{console, continuation, flash, ram};

type Outcome = Result<Flow, Trouble>;

/// Where `main` has requests put, and how much room it gives.
const BUFFER: u32 = 0x3FFF_A000;
const ROOM: u32 = 0x2000;
/// `uart_baudrate_detect`, `UartDwnLdProc`, `SPIEraseArea`, `SPIWrite`.
const DETECT: u32 = 0x4000_3924;
const PROCEDURE: u32 = 0x4000_3368;
const ERASE_AREA: u32 = 0x4000_4B44;
const WRITE: u32 = 0x4000_4A4C;
/// Bytes before a request's data, and before the data of a packet within that.
const HEADER: u32 = 8;
const PACKET_HEADER: u32 = 16;
/// The most that a packet of data may hold.
const LARGEST_PACKET: u32 = 0x1800;
/// How often SYNC, and what is not understood, is answered.
const TIMES: usize = 8;
/// Microseconds that a WRITE_REG waits at most here, in which nothing else happens.
const MOST_DELAY: u32 = 1_000_000;
/// Cycles between two looks at the line: less than a byte takes at 921,600 baud.
const POLL: u64 = 400;

/// What a request asks for.
mod operation {
    pub const FLASH_BEGIN: u8 = 2;
    pub const FLASH_DATA: u8 = 3;
    pub const FLASH_END: u8 = 4;
    pub const MEM_BEGIN: u8 = 5;
    pub const MEM_END: u8 = 6;
    pub const MEM_DATA: u8 = 7;
    pub const SYNC: u8 = 8;
    pub const WRITE_REG: u8 = 9;
    pub const READ_REG: u8 = 10;
    pub const FLASH_PARAMETERS: u8 = 11;
}

/// Why a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// It is not understood.
    Format = 5,
    /// It is understood, and did not work.
    Failed = 6,
    /// The checksum is wrong.
    Checksum = 7,
    /// The flash holds something else than was written.
    FlashWrite = 8,
}

/// A transfer of packets, to memory or to the flash.
#[derive(Clone, Copy, Debug, Default)]
struct Transfer {
    /// Where the next packet goes.
    address: u32,
    /// The most that a packet may hold.
    largest: u32,
}

/// What a download has come to.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// How much of a frame has come, if its beginning has.
    received: Option<u32>,
    /// The next byte is one that SLIP has replaced.
    is_escaped: bool,
    /// The last operation that was understood.
    last: u8,
    memory: Transfer,
    flash: Transfer,
    /// Length and checksum of what is being written to the flash.
    written: (u32, u8),
    /// The loader goes when its reply is out.
    ends: bool,
}

/// `main`, strapped for download: finds out the rate.
pub(super) fn begin(call: &mut Call<'_>) -> Outcome {
    call.set_word(ram::USER_START, 0)?;
    call.state.download = State::default();
    [call.cpu.a[2], call.cpu.a[3]] = [0, 0];
    call.calls(DETECT, continuation::BAUD_RATE_KNOWN)
}

/// `main`, with the rate's divisor.
pub(super) fn rate_known(call: &mut Call<'_>) -> Outcome {
    console::set_divisor(call, 0, call.cpu.a[2])?;
    [call.cpu.a[2], call.cpu.a[3], call.cpu.a[4]] = [BUFFER, ROOM, ram::USER_START];
    call.calls(PROCEDURE, continuation::BOOT_LOAD)
}

/// `UartDwnLdProc(buffer, room, entry)`: answers requests until one of them says that it is over.
pub fn procedure(call: &mut Call<'_>) -> Outcome {
    let [buffer, room, entry] = [0, 1, 2].map(|index| call.argument(index));
    call.enter(32, 4)?;
    [call.cpu.a[12], call.cpu.a[13], call.cpu.a[14]] = [buffer, room, entry];
    Ok(Flow::Jump(continuation::DOWNLOAD_RECEIVE))
}

/// Takes what has come, up to the end of a frame: a12 is the buffer, a13 its room, a14 where the entry is to be put.
pub(super) fn receive(call: &mut Call<'_>) -> Outcome {
    loop {
        let Some(byte) = console::received(call)? else { return call.wait(POLL) };
        let mut state = core::mem::take(&mut call.state.download);
        let is_whole = take(call, &mut state, byte);
        call.state.download = state;
        if let Some(length) = is_whole? {
            return answer(call, length);
        }
    }
}

/// Takes a byte; the length of the frame that it ends.
fn take(call: &mut Call<'_>, state: &mut State, byte: u8) -> Result<Option<u32>, Trouble> {
    let Some(received) = state.received else {
        if byte == console::SLIP_END {
            (state.received, state.is_escaped) = (Some(0), false);
        }
        return Ok(None);
    };
    let byte = match (byte, state.is_escaped) {
        // What is between two frames is none.
        (console::SLIP_END, _) if received == 0 => return Ok(None),
        (console::SLIP_END, _) => {
            state.received = None;
            return Ok(Some(received));
        }
        (console::SLIP_ESCAPE, false) => {
            state.is_escaped = true;
            return Ok(None);
        }
        (console::SLIP_ESCAPED_END, true) => console::SLIP_END,
        (console::SLIP_ESCAPED_ESCAPE, true) => console::SLIP_ESCAPE,
        (byte, _) => byte,
    };
    state.is_escaped = false;
    let [buffer, room] = [call.cpu.a[12], call.cpu.a[13]];
    if received < room {
        call.set_byte(buffer.wrapping_add(received), byte)?;
    }
    call.spend(20);
    state.received = Some(received.saturating_add(1));
    Ok(None)
}

/// A word of the request's data.
fn word(call: &mut Call<'_>, index: u32) -> Result<u32, Trouble> {
    call.word(call.cpu.a[12].wrapping_add(HEADER + 4 * index))
}

/// Does what a request asks for.
fn answer(call: &mut Call<'_>, length: u32) -> Outcome {
    let buffer = call.cpu.a[12];
    let head = call.word(buffer)?;
    let [direction, asked, ..] = head.to_le_bytes();
    let data = head >> 16;
    let is_whole = length >= HEADER && length <= call.cpu.a[13] && direction == 0 && length - HEADER == data;
    let least = match asked {
        _ if !is_whole => return refuse(call, Refusal::Format),
        operation::FLASH_BEGIN | operation::MEM_BEGIN => 16,
        operation::FLASH_DATA | operation::MEM_DATA => PACKET_HEADER,
        operation::FLASH_END | operation::READ_REG => 4,
        operation::MEM_END => 8,
        operation::SYNC => 36,
        operation::WRITE_REG => 16,
        operation::FLASH_PARAMETERS => 24,
        _ => return refuse(call, Refusal::Format),
    };
    if data < least {
        return refuse(call, Refusal::Format);
    }
    call.state.download.last = asked;
    match asked {
        operation::FLASH_BEGIN => {
            let [size, _, largest, offset] = [word(call, 0)?, word(call, 1)?, word(call, 2)?, word(call, 3)?];
            flash::attach(call)?;
            call.state.download.flash = Transfer { address: offset, largest: largest.min(LARGEST_PACKET) };
            if size == 0 {
                return reply(call, 0);
            }
            [call.cpu.a[2], call.cpu.a[3]] = [offset, size];
            call.calls(ERASE_AREA, continuation::DOWNLOAD_ERASED)
        }
        operation::MEM_BEGIN => {
            let [largest, offset] = [word(call, 2)?, word(call, 3)?];
            call.state.download.memory = Transfer { address: offset, largest: largest.min(LARGEST_PACKET) };
            reply(call, 0)
        }
        operation::FLASH_DATA => {
            let Transfer { address, largest } = call.state.download.flash;
            match packet(call, data, largest)? {
                Ok(written) => {
                    call.state.download.written = written;
                    [call.cpu.a[2], call.cpu.a[3], call.cpu.a[4]] =
                        [address, buffer.wrapping_add(HEADER + PACKET_HEADER), written.0];
                    call.calls(WRITE, continuation::DOWNLOAD_WRITTEN)
                }
                Err(refusal) => refuse(call, refusal),
            }
        }
        operation::MEM_DATA => {
            let Transfer { address, largest } = call.state.download.memory;
            match packet(call, data, largest)? {
                Ok((length, _)) => {
                    copy(call, address, buffer.wrapping_add(HEADER + PACKET_HEADER), length)?;
                    call.state.download.memory.address = address.wrapping_add(length);
                    reply(call, 0)
                }
                Err(refusal) => refuse(call, refusal),
            }
        }
        // The first word says whether the loader stays.
        operation::FLASH_END => {
            call.state.download.ends = word(call, 0)? == 0;
            reply(call, 0)
        }
        operation::MEM_END => {
            let [stays, entry] = [word(call, 0)?, word(call, 1)?];
            call.state.download.ends = stays == 0;
            if stays == 0 {
                call.set_word(call.cpu.a[14], entry)?;
            }
            reply(call, 0)
        }
        operation::SYNC => {
            let first = word(call, 0)?;
            send(call, first, None, TIMES)
        }
        operation::WRITE_REG => {
            for index in (0..data / 16).map(|index| 4 * index) {
                let [address, value, mask, delay] =
                    [word(call, index)?, word(call, index + 1)?, word(call, index + 2)?, word(call, index + 3)?];
                if mask == u32::MAX {
                    call.set_word(address, value)?;
                } else {
                    call.modify(address, mask, value & mask)?;
                }
                let cycles = call.word(ram::CYCLES_PER_MICROSECOND)?;
                call.spend(u64::from(delay.min(MOST_DELAY)) * u64::from(cycles));
            }
            reply(call, 0)
        }
        operation::READ_REG => {
            let address = word(call, 0)?;
            let value = call.word(address)?;
            reply(call, value)
        }
        _ => {
            let chip = call.word(ram::FLASH_CHIP)?;
            for index in 0..6 {
                let field = word(call, index)?;
                call.set_word(chip.wrapping_add(4 * index), field)?;
            }
            reply(call, 0)
        }
    }
}

/// Length and checksum of a packet's data.
fn packet(call: &mut Call<'_>, data: u32, largest: u32) -> Result<Result<(u32, u8), Refusal>, Trouble> {
    let buffer = call.cpu.a[12];
    let (length, expected) = (word(call, 0)?, call.word(buffer.wrapping_add(4))?);
    if length > largest || length != data - PACKET_HEADER {
        return Ok(Err(Refusal::Format));
    }
    let bytes = call.bytes(buffer.wrapping_add(HEADER + PACKET_HEADER), length)?;
    call.spend(6 * u64::from(length));
    let checksum = bytes.iter().fold(0xEF, |sum, byte| sum ^ byte);
    Ok(if u32::from(checksum) == expected { Ok((length, checksum)) } else { Err(Refusal::Checksum) })
}

/// Copies by words, as far as there are whole ones and the destination is aligned: instruction memory takes no others.
fn copy(call: &mut Call<'_>, to: u32, from: u32, length: u32) -> Result<(), Trouble> {
    let whole = if to.is_multiple_of(4) { length & !3 } else { 0 };
    for offset in (0..whole).step_by(4) {
        let word = call.word(from.wrapping_add(offset))?;
        call.set_word(to.wrapping_add(offset), word)?;
    }
    for offset in whole..length {
        let byte = call.byte(from.wrapping_add(offset))?;
        call.set_byte(to.wrapping_add(offset), byte)?;
    }
    call.spend(3 * u64::from(length));
    Ok(())
}

/// After `SPIEraseArea`.
pub(super) fn erased(call: &mut Call<'_>) -> Outcome {
    if call.cpu.a[2] == 0 { reply(call, 0) } else { refuse(call, Refusal::Failed) }
}

/// After `SPIWrite`: reads it back, and compares checksums.
pub(super) fn written(call: &mut Call<'_>) -> Outcome {
    let address = call.state.download.flash.address;
    let (length, expected) = call.state.download.written;
    if call.cpu.a[2] != 0 {
        return refuse(call, Refusal::FlashWrite);
    }
    let mut checksum = 0xEF;
    for offset in (0..length).step_by(32) {
        let piece = (length - offset).min(32);
        let words = flash::read_piece(call, address.wrapping_add(offset), piece)?;
        let bytes = words.iter().flat_map(|word| word.to_le_bytes());
        checksum = bytes.take(piece as usize).fold(checksum, |sum, byte| sum ^ byte);
    }
    call.state.download.flash.address = address.wrapping_add(length);
    if checksum == expected { reply(call, 0) } else { refuse(call, Refusal::FlashWrite) }
}

fn refuse(call: &mut Call<'_>, refusal: Refusal) -> Outcome {
    let times = if refusal == Refusal::Format { TIMES } else { 1 };
    send(call, 0, Some(refusal), times)
}

fn reply(call: &mut Call<'_>, value: u32) -> Outcome {
    send(call, value, None, 1)
}

fn send(call: &mut Call<'_>, value: u32, refusal: Option<Refusal>, times: usize) -> Outcome {
    let mut reply = vec![1, call.state.download.last, 2, 0];
    reply.extend(value.to_le_bytes());
    reply.extend([u8::from(refusal.is_some()), refusal.map_or(0, |refusal| refusal as u8)]);
    let frame = console::slip(&reply);
    call.cpu.a[0] = continuation::DOWNLOAD_REPLIED;
    console::send_frame(call, frame.repeat(times))
}

/// A reply is on its way. The loader's end comes when it is out: what runs then may set up the serial port anew.
pub(super) fn replied(call: &mut Call<'_>) -> Outcome {
    if !call.state.download.ends {
        return Ok(Flow::Jump(continuation::DOWNLOAD_RECEIVE));
    }
    if !console::is_transmitter_free(call)? {
        return console::wait_for_character(call);
    }
    call.leave(32, 4)
}
