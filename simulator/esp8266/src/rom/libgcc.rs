//! Integer helpers of the boot ROM's libgcc: what the core has no instructions for.
//!
//! Division by zero executes an illegal instruction at a known address (cause 0), by which firmware tells it from
//! others: the Arduino core prints it as "exception 6".

use super::call::{Call, Flow, Trouble};
use super::floats::{double, single, to_double, to_single};
use crate::cpu::{Cause, Exception};

/// Where `__divsi3`, `__udivsi3` and `__umodsi3` have their illegal instruction.
const DIVISION_BY_ZERO: [u32; 3] = [0x4000_DCE5, 0x4000_E25D, 0x4000_E296];

fn division_by_zero(place: usize) -> Trouble {
    Trouble::Exception(Exception::new(Cause::IllegalInstruction), Some(DIVISION_BY_ZERO[place]))
}

/// Functions of unsigned numbers by which programs make milliseconds of a clock: of these it is also known what they
/// make of a range of numbers, see [`skip`](crate::skip).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Helper {
    /// `__umulsidi3`.
    Product,
    /// `__udivsi3`.
    Quotient,
    /// `__umodsi3`.
    Remainder,
    /// `__udivdi3`.
    WideQuotient,
    /// `__umoddi3`.
    WideRemainder,
}

impl Helper {
    /// The one at an address of the boot ROM.
    pub fn at(address: u32) -> Option<Self> {
        match address {
            0x4000_DCF0 => Some(Self::Product),
            0x4000_E21C => Some(Self::Quotient),
            0x4000_E268 => Some(Self::Remainder),
            0x4000_D310 => Some(Self::WideQuotient),
            0x4000_D770 => Some(Self::WideRemainder),
            _ => None,
        }
    }

    /// How many registers from a2 on it has as arguments, and in how many it leaves its result.
    pub const fn registers(self) -> (usize, usize) {
        match self {
            Self::Product => (2, 2),
            Self::Quotient | Self::Remainder => (2, 1),
            Self::WideQuotient | Self::WideRemainder => (4, 2),
        }
    }

    /// What it makes of numbers; `None` of a division by zero. Narrow ones come as 32 bits.
    pub const fn result(self, x: u64, y: u64) -> Option<u64> {
        match self {
            Self::Product => Some(x * y),
            Self::Quotient | Self::WideQuotient => x.checked_div(y),
            Self::Remainder | Self::WideRemainder => x.checked_rem(y),
        }
    }

    /// The cycles it takes for that beside the call.
    pub const fn cycles(self, x: u64, y: u64) -> u64 {
        match self {
            Self::Product => 26,
            Self::Quotient | Self::Remainder => division_cost(x as u32, y as u32),
            Self::WideQuotient | Self::WideRemainder => 160,
        }
    }

    /// Its arguments, of registers from a2 on.
    pub const fn arguments(self, [a, b, c, d]: [u32; 4]) -> (u64, u64) {
        match self {
            Self::Product | Self::Quotient | Self::Remainder => (a as u64, b as u64),
            Self::WideQuotient | Self::WideRemainder => (a as u64 | (b as u64) << 32, c as u64 | (d as u64) << 32),
        }
    }

    fn answer(self, call: &mut Call<'_>, place: usize) -> Result<Flow, Trouble> {
        let [_, _, a, b, c, d, ..] = call.cpu.a;
        let (x, y) = self.arguments([a, b, c, d]);
        let result = self.result(x, y).ok_or(division_by_zero(place))?;
        call.spend(self.cycles(x, y));
        if self.registers().1 == 1 { call.returns(result as u32) } else { call.returns64(result) }
    }
}

/// Cycles of a 32-bit division: one for each of about six instructions a quotient bit.
const fn division_cost(dividend: u32, divisor: u32) -> u64 {
    let bits = divisor.leading_zeros().saturating_sub(dividend.leading_zeros());
    10 + 6 * bits as u64
}

