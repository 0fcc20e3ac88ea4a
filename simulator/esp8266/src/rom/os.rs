//! The ROM's small operating system: interrupts, tasks with event queues, delays, timers on FRC2.
//!
//! Tasks have priorities 1 to 32 (a table at a fixed place); `ets_run` takes events of the highest one that has any,
//! and waits for interrupts when none has. Timers form a list ordered by time; FRC2 counts at 312.5 kHz and interrupts
//! for the first of them; its interrupt posts to the task of priority 31, which calls what is due.

use super::call::{Call, Flow, Trouble};
use super::{continuation, printf, ram, xtos};
use crate::cpu::ps;

type Outcome = Result<Flow, Trouble>;

/// Edge-triggered interrupts that devices may raise.
const EDGE_INTERRUPTS: u32 = 0x3FF0_0004;
const FRC2: u32 = 0x6000_0620;
/// Beginning of a timer's entry: it is in no list.
const UNLINKED: u32 = u32::MAX;

fn set_level(call: &mut Call<'_>, level: u32) -> u32 {
    let before = call.cpu.ps;
    call.cpu.ps = before & !ps::INTLEVEL | level;
    before
}

/// `ets_intr_lock()`: holds all interrupts back but the NMI; returns PS before.
pub fn ets_intr_lock(call: &mut Call<'_>) -> Outcome {
    let before = set_level(call, 3);
    call.set_word(ram::LOCKED_PS, before)?;
    call.spend(4);
    call.returns(before)
}

/// `ets_intr_unlock()`: lets all interrupts in.
pub fn ets_intr_unlock(call: &mut Call<'_>) -> Outcome {
    let before = set_level(call, 0);
    call.spend(2);
    call.returns(before)
}

/// `ets_isr_mask(mask)`, `_xtos_ints_off`: returns the mask before.
pub fn ets_isr_mask(call: &mut Call<'_>) -> Outcome {
    let mask = call.argument(0);
    let before = mask_interrupts(call, mask)?;
    call.returns(before)
}

/// `ets_isr_unmask(mask)`, `_xtos_ints_on`: returns the mask before.
pub fn ets_isr_unmask(call: &mut Call<'_>) -> Outcome {
    let mask = call.argument(0);
    let before = unmask_interrupts(call, mask)?;
    call.returns(before)
}

pub(super) fn mask_interrupts(call: &mut Call<'_>, mask: u32) -> Result<u32, Trouble> {
    change_masks(call, mask, 0)
}

pub(super) fn unmask_interrupts(call: &mut Call<'_>, mask: u32) -> Result<u32, Trouble> {
    change_masks(call, 0, mask)
}

fn change_masks(call: &mut Call<'_>, clear: u32, set: u32) -> Result<u32, Trouble> {
    let before = call.word(ram::INTERRUPT_MASKS)?;
    let enabled = before & !clear | set;
    call.set_word(ram::INTERRUPT_MASKS, enabled)?;
    call.cpu.intenable = enabled & call.word(ram::INTERRUPT_MASKS + 4)?;
    call.spend(14);
    Ok(before)
}

/// `ets_delay_us(microseconds)`: counts CPU cycles by the frequency that `ets_update_cpu_frequency` was told.
pub fn ets_delay_us(call: &mut Call<'_>) -> Outcome {
    call.cpu.a[3] = call.cpu.ccount();
    call.cpu.a[4] = call.argument(0).wrapping_mul(call.word(ram::CYCLES_PER_MICROSECOND)?);
    call.spend(16);
    Ok(Flow::Jump(continuation::DELAY))
}

/// The loop of `ets_delay_us`: a3 is its start, a4 its length, both in cycles.
pub(super) fn delay(call: &mut Call<'_>) -> Outcome {
    let elapsed = call.cpu.ccount().wrapping_sub(call.cpu.a[3]);
    match call.cpu.a[4].checked_sub(elapsed) {
        None | Some(0) => {
            call.spend(6);
            Ok(Flow::Return)
        }
        Some(left) => call.wait(u64::from(left)),
    }
}

/// `ets_update_cpu_frequency(megahertz)`.
pub fn ets_update_cpu_frequency(call: &mut Call<'_>) -> Outcome {
    call.set_word(ram::CYCLES_PER_MICROSECOND, call.argument(0))?;
    Ok(Flow::Return)
}

/// `ets_get_cpu_frequency()`.
pub fn ets_get_cpu_frequency(call: &mut Call<'_>) -> Outcome {
    let megahertz = call.word(ram::CYCLES_PER_MICROSECOND)?;
    call.returns(megahertz)
}

