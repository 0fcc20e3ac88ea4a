//! Vectors, and the dispatch of exceptions and interrupts (Tensilica's XTOS).
//!
//! The user vector saves three registers on the program's stack and goes to the handler of EXCCAUSE in
//! `_xtos_exc_handler_table`. Two such handlers build a full frame there and call C functions: one for interrupts,
//! highest number first, and one for exceptions from `_xtos_c_handler_table`. Everything a handler needs to come back
//! stands in the frame (its layout is the program's business too: the Arduino core prints it), so handlers nest and
//! stacks may be switched.
//!
//! Kernel, double and debug exceptions end in the ROM's endless loops, with only the watchdog to end them.

use super::call::{Call, Flow, Trouble};
use super::{continuation, printf, ram};
use crate::cpu::{ps, special};
use crate::frame;

type Outcome = Result<Flow, Trouble>;

/// PS in handlers: user vector mode, level 1 held back, no exception mode.
const HANDLER_PS: u32 = ps::UM | 1;

fn set_level(call: &mut Call<'_>, level: u32) {
    call.cpu.ps = call.cpu.ps & !ps::INTLEVEL | level;
}

/// `_UserExceptionVector`.
pub fn user_vector(call: &mut Call<'_>) -> Outcome {
    let frame = call.cpu.a[1].wrapping_sub(frame::SIZE);
    for index in 0..3 {
        call.set_word(frame.wrapping_add(frame::A2 + 4 * index), call.cpu.a[2 + index as usize])?;
    }
    call.cpu.a[1] = frame;
    call.cpu.a[2] = call.cpu.exccause;
    call.spend(8);
    let handler = call.word(ram::EXCEPTION_TABLE + 4 * (call.cpu.exccause & 63))?;
    call.cpu.a[3] = handler;
    Ok(Flow::Jump(handler))
}

/// `_NMIExceptionVector`: the ROM has no handler for it.
pub fn nmi_vector(call: &mut Call<'_>) -> Outcome {
    call.cpu.ps = call.cpu.eps[1];
    Ok(Flow::Jump(call.cpu.epc[2]))
}

/// `_KernelExceptionVector`: an exception while no user vector mode was set.
pub fn kernel_vector(_: &mut Call<'_>) -> Outcome {
    Err(Trouble::Spin("kernel exception"))
}

/// `_DoubleExceptionVector`: an exception in an exception's handler.
pub fn double_vector(_: &mut Call<'_>) -> Outcome {
    Err(Trouble::Spin("double exception"))
}

/// `_DebugExceptionVector`: `break` without a debugger.
pub fn debug_vector(_: &mut Call<'_>) -> Outcome {
    Err(Trouble::Spin("debug exception"))
}

/// Saves what the vector has not saved, and lets interrupts of higher levels in.
fn save(call: &mut Call<'_>) -> Result<u32, Trouble> {
    let frame = call.cpu.a[1];
    call.set_word(frame.wrapping_add(frame::EPC), call.cpu.epc[0])?;
    call.set_word(frame.wrapping_add(frame::PS), call.cpu.ps)?;
    call.set_word(frame.wrapping_add(frame::A0), call.cpu.a[0])?;
    for index in 5..16 {
        call.set_word(frame.wrapping_add(frame::A2 + 4 * (index - 2)), call.cpu.a[index as usize])?;
    }
    call.set_word(frame.wrapping_add(frame::SAR), call.cpu.sar)?;
    call.cpu.ps = HANDLER_PS;
    call.spend(24);
    Ok(frame)
}

/// `_xtos_l1int_handler`.
pub fn level_1_handler(call: &mut Call<'_>) -> Outcome {
    let frame = save(call)?;
    let priorities = call.word(ram::INTERRUPT_MASKS + 4)?;
    call.set_word(frame.wrapping_add(frame::PRIORITIES), priorities)?;
    let pending = (call.cpu.latched | call.cpu.lines) & call.cpu.intenable;
    dispatch(call, frame, pending)
}

