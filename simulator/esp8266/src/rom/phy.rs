//! The PHY's functions, which the vendor's `libphy` calls through a table in the ROM's RAM.
//!
//! `phy_get_romfuncs` gives the table. `libphy` puts functions of its own over some entries, and the ROM's functions
//! call each other through the table, too: so those that call others here do so through the table as well, and what
//! they call returns to [`continuation::PHY_STEP`](super::continuation::PHY_STEP).
//!
//! Done as on silicon is what shows: registers, the analogue bus, the arithmetic. What only measures and levels out
//! analogue circuits, of which there are none here, does nothing: see `without_effect`.
//!
//! Registers and fields have no published names; what is known of them is from disassemblies of the ROM.

mod sequences;
mod without_effect;

pub(super) use sequences::{begin, step};
pub(super) use without_effect::{FUNCTIONS as WITHOUT_EFFECT, return_nothing};

use super::call::{Call, Flow, Trouble};
use super::{misc, ram};
use crate::memory::Memory;

type Outcome = Result<Flow, Trouble>;

/// Registers used here.
mod register {
    /// The PHY's internal bus: command, state, first word of what is read.
    pub const PBUS: u32 = 0x6000_0594;
    pub const PBUS_STATE: u32 = 0x6000_05A0;
    pub const PBUS_READ: u32 = 0x6000_05A4;
    /// Estimation of the receiver's imbalance.
    pub const IQ_ESTIMATE: u32 = 0x6000_057C;
    /// Tones that are sent, two and a third.
    pub const TONES: [u32; 3] = [0x6000_05B8, 0x6000_05BC, 0x6000_05C4];
    pub const RTC_PHY_RESET: u32 = 0x6000_0710;
    pub const CCA: u32 = 0x6000_9B00;
    pub const PBUS_MODE: u32 = 0x6000_9B08;
    pub const NOISE: u32 = 0x6000_9B60;
    pub const NOISE_FLOOR: u32 = 0x6000_9B64;
    pub const BACKOFF: u32 = 0x6000_9C28;
    pub const SENSE: u32 = 0x6000_9D24;
    /// The Wi-Fi MAC: whether the radio has power, whether it may send, and gates of what it sends.
    pub const MAC_RF: u32 = 0x3FF2_0C70;
    pub const MAC_SENDS: u32 = 0x3FF2_0C94;
    pub const MAC_GATES: u32 = 0x3FF2_0DE0;
}

/// Offsets in the table of functions that others call.
mod entry {
    pub const SET_TXCLK: u32 = 60;
    pub const TX_MAC_ENABLE: u32 = 120;
    pub const WRITE_REGISTER: u32 = 152;
    pub const WRITE_FIELD: u32 = 156;
    pub const PBUS_DEBUGMODE: u32 = 160;
    pub const FORCE_TEST: u32 = 172;
    pub const PBUS_WORKMODE: u32 = 188;
    pub const RX_OFF: u32 = 192;
    pub const RX_ON: u32 = 196;
    pub const TX_OFF: u32 = 200;
    pub const TX_ON_LOW_GAIN: u32 = 208;
}

/// The low half of the functions' addresses in the order of the table, which is that of the addresses; 0 where the ROM
/// has none.
const TABLE: [u16; 70] = [
    0x60C0, 0x60D0, 0x60EC, 0x610C, 0x615C, 0, 0x61B8, 0x6238, 0x6260, 0x62DC, 0x6394, 0x63B0, 0x6400, 0x6430, 0x6484,
    0x650C, 0x6550, 0x65A4, 0x6628, 0x6738, 0x678C, 0x67C8, 0x6830, 0, 0, 0x6874, 0x68B4, 0x698C, 0x6A1C, 0x6A98,
    0x6AD4, 0x6B10, 0x6C50, 0x6F84, 0x711C, 0x718C, 0x7268, 0x729C, 0x72D8, 0x730C, 0x737C, 0x7410, 0x7448, 0x747C,
    0x74D8, 0x754C, 0x7610, 0x7648, 0x7688, 0x76CC, 0x76FC, 0x7740, 0x77A0, 0x7804, 0x781C, 0x7868, 0x78DC, 0x7968,
    0x7A28, 0x7BF0, 0x7EB4, 0x804C, 0x8264, 0x8388, 0x8610, 0x88B8, 0x8A70, 0x8B6C, 0x8C6C, 0x8D34,
];

