//! The ROM's small functions for registers: pins, watchdog, RTC, the analogue blocks' bus.

use super::call::{Call, Flow, Trouble};
use super::{continuation, os, ram, xtos};

type Outcome = Result<Flow, Trouble>;

const GPIO: u32 = 0x6000_0300;
const RTC: u32 = 0x6000_0700;
const WDT: u32 = 0x6000_0900;
const I2C: u32 = 0x6000_0D00;
const EDGE_INTERRUPTS: u32 = 0x3FF0_0004;
/// What feeds the watchdog.
const FEED: u32 = 0x73;

/// GPIO_PIN`index`, or what lies behind for an index beyond.
const fn pin_register(index: u32) -> u32 {
    (GPIO + 0x28).wrapping_add(index.wrapping_mul(4))
}

/// `software_reset()`.
pub fn software_reset(call: &mut Call<'_>) -> Outcome {
    call.modify(RTC, 0, 1 << 31)?;
    Ok(Flow::Return)
}

/// `rtc_set_sleep_mode(mode, time, wakeup)`: when to wake up, by what, and how deeply to sleep.
pub fn rtc_set_sleep_mode(call: &mut Call<'_>) -> Outcome {
    let (mode, time, wakeup) = (call.argument(0), call.argument(1), call.argument(2));
    let now = call.word(RTC + 0x1C)?;
    call.set_word(RTC + 0x04, now.wrapping_add(time.wrapping_mul(100_000)))?;
    call.set_word(RTC + 0x18, wakeup)?;
    call.modify(RTC + 0x08, 0, mode)?;
    Ok(Flow::Return)
}

/// `gpio_init()`: all pins are inputs without interrupts, and the ROM's handler serves interrupt 4.
pub fn gpio_init(call: &mut Call<'_>) -> Outcome {
    xtos::set_interrupt_handler(call, 4, continuation::GPIO_INTERRUPT, 0)?;
    call.set_word(GPIO + 0x14, 0xFFFF)?;
    call.set_word(ram::GPIO, 0)?;
    for pin in 0..16 {
        call.set_word(pin_register(pin), 0)?;
        call.set_byte(ram::GPIO + 16 + pin, 0)?;
    }
    call.set_word(GPIO + 0x24, 0xFFFF)?;
    os::unmask_interrupts(call, 1 << 4)?;
    Ok(Flow::Return)
}

/// The ROM's handler of pin interrupts: switches the pins' interrupts off and tells the registered handler.
pub(super) fn gpio_interrupt(call: &mut Call<'_>) -> Outcome {
    let status = call.word(GPIO + 0x1C)? & 0xFFFF;
    for pin in (0..16).filter(|pin| status >> pin & 1 != 0) {
        call.modify(pin_register(pin), 7 << 7, 0)?;
    }
    call.set_word(GPIO + 0x24, status)?;
    let pending = call.word(ram::GPIO)?;
    call.set_word(ram::GPIO, pending | status)?;
    let handler = call.word(ram::GPIO + 4)?;
    if pending != 0 || handler == 0 {
        return Ok(Flow::Return);
    }
    call.cpu.a[2] = status;
    call.cpu.a[3] = call.word(ram::GPIO + 8)?;
    Ok(Flow::Jump(handler))
}

/// `gpio_output_set(high, low, output, input)`: masks of pins.
pub fn gpio_output_set(call: &mut Call<'_>) -> Outcome {
    for (index, offset) in [0x04, 0x08, 0x10, 0x14].into_iter().enumerate() {
        call.set_word(GPIO + offset, call.argument(index))?;
    }
    call.spend(8);
    Ok(Flow::Return)
}

/// `gpio_input_get()`.
pub fn gpio_input_get(call: &mut Call<'_>) -> Outcome {
    let levels = call.word(GPIO + 0x18)?;
    call.spend(4);
    call.returns(levels)
}

/// `gpio_register_set(index, value)`: of the registers from PIN0 on.
pub fn gpio_register_set(call: &mut Call<'_>) -> Outcome {
    let (index, value) = (call.argument(0), call.argument(1));
    call.set_word(pin_register(index), value)?;
    if index < 16 {
        let kind = value >> 7 & 7;
        call.set_byte(ram::GPIO + 16 + index, kind as u8)?;
        if kind == 0 {
            call.modify(ram::GPIO, 1 << index, 0)?;
        }
    }
    Ok(Flow::Return)
}