/// `ets_set_user_start(function)`.
pub fn ets_set_user_start(call: &mut Call<'_>) -> Outcome {
    call.set_word(ram::USER_START, call.argument(0))?;
    Ok(Flow::Return)
}

/// `ets_set_idle_cb(function, argument)`.
pub fn ets_set_idle_cb(call: &mut Call<'_>) -> Outcome {
    call.set_word(ram::IDLE, call.argument(0))?;
    call.set_word(ram::IDLE + 4, call.argument(1))?;
    Ok(Flow::Return)
}

/// Entry of the task with priority `priority`, from 1.
const fn task(priority: u32) -> u32 {
    ram::TASKS.wrapping_add(priority.wrapping_sub(1).wrapping_mul(16))
}

/// `ets_task(function, priority, queue, length)`: priorities from 1; a queue holds `length` pairs of words.
pub fn ets_task(call: &mut Call<'_>) -> Outcome {
    let (function, priority, queue, length) = (call.argument(0), call.argument(1), call.argument(2), call.argument(3));
    create_task(call, function, priority, queue, length)?;
    Ok(Flow::Return)
}

fn create_task(call: &mut Call<'_>, function: u32, priority: u32, queue: u32, length: u32) -> Result<(), Trouble> {
    let entry = task(priority);
    call.set_word(entry, function)?;
    call.set_word(entry.wrapping_add(4), queue)?;
    call.set_word(entry.wrapping_add(8), length & 0xFF)?;
    call.set_word(entry.wrapping_add(12), 1u32.wrapping_shl(priority.wrapping_sub(1)))?;
    call.spend(16);
    Ok(())
}

/// `ets_post(priority, signal, parameter)`: 1 if the queue is full.
pub fn ets_post(call: &mut Call<'_>) -> Outcome {
    let (priority, signal, parameter) = (call.argument(0), call.argument(1), call.argument(2));
    call.spend(50);
    let is_full = !post(call, priority, signal, parameter)?;
    // As in the ROM, whoever posts finds interrupts enabled afterwards.
    set_level(call, 0);
    call.returns(u32::from(is_full))
}

fn post(call: &mut Call<'_>, priority: u32, signal: u32, parameter: u32) -> Result<bool, Trouble> {
    let entry = task(priority);
    let [length, write, read, count] = call.word(entry.wrapping_add(8))?.to_le_bytes();
    if count >= length {
        return Ok(false);
    }
    let event = call.word(entry.wrapping_add(4))?.wrapping_add(8 * u32::from(write));
    call.set_word(event, signal)?;
    call.set_word(event.wrapping_add(4), parameter)?;
    let write = after(write, length);
    call.set_word(entry.wrapping_add(8), u32::from_le_bytes([length, write, read, count + 1]))?;
    let mask = call.word(entry.wrapping_add(12))?;
    call.modify(ram::IDLE + 8, 0, mask)?;
    Ok(true)
}

/// The place after `index` in a queue of `length` events. Both are the program's to spoil.
const fn after(index: u8, length: u8) -> u8 {
    let next = index.wrapping_add(1);
    if next == length { 0 } else { next }
}

/// `ets_run()`: serves tasks for ever. Entered from a task, only higher ones.
pub fn ets_run(call: &mut Call<'_>) -> Outcome {
    call.set_byte(ram::TASK_PRIORITY, 0)?;
    call.enter(32, 4)?;
    // a13 is the priority below which no task is served here.
    call.cpu.a[13] = 0;
    Ok(Flow::Jump(continuation::RUN))
}

/// The loop of `ets_run`.
pub(super) fn run(call: &mut Call<'_>) -> Outcome {
    set_level(call, 3);
    call.spend(12);
    let ready = call.word(ram::IDLE + 8)?;
    let priority = 32 - ready.leading_zeros();
    if priority <= call.cpu.a[13] {
        let idle = call.word(ram::IDLE)?;
        if idle == 0 {
            return Ok(Flow::Jump(continuation::IDLE));
        }
        call.cpu.a[2] = call.word(ram::IDLE + 4)?;
        return call.calls(idle, continuation::IDLE);
    }
    let entry = task(priority);
    let [length, write, read, count] = call.word(entry.wrapping_add(8))?.to_le_bytes();
    let event = call.word(entry.wrapping_add(4))?.wrapping_add(8 * u32::from(read));
    let read = after(read, length);
    let count = count.wrapping_sub(1);
    call.set_word(entry.wrapping_add(8), u32::from_le_bytes([length, write, read, count]))?;
    if count == 0 {
        let mask = call.word(entry.wrapping_add(12))?;
        call.modify(ram::IDLE + 8, mask, 0)?;
    }
    call.set_byte(ram::TASK_PRIORITY, priority as u8)?;
    set_level(call, 0);
    call.cpu.a[2] = event;
    call.spend(30);
    let function = call.word(entry)?;
    call.calls(function, continuation::TASK_DONE)
}