/// Fills the table of functions as a reset does.
pub(super) fn initialize(memory: &mut Memory) {
    let first = ram::PHY_FUNCTIONS + 4;
    memory.poke(ram::PHY_FUNCTIONS, &first.to_le_bytes());
    for (index, low) in TABLE.into_iter().enumerate() {
        let function = if low == 0 { 0 } else { super::RANGE.start + u32::from(low) };
        memory.poke(first + 4 * index as u32, &function.to_le_bytes());
    }
    for (index, value) in DECIBELS.into_iter().enumerate() {
        memory.poke(ram::PHY_DECIBELS + index as u32, &[value]);
    }
    for (index, slot) in PBUS_SLOTS.into_iter().enumerate() {
        memory.poke(ram::PHY_PBUS_SLOTS + index as u32, &[slot]);
    }
}

/// The function at that offset in the table.
fn function(call: &mut Call<'_>, offset: u32) -> Result<u32, Trouble> {
    let table = call.word(ram::PHY_FUNCTIONS)?;
    call.spend(3);
    call.word(table.wrapping_add(offset))
}

/// `phy_get_romfuncs()`.
pub fn functions(call: &mut Call<'_>) -> Outcome {
    let table = call.word(ram::PHY_FUNCTIONS)?;
    call.returns(table)
}

/// `rom_abs_temp(number)`: its absolute value.
pub fn absolute(call: &mut Call<'_>) -> Outcome {
    let number = call.argument(0) as i32;
    call.returns(number.unsigned_abs())
}

/// `rom_mhz2ieee(MHz, flags)`: the channel's number; above channel 14 those of 5 GHz if bit 7 of the flags is set,
/// otherwise −1.
pub fn channel_of(call: &mut Call<'_>) -> Outcome {
    let (frequency, flags) = (call.argument(0) as i32, call.argument(1));
    let channel = match frequency {
        2484 => 14,
        0..2484 => (frequency - 2407) / 5,
        _ if flags & 1 << 7 == 0 => -1,
        _ => frequency.wrapping_sub(2512) / 20 + 15,
    };
    call.spend(40);
    call.returns(i32::from(channel as i8) as u32)
}

/// 48 · log₂(1 + n/16), rounded: an eighth of a decibel for the amplitude is a step.
const DECIBELS: [u8; 16] = [0, 4, 8, 12, 15, 19, 22, 25, 28, 31, 34, 36, 39, 41, 44, 46];

/// `rom_linear_to_db(number, shift)`: of the number, which has three binary places fewer than the shift says, in
/// eighths of a decibel of amplitude.
pub fn decibels(call: &mut Call<'_>) -> Outcome {
    let (number, shift) = (call.argument(0), call.argument(1));
    let number = if shift < 3 { number << (3 - shift) } else { (number as i32 >> ((shift - 3) & 31)) as u32 };
    let exponent = 28 - number.leading_zeros() as i32;
    let mantissa = if exponent < 1 { number } else { number >> (exponent - 1) } & 15;
    let low = call.byte(ram::PHY_DECIBELS + mantissa)?;
    call.spend(50);
    call.returns((i32::from(low) + 48 * exponent.max(0)) as u32)
}

/// `rom_chip_v5_disable_cca()`: sends without listening first.
pub fn disable_cca(call: &mut Call<'_>) -> Outcome {
    call.modify(register::CCA, 0, 1 << 28)?;
    Ok(Flow::Return)
}

/// `rom_chip_v5_enable_cca()`.
pub fn enable_cca(call: &mut Call<'_>) -> Outcome {
    call.modify(register::CCA, 1 << 28, 0)?;
    Ok(Flow::Return)
}

/// `rom_chip_v5_sense_backoff(decibels)`: above which level the air is taken, 0 if negative.
pub fn sense_backoff(call: &mut Call<'_>) -> Outcome {
    let level = call.argument(0) as i8;
    let (backoff, sense) = if level < 0 { (0x7F, 0xFE) } else { (level as u32, (level as u32) << 1) };
    call.modify(register::BACKOFF, 0x7F << 10, backoff << 10)?;
    call.modify(register::SENSE, 0xFE, sense)?;
    Ok(Flow::Return)
}

/// `rom_get_noisefloor()`: in dBm.
pub fn noise_floor(call: &mut Call<'_>) -> Outcome {
    let measured = call.word(register::NOISE_FLOOR)? >> 20;
    call.returns((measured >> 3).wrapping_sub(512))
}