/// `__divsi3`: the quotient towards zero; -2³¹ / -1 is -2³¹.
pub fn divsi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let (x, y) = (call.argument(0) as i32, call.argument(1) as i32);
    if y == 0 {
        return Err(division_by_zero(0));
    }
    call.spend(division_cost(x.unsigned_abs(), y.unsigned_abs()));
    call.returns(x.wrapping_div(y) as u32)
}

/// `__udivsi3`.
pub fn udivsi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    Helper::Quotient.answer(call, 1)
}

/// `__umodsi3`.
pub fn umodsi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    Helper::Remainder.answer(call, 2)
}

/// `__muldi3`: the low 64 bits of the product.
pub fn muldi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let product = call.argument64(0).wrapping_mul(call.argument64(2));
    call.spend(48);
    call.returns64(product)
}

/// `__umulsidi3`: the whole product of two 32-bit numbers.
pub fn umulsidi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    Helper::Product.answer(call, 1)
}

/// `__divdi3`: the quotient towards zero. The 64-bit divisions divide by zero with `__udivsi3`, and so fail there.
pub fn divdi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let (x, y) = (call.argument64(0) as i64, call.argument64(2) as i64);
    if y == 0 {
        return Err(division_by_zero(1));
    }
    call.spend(160);
    call.returns64(x.wrapping_div(y) as u64)
}

/// `__udivdi3`.
pub fn udivdi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    Helper::WideQuotient.answer(call, 1)
}

/// `__umoddi3`.
pub fn umoddi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    Helper::WideRemainder.answer(call, 1)
}

/// Functions without conditions, and about how many cycles they take of ordinary numbers.
macro_rules! helpers {
    ($($(#[$doc:meta])* $name:ident($($argument:ident $at:literal),+) -> $returns:ident = $function:expr, $cycles:literal;)+) => {
        $(
            $(#[$doc])*
            pub fn $name(call: &mut Call<'_>) -> Result<Flow, Trouble> {
                let result = $function($(call.$argument($at)),+);
                call.spend($cycles);
                call.$returns(result)
            }
        )+
    };
}

helpers! {
    /// `__addsf3`.
    addsf3(argument 0, argument 1) -> returns = single::add, 24;
    /// `__subsf3`.
    subsf3(argument 0, argument 1) -> returns = single::subtract, 26;
    /// `__mulsf3`.
    mulsf3(argument 0, argument 1) -> returns = single::multiply, 50;
    /// `__adddf3`.
    adddf3(argument64 0, argument64 2) -> returns64 = double::add, 36;
    /// `__subdf3`.
    subdf3(argument64 0, argument64 2) -> returns64 = double::subtract, 40;
    /// `__muldf3`.
    muldf3(argument64 0, argument64 2) -> returns64 = double::multiply, 120;
    /// `__divdf3`.
    divdf3(argument64 0, argument64 2) -> returns64 = double::divide, 560;
    /// `__fixunssfsi`.
    fixunssfsi(argument 0) -> returns = single::to_u32, 10;
    /// `__fixdfsi`.
    fixdfsi(argument64 0) -> returns = double::to_i32, 11;
    /// `__fixunsdfsi`.
    fixunsdfsi(argument64 0) -> returns = double::to_u32, 12;
    /// `__truncdfsf2`.
    truncdfsf2(argument64 0) -> returns = to_single, 15;
    /// `__extendsfdf2`.
    extendsfdf2(argument 0) -> returns64 = to_double, 12;
    /// `__floatunsisf`.
    floatunsisf(argument 0) -> returns = single::from_u32, 15;
    /// `__floatsisf`.
    floatsisf(argument 0) -> returns = single::from_i32, 16;
    /// `__floatunsidf`.
    floatunsidf(argument 0) -> returns64 = double::from_u32, 13;
    /// `__floatsidf`.
    floatsidf(argument 0) -> returns64 = double::from_i32, 13;
}
