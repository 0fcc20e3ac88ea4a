//! What a register or a word may hold in any of many rounds of a loop: an interval of numbers.
//!
//! Results are never too small: what an operation can give for numbers of its operands is in its result. They may be
//! too large; then a branch stays undecided, and fewer rounds are tried.

use core::ops::{Add, BitAnd, BitOr, BitXor, Neg, Shl, Shr, Sub};

/// Adding this to signed numbers brings them into the order of unsigned ones.
pub(super) const SIGNED: u32 = 1 << 31;

/// What a clock shows at a certain moment of a round, and a number more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    /// The register's address, or 0 for the core's own counter.
    pub clock: u32,
    /// Cycles since the round began; negative in a round before.
    pub offset: i64,
    pub plus: u32,
    /// Length of a count, and of a cycle.
    pub period: u64,
    pub cycle: u64,
}

impl Tick {
    /// How much more this is than `other` of the same round, at least and at most.
    fn more_than(self, other: Self) -> Option<(i64, i64)> {
        if self.clock != other.clock {
            return None;
        }
        let elapsed = (self.offset - other.offset).checked_mul(i64::try_from(self.cycle).ok()?)?;
        let period = i64::try_from(self.period).ok()?;
        let (floor, rest) = (elapsed.div_euclid(period), elapsed.rem_euclid(period));
        let plus = i64::from(self.plus.wrapping_sub(other.plus) as i32);
        Some((floor + plus, floor + plus + i64::from(rest != 0)))
    }
}

/// `low`, `low + 1`, … `low + span`, modulo 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    low: u32,
    span: u32,
    /// It depends on what an earlier round has left.
    is_stale: bool,
    /// What it is in each round, if that is known of a clock.
    tick: Option<Tick>,
}

impl Value {
    /// What an earlier round may have left: anything.
    pub const STALE: Self = Self::anything(true);

    pub const fn constant(value: u32) -> Self {
        Self { low: value, span: 0, is_stale: false, tick: None }
    }

    /// From `low` on, over a distance that may go beyond all numbers.
    pub fn range(low: u32, distance: u64) -> Self {
        u32::try_from(distance).map_or(Self::anything(false), |span| Self { low, span, is_stale: false, tick: None })
    }

    const fn anything(is_stale: bool) -> Self {
        Self { low: 0, span: u32::MAX, is_stale, tick: None }
    }

    /// The same, of which more is known.
    pub fn with(self, tick: Tick) -> Self {
        Self { tick: Some(tick), ..self }
    }

    pub const fn tick(self) -> Option<Tick> {
        self.tick
    }

    /// How much more this is than `other` in each round, at least and at most, if they follow the same clock.
    fn more_than(self, other: Self) -> Option<(i64, i64)> {
        self.tick?.more_than(other.tick?)
    }

    /// The least number that it may be, unsigned.
    pub fn least(self) -> u64 {
        self.bounds(0).map_or(0, |bounds| bounds.0.into())
    }

    /// The greatest.
    pub fn greatest(self) -> u64 {
        self.bounds(0).map_or(u32::MAX, |bounds| bounds.1).into()
    }

    /// The number, if there is only one.
    pub fn known(self) -> Option<u32> {
        (self.span == 0).then_some(self.low)
    }

    pub const fn is_stale(self) -> bool {
        self.is_stale && self.span != 0
    }

    /// This interval, of which operands it depends said.
    pub fn of(self, operands: &[Self]) -> Self {
        Self { is_stale: operands.iter().any(|operand| operand.is_stale()), ..self }
    }

    /// First and last number after `bias` is added, if all stand in order then.
    fn bounds(self, bias: u32) -> Option<(u32, u32)> {
        let low = self.low.wrapping_add(bias);
        Some((low, low.checked_add(self.span)?))
    }

    /// Whether it is less than `other` in the order that `bias` makes; `None` if that is undecided.
    pub fn is_less(self, other: Self, bias: u32) -> Option<bool> {
        // The less of two that follow the same clock stays so where the difference leads over no end.
        let leads_over_end = |less: Self, difference: i64| {
            let bound = less.bounds(bias).zip(u32::try_from(difference).ok());
            bound.and_then(|((_, high), difference)| high.checked_add(difference)).is_none()
        };
        match self.more_than(other) {
            Some((least, most)) if least >= 0 && !leads_over_end(other, most) => return Some(false),
            Some((least, most)) if most < 0 && !leads_over_end(self, -least) => return Some(true),
            _ => {}
        }
        let (low, high) = self.bounds(bias).unwrap_or((0, u32::MAX));
        let (other_low, other_high) = other.bounds(bias).unwrap_or((0, u32::MAX));
        if high < other_low {
            Some(true)
        } else if low >= other_high {
            Some(false)
        } else {
            None
        }
    }

