//! `ets_printf` and its relatives.
//!
//! The text is made in one go, then leaves character by character through `putc1` and `putc2`: the ROM's own for the
//! UART, or functions of the program. Format and strings are read by bytes, so that they must stand in data RAM.
//!
//! The ROM's formatter knows `%d %D %u %U %x %X %p %s %S %c %C %%`, `l` and `ll`, a width, `-` and `0`; it reads a
//! precision but does not obey it, and prints no more than 32 bits unless they are signed. Other letters are printed as
//! they stand; what the ROM makes of `%b`, and how it then pads what it does not know, is not modelled.

use super::call::{Call, Flow, Trouble};
use super::state::Output;
use super::{console, continuation, ram};

type Outcome = Result<Flow, Trouble>;

/// Where the arguments of `...` stand (Xtensa ABI): registers, then the stack.
#[derive(Clone, Copy, Debug)]
struct Arguments {
    stack: u32,
    registers: u32,
    next: u32,
}

impl Arguments {
    fn word(&mut self, call: &mut Call<'_>) -> Result<u32, Trouble> {
        let before = self.next;
        self.next = self.next.wrapping_add(4);
        if self.next <= 24 {
            return call.word(self.registers.wrapping_add(before));
        }
        if before <= 24 {
            self.next = 36;
        }
        call.word(self.stack.wrapping_add(self.next).wrapping_sub(4))
    }

    fn long(&mut self, call: &mut Call<'_>) -> Result<u64, Trouble> {
        let before = self.next.wrapping_add(7) & !7;
        self.next = before.wrapping_add(8);
        let at = if self.next <= 24 {
            self.registers.wrapping_add(before)
        } else {
            if before <= 24 {
                self.next = 40;
            }
            self.stack.wrapping_add(self.next).wrapping_sub(8)
        };
        Ok(u64::from(call.word(at)?) | u64::from(call.word(at.wrapping_add(4))?) << 32)
    }
}

/// Size of the frame of `ets_printf`; the variable arguments are saved at half of it.
const FRAME: u32 = 64;

/// `ets_printf(format, ...)`: returns how many characters it made.
pub fn ets_printf(call: &mut Call<'_>) -> Outcome {
    if call.word(ram::PRINTF + 12)? == 0 && call.word(ram::PRINTF + 16)? == 0 {
        return call.returns(0);
    }
    begin_variadic(call, call.argument(0), 0, None)
}

/// `ets_uart_printf(format, ...)`: to the UART whatever is installed.
pub fn ets_uart_printf(call: &mut Call<'_>) -> Outcome {
    begin_variadic(call, call.argument(0), 0, Some(console::PUTC1))
}

/// Saves the arguments in a frame, formats, and goes over to putting out.
fn begin_variadic(call: &mut Call<'_>, format: u32, skip: u32, only: Option<u32>) -> Outcome {
    call.enter(FRAME, 1)?;
    let frame = call.cpu.a[1];
    for index in 0..6 {
        call.set_word(frame.wrapping_add(32 + 4 * index), call.cpu.a[2 + index as usize])?;
    }
    let saved = frame.wrapping_add(32);
    let mut arguments = Arguments { stack: saved, registers: saved, next: 4 + 4 * skip };
    let (text, uncounted) = format_text(call, format, &mut arguments)?;
    begin(call, text, uncounted, only)
}

/// `ets_vprintf(put, format, arguments)`: the list of arguments by value in three registers.
pub fn ets_vprintf(call: &mut Call<'_>) -> Outcome {
    let (put, format) = (call.argument(0), call.argument(1));
    let mut arguments = Arguments { stack: call.argument(2), registers: call.argument(3), next: call.argument(4) };
    let (text, uncounted) = format_text(call, format, &mut arguments)?;
    call.enter(FRAME, 1)?;
    let only = (put != WRITE_CHAR).then_some(put);
    begin(call, text, uncounted, only)
}