/// Calls the handler of the highest pending interrupt, or ends the interrupt.
fn dispatch(call: &mut Call<'_>, frame: u32, pending: u32) -> Outcome {
    if pending == 0 {
        return Ok(Flow::Jump(RETURN_FROM_EXCEPTION));
    }
    let number = pending.ilog2();
    let _ = call.cpu.write_special(special::INTCLEAR, 1 << number);
    let entry = ram::interrupt_entry(number.min(14));
    let priorities = call.word(entry + ram::PRIORITIES)?;
    call.set_word(ram::INTERRUPT_MASKS + 4, priorities)?;
    call.cpu.intenable = call.word(ram::INTERRUPT_MASKS)? & priorities;
    set_level(call, 0);
    let (handler, argument) = (call.word(entry)?, call.word(entry + 4)?);
    call.cpu.a[2] = argument;
    call.cpu.a[3] = frame;
    call.spend(20);
    call.calls(handler, continuation::INTERRUPT_DONE)
}

/// After an interrupt's handler: on to the next interrupt.
pub(super) fn interrupt_done(call: &mut Call<'_>) -> Outcome {
    let frame = call.cpu.a[1];
    let priorities = call.word(frame.wrapping_add(frame::PRIORITIES))?;
    let enabled = call.word(ram::INTERRUPT_MASKS)? & priorities;
    let pending = (call.cpu.latched | call.cpu.lines) & enabled;
    call.spend(14);
    if pending == 0 {
        call.set_word(ram::INTERRUPT_MASKS + 4, priorities)?;
        call.cpu.intenable = enabled;
    }
    dispatch(call, frame, pending)
}

/// `_xtos_cause3_handler`.
pub fn cause_3_handler(call: &mut Call<'_>) -> Outcome {
    call.cpu.a[2] = 3;
    c_wrapper_handler(call)
}

/// `_xtos_c_wrapper_handler`: calls the C handler of the exception with frame and cause.
pub fn c_wrapper_handler(call: &mut Call<'_>) -> Outcome {
    let cause = call.cpu.a[2];
    let frame = save(call)?;
    call.set_word(frame.wrapping_add(frame::CAUSE), cause)?;
    set_level(call, 0);
    let handler = call.word(ram::C_TABLE + 4 * (cause & 63))?;
    call.cpu.a[2] = frame;
    call.cpu.a[3] = cause;
    if handler == 0 {
        return Ok(Flow::Jump(RETURN_FROM_EXCEPTION));
    }
    call.calls(handler, RETURN_FROM_EXCEPTION)
}

/// `_xtos_return_from_exc`.
const RETURN_FROM_EXCEPTION: u32 = 0x4000_DC54;

/// `_xtos_return_from_exc`: restores everything from the frame and goes on where the exception came.
pub fn return_from_exception(call: &mut Call<'_>) -> Outcome {
    let frame = call.cpu.a[1];
    call.cpu.a[0] = call.word(frame.wrapping_add(frame::A0))?;
    for index in 2..16 {
        call.cpu.a[index as usize] = call.word(frame.wrapping_add(frame::A2 + 4 * (index - 2)))?;
    }
    call.cpu.sar = call.word(frame.wrapping_add(frame::SAR))? & 0x3F;
    call.cpu.epc[0] = call.word(frame.wrapping_add(frame::EPC))?;
    call.cpu.ps = call.word(frame.wrapping_add(frame::PS))? & ps::WRITABLE & !ps::EXCM;
    call.cpu.a[1] = frame.wrapping_add(frame::SIZE);
    call.spend(24);
    Ok(Flow::Jump(call.cpu.epc[0]))
}

/// Undoes what the user vector did.
fn leave_vector(call: &mut Call<'_>) -> Result<(), Trouble> {
    let frame = call.cpu.a[1];
    for index in 0..2 {
        call.cpu.a[2 + index as usize] = call.word(frame.wrapping_add(frame::A2 + 4 * index))?;
    }
    call.cpu.a[1] = frame.wrapping_add(frame::SIZE);
    Ok(())
}