    /// Whether both are the same number; `None` if that is undecided.
    pub fn is_equal(self, other: Self) -> Option<bool> {
        let difference = self - other;
        if difference.low.wrapping_neg() > difference.span { Some(false) } else { difference.known().map(|_| true) }
    }

    /// Bits that all numbers have, and bits that not all have in the same way.
    fn bits(self) -> (u32, u32) {
        let Some((low, high)) = self.bounds(0) else { return (0, u32::MAX) };
        let unknown = u32::MAX.checked_shr((low ^ high).leading_zeros()).unwrap_or(0);
        (low & !unknown, unknown)
    }

    fn of_bits(known: u32, unknown: u32) -> Self {
        Self { low: known & !unknown, span: unknown, is_stale: false, tick: None }
    }

    /// Shifted right by up to 31 bits with its sign.
    pub fn shifted_signed(self, bits: u32) -> Self {
        match self.bounds(SIGNED) {
            None => Self::anything(false),
            Some((low, high)) => {
                let [low, high] = [low, high].map(|bound| (bound ^ SIGNED) as i32 >> bits);
                Self { low: low as u32, span: high.wrapping_sub(low) as u32, is_stale: false, tick: None }
            }
        }
        .of(&[self])
    }

    /// `factor` times as much.
    pub fn times(self, factor: u32) -> Self {
        let negative = factor.wrapping_neg();
        if negative < factor {
            return -self.times(negative);
        }
        Self::range(self.low.wrapping_mul(factor), u64::from(self.span) * u64::from(factor)).of(&[self])
    }

    /// Anything, if one of these can be several numbers.
    pub fn of_any(operands: &[Self]) -> Self {
        Self::anything(false).of(operands)
    }
}

impl Add for Value {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let sum = Self::range(self.low.wrapping_add(other.low), u64::from(self.span) + u64::from(other.span));
        let tick = match (self.tick, self.known(), other.tick, other.known()) {
            (Some(tick), _, _, Some(more)) | (_, Some(more), Some(tick), _) => {
                Some(Tick { plus: tick.plus.wrapping_add(more), ..tick })
            }
            _ => None,
        };
        Self { tick, ..sum.of(&[self, other]) }
    }
}

impl Neg for Value {
    type Output = Self;

    fn neg(self) -> Self {
        Self { low: self.low.wrapping_add(self.span).wrapping_neg(), tick: None, ..self }
    }
}

impl Sub for Value {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        match self.more_than(other) {
            Some((least, most)) => Self::range(least as u32, (most - least) as u64),
            None => self + -other,
        }
    }
}

impl BitAnd for Value {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        let ((known, unknown), (other_known, other_unknown)) = (self.bits(), other.bits());
        let possible = (known | unknown) & (other_known | other_unknown);
        Self::of_bits(known & other_known, possible & !(known & other_known)).of(&[self, other])
    }
}

impl BitOr for Value {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        let ((known, unknown), (other_known, other_unknown)) = (self.bits(), other.bits());
        let certain = known | other_known;
        Self::of_bits(certain, (unknown | other_unknown) & !certain).of(&[self, other])
    }
}

impl BitXor for Value {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        let ((known, unknown), (other_known, other_unknown)) = (self.bits(), other.bits());
        Self::of_bits(known ^ other_known, unknown | other_unknown).of(&[self, other])
    }
}

impl Shl<u32> for Value {
    type Output = Self;

    /// By up to 31 bits.
    fn shl(self, bits: u32) -> Self {
        Self::range(self.low << bits, u64::from(self.span) << bits).of(&[self])
    }
}

impl Shr<u32> for Value {
    type Output = Self;