/// `ets_write_char`: the function that serves both installed ones.
pub(super) const WRITE_CHAR: u32 = 0x4000_1DA0;

/// `ets_write_char(character)`: to both installed functions.
pub fn ets_write_char(call: &mut Call<'_>) -> Outcome {
    let character = call.argument(0) as u8;
    call.enter(FRAME, 1)?;
    begin(call, vec![character], 0, None)
}

/// Prints a text of the ROM's own from within a ROM function, as a call of `ets_printf` that returns to `back`.
pub(super) fn print(call: &mut Call<'_>, text: &str, back: u32) -> Outcome {
    call.cpu.a[0] = back;
    call.enter(FRAME, 1)?;
    begin(call, text.as_bytes().to_vec(), 0, None)
}

fn begin(call: &mut Call<'_>, text: Vec<u8>, uncounted: usize, only: Option<u32>) -> Outcome {
    let count = (text.len() - uncounted) as u32;
    call.spend(40 + 20 * text.len() as u64);
    let stack = call.cpu.a[1];
    // Frames below this one belong to calls that will never be continued.
    call.state.outputs.retain(|&frame, _| frame > stack);
    call.state.outputs.insert(stack, Output { text, count, done: 0, half_done: false, only });
    Ok(Flow::Jump(continuation::PRINT))
}

/// Puts out the next character, until none is left.
pub(super) fn next_character(call: &mut Call<'_>) -> Outcome {
    let stack = call.cpu.a[1];
    loop {
        let Some(output) = call.state.outputs.get(&stack) else {
            return Err(Trouble::NotModelled("a return into ets_printf on another stack"));
        };
        let (only, half_done) = (output.only, output.half_done);
        let Some(&character) = output.text.get(output.done) else {
            let count = output.count;
            call.state.outputs.remove(&stack);
            call.leave(FRAME, 1)?;
            return call.returns(count);
        };
        let function = match only {
            Some(function) => function,
            None if half_done => call.word(ram::PRINTF + 16)?,
            None => call.word(ram::PRINTF + 12)?,
        };
        if function == console::PUTC1 && character != b'\n' && character != b'\r' {
            // The most common case without a call: wait for the UART here.
            if !console::is_transmitter_free(call)? {
                return console::wait_for_character(call);
            }
            console::transmit(call, character)?;
        }
        if let Some(output) = call.state.outputs.get_mut(&stack) {
            output.half_done = only.is_none() && !half_done;
            output.done += usize::from(!output.half_done);
        }
        let is_done = function == console::PUTC1 && character != b'\n';
        if function != 0 && !is_done {
            call.cpu.a[2] = u32::from(character);
            return call.calls(function, continuation::PRINT);
        }
    }
}

/// The widest field. It would take minutes to print; what the ROM makes of a wider one nobody waits for.
const WIDEST: usize = 0xFFFF;
/// A text that is longer than all of the memory that it could be made of.
const MOST_CHARACTERS: usize = 1 << 20;

/// One `%…`, as far as it was read.
#[derive(Clone, Copy, Debug, Default)]
struct Specification {
    left: bool,
    zeros: bool,
    width: usize,
    long_long: bool,
}

