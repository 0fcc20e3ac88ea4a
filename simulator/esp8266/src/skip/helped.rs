//! What functions of the boot ROM that calculate make of [values](super::value).

use core::ops::RangeInclusive;

use super::value::Value;
use crate::rom::libgcc::Helper;

/// The lower or the upper half of the result.
pub(super) fn result(helper: Helper, operands: [Value; 4], is_upper: bool) -> Value {
    let [x, y] = arguments(helper, operands);
    let result = |x: &u64, y: &u64| helper.result(*x, *y);
    let most = match helper {
        Helper::Product => result(x.start(), y.start()).zip(result(x.end(), y.end())),
        Helper::Quotient | Helper::WideQuotient => result(x.start(), y.end()).zip(result(x.end(), y.start())),
        // Within one multiple of the divisor the rest grows, too.
        Helper::Remainder | Helper::WideRemainder if *y.start() > 0 => {
            let is_within = y.start() == y.end() && x.start() / y.start() == x.end() / y.start();
            if is_within {
                result(x.start(), y.start()).zip(result(x.end(), y.start()))
            } else {
                Some((0, y.end() - 1))
            }
        }
        Helper::Remainder | Helper::WideRemainder => None,
    };
    match most {
        None => Value::of_any(&operands),
        Some((low, high)) if is_upper => Value::range((low >> 32) as u32, (high >> 32) - (low >> 32)).of(&operands),
        Some((low, high)) => Value::range(low as u32, high - low).of(&operands),
    }
}

/// The cycles it takes, if they are always the same and it always comes to an end: nothing is divided by zero.
pub(super) fn cycles(helper: Helper, operands: [Value; 4]) -> Option<u64> {
    let [x, y] = arguments(helper, operands);
    helper.result(0, *y.start())?;
    let (fewest, most) = (helper.cycles(*x.start(), *y.end()), helper.cycles(*x.end(), *y.start()));
    (fewest == most).then_some(most)
}

/// The least and the greatest that each argument may be.
fn arguments(helper: Helper, [a, b, c, d]: [Value; 4]) -> [RangeInclusive<u64>; 2] {
    let narrow = |value: Value| value.least()..=value.greatest();
    match helper {
        Helper::Product | Helper::Quotient | Helper::Remainder => [narrow(a), narrow(b)],
        Helper::WideQuotient | Helper::WideRemainder => [wide(a, b), wide(c, d)],
    }
}

fn wide(lower: Value, upper: Value) -> RangeInclusive<u64> {
    match upper.known() {
        Some(upper) => u64::from(upper) << 32 | lower.least()..=u64::from(upper) << 32 | lower.greatest(),
        None => upper.least() << 32..=upper.greatest() << 32 | u64::from(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELPERS: [Helper; 5] =
        [Helper::Product, Helper::Quotient, Helper::Remainder, Helper::WideQuotient, Helper::WideRemainder];

    /// What a function makes of any numbers of its operands is in its result.
    #[test]
    fn results_hold_what_numbers_give() {
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for round in 0..20_000 {
            let operands: [(u32, u64); 4] = core::array::from_fn(|_| {
                let low = match random(4) {
                    0 => random(20) as u32,
                    1 => random(1 << 20) as u32,
                    2 => (random(1 << 31) << 1) as u32,
                    _ => (random(64) as u32).wrapping_neg(),
                };
                let most = [1, 2, 100, 1 << 20, 1 << 31][random(5) as usize];
                (low, random(most))
            });
            let values = operands.map(|(low, span)| Value::range(low, span));
            for helper in HELPERS {
                let [lower, upper] = [false, true].map(|is_upper| result(helper, values, is_upper));
                for _ in 0..8 {
                    let numbers = operands.map(|(low, span)| low.wrapping_add(random(span + 1) as u32));
                    let (x, y) = helper.arguments(numbers);
                    let Some(result) = helper.result(x, y) else {
                        assert_eq!(cycles(helper, values), None);
                        continue;
                    };
                    let holds = |value: Value, number: u32| value.is_equal(Value::constant(number)) != Some(false);
                    assert!(holds(lower, result as u32) && holds(upper, (result >> 32) as u32), "{round} {helper:?}");
                    let taken = cycles(helper, values);
                    assert!(taken.is_none_or(|cycles| cycles == helper.cycles(x, y)), "{round} {helper:?}");
                }
            }
        }
    }

    #[test]
    fn milliseconds_of_microseconds_are_known() {
        let [zero, thousand] = [0, 1000].map(Value::constant);
        let clock = Value::range(5_000_100, 800);
        assert_eq!(result(Helper::Quotient, [clock, thousand, zero, zero], false).known(), Some(5_000));
        assert_eq!(result(Helper::WideQuotient, [clock, zero, thousand, zero], false).known(), Some(5_000));
        assert_eq!(result(Helper::Remainder, [clock, thousand, zero, zero], false), Value::range(100, 800));
        assert_eq!(cycles(Helper::Quotient, [clock, thousand, zero, zero]), Some(10 + 6 * 13));
        // 2^32 / 1000.
        let reciprocal = Value::constant(0x41_8937);
        assert_eq!(result(Helper::Product, [clock, reciprocal, zero, zero], true).known(), Some(5_000));
    }
}