    /// By up to 31 bits, without a sign.
    fn shr(self, bits: u32) -> Self {
        let (low, high) = self.bounds(0).unwrap_or((0, u32::MAX));
        Self { low: low >> bits, span: (high >> bits) - (low >> bits), is_stale: false, tick: None }.of(&[self])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An interval and a number out of it.
    fn member() -> impl Strategy<Value = (Value, u32)> {
        let low = prop_oneof![any::<u32>(), 0..200_u32, (u32::MAX - 200)..=u32::MAX, (SIGNED - 200)..(SIGNED + 200)];
        let span = prop_oneof![Just(0), 0..300_u32, any::<u32>()];
        (low, span, any::<prop::sample::Index>()).prop_map(|(low, span, index)| {
            let offset = index.index(span as usize + 1) as u32;
            (Value { low, span, is_stale: false, tick: None }, low.wrapping_add(offset))
        })
    }

    fn holds(value: Value, number: u32) -> bool {
        number.wrapping_sub(value.low) <= value.span
    }

    proptest! {
        #[test]
        fn results_hold_what_numbers_give((x, a) in member(), (y, b) in member(), bits in 0..32_u32, factor: u32) {
            let pairs = [
                (x + y, a.wrapping_add(b)),
                (x - y, a.wrapping_sub(b)),
                (-x, a.wrapping_neg()),
                (x & y, a & b),
                (x | y, a | b),
                (x ^ y, a ^ b),
                (x << bits, a << bits),
                (x >> bits, a >> bits),
                (x.shifted_signed(bits), (a as i32 >> bits) as u32),
                (x.times(factor), a.wrapping_mul(factor)),
                (x.times(bits), a.wrapping_mul(bits)),
                (x.times(bits.wrapping_neg()), a.wrapping_mul(bits.wrapping_neg())),
            ];
            for (index, (value, number)) in pairs.into_iter().enumerate() {
                prop_assert!(holds(value, number), "{index}: {value:?} does not hold {number:#x}");
            }
            prop_assert!(x.is_less(y, 0).is_none_or(|less| less == (a < b)));
            prop_assert!(x.is_less(y, SIGNED).is_none_or(|less| less == ((a as i32) < b as i32)));
            prop_assert!(x.is_equal(y).is_none_or(|equal| equal == (a == b)));
        }
    }

    proptest! {
        /// What two places hold that follow the same clock, in a round that begins at any cycle.
        #[test]
        fn differences_between_two_ticks_hold(
            (start, zero) in (1_000_000..u64::from(u32::MAX) * 40, 0..1_000_000_u64),
            (first, second) in (-2_000..4_000_i64, -2_000..4_000_i64),
            (plus, more) in (0..50_u32, prop_oneof![Just(0), any::<u32>(), 0..50_u32]),
            (cycle, period) in (prop_oneof![Just(13_u64), Just(26), Just(40)], prop_oneof![Just(13_u64), Just(416), Just(2080)]),
            (rounds, length) in (1..1_000_u64, 1..4_000_u64),
            round: prop::sample::Index,
        ) {
            let count = |offset: i64, rounds: u64| {
                ((start + length * rounds).wrapping_add_signed(offset) * cycle - zero.min(start * cycle / 2)) / period
            };
            let value = |offset: i64, plus: u32| {
                let low = (count(offset, 0) as u32).wrapping_add(plus);
                let tick = Tick { clock: 0, offset, plus, period, cycle };
                Value::range(low, count(offset, rounds - 1) - count(offset, 0)).with(tick)
            };
            let at = round.index(rounds as usize) as u64;
            let number = |offset: i64, plus: u32| (count(offset, at) as u32).wrapping_add(plus);
            let (x, a) = (value(first, plus), number(first, plus));
            let (y, b) = (value(second, more), number(second, more));
            prop_assert!(holds(x, a) && holds(y, b));
            prop_assert!(holds(x - y, a.wrapping_sub(b)), "{:?} does not hold {:#x}", x - y, a.wrapping_sub(b));
            prop_assert!(x.is_less(y, 0).is_none_or(|less| less == (a < b)));
            prop_assert!(x.is_less(y, SIGNED).is_none_or(|less| less == ((a as i32) < b as i32)));
            prop_assert!(x.is_equal(y).is_none_or(|equal| equal == (a == b)));
        }
    }

    #[test]
    fn what_can_be_decided_is() {
        let clock = Value::range(u32::MAX - 10, 1_000);
        let since = clock - Value::constant(u32::MAX - 20);
        assert_eq!(since.is_less(Value::constant(1_011), 0), Some(true));
        assert_eq!(since.is_less(Value::constant(1_010), 0), None);
        assert_eq!(Value::constant(10).is_less(since, 0), None);
        assert_eq!(Value::constant(9).is_less(since, 0), Some(true));
        assert_eq!((Value::range(0x100, 15) & Value::constant(0xF00)).known(), Some(0x100));
        assert!((Value::STALE + clock).is_stale() && !(Value::STALE & Value::constant(0)).is_stale());
    }
}
