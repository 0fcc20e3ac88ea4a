//! PHY functions that do nothing but call others, one after the other, through the table.

use super::super::call::{Call, Flow, Trouble};
use super::super::continuation;
use super::{entry, function};

/// What a called function is given.
#[derive(Clone, Copy, Debug)]
enum Argument {
    /// This.
    Is(u32),
    /// What the caller has given at that place, from 0.
    Given(u32),
    /// The byte with this number of those that the caller's first argument points to.
    Byte(u32),
}

use Argument::{Byte, Given, Is};

/// A call: the function's offset in the table, and its arguments.
type Step = (u32, &'static [Argument]);

/// Writes a register on the analogue bus: block, host, register, value.
macro_rules! i2c {
    ($block:literal, $host:literal, $register:literal, $value:expr) => {
        (entry::WRITE_REGISTER, &[Is($block), Is($host), Is($register), $value])
    };
}

/// Writes bits of one: block, host, register, highest and lowest bit, value.
macro_rules! field {
    ($block:literal, $host:literal, $register:literal, $high:literal, $low:literal, $value:expr) => {
        (entry::WRITE_FIELD, &[Is($block), Is($host), Is($register), Is($high), Is($low), $value])
    };
}

/// Writes a register on the PHY's internal bus: register, width, value.
macro_rules! pbus {
    ($register:literal, $width:literal, $value:expr) => {
        (entry::FORCE_TEST, &[Is($register), Is($width), $value])
    };
}

/// The functions by their entries.
static SEQUENCES: [(u32, &[Step]); 15] = [
    // rom_set_txclk_en
    (0x4000_650C, &[field!(119, 0, 28, 6, 6, Given(0)), field!(124, 1, 21, 0, 0, Given(0))]),
    // rom_set_rxclk_en
    (0x4000_6550, &[field!(119, 0, 28, 5, 5, Given(0)), field!(124, 1, 21, 1, 1, Given(0))]),
    // rom_sar_init
    (0x4000_6738, &[field!(108, 2, 0, 4, 4, Is(1)), field!(108, 2, 1, 1, 0, Is(2))]),
    // rom_set_loopback_gain
    (
        0x4000_67C8,
        &[
            pbus!(2, 1, Is(0x185)),
            pbus!(7, 1, Given(0)),
            pbus!(2, 1, Given(1)),
            pbus!(3, 1, Given(2)),
            pbus!(3, 2, Given(3)),
        ],
    ),
    // rom_chip_v5_tx_init
    (
        0x4000_718C,
        &[
            i2c!(107, 2, 1, Is(104)),
            i2c!(107, 2, 2, Is(15)),
            i2c!(107, 2, 3, Is(168)),
            i2c!(107, 2, 4, Is(6)),
            i2c!(107, 2, 5, Is(8)),
            i2c!(107, 2, 6, Is(184)),
            i2c!(107, 2, 7, Is(91)),
            i2c!(107, 2, 8, Is(4)),
            i2c!(107, 2, 9, Is(0)),
            i2c!(107, 2, 10, Is(116)),
            i2c!(107, 2, 11, Is(7)),
        ],
    ),
    // rom_pbus_enter_debugmode
    (0x4000_7410, &[(entry::PBUS_DEBUGMODE, &[]), (entry::RX_OFF, &[Is(1)]), (entry::TX_ON_LOW_GAIN, &[Given(0)])]),
    // rom_pbus_exit_debugmode
    (0x4000_7448, &[(entry::TX_OFF, &[]), (entry::RX_ON, &[]), (entry::PBUS_WORKMODE, &[])]),
    // rom_pbus_xpd_rx_off
    (0x4000_7688, &[pbus!(2, 1, Given(0)), pbus!(3, 1, Is(0)), pbus!(3, 2, Is(0))]),
    // rom_pbus_xpd_rx_on
    (0x4000_76CC, &[pbus!(2, 1, Is(0x184)), pbus!(3, 2, Is(6))]),
    // rom_pbus_xpd_tx_off
    (0x4000_76FC, &[pbus!(6, 1, Is(0)), pbus!(1, 1, Is(12)), pbus!(2, 1, Is(0))]),
    // rom_pbus_xpd_tx_on
    (
        0x4000_7740,
        &[pbus!(2, 1, Is(1)), pbus!(7, 1, Is(95)), pbus!(0, 1, Given(0)), pbus!(1, 1, Is(127)), pbus!(6, 1, Is(127))],
    ),
    // rom_pbus_xpd_tx_on__low_gain
    (
        0x4000_77A0,
        &[pbus!(2, 1, Is(1)), pbus!(7, 1, Is(0)), pbus!(0, 1, Given(0)), pbus!(1, 1, Is(127)), pbus!(6, 1, Is(127))],
    ),
    // rom_restart_cal
    (0x4000_781C, &[i2c!(98, 1, 0, Is(95)), i2c!(98, 1, 0, Is(127)), i2c!(98, 1, 0, Is(63))]),
    // rom_rfpll_reset
    (
        0x4000_7868,
        &[
            i2c!(98, 1, 10, Is(166)),
            i2c!(98, 1, 10, Is(167)),
            i2c!(98, 1, 10, Is(165)),
            i2c!(99, 0, 1, Is(243)),
            i2c!(98, 1, 11, Is(192)),
        ],
    ),
    // rom_write_rfpll_sdm
    (
        0x4000_78DC,
        &[
            i2c!(99, 0, 0, Is(7)),
            i2c!(99, 0, 3, Byte(0)),
            i2c!(99, 0, 4, Byte(1)),
            i2c!(99, 0, 5, Byte(2)),
            i2c!(99, 0, 0, Is(23)),
        ],
    ),
];

/// Bytes of the frame: the return address, a12 and a13, and then the first four arguments as they were given.
const FRAME: u32 = 32;
const GIVEN: u32 = 16;

/// Begins the function that was entered: a12 is its place in the list, a13 the next step.
pub fn begin(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let Some(index) = SEQUENCES.iter().position(|(entry, _)| *entry == call.entry) else {
        return Err(Trouble::NotModelled("a function of the PHY"));
    };
    let given = [0, 1, 2, 3].map(|index| call.argument(index));
    call.enter(FRAME, 2)?;
    for (index, value) in given.into_iter().enumerate() {
        call.set_word(call.cpu.a[1].wrapping_add(GIVEN + 4 * index as u32), value)?;
    }
    [call.cpu.a[12], call.cpu.a[13]] = [index as u32, 0];
    Ok(Flow::Jump(continuation::PHY_STEP))
}

/// Calls the next function, or ends.
pub fn step(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let (index, step) = (call.cpu.a[12] as usize, call.cpu.a[13] as usize);
    let Some(&(offset, arguments)) = SEQUENCES.get(index).and_then(|(_, steps)| steps.get(step)) else {
        return call.leave(FRAME, 2);
    };
    let frame = call.cpu.a[1];
    for (register, argument) in (2..).zip(arguments) {
        call.cpu.a[register] = match argument {
            Is(value) => *value,
            Given(place) => call.word(frame.wrapping_add(GIVEN + 4 * place))?,
            Byte(number) => {
                let first = call.word(frame.wrapping_add(GIVEN))?;
                u32::from(call.byte(first.wrapping_add(*number))?)
            }
        };
    }
    call.cpu.a[13] += 1;
    call.spend(8);
    let function = function(call, offset)?;
    call.calls(function, continuation::PHY_STEP)
}