/// `gpio_register_get(index)`: with the kind of interrupt that was set, even while it is switched off.
pub fn gpio_register_get(call: &mut Call<'_>) -> Outcome {
    let index = call.argument(0);
    let mut value = call.word(pin_register(index))?;
    if index < 16 {
        value = value & !(7 << 7) | u32::from(call.byte(ram::GPIO + 16 + index)?) << 7;
    }
    call.returns(value)
}

/// `gpio_intr_pending()`.
pub fn gpio_intr_pending(call: &mut Call<'_>) -> Outcome {
    let pending = call.word(ram::GPIO)?;
    call.returns(pending)
}

/// `gpio_intr_ack(mask)`: switches the interrupts of these pins on again.
pub fn gpio_intr_ack(call: &mut Call<'_>) -> Outcome {
    let mask = call.argument(0);
    call.modify(ram::GPIO, mask, 0)?;
    for pin in (0..16).filter(|pin| mask >> pin & 1 != 0) {
        let kind = u32::from(call.byte(ram::GPIO + 16 + pin)?);
        call.modify(pin_register(pin), 7 << 7, kind << 7)?;
    }
    Ok(Flow::Return)
}

/// `gpio_intr_handler_register(function, argument)`.
pub fn gpio_intr_handler_register(call: &mut Call<'_>) -> Outcome {
    call.set_word(ram::GPIO + 4, call.argument(0))?;
    call.set_word(ram::GPIO + 8, call.argument(1))?;
    Ok(Flow::Return)
}

/// `gpio_pin_intr_state_set(pin, kind)`.
pub fn gpio_pin_intr_state_set(call: &mut Call<'_>) -> Outcome {
    let (pin, kind) = (call.argument(0), call.argument(1));
    call.modify(pin_register(pin & 15), 7 << 7, kind << 7)?;
    Ok(Flow::Return)
}

/// `gpio_pin_wakeup_enable(pin, kind)`.
pub fn gpio_pin_wakeup_enable(call: &mut Call<'_>) -> Outcome {
    let (pin, kind) = (call.argument(0), call.argument(1));
    call.modify(pin_register(pin & 15), 7 << 7, kind << 7 | 1 << 10)?;
    Ok(Flow::Return)
}

/// `gpio_pin_wakeup_disable()`: of all pins.
pub fn gpio_pin_wakeup_disable(call: &mut Call<'_>) -> Outcome {
    for pin in 0..16 {
        let register = pin_register(pin);
        if call.word(register)? & 1 << 10 != 0 {
            call.modify(register, 0x780, 0)?;
        }
    }
    Ok(Flow::Return)
}

/// The watchdog's exponent for a number of seconds.
const fn exponent(seconds: u32) -> u32 {
    match seconds {
        3 => 11,
        6 => 12,
        12 => 13,
        _ => 0,
    }
}

/// `ets_wdt_get_mode()`.
pub fn ets_wdt_get_mode(call: &mut Call<'_>) -> Outcome {
    let mode = call.word(ram::WATCHDOG)?;
    call.returns(mode)
}

/// `ets_wdt_enable(mode, seconds, seconds)`: 1 fed by a timer, 2 by its interrupt, 3 and 4 by the program.
pub fn ets_wdt_enable(call: &mut Call<'_>) -> Outcome {
    enable(call, call.argument(0), call.argument(1), call.argument(2))?;
    Ok(Flow::Return)
}

fn enable(call: &mut Call<'_>, mode: u32, first: u32, second: u32) -> Result<(), Trouble> {
    if call.word(ram::WATCHDOG)? != 2 {
        os::mask_interrupts(call, 1 << 8)?;
    }
    call.set_word(ram::WATCHDOG + 4, first)?;
    call.set_word(ram::WATCHDOG + 8, second)?;
    call.modify(WDT, 1, 0)?;
    match mode {
        1 => {
            os::set_timer(call, ram::WATCHDOG_TIMER, continuation::WATCHDOG, 0)?;
            os::arm_timer(call, ram::WATCHDOG_TIMER, 10, true)?;
            call.set_word(WDT, 0x3C)?;
            call.set_word(WDT + 4, exponent(second))?;
        }
        2 | 4 => {
            call.set_word(WDT, 0x38)?;
            call.set_word(WDT + 4, exponent(first))?;
            call.set_word(WDT + 8, exponent(first))?;
            if mode == 2 {
                os::unmask_interrupts(call, 1 << 8)?;
            }
        }
        3 => {
            call.set_word(WDT, 0x3C)?;
            call.set_word(WDT + 4, exponent(first))?;
        }
        _ => {}
    }
    call.modify(WDT, 0, 1)?;
    call.set_word(ram::WATCHDOG, mode)
}