/// The text, and how many of its characters the ROM does not count: the `0x` of `%p`.
fn format_text(call: &mut Call<'_>, format: u32, arguments: &mut Arguments) -> Result<(Vec<u8>, usize), Trouble> {
    let format = call.string(format)?;
    let mut text = Vec::new();
    let mut uncounted = 0;
    let mut rest = format.iter().copied();
    while let Some(character) = rest.next() {
        if character != b'%' {
            text.push(character);
            continue;
        }
        let mut specification = Specification::default();
        let mut next = rest.next();
        if next == Some(b'-') {
            specification.left = true;
            next = rest.next();
        }
        if next == Some(b'0') {
            specification.zeros = true;
            next = rest.next();
        }
        while let Some(digit @ b'0'..=b'9') = next {
            specification.width = (specification.width * 10 + usize::from(digit - b'0')).min(WIDEST);
            next = rest.next();
        }
        if next == Some(b'.') {
            specification.zeros = true;
            next = rest.find(|digit| !digit.is_ascii_digit());
        }
        if next == Some(b'l') {
            next = rest.next();
            if next == Some(b'l') {
                specification.long_long = true;
                next = rest.next();
            }
        }
        let Some(conversion) = next else { break };
        uncounted += if conversion == b'p' { 2 } else { 0 };
        convert(call, conversion, specification, arguments, &mut text)?;
        if text.len() > MOST_CHARACTERS {
            return Err(Trouble::NotModelled("ets_printf of more than a mebibyte"));
        }
    }
    Ok((text, uncounted))
}

fn convert(
    call: &mut Call<'_>,
    conversion: u8,
    specification: Specification,
    arguments: &mut Arguments,
    text: &mut Vec<u8>,
) -> Result<(), Trouble> {
    match conversion {
        b'd' | b'D' | b'u' | b'U' | b'x' | b'X' | b'p' => {
            let is_signed = matches!(conversion, b'd' | b'D');
            let value = if specification.long_long {
                let value = arguments.long(call)? as i64;
                if is_signed { value } else { value & 0xFFFF_FFFF }
            } else if is_signed {
                i64::from(arguments.word(call)? as i32)
            } else {
                i64::from(arguments.word(call)?)
            };
            let is_negative = is_signed && value < 0;
            let magnitude = if is_negative { value.unsigned_abs() } else { value as u64 };
            let digits = match conversion {
                b'x' | b'p' => format!("{magnitude:x}"),
                b'X' => format!("{magnitude:X}"),
                _ => magnitude.to_string(),
            };
            call.spend(330 * digits.len() as u64);
            let mut specification = specification;
            if conversion == b'p' {
                text.extend_from_slice(b"0x");
                specification = Specification { zeros: true, width: 8, ..specification };
            }
            pad(text, specification, is_negative, digits.as_bytes());
        }
        b's' | b'S' => {
            let string = match arguments.word(call)? {
                0 => b"<null>".to_vec(),
                address => call.string(address)?,
            };
            pad(text, specification, false, &string);
        }
        b'c' | b'C' => text.push(arguments.word(call)? as u8),
        b'%' => text.push(b'%'),
        other => text.extend_from_slice(&[b'%', other]),
    }
    Ok(())
}

fn pad(text: &mut Vec<u8>, specification: Specification, is_negative: bool, content: &[u8]) {
    let missing = specification.width.saturating_sub(content.len() + usize::from(is_negative));
    if is_negative && specification.zeros {
        text.push(b'-');
    }
    if !specification.left {
        text.extend(std::iter::repeat_n(if specification.zeros { b'0' } else { b' ' }, missing));
    }
    if is_negative && !specification.zeros {
        text.push(b'-');
    }
    text.extend_from_slice(content);
    if specification.left {
        text.extend(std::iter::repeat_n(b' ', missing));
    }
}

/// `ets_install_putc1(function)`.
pub fn ets_install_putc1(call: &mut Call<'_>) -> Outcome {
    call.set_word(ram::PRINTF + 12, call.argument(0))?;
    Ok(Flow::Return)
}

/// `ets_install_putc2(function)`.
pub fn ets_install_putc2(call: &mut Call<'_>) -> Outcome {
    call.set_word(ram::PRINTF + 16, call.argument(0))?;
    Ok(Flow::Return)
}

/// `ets_install_uart_printf()`: `ets_printf` writes to the UART.
pub fn ets_install_uart_printf(call: &mut Call<'_>) -> Outcome {
    call.set_word(ram::PRINTF + 12, console::PUTC1)?;
    Ok(Flow::Return)
}
