//! The ROM's UART functions.
//!
//! A character is written when the transmit FIFO is empty, so that two at most are on their way. The baud rate divisor
//! is made for an APB clock of 80 MHz; before the PLL runs the clock is 52 MHz, and 115200 baud become 74880. What the
//! ROM says over it when it is strapped for download is in `download`.

use super::call::{Call, Flow, Trouble};
use super::{continuation, os, ram, xtos};

type Outcome = Result<Flow, Trouble>;

/// `ets_uart_putc1`: what `ets_printf` writes through.
pub(super) const PUTC1: u32 = 0x4000_1DCC;
/// `uart_rx_intr_handler`.
const RECEIVE_HANDLER: u32 = 0x4000_3BBC;

/// Offsets of the registers used here.
mod register {
    pub const FIFO: u32 = 0x00;
    pub const INT_ST: u32 = 0x08;
    pub const INT_ENA: u32 = 0x0C;
    pub const INT_CLR: u32 = 0x10;
    pub const CLKDIV: u32 = 0x14;
    pub const AUTOBAUD: u32 = 0x18;
    pub const STATUS: u32 = 0x1C;
    pub const CONF0: u32 = 0x20;
    pub const CONF1: u32 = 0x24;
    pub const LOWPULSE: u32 = 0x28;
    pub const HIGHPULSE: u32 = 0x2C;
    pub const RXD_CNT: u32 = 0x30;
}

const IOMUX: u32 = 0x6000_0800;
/// Where `UartDev` says whether the detection of the rate has begun.
const DETECTION: u32 = 56;

/// First register of UART `number`.
const fn base(number: u32) -> u32 {
    0x6000_0000 + 0xF00 * (number & 1)
}

/// `uart_baudrate_detect(uart, is_polled)`: the divisor for the rate at which bytes come in, once 30 edges have been
/// seen; 0 if they have not and it is polled.
pub fn uart_baudrate_detect(call: &mut Call<'_>) -> Outcome {
    let (uart, is_polled) = (base(call.argument(0)), call.argument(1) != 0);
    if call.word(ram::UART + DETECTION)? == 0 {
        call.modify(uart + register::AUTOBAUD, 1, 0)?;
        call.set_word(uart + register::AUTOBAUD, 0x801)?;
        call.set_word(ram::UART + DETECTION, 1)?;
    }
    if call.word(uart + register::RXD_CNT)? < 30 {
        return if is_polled { call.returns(0) } else { call.wait(80_000) };
    }
    let pulses = [register::LOWPULSE, register::HIGHPULSE];
    let mut together = 12;
    for pulse in pulses {
        together += (call.word(uart + pulse)? & 0xF_FFFF) / 2;
    }
    call.modify(uart + register::AUTOBAUD, 1, 0)?;
    call.returns(together)
}

/// The UART that characters go to and come from.
fn current(call: &mut Call<'_>) -> Result<u32, Trouble> {
    Ok(base(u32::from(call.byte(ram::UART + 64)?)))
}

/// Whether a character can be written.
pub(super) fn is_transmitter_free(call: &mut Call<'_>) -> Result<bool, Trouble> {
    let uart = current(call)?;
    call.spend(6);
    Ok(call.word(uart + register::STATUS)? & 0xFF_0000 == 0)
}

/// Writes a character.
pub(super) fn transmit(call: &mut Call<'_>, character: u8) -> Result<(), Trouble> {
    let uart = current(call)?;
    call.spend(10);
    call.set_word(uart + register::FIFO, u32::from(character))
}

/// Waits about as long as a character takes.
pub(super) fn wait_for_character(call: &mut Call<'_>) -> Outcome {
    let uart = current(call)?;
    let divisor = call.word(uart + register::CLKDIV)?;
    call.wait(u64::from(divisor).max(1) * 10)
}

/// `uart_tx_one_char(character)`: returns 0.
pub fn uart_tx_one_char(call: &mut Call<'_>) -> Outcome {
    if !is_transmitter_free(call)? {
        return wait_for_character(call);
    }
    transmit(call, call.argument(0) as u8)?;
    call.returns(0)
}

/// `ets_uart_putc1(character)`: a line feed becomes carriage return and line feed, a carriage return disappears.
pub fn ets_uart_putc1(call: &mut Call<'_>) -> Outcome {
    match call.argument(0) as u8 {
        b'\n' => {}
        b'\r' => return Ok(Flow::Return),
        _ => return uart_tx_one_char(call),
    }
    if !is_transmitter_free(call)? {
        return wait_for_character(call);
    }
    transmit(call, b'\r')?;
    call.cpu.a[2] = u32::from(b'\n');
    Ok(Flow::Jump(UART_TX_ONE_CHAR))
}

const UART_TX_ONE_CHAR: u32 = 0x4000_3B30;