/// After a task's function.
pub(super) fn task_done(call: &mut Call<'_>) -> Outcome {
    let priority = call.cpu.a[13] as u8;
    call.set_byte(ram::TASK_PRIORITY, priority)?;
    Ok(Flow::Jump(continuation::RUN))
}

/// No task is ready: waits for an interrupt, and looks again when it has been served.
pub(super) fn idle(call: &mut Call<'_>) -> Outcome {
    set_level(call, 0);
    call.cpu.waiting = true;
    Ok(Flow::Jump(continuation::RUN))
}

/// What the ROM prints before it stops for a misused timer. It means to add the line's number, but reads it as the
/// address of a string, which is not readable.
const TIMER_TROUBLE: &str = "ets_timer.c ";

/// `ets_timer_setfn(timer, function, argument)`: a timer is {next, time, period, function, argument}.
pub fn ets_timer_setfn(call: &mut Call<'_>) -> Outcome {
    let (timer, function, argument) = (call.argument(0), call.argument(1), call.argument(2));
    set_timer(call, timer, function, argument)?;
    Ok(Flow::Return)
}

pub(super) fn set_timer(call: &mut Call<'_>, timer: u32, function: u32, argument: u32) -> Result<(), Trouble> {
    for (index, value) in [UNLINKED, 0, 0, function, argument].into_iter().enumerate() {
        call.set_word(timer.wrapping_add(4 * index as u32), value)?;
    }
    call.spend(10);
    Ok(())
}

/// `ets_timer_arm(timer, milliseconds, repeat)`.
pub fn ets_timer_arm(call: &mut Call<'_>) -> Outcome {
    let (timer, milliseconds, repeat) = (call.argument(0), call.argument(1), call.argument(2));
    if call.word(timer)? != UNLINKED {
        return printf::print(call, TIMER_TROUBLE, continuation::SPIN);
    }
    arm_timer(call, timer, milliseconds, repeat != 0)?;
    Ok(Flow::Return)
}

/// Ticks of FRC2 in `milliseconds`, as the ROM computes them.
const fn ticks(milliseconds: u32) -> u32 {
    match milliseconds {
        0 => 0,
        1..=0x30CE => 1 + milliseconds * 312_500 / 1000,
        _ => (milliseconds & 3) * 313 + (milliseconds >> 2) * 1250,
    }
}

pub(super) fn arm_timer(call: &mut Call<'_>, timer: u32, milliseconds: u32, repeat: bool) -> Result<(), Trouble> {
    let ticks = ticks(milliseconds);
    if repeat {
        call.set_word(timer.wrapping_add(8), ticks)?;
    }
    call.spend(50);
    let now = call.word(FRC2 + 4)?;
    insert_timer(call, timer, now.wrapping_add(ticks))
}

/// `timer_insert(time, timer)`.
pub fn timer_insert(call: &mut Call<'_>) -> Outcome {
    let (time, timer) = (call.argument(0), call.argument(1));
    insert_timer(call, timer, time)?;
    Ok(Flow::Return)
}

fn insert_timer(call: &mut Call<'_>, timer: u32, time: u32) -> Result<(), Trouble> {
    let mut before = ram::TIMERS;
    let mut next = call.word(before)?;
    while next != 0 && time.wrapping_sub(call.word(next.wrapping_add(4))?) as i32 > 0 {
        before = next;
        next = call.word(next)?;
        call.spend(6);
    }
    call.set_word(timer, next)?;
    call.set_word(timer.wrapping_add(4), time)?;
    call.set_word(before, timer)?;
    if before == ram::TIMERS {
        set_alarm(call, time)?;
    }
    Ok(())
}

