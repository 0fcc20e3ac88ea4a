//! What is told of a program that came to grief: registers and back trace.

use esp8266::backtrace::backtrace;
use esp8266::cpu::Cause;
use esp8266::image::lines::demangled;
use esp8266::memory::Memory;
use esp8266::registers::Registers;

use super::symbols::{Stack, Symbols};
use simulator_record::events::{AccessKind, CrashReport, Hexadecimal, NotModelled, TraceEntry};

/// How far below a stack's end a stack pointer still belongs to that stack.
const BELOW: u32 = 0x2000;

/// Reports on a program with these registers; `exception` if they are those of an exception.
pub(super) fn report(registers: &Registers, memory: &Memory, symbols: &Symbols, exception: bool) -> CrashReport {
    let cause = registers.cause().filter(|_| exception);
    let overflow = overflowed(registers.a[1], symbols).map(|stack| {
        let below = stack.low - registers.a[1];
        format!("the stack pointer is {below} bytes below the end of {}, at {}", stack.name, Hexadecimal(stack.low))
    });
    CrashReport {
        exception: exception.then(|| exception_name(registers.exccause)),
        access: cause.filter(|cause| is_access(*cause)).map(|_| Hexadecimal(registers.excvaddr)),
        remarks: overflow.into_iter().collect(),
        registers: registers.named().map(|(name, value)| (name.into(), Hexadecimal(value))).collect(),
        trace: trace(registers, memory, symbols),
    }
}

/// The exception as the manual names it, or its number.
pub(super) fn exception_name(number: u32) -> String {
    match Cause::from_number(number) {
        Some(cause) => format!("{} ({number})", cause.name()),
        None => format!("exception {number}"),
    }
}

/// An exception in words, without its place.
pub(super) fn exception_in_words(registers: &Registers) -> String {
    let name = exception_name(registers.exccause);
    match registers.cause().filter(|cause| is_access(*cause)) {
        Some(_) => format!("{name} at {}", Hexadecimal(registers.excvaddr)),
        None => name,
    }
}

/// Whether EXCVADDR has to do with it.
fn is_access(cause: Cause) -> bool {
    !matches!(cause, Cause::IllegalInstruction | Cause::Syscall | Cause::Level1Interrupt)
}

/// The stack that a stack pointer has left at its lower end.
fn overflowed(sp: u32, symbols: &Symbols) -> Option<&Stack> {
    symbols.stacks.iter().find(|stack| (stack.low.saturating_sub(BELOW)..stack.low).contains(&sp))
}

/// What is to be told of a store to `address`, below a stack's end, if it is of a program that has run over it.
pub(super) fn overrun(
    registers: &Registers,
    memory: &Memory,
    symbols: &Symbols,
    address: u32,
) -> Option<(String, CrashReport)> {
    let stack = overflowed(registers.a[1], symbols).filter(|stack| address < stack.low)?;
    let report = report(registers, memory, symbols, false);
    let (into, place) = (symbols.place(address), place(&report));
    Some((format!("{} overflows into {into} at {place}; nothing on the chip notices", stack.name), report))
}

/// The back trace with names.
fn trace(registers: &Registers, memory: &Memory, symbols: &Symbols) -> Vec<TraceEntry> {
    let frames = backtrace(registers, memory, symbols.program());
    // A caller is at its call, not behind it.
    let addresses: Vec<u32> = frames.iter().map(|frame| frame.address - u32::from(frame.is_caller)).collect();
    let mut entries = Vec::new();
    for ((frame, &at), places) in frames.iter().zip(&addresses).zip(symbols.places(&addresses)) {
        let entry = |function: Option<String>, file, line, inlined| TraceEntry {
            address: Hexadecimal(frame.address),
            function,
            file,
            line,
            inlined,
            guessed: frame.guessed,
        };
        if places.is_empty() {
            entries.push(entry(symbols.function(at).or_else(|| symbols.function(frame.address)), None, None, false));
        }
        let outermost = places.len().saturating_sub(1);
        for (index, place) in places.into_iter().enumerate() {
            let inlined = index < outermost;
            // A symbol has the path of its function; what is inlined has no symbol.
            let symbol = if inlined { None } else { symbols.function(at) };
            entries.push(entry(symbol.or(place.function), place.file, place.line, inlined));
        }
    }
    entries
}

/// Where a report's program stood: the innermost function that is known, with its line.
pub(super) fn place(report: &CrashReport) -> String {
    let Some(first) = report.trace.first() else { return "an unknown place".to_owned() };
    let known = report.trace.iter().find(|entry| entry.function.is_some()).unwrap_or(first);
    let called = if known.address == first.address { "" } else { ", called by" };
    let mut text = match &known.function {
        Some(function) => format!("{}{called} {function}", first.address),
        None => first.address.to_string(),
    };
    if let (Some(file), Some(line)) = (&known.file, known.line) {
        text.push_str(&format!(" ({file}:{line})"));
    }
    text
}

/// An access to what is not modelled, with the names of what and, if the program's names are known, by whom.
pub(super) fn not_modelled(access: &esp8266::peripherals::Unmodelled, symbols: &Symbols) -> NotModelled {
    NotModelled {
        access: if access.is_write { AccessKind::Write } else { AccessKind::Read },
        address: Hexadecimal(access.address),
        name: esp8266::peripherals::describe(access.address).map_or(access.block, |register| register.name).into(),
        pc: Hexadecimal(access.pc),
        function: symbols.function(access.pc).map(|name| demangled(&name)),
    }
}