/// `_xtos_unhandled_exception`: a breakpoint.
pub fn unhandled_exception(_: &mut Call<'_>) -> Outcome {
    Err(Trouble::Spin(super::UNHANDLED_EXCEPTION))
}

/// `_xtos_unhandled_interrupt`: a breakpoint.
pub fn unhandled_interrupt(_: &mut Call<'_>) -> Outcome {
    Err(Trouble::Spin("unhandled interrupt"))
}

/// `_xtos_syscall_handler`: skips the instruction; the result is -1.
pub fn syscall_handler(call: &mut Call<'_>) -> Outcome {
    leave_vector(call)?;
    call.cpu.a[2] = u32::MAX;
    return_from_vector(call, 3)
}

/// `_xtos_alloca_handler`: nothing to do without register windows.
pub fn alloca_handler(call: &mut Call<'_>) -> Outcome {
    return_from_vector(call, 0)
}

fn return_from_vector(call: &mut Call<'_>, skip: u32) -> Outcome {
    call.cpu.ps &= !ps::EXCM;
    call.cpu.epc[0] = call.cpu.epc[0].wrapping_add(skip);
    Ok(Flow::Jump(call.cpu.epc[0]))
}

/// `_xtos_p_none`.
pub fn p_none(_: &mut Call<'_>) -> Outcome {
    Ok(Flow::Return)
}

/// `_xtos_set_exception_handler(cause, function)`: returns the C handler before, or 0 for none.
pub fn set_exception_handler(call: &mut Call<'_>) -> Outcome {
    let (cause, function) = (call.argument(0), call.argument(1));
    let before = install_exception_handler(call, cause, function)?;
    call.returns(before)
}

/// `_xtos_p_none`'s address.
const P_NONE: u32 = 0x4000_DBF8;

pub(super) fn install_exception_handler(call: &mut Call<'_>, cause: u32, function: u32) -> Result<u32, Trouble> {
    if cause >= 64 {
        return Ok(0);
    }
    let function = if function == 0 { P_NONE } else { function };
    let before = call.word(ram::C_TABLE + 4 * cause)?;
    call.set_word(ram::C_TABLE + 4 * cause, function)?;
    let assembly = if function == P_NONE { UNHANDLED_EXCEPTION } else { C_WRAPPER_HANDLER };
    call.set_word(ram::EXCEPTION_TABLE + 4 * cause, assembly)?;
    call.spend(18);
    Ok(if before == P_NONE { 0 } else { before })
}

/// The assembly handlers that call the C handler of their exception.
pub(super) const C_WRAPPER_HANDLER: u32 = 0x4000_0598;
pub(super) const CAUSE_3_HANDLER: u32 = 0x4000_0590;
const UNHANDLED_EXCEPTION: u32 = 0x4000_DC44;
const UNHANDLED_INTERRUPT: u32 = 0x4000_DC3C;

/// `_xtos_set_interrupt_handler_arg(number, function, argument)` and `ets_isr_attach`: returns the handler before, or
/// 0.
pub fn set_interrupt_handler_with_argument(call: &mut Call<'_>) -> Outcome {
    let (number, function, argument) = (call.argument(0), call.argument(1), call.argument(2));
    let before = set_interrupt_handler(call, number, function, argument)?;
    call.returns(before)
}

/// `_xtos_set_interrupt_handler(number, function)`: the number is the argument.
pub fn set_interrupt_handler_plain(call: &mut Call<'_>) -> Outcome {
    let (number, function) = (call.argument(0), call.argument(1));
    let before = set_interrupt_handler(call, number, function, number)?;
    call.returns(before)
}

pub(super) fn set_interrupt_handler(
    call: &mut Call<'_>,
    number: u32,
    function: u32,
    argument: u32,
) -> Result<u32, Trouble> {
    // The NMI has a level of its own, which this function refuses.
    if number >= 14 {
        return Ok(0);
    }
    let entry = ram::interrupt_entry(number);
    let before = call.word(entry)?;
    let (function, argument) = if function == 0 { (UNHANDLED_INTERRUPT, number) } else { (function, argument) };
    call.set_word(entry, function)?;
    call.set_word(entry + 4, argument)?;
    call.spend(18);
    Ok(if before == UNHANDLED_INTERRUPT { 0 } else { before })
}