/// `rom_set_noise_floor(dBm)`.
pub fn set_noise_floor(call: &mut Call<'_>) -> Outcome {
    let level = (call.argument(0) << 1).wrapping_add(0x200) & 0x1FF;
    call.modify(register::NOISE_FLOOR, 0x1FF, level)?;
    call.modify(register::NOISE, 0x2_8002, 2)?;
    Ok(Flow::Return)
}

/// `rom_start_noisefloor(length)`: begins to measure.
pub fn start_noise_floor(call: &mut Call<'_>) -> Outcome {
    let length = call.argument(0) & 7;
    call.modify(register::NOISE_FLOOR, 0xFFF, length << 9 | 0x1A0)?;
    call.modify(register::NOISE, 0, 0x2_8002)?;
    Ok(Flow::Return)
}

/// `rom_iq_est_enable(mode, length)`: measures, and waits for the end of it.
pub fn estimate(call: &mut Call<'_>) -> Outcome {
    let (mode, length) = (call.argument(0), call.argument(1));
    call.modify(register::IQ_ESTIMATE, 0, 1)?;
    call.modify(register::IQ_ESTIMATE, 0x5_FFFE, mode << 18 | (length & 0x7FFF) << 2 | 2)?;
    for _ in 0..1_000 {
        if call.word(register::IQ_ESTIMATE)? >> 31 != 0 {
            return Ok(Flow::Return);
        }
        call.spend(10);
    }
    Err(Trouble::Spin("an estimate of the receiver's imbalance without end"))
}

/// `rom_iq_est_disable()`.
pub fn end_estimate(call: &mut Call<'_>) -> Outcome {
    call.modify(register::IQ_ESTIMATE, 0x5_FFFE, 0x1000)?;
    call.modify(register::IQ_ESTIMATE, 1, 0)?;
    Ok(Flow::Return)
}

/// `rom_tx_mac_disable()`: the MAC sends nothing any more.
pub fn disable_sending(call: &mut Call<'_>) -> Outcome {
    set_gates(call, 3)?;
    call.modify(register::MAC_SENDS, 1, 0)?;
    Ok(Flow::Return)
}

/// `rom_tx_mac_enable()`.
pub fn enable_sending(call: &mut Call<'_>) -> Outcome {
    set_gates(call, 0)?;
    call.modify(register::MAC_SENDS, 0, 1)?;
    Ok(Flow::Return)
}

/// Puts the lowest gates. The ROM moves the highest ones down by a bit as it does so.
fn set_gates(call: &mut Call<'_>, lowest: u32) -> Result<(), Trouble> {
    let gates = call.word(register::MAC_GATES)?;
    call.set_word(register::MAC_GATES, gates >> 1 & 0x7F80_0000 | gates & 0xFC | lowest)
}

