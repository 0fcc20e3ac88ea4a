//! Arithmetic on IEEE 754 numbers as the boot ROM's libgcc does it, on bit patterns.
//!
//! Results that are numbers are the host's: both round to nearest, ties to even, and know subnormal numbers. NaNs are
//! made here by rule, because hosts differ in them: the ROM returns a NaN operand as it is (even a signalling one), and
//! for an invalid operation an operand with its quiet bit set. Conversions to integers saturate as the ROM's do.
//! Exception flags and other rounding modes do not exist on this chip.

/// What differs between the two formats, for the rules that they share.
macro_rules! arithmetic {
    ($module:ident, $float:ty, $bits:ty, $mantissa:literal, $high_word:literal, $doc:literal) => {
        #[doc = $doc]
        pub mod $module {
            const SIGN: $bits = 1 << (<$bits>::BITS - 1);
            const INFINITY: $bits = <$float>::INFINITY.to_bits();
            const QUIET: $bits = 1 << ($mantissa - 1);
            /// The word with sign and exponent.
            const HIGH_WORD: $bits = $high_word;

            const fn is_nan(value: $bits) -> bool {
                value & !SIGN > INFINITY
            }

            /// Infinite or not a number.
            const fn is_special(value: $bits) -> bool {
                value & INFINITY == INFINITY
            }

            /// `x + y`.
            pub fn add(x: $bits, y: $bits) -> $bits {
                if (x ^ y) & SIGN != 0 {
                    return subtract_same_sign(x, y ^ SIGN);
                }
                add_same_sign(x, y)
            }

            /// `x - y`.
            pub fn subtract(x: $bits, y: $bits) -> $bits {
                if (x ^ y) & SIGN != 0 {
                    return add_same_sign(x, y ^ SIGN);
                }
                subtract_same_sign(x, y)
            }

            fn add_same_sign(x: $bits, y: $bits) -> $bits {
                if is_special(x) {
                    return if is_special(y) && !is_nan(x) { y } else { x };
                }
                if is_special(y) {
                    return y;
                }
                (<$float>::from_bits(x) + <$float>::from_bits(y)).to_bits()
            }

            fn subtract_same_sign(x: $bits, y: $bits) -> $bits {
                if is_special(x) {
                    return if is_special(y) { x | QUIET } else { x };
                }
                if is_special(y) {
                    return y ^ SIGN;
                }
                (<$float>::from_bits(x) - <$float>::from_bits(y)).to_bits()
            }

            /// `x * y`.
            pub fn multiply(x: $bits, y: $bits) -> $bits {
                let sign = (x ^ y) & SIGN;
                if is_special(x) {
                    if y & !SIGN == 0 {
                        return x | QUIET;
                    }
                    let kept = if is_nan(y) { y } else { x };
                    return kept & !SIGN | sign;
                }
                if is_special(y) {
                    if x & !SIGN == 0 {
                        // The ROM forgets to copy the low word of a double's NaN.
                        return y & HIGH_WORD | QUIET;
                    }
                    return y & !SIGN | sign;
                }
                (<$float>::from_bits(x) * <$float>::from_bits(y)).to_bits()
            }

            /// `x / y`.
            pub fn divide(x: $bits, y: $bits) -> $bits {
                let sign = (x ^ y) & SIGN;
                if is_special(x) {
                    let signed = x ^ y & SIGN;
                    return if is_special(y) { signed | QUIET } else { signed };
                }
                if is_special(y) {
                    return if is_nan(y) { y } else { sign };
                }
                if y & !SIGN == 0 {
                    return if x & !SIGN == 0 { sign | INFINITY | QUIET } else { sign | INFINITY };
                }
                (<$float>::from_bits(x) / <$float>::from_bits(y)).to_bits()
            }

            /// To a signed integer, towards zero; out of range saturates, NaN gives the largest.
            pub fn to_i32(x: $bits) -> u32 {
                if is_nan(x) {
                    return i32::MAX as u32;
                }
                (<$float>::from_bits(x) as i32) as u32
            }

            /// To an unsigned integer, towards zero. Too large gives 2³² − 1, NaN as well; a negative number gives its
            /// magnitude negated modulo 2³², and 2³¹ if that is 2³¹ or more.
            pub fn to_u32(x: $bits) -> u32 {
                if is_nan(x) {
                    return u32::MAX;
                }
                if x & SIGN == 0 {
                    return <$float>::from_bits(x) as u32;
                }
                let magnitude = <$float>::from_bits(x & !SIGN) as u32;
                if magnitude >= 1 << 31 { 1 << 31 } else { magnitude.wrapping_neg() }
            }

            /// From a signed integer, rounded to nearest.
            pub fn from_i32(x: u32) -> $bits {
                (x as i32 as $float).to_bits()
            }

            /// From an unsigned integer, rounded to nearest.
            pub fn from_u32(x: u32) -> $bits {
                (x as $float).to_bits()
            }
        }
    };
}

arithmetic!(single, f32, u32, 23, 0xFFFF_FFFF, "Single precision: `__addsf3` and its relatives.");
arithmetic!(double, f64, u64, 52, 0xFFFF_FFFF_0000_0000, "Double precision: `__adddf3` and its relatives.");

/// `__truncdfsf2`: double to single, rounded to nearest. A NaN loses its payload but for the sign.
pub fn to_single(x: u64) -> u32 {
    let value = f64::from_bits(x);
    if value.is_nan() {
        return ((x >> 63) as u32) << 31 | 0x7FC0_0000;
    }
    (value as f32).to_bits()
}

