//! Integer helpers of the boot ROM's libgcc: what the core has no instructions for.
//!
//! Division by zero executes an illegal instruction at a known address (cause 0), by which firmware tells it from
//! others: the Arduino core prints it as "exception 6".

use super::call::{Call, Flow, Trouble};
use super::floats::{double, single, to_double, to_single};
use crate::cpu::{Cause, Exception};

/// Where `__divsi3`, `__udivsi3` and `__umodsi3` have their illegal instruction.
const DIVISION_BY_ZERO: [u32; 3] = [0x4000_DCE5, 0x4000_E25D, 0x4000_E296];

/// Cycles of a 32-bit division: one for each of about six instructions a quotient bit.
fn division_cost(dividend: u32, divisor: u32) -> u64 {
    let bits = divisor.leading_zeros().saturating_sub(dividend.leading_zeros());
    10 + 6 * u64::from(bits)
}

fn checked(divisor: u32, place: usize) -> Result<u32, Trouble> {
    if divisor == 0 {
        return Err(Trouble::Exception(Exception::new(Cause::IllegalInstruction), Some(DIVISION_BY_ZERO[place])));
    }
    Ok(divisor)
}

/// `__divsi3`: the quotient towards zero; -2³¹ / -1 is -2³¹.
pub fn divsi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let (x, y) = (call.argument(0) as i32, checked(call.argument(1), 0)? as i32);
    call.spend(division_cost(x.unsigned_abs(), y.unsigned_abs()));
    call.returns(x.wrapping_div(y) as u32)
}

/// `__udivsi3`.
pub fn udivsi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let (x, y) = (call.argument(0), checked(call.argument(1), 1)?);
    call.spend(division_cost(x, y));
    call.returns(x / y)
}

/// `__umodsi3`.
pub fn umodsi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let (x, y) = (call.argument(0), checked(call.argument(1), 2)?);
    call.spend(division_cost(x, y));
    call.returns(x % y)
}

/// `__muldi3`: the low 64 bits of the product.
pub fn muldi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let product = call.argument64(0).wrapping_mul(call.argument64(2));
    call.spend(48);
    call.returns64(product)
}

/// `__umulsidi3`: the whole product of two 32-bit numbers.
pub fn umulsidi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let product = u64::from(call.argument(0)) * u64::from(call.argument(1));
    call.spend(26);
    call.returns64(product)
}

/// The 64-bit divisions divide by zero with `__udivsi3`, and so fail there.
fn checked64(divisor: u64) -> Result<u64, Trouble> {
    if divisor == 0 { checked(0, 1).map(u64::from) } else { Ok(divisor) }
}

/// `__divdi3`: the quotient towards zero.
pub fn divdi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let (x, y) = (call.argument64(0) as i64, checked64(call.argument64(2))? as i64);
    call.spend(160);
    call.returns64(x.wrapping_div(y) as u64)
}

/// `__udivdi3`.
pub fn udivdi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let (x, y) = (call.argument64(0), checked64(call.argument64(2))?);
    call.spend(160);
    call.returns64(x / y)
}

/// `__umoddi3`.
pub fn umoddi3(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    let (x, y) = (call.argument64(0), checked64(call.argument64(2))?);
    call.spend(160);
    call.returns64(x % y)
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