/// `uart_rx_one_char(to)`: 0 if there was one.
pub fn uart_rx_one_char(call: &mut Call<'_>) -> Outcome {
    let uart = current(call)?;
    call.spend(12);
    if call.word(uart + register::STATUS)? & 0xFF == 0 {
        return call.returns(1);
    }
    let character = call.word(uart + register::FIFO)?;
    call.set_byte(call.argument(0), character as u8)?;
    call.returns(0)
}

/// The next byte that has been received at UART0, if there is one.
pub(super) fn received(call: &mut Call<'_>) -> Result<Option<u8>, Trouble> {
    call.spend(12);
    if call.word(base(0) + register::STATUS)? & 0xFF == 0 {
        return Ok(None);
    }
    Ok(Some(call.word(base(0) + register::FIFO)? as u8))
}

/// `uart_rx_one_char_block()`: waits for a character and returns it.
pub fn uart_rx_one_char_block(call: &mut Call<'_>) -> Outcome {
    let uart = current(call)?;
    if call.word(uart + register::STATUS)? & 0xFF == 0 {
        return wait_for_character(call);
    }
    let character = call.word(uart + register::FIFO)?;
    call.returns(character & 0xFF)
}

/// `ets_getc(to)`: waits for a character and stores it.
pub fn ets_getc(call: &mut Call<'_>) -> Outcome {
    let to = call.argument(0);
    let flow = uart_rx_one_char_block(call)?;
    if flow == Flow::Return {
        let character = call.cpu.a[2] as u8;
        call.set_byte(to, character)?;
    }
    Ok(flow)
}

/// `uart_div_modify(uart, divisor)`: sets the baud rate and empties the FIFOs.
pub fn uart_div_modify(call: &mut Call<'_>) -> Outcome {
    set_divisor(call, call.argument(0), call.argument(1))?;
    Ok(Flow::Return)
}

pub(super) fn set_divisor(call: &mut Call<'_>, number: u32, divisor: u32) -> Result<(), Trouble> {
    let uart = base(number);
    call.spend(30);
    call.set_word(uart + register::CLKDIV, divisor)?;
    call.modify(uart + register::CONF0, 0, 3 << 17)?;
    call.modify(uart + register::CONF0, 3 << 17, 0)
}

/// `Uart_Init(uart)`: pins, baud rate and frame as `UartDev` says.
pub fn uart_init(call: &mut Call<'_>) -> Outcome {
    initialize(call, call.argument(0))?;
    Ok(Flow::Return)
}

pub(super) fn initialize(call: &mut Call<'_>, number: u32) -> Result<(), Trouble> {
    if number == 0 {
        call.modify(IOMUX + 0x18, 0x80, 0)?;
        call.modify(IOMUX + 0x18, 0x130, 0)?;
        call.modify(IOMUX + 0x38, 0x130, 0x100)?;
    } else {
        call.modify(IOMUX + 0x24, 0x130, 0x130)?;
    }
    let baud = call.word(ram::UART)?;
    if let Some(divisor) = 80_000_000u32.checked_div(baud) {
        set_divisor(call, number, divisor & 0xFFFF)?;
    }
    let uart = base(number);
    let (data, parity_enable) = (call.word(ram::UART + 4)?, call.word(ram::UART + 8)?);
    let (parity, stop) = (call.word(ram::UART + 12)?, call.word(ram::UART + 16)?);
    call.set_word(uart + register::CONF0, parity_enable | parity | data << 2 | stop << 4)?;
    call.modify(uart + register::CONF0, 0, 3 << 17)?;
    call.modify(uart + register::CONF0, 3 << 17, 0)?;
    let threshold = call.word(ram::UART + 40)? & 0x7F;
    call.set_word(uart + register::CONF1, threshold)?;
    call.set_word(uart + register::INT_CLR, 0xFFFF)?;
    call.modify(uart + register::INT_ENA, 0, 1)
}

/// `uartAttach()`: `UartDev` as after a reset, and the handler for received characters.
pub fn uart_attach(call: &mut Call<'_>) -> Outcome {
    attach(call)?;
    Ok(Flow::Return)
}

pub(super) fn attach(call: &mut Call<'_>) -> Result<(), Trouble> {
    let fields: [u32; 16] = [
        115_200,
        3,
        0,
        0,
        1,
        0,
        0x100,
        ram::RECEIVE_BUFFER,
        ram::RECEIVE_BUFFER,
        ram::RECEIVE_BUFFER,
        1,
        0,
        100,
        ram::RECEIVE_BUFFER + 0x100,
        0,
        0,
    ];
    for (index, field) in fields.into_iter().enumerate() {
        call.set_word(ram::UART + 4 * index as u32, field)?;
    }
    call.set_word(ram::UART + 64, 0)?;
    os::mask_interrupts(call, 1 << 5)?;
    xtos::set_interrupt_handler(call, 5, RECEIVE_HANDLER, ram::UART + 24)?;
    Ok(())
}