/// `rom_start_tx_tone(…)`: for each of three tones whether, how high and how strongly.
pub fn start_tones(call: &mut Call<'_>) -> Outcome {
    let [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map(|index| call.argument(index));
    let third = [call.stacked(0)? & 0xFF, call.stacked(1)? as i16 as u32, call.stacked(2)? & 0xFF];
    let tones = [([a, b, c], 0x0FFF_FFFF), ([d, e, f], 0x0FFF_FFFF), (third, 0x1FFF_FFFF)];
    for (index, ([is_on, pitch, attenuation], mask)) in tones.into_iter().enumerate() {
        if is_on != 0 {
            let strength = 0x100_u32.wrapping_sub(attenuation) & 0xFF;
            let extra = if index == 2 { is_on << 28 } else { 0 };
            call.modify(register::TONES[index], mask, is_on << 18 | strength << 10 | pitch | extra)?;
        }
    }
    call.cpu.a[2] = 1;
    Ok(Flow::Jump(function(call, entry::SET_TXCLK)?))
}

/// `rom_stop_tx_tone(which)`: 1 to 3, otherwise all.
pub fn stop_tones(call: &mut Call<'_>) -> Outcome {
    let which = call.argument(0);
    for (index, register) in register::TONES.into_iter().enumerate() {
        if !(1..=3).contains(&which) || which == index as u32 + 1 {
            call.modify(register, 1 << 18, 0)?;
        }
    }
    call.cpu.a[2] = 0;
    Ok(Flow::Jump(function(call, entry::SET_TXCLK)?))
}

/// `rom_phy_reset_req()`.
pub fn request_reset(call: &mut Call<'_>) -> Outcome {
    call.modify(register::RTC_PHY_RESET, 0xF << 26, 0)?;
    Ok(Flow::Return)
}

/// Where the registers of the internal bus begin in what is read of it, in pieces of nine bits.
const PBUS_SLOTS: [u8; 8] = [0, 2, 4, 5, 7, 9, 11, 12];

/// `rom_pbus_force_test(register, width, value)`: writes a register on the internal bus.
pub fn force_test(call: &mut Call<'_>) -> Outcome {
    let (number, width, value) = (call.argument(0), call.argument(1), call.argument(2));
    call.modify(register::PBUS, 0xFFFE, width << 14 | value << 5 | number << 2 | 2)?;
    if call.word(register::PBUS_STATE)? >> 31 != 0 {
        return call.wait(80);
    }
    call.modify(register::PBUS, 2, 0)?;
    call.spend(30);
    Ok(Flow::Return)
}

/// `rom_pbus_rd(register, width)`: what a register on the internal bus is.
pub fn read_pbus(call: &mut Call<'_>) -> Outcome {
    let (number, width) = (call.argument(0), call.argument(1));
    let first = call.byte(ram::PHY_PBUS_SLOTS.wrapping_add(number))?;
    let slot = first.wrapping_add(if width == 4 { 2 } else { width.wrapping_sub(1) as u8 });
    let word = call.word(register::PBUS_READ + 4 * u32::from(slot / 3))?;
    let shift = if slot == 12 { 0 } else { 18 - 9 * u32::from(slot % 3) };
    call.spend(120);
    call.returns(word >> shift & 0x1FF)
}

/// `rom_pbus_workmode()`: the internal bus follows the baseband again.
pub fn pbus_workmode(call: &mut Call<'_>) -> Outcome {
    call.modify(register::PBUS, 1, 0)?;
    call.modify(register::PBUS_MODE, 1 << 27, 0)?;
    Ok(Flow::Jump(function(call, entry::TX_MAC_ENABLE)?))
}

/// `rom_pbus_debugmode()`: the internal bus is the program's, once the receiver is on.
pub fn pbus_debugmode(call: &mut Call<'_>) -> Outcome {
    let follows = call.word(register::PBUS)? & 1 == 0;
    if follows && call.word(register::MAC_RF)? & 2 != 0 {
        disable_sending(call)?;
        let receives = call.word(register::PBUS_READ + 4)? >> 9 & 0x184 == 0x184
            && call.word(register::PBUS_READ + 8)? >> 18 & 6 == 6;
        if !receives {
            return call.wait(400);
        }
    }
    call.modify(register::PBUS_MODE, 0, 1 << 27)?;
    call.modify(register::PBUS, 0, 1)?;
    Ok(Flow::Return)
}

/// `rom_rfpll_set_freq(MHz, crystal, offset, to)`: the three bytes by which the synthesizer is set, for a crystal of 26
/// MHz, or of 40 if `crystal` is 0. In the precision in which the ROM reckons.
pub fn synthesizer(call: &mut Call<'_>) -> Outcome {
    let [frequency, crystal, offset, to] = [0, 1, 2, 3].map(|index| call.argument(index));
    let quarter = (frequency << 10).wrapping_add(offset) << 2;
    let wanted = (f64::from(quarter) / 3.0) as f32;
    let reference = if crystal == 0 { 40.0 } else { 26.0 } * 1024.0;
    let mut left = (f64::from(wanted) / reference - 32.0) as f32;
    for index in 0..3 {
        let byte = left as u32 as u8;
        call.set_byte(to.wrapping_add(index), byte)?;
        left = (left - f32::from(byte)) * 256.0;
    }
    call.spend(2_500);
    Ok(Flow::Return)
}

/// `rom_sar_init()`: the converter has power, and its registers on the analogue bus are as it wants them.
pub fn start_converter(call: &mut Call<'_>) -> Outcome {
    call.modify(register::RTC_PHY_RESET, 0, 1 << 25)?;
    begin(call)
}

/// `rom_set_ana_inf_tx_scale(attenuation)`: returns what of it the analogue part does; the baseband does the rest.
pub fn set_scale(call: &mut Call<'_>) -> Outcome {
    let wanted = call.argument(0);
    let analogue = wanted.min(63);
    let rest = 63_u32.wrapping_sub(wanted.max(63)) & 0xFF;
    misc::write_field(call, [119, 0, 9, 7, 0, rest])?;
    call.returns(analogue)
}