/// `__extendsfdf2`: single to double, exact. A NaN keeps its sign and becomes the quiet one.
pub fn to_double(x: u32) -> u64 {
    let value = f32::from_bits(x);
    if value.is_nan() {
        return u64::from(x >> 31) << 63 | 0x7FF8_0000_0000_0000;
    }
    f64::from(value).to_bits()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers at which something changes, as single-precision patterns without their sign.
    const EDGES: [u32; 14] = [
        0,
        1,
        0x007F_FFFF,
        0x0080_0000,
        0x0080_0001,
        0x3F7F_FFFF,
        0x3F80_0000,
        0x3F80_0001,
        0x4EFF_FFFF,
        0x4F00_0000,
        0x4F7F_FFFF,
        0x4F80_0000,
        0x7F7F_FFFF,
        0x7F80_0000,
    ];

    fn singles() -> impl Strategy<Value = u32> {
        prop_oneof![
            any::<u32>(),
            (0..EDGES.len(), any::<bool>()).prop_map(|(index, sign)| EDGES[index] | u32::from(sign) << 31),
        ]
    }

    fn doubles() -> impl Strategy<Value = u64> {
        prop_oneof![
            any::<u64>(),
            singles().prop_map(|single| f64::from(f32::from_bits(single)).to_bits()),
            (singles(), any::<u32>()).prop_map(|(high, low)| u64::from(high) << 32 | u64::from(low)),
        ]
    }

    fn same_single(ours: u32, hosts: f32) -> Result<(), TestCaseError> {
        if hosts.is_nan() {
            prop_assert!(f32::from_bits(ours).is_nan(), "{ours:#x} where the host has no number");
        } else {
            prop_assert_eq!(ours, hosts.to_bits());
        }
        Ok(())
    }

    fn same_double(ours: u64, hosts: f64) -> Result<(), TestCaseError> {
        if hosts.is_nan() {
            prop_assert!(f64::from_bits(ours).is_nan(), "{ours:#x} where the host has no number");
        } else {
            prop_assert_eq!(ours, hosts.to_bits());
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn single_precision_is_the_hosts(x in singles(), y in singles()) {
            let (a, b) = (f32::from_bits(x), f32::from_bits(y));
            same_single(single::add(x, y), a + b)?;
            same_single(single::subtract(x, y), a - b)?;
            same_single(single::multiply(x, y), a * b)?;
            same_double(to_double(x), f64::from(a))?;
        }

        #[test]
        fn double_precision_is_the_hosts(x in doubles(), y in doubles()) {
            let (a, b) = (f64::from_bits(x), f64::from_bits(y));
            same_double(double::add(x, y), a + b)?;
            same_double(double::subtract(x, y), a - b)?;
            same_double(double::multiply(x, y), a * b)?;
            same_double(double::divide(x, y), a / b)?;
            same_single(to_single(x), a as f32)?;
        }

        #[test]
        fn conversions_are_the_hosts_where_the_host_has_a_result(x in singles(), y in doubles(), integer in any::<u32>()) {
            let (a, b) = (f32::from_bits(x), f64::from_bits(y));
            if !b.is_nan() {
                prop_assert_eq!(double::to_i32(y), b as i32 as u32);
            }
            if a >= 0.0 {
                prop_assert_eq!(single::to_u32(x), a as u32);
            }
            if b >= 0.0 {
                prop_assert_eq!(double::to_u32(y), b as u32);
            }
            prop_assert_eq!(single::from_i32(integer), (integer as i32 as f32).to_bits());
            prop_assert_eq!(single::from_u32(integer), (integer as f32).to_bits());
            prop_assert_eq!(double::from_i32(integer), f64::from(integer as i32).to_bits());
            prop_assert_eq!(double::from_u32(integer), f64::from(integer).to_bits());
        }
    }

    #[test]
    fn a_nan_operand_comes_back_as_it_is() {
        let signalling = 0x7FA0_1234;
        assert_eq!(single::add(signalling, 0x3F80_0000), signalling);
        assert_eq!(single::add(0x3F80_0000, signalling | 1 << 31), signalling | 1 << 31);
        assert_eq!(single::multiply(0xBF80_0000, signalling), signalling | 1 << 31);
    }

    #[test]
    fn an_invalid_operation_quiets_an_operand() {
        let infinity = 0x7F80_0000;
        assert_eq!(single::subtract(infinity, infinity), 0x7FC0_0000);
        assert_eq!(single::add(infinity | 1 << 31, infinity), 0xFFC0_0000);
        assert_eq!(single::multiply(0, infinity | 1 << 31), 0xFFC0_0000);
        assert_eq!(double::multiply(0, 0xFFF0_0000_1234_5678), 0xFFF8_0000_0000_0000);
        assert_eq!(double::divide(0, 0), 0x7FF8_0000_0000_0000);
        assert_eq!(double::divide(1 << 63, 0), 0xFFF8_0000_0000_0000);
    }

    #[test]
    fn conversions_of_what_does_not_fit_saturate() {
        assert_eq!(double::to_i32(f64::NAN.to_bits()), i32::MAX as u32);
        assert_eq!(single::to_u32(f32::NAN.to_bits()), u32::MAX);
        assert_eq!(single::to_u32((-1.5f32).to_bits()), u32::MAX, "minus one, modulo two to the 32nd");
        assert_eq!(single::to_u32((-3e9f32).to_bits()), 1 << 31);
        assert_eq!(double::to_u32(f64::NEG_INFINITY.to_bits()), 1 << 31);
    }
}
