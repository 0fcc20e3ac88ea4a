//! Random programs: the interpreter against QEMU's lx106, the block executor against the interpreter, and passing over
//! loops that wait against executing them.
//!
//! A [program](generator) is a row of cases. Each sets all registers, runs a few random instructions, and gets, by its
//! end or by an exception, to a routine that writes all registers and some memory out through `simcall`. So one run of
//! QEMU answers thousands of cases, and a difference names the case.

#[cfg(test)]
mod assembler;
#[cfg(test)]
#[path = "../boards/blank.rs"]
mod blank;
#[cfg(test)]
mod generator;
#[cfg(test)]
mod qemu;
#[cfg(test)]
mod twins;
#[cfg(test)]
mod waiting;

use esp8266::Core;
use esp8266::bus::Bus;

/// Answers a `simcall` as QEMU does; `None` if it asks to exit.
fn answer_simcall<B: Bus>(core: &mut Core<B>, output: &mut Vec<u8>) -> Option<()> {
    match core.cpu.a[2] {
        4 => {
            let bytes = core.memory.peek(core.cpu.a[4], core.cpu.a[5] as usize);
            core.cpu.a[2] = bytes.len() as u32;
            core.cpu.a[3] = 0;
            output.extend(bytes);
            Some(())
        }
        1 => None,
        other => panic!("simcall {other} at {:#x}", core.cpu.pc),
    }
}