/// `_xtos_set_intlevel(level)`: returns the level before.
pub fn set_intlevel(call: &mut Call<'_>) -> Outcome {
    let (level, before) = (call.argument(0) & 15, call.cpu.ps & ps::INTLEVEL);
    set_level(call, level);
    call.returns(before)
}

/// `_xtos_set_min_intlevel(level)`: raises the level only.
pub fn set_min_intlevel(call: &mut Call<'_>) -> Outcome {
    let (level, before) = (call.argument(0) & 15, call.cpu.ps & ps::INTLEVEL);
    set_level(call, level.max(before));
    call.returns(before)
}

/// `_xtos_restore_intlevel(ps)`.
pub fn restore_intlevel(call: &mut Call<'_>) -> Outcome {
    call.cpu.ps = call.argument(0) & ps::WRITABLE;
    Ok(Flow::Return)
}

/// `_xtos_set_vpri(mask)`: which interrupts the running priority permits; returns the mask before.
pub fn set_vpri(call: &mut Call<'_>) -> Outcome {
    let mask = call.argument(0);
    let before = call.word(ram::INTERRUPT_MASKS + 4)?;
    call.set_word(ram::INTERRUPT_MASKS + 4, mask)?;
    call.cpu.intenable = call.word(ram::INTERRUPT_MASKS)? & mask;
    call.returns(before)
}

/// `xthal_get_ccount()`.
pub fn ccount(call: &mut Call<'_>) -> Outcome {
    let value = call.cpu.ccount();
    call.returns(value)
}

/// `xthal_set_ccompare(timer, value)`: there is timer 0 only.
pub fn set_ccompare(call: &mut Call<'_>) -> Outcome {
    if call.argument(0) == 0 {
        let value = call.argument(1);
        let _ = call.cpu.write_special(special::CCOMPARE0, value);
    }
    Ok(Flow::Return)
}

/// `xthal_get_ccompare(timer)`.
pub fn ccompare(call: &mut Call<'_>) -> Outcome {
    let value = if call.argument(0) == 0 { call.cpu.ccompare0 } else { 0 };
    call.returns(value)
}

/// `xthal_get_interrupt()`.
pub fn interrupt(call: &mut Call<'_>) -> Outcome {
    let value = call.cpu.latched | call.cpu.lines;
    call.returns(value)
}

/// `xthal_set_intclear(mask)`.
pub fn set_intclear(call: &mut Call<'_>) -> Outcome {
    let mask = call.argument(0);
    let _ = call.cpu.write_special(special::INTCLEAR, mask);
    Ok(Flow::Return)
}

fn exception_registers(call: &Call<'_>) -> String {
    let [epc1, epc2, epc3] = call.cpu.epc;
    let (address, depc) = (call.cpu.excvaddr, call.cpu.depc);
    format!("epc1=0x{epc1:08x}, epc2=0x{epc2:08x}, epc3=0x{epc3:08x}, excvaddr=0x{address:08x}, depc=0x{depc:08x}\n")
}

/// The ROM's C handler of most exceptions: prints cause and registers, and returns to what will raise it again.
pub fn fatal_exception(call: &mut Call<'_>) -> Outcome {
    let text = format!("Fatal exception ({}): \n{}", call.cpu.exccause, exception_registers(call));
    call.enter(16, 0)?;
    printf::print(call, &text, continuation::LEAVE)
}

/// The ROM's C handler of unaligned accesses: prints registers. Its dump of the stack, made for register windows, is
/// left out.
pub fn alignment_exception(call: &mut Call<'_>) -> Outcome {
    let text = format!("sp 0x{:08x} \n{}", call.cpu.a[1].wrapping_sub(16), exception_registers(call));
    call.enter(16, 0)?;
    printf::print(call, &text, continuation::LEAVE)
}