/// `uart_rx_intr_handler(buffer)`: takes what the FIFO holds into a ring.
pub fn uart_rx_intr_handler(call: &mut Call<'_>) -> Outcome {
    let buffer = call.argument(0);
    let uart = current(call)?;
    if call.word(uart + register::INT_ST)? & 1 == 0 {
        return Ok(Flow::Return);
    }
    while call.word(uart + register::STATUS)? & 0xFF != 0 {
        let character = call.word(uart + register::FIFO)? as u8;
        if character == b'\n' {
            call.set_word(buffer.wrapping_add(20), 2)?;
        }
        let (size, start, write) =
            (call.word(buffer)?, call.word(buffer.wrapping_add(4))?, call.word(buffer.wrapping_add(8))?);
        call.set_byte(write, character)?;
        let next = write.wrapping_add(1);
        let next = if next >= start.wrapping_add(size) { start } else { next };
        call.set_word(buffer.wrapping_add(8), next)?;
        call.spend(20);
    }
    call.set_word(uart + register::INT_CLR, 1)?;
    Ok(Flow::Return)
}

/// `uart_rx_readbuff(buffer, to)`: the next character of a ring; 0 if there was one.
pub fn uart_rx_readbuff(call: &mut Call<'_>) -> Outcome {
    let (buffer, to) = (call.argument(0), call.argument(1));
    let (start, write, read) =
        (call.word(buffer.wrapping_add(4))?, call.word(buffer.wrapping_add(8))?, call.word(buffer.wrapping_add(12))?);
    if read == write {
        return call.returns(1);
    }
    let character = call.byte(read)?;
    call.set_byte(to, character)?;
    let next = read.wrapping_add(1);
    let next = if next == start.wrapping_add(0x100) { start } else { next };
    call.set_word(buffer.wrapping_add(12), next)?;
    call.returns(0)
}

/// `uart_buff_switch(uart)`: characters go to this UART; 0 forgets what was received.
pub fn uart_buff_switch(call: &mut Call<'_>) -> Outcome {
    let number = call.argument(0) as u8;
    if number == 0 {
        let uart = current(call)?;
        call.set_word(uart + register::INT_CLR, 0xFFFF)?;
        call.modify(uart + register::INT_ENA, 0x1FF, 0)?;
        while call.word(uart + register::STATUS)? & 0xFF != 0 {
            call.word(uart + register::FIFO)?;
        }
        call.set_word(ram::UART + 44, 0)?;
    }
    call.set_byte(ram::UART + 64, number)?;
    Ok(Flow::Return)
}

/// `GetUartDevice()`.
pub fn uart_device(call: &mut Call<'_>) -> Outcome {
    call.returns(ram::UART)
}

/// Bytes of SLIP (RFC 1055): what frames begin and end with, and what stands for these bytes within a frame.
pub(super) const SLIP_END: u8 = 0xC0;
pub(super) const SLIP_ESCAPE: u8 = 0xDB;
pub(super) const SLIP_ESCAPED_END: u8 = 0xDC;
pub(super) const SLIP_ESCAPED_ESCAPE: u8 = 0xDD;

/// A SLIP frame that holds these bytes.
pub(super) fn slip(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![SLIP_END];
    for &byte in bytes {
        match byte {
            SLIP_END => frame.extend([SLIP_ESCAPE, SLIP_ESCAPED_END]),
            SLIP_ESCAPE => frame.extend([SLIP_ESCAPE, SLIP_ESCAPED_ESCAPE]),
            byte => frame.push(byte),
        }
    }
    frame.push(SLIP_END);
    frame
}

/// `send_packet(bytes, length)` and `SendMsg`: a SLIP frame.
pub fn send_packet(call: &mut Call<'_>) -> Outcome {
    let (from, length) = (call.argument(0), call.argument(1) & 0xFF);
    let mut bytes = Vec::new();
    for index in 0..length {
        bytes.push(call.byte(from.wrapping_add(index))?);
    }
    send_frame(call, slip(&bytes))
}

/// Sends a frame, and then returns.
pub(super) fn send_frame(call: &mut Call<'_>, frame: Vec<u8>) -> Outcome {
    call.state.frames.push_back(frame);
    call.enter(16, 0)?;
    Ok(Flow::Jump(continuation::SEND_PACKET))
}

/// Sends the rest of a SLIP frame.
pub(super) fn send_next(call: &mut Call<'_>) -> Outcome {
    if !is_transmitter_free(call)? {
        return wait_for_character(call);
    }
    let byte = call.state.frames.back_mut().filter(|frame| !frame.is_empty()).map(|frame| frame.remove(0));
    match byte {
        Some(byte) => {
            transmit(call, byte)?;
            Ok(Flow::Jump(continuation::SEND_PACKET))
        }
        None => {
            call.state.frames.pop_back();
            call.cpu.a[2] = 0;
            call.leave(16, 0)
        }
    }
}