/// Sets FRC2's alarm, at least 40 ticks ahead.
fn set_alarm(call: &mut Call<'_>, time: u32) -> Result<(), Trouble> {
    let now = call.word(FRC2 + 4)?;
    let ahead = time.wrapping_sub(now) as i32;
    let alarm = match ahead {
        41.. => time,
        1..=40 => time.wrapping_add(44),
        _ => now.wrapping_add(40),
    };
    call.set_word(FRC2 + 16, alarm)
}

/// `ets_timer_disarm(timer)`.
pub fn ets_timer_disarm(call: &mut Call<'_>) -> Outcome {
    disarm_timer(call, call.argument(0))?;
    Ok(Flow::Return)
}

pub(super) fn disarm_timer(call: &mut Call<'_>, timer: u32) -> Result<(), Trouble> {
    let mut before = ram::TIMERS;
    loop {
        let next = call.word(before)?;
        call.spend(4);
        if next == timer {
            let after = call.word(timer)?;
            call.set_word(before, after)?;
            break;
        }
        if next == 0 {
            break;
        }
        before = next;
    }
    call.set_word(timer, UNLINKED)?;
    call.set_word(timer.wrapping_add(8), 0)
}

/// `ets_timer_done(timer)`: forgets a disarmed timer's function.
pub fn ets_timer_done(call: &mut Call<'_>) -> Outcome {
    let timer = call.argument(0);
    if call.word(timer)? != UNLINKED {
        return printf::print(call, TIMER_TROUBLE, continuation::SPIN);
    }
    set_timer(call, timer, 0, 0)?;
    Ok(Flow::Return)
}

/// Priority of the timers' task.
const TIMER_PRIORITY: u32 = 31;

/// `ets_timer_init()`: FRC2, its interrupt and its task.
pub fn ets_timer_init(call: &mut Call<'_>) -> Outcome {
    call.set_word(ram::TIMERS, 0)?;
    xtos::set_interrupt_handler(call, 10, continuation::TIMER_INTERRUPT, 0)?;
    call.modify(EDGE_INTERRUPTS, 0, 4)?;
    unmask_interrupts(call, 1 << 10)?;
    create_task(call, continuation::TIMER_TASK, TIMER_PRIORITY, ram::TIMER_QUEUE, 4)?;
    call.set_word(FRC2 + 16, 0)?;
    call.set_word(FRC2 + 8, 136)?;
    call.set_word(FRC2, 0)?;
    Ok(Flow::Return)
}

/// The interrupt of FRC2.
pub(super) fn timer_interrupt(call: &mut Call<'_>) -> Outcome {
    post(call, TIMER_PRIORITY, 0, 0)?;
    set_level(call, 0);
    Ok(Flow::Return)
}

/// The timers' task, by the event in a2.
pub(super) fn timer_task(call: &mut Call<'_>) -> Outcome {
    if call.word(call.argument(0))? != 0 {
        return Ok(Flow::Return);
    }
    ets_timer_handler_isr(call)
}

/// `ets_timer_handler_isr()`: calls the functions of all timers that are due.
pub fn ets_timer_handler_isr(call: &mut Call<'_>) -> Outcome {
    call.enter(16, 1)?;
    Ok(Flow::Jump(continuation::TIMERS_DUE))
}

/// Calls the first timer's function if it is due; a12 keeps the timer.
pub(super) fn timers_due(call: &mut Call<'_>) -> Outcome {
    let first = call.word(ram::TIMERS)?;
    if first == 0 {
        return call.leave(16, 1);
    }
    let (time, now) = (call.word(first.wrapping_add(4))?, call.word(FRC2 + 4)?);
    call.spend(20);
    if time.wrapping_sub(now) as i32 > 0 {
        set_alarm(call, time)?;
        return call.leave(16, 1);
    }
    let next = call.word(first)?;
    call.set_word(ram::TIMERS, next)?;
    call.set_word(first, UNLINKED)?;
    call.cpu.a[12] = first;
    call.cpu.a[2] = call.word(first.wrapping_add(16))?;
    let function = call.word(first.wrapping_add(12))?;
    call.calls(function, continuation::TIMER_CALLED)
}

/// After a timer's function: a repeating one that nobody has armed again goes back into the list.
pub(super) fn timer_called(call: &mut Call<'_>) -> Outcome {
    let timer = call.cpu.a[12];
    let (next, period) = (call.word(timer)?, call.word(timer.wrapping_add(8))?);
    if next == UNLINKED && period != 0 {
        let time = call.word(timer.wrapping_add(4))?.wrapping_add(period);
        insert_timer(call, timer, time)?;
    }
    Ok(Flow::Jump(continuation::TIMERS_DUE))
}