/// `ets_wdt_disable()`: returns the mode.
pub fn ets_wdt_disable(call: &mut Call<'_>) -> Outcome {
    call.modify(WDT, 1, 0)?;
    call.set_word(WDT + 0x14, FEED)?;
    let mode = call.word(ram::WATCHDOG)?;
    match mode {
        1 => os::disarm_timer(call, ram::WATCHDOG_TIMER)?,
        2 => {
            os::mask_interrupts(call, 1 << 8)?;
        }
        _ => {}
    }
    call.returns(mode)
}

/// `ets_wdt_restore(mode)`: enables it as it was, unless `mode` is 0.
pub fn ets_wdt_restore(call: &mut Call<'_>) -> Outcome {
    let mode = call.argument(0);
    if mode != 0 {
        let (first, second) = (call.word(ram::WATCHDOG + 4)?, call.word(ram::WATCHDOG + 8)?);
        enable(call, mode, first, second)?;
    }
    Ok(Flow::Return)
}

/// `ets_wdt_init()`: off, and the ROM's handler serves its interrupt.
pub fn ets_wdt_init(call: &mut Call<'_>) -> Outcome {
    call.modify(WDT, 1, 0)?;
    xtos::set_interrupt_handler(call, 8, continuation::WATCHDOG, 0)?;
    call.modify(EDGE_INTERRUPTS, 0, 1)?;
    Ok(Flow::Return)
}

/// Feeds the watchdog in the modes in which the ROM does.
pub(super) fn feed_watchdog(call: &mut Call<'_>) -> Outcome {
    match call.word(ram::WATCHDOG)? {
        1 => call.set_word(WDT + 0x14, FEED)?,
        2 if call.word(WDT + 0x10)? == 1 => {
            call.set_word(WDT + 0x18, FEED)?;
            call.set_word(WDT + 0x14, FEED)?;
        }
        _ => {}
    }
    Ok(Flow::Return)
}

/// Bits `low` to `high` of a byte.
const fn field(high: u32, low: u32) -> u32 {
    (0xFF >> (7 - (high & 7))) & (0xFF << (low & 7)) & 0xFF
}

fn i2c_read(call: &mut Call<'_>, block: u32, host: u32, register: u32) -> Result<u32, Trouble> {
    let port = I2C + 4 * (host & 15);
    call.set_word(port, block & 0xFF | (register & 0xFF) << 8)?;
    call.spend(60);
    Ok(call.word(port)? >> 16 & 0xFF)
}

fn i2c_write(call: &mut Call<'_>, block: u32, host: u32, register: u32, value: u32) -> Result<(), Trouble> {
    let port = I2C + 4 * (host & 15);
    call.spend(60);
    call.set_word(port, block & 0xFF | (register & 0xFF) << 8 | (value & 0xFF) << 16 | 1 << 24)
}

/// `rom_i2c_readReg(block, host, register)`.
pub fn i2c_read_register(call: &mut Call<'_>) -> Outcome {
    let value = i2c_read(call, call.argument(0), call.argument(1), call.argument(2))?;
    call.returns(value)
}

/// `rom_i2c_readReg_Mask(block, host, register, high bit, low bit)`.
pub fn i2c_read_register_field(call: &mut Call<'_>) -> Outcome {
    let (high, low) = (call.argument(3), call.argument(4));
    let value = i2c_read(call, call.argument(0), call.argument(1), call.argument(2))?;
    call.returns((value & field(high, low)) >> (low & 7))
}

/// `rom_i2c_writeReg(block, host, register, value)`.
pub fn i2c_write_register(call: &mut Call<'_>) -> Outcome {
    i2c_write(call, call.argument(0), call.argument(1), call.argument(2), call.argument(3))?;
    Ok(Flow::Return)
}

/// `rom_i2c_writeReg_Mask(block, host, register, high bit, low bit, value)`: the value is the sixth argument.
pub fn i2c_write_register_field(call: &mut Call<'_>) -> Outcome {
    write_field(call, [0, 1, 2, 3, 4, 5].map(|index| call.argument(index)))?;
    Ok(Flow::Return)
}

/// Writes bits of a register on the analogue bus; the arguments are those of `rom_i2c_writeReg_Mask`.
pub(super) fn write_field(call: &mut Call<'_>, arguments: [u32; 6]) -> Result<(), Trouble> {
    let [block, host, register, high, low, value] = arguments;
    let mask = field(high, low);
    let before = i2c_read(call, block, host, register)?;
    i2c_write(call, block, host, register, before & !mask | value << (low & 7) & mask)
}
