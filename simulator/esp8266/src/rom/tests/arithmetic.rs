//! What the boot ROM's libgcc computes, against the host.

use super::*;

proptest! {
    #[test]
    fn integers_are_the_hosts(x in any::<u64>(), y in any::<u64>(), shift in 0..64u32) {
        same_integers(&mut chip(), x, y >> shift);
    }
}

/// Compares all integer helpers with the host's arithmetic.
fn same_integers(chip: &mut Chip<Bench>, x: u64, y: u64) {
    assert_eq!(call64(chip, 0x4000_0650, x, y), x.wrapping_mul(y), "{x:#x} * {y:#x}");
    if y != 0 {
        assert_eq!(call64(chip, 0x4000_CE60, x, y), (x as i64).wrapping_div(y as i64) as u64, "{x:#x} / {y:#x}");
        assert_eq!(call64(chip, 0x4000_D310, x, y), x / y, "{x:#x} / {y:#x}");
        assert_eq!(call64(chip, 0x4000_D770, x, y), x % y, "{x:#x} % {y:#x}");
    }
    let (a, b) = (x as u32, y as u32);
    if b != 0 {
        assert_eq!(call(chip, 0x4000_DC88, &[a, b]), (a as i32).wrapping_div(b as i32) as u32, "{a:#x} / {b:#x}");
        assert_eq!(call(chip, 0x4000_E21C, &[a, b]), a / b, "{a:#x} / {b:#x}");
        assert_eq!(call(chip, 0x4000_E268, &[a, b]), a % b, "{a:#x} % {b:#x}");
    }
    let low = call(chip, 0x4000_DCF0, &[a, b]);
    let product = u64::from(low) | u64::from(chip.core.cpu.a[3]) << 32;
    assert_eq!(product, u64::from(a) * u64::from(b), "{a:#x} * {b:#x}");
}

#[test]
fn integers_are_the_hosts_at_the_edges() {
    let powers = (0..64).map(|bit| 1_u64 << bit).flat_map(|power| [power - 1, power, power.wrapping_neg()]);
    let edges: Vec<u64> =
        powers.step_by(2).chain([0, 3, 10, u64::MAX, i64::MAX as u64, 0xFFFF_FFFF_0000_0000]).collect();
    let mut chip = chip();
    for &x in &edges {
        for &y in &edges {
            same_integers(&mut chip, x, y);
        }
    }
}

/// That each of the floating-point helpers stands at its address; what they compute is compared with the host's beside
/// them.
#[test]
fn floating_point_helpers_stand_at_their_addresses() {
    let mut chip = chip();
    let (x, y) = (1.5_f32, -2.25_f32);
    for (address, result) in [(0x4000_C180, x + y), (0x4000_C268, x - y), (0x4000_C3DC, x * y)] {
        assert_eq!(call(&mut chip, address, &[x.to_bits(), y.to_bits()]), result.to_bits());
    }
    let (x, y) = (f64::from(x), f64::from(y));
    for (address, result) in [(0x4000_C538, x + y), (0x4000_C688, x - y), (0x4000_C8F0, x * y), (0x4000_CB94, x / y)] {
        assert_eq!(call64(&mut chip, address, x.to_bits(), y.to_bits()), result.to_bits());
    }
    let wide = |value: f64| [value.to_bits() as u32, (value.to_bits() >> 32) as u32];
    let [low, high] = wide(-7.75);
    assert_eq!(call(&mut chip, 0x4000_CCB8, &[low, high]) as i32, -7, "__fixdfsi");
    assert_eq!(call(&mut chip, 0x4000_CD5C, &[low, high]), (-7.75_f32).to_bits(), "__truncdfsf2");
    let [low, high] = wide(4e9);
    assert_eq!(call(&mut chip, 0x4000_CD00, &[low, high]), 4_000_000_000, "__fixunsdfsi");
    assert_eq!(call(&mut chip, 0x4000_C4C4, &[4e9_f32.to_bits()]), 4_000_000_000, "__fixunssfsi");
    assert_eq!(call64(&mut chip, 0x4000_CDFC, u64::from(7.75_f32.to_bits()), 0), 7.75_f64.to_bits(), "__extendsfdf2");
    let minus_two = (-2_i32) as u32;
    assert_eq!(call(&mut chip, 0x4000_E2AC, &[minus_two]), (-2_f32).to_bits(), "__floatsisf");
    assert_eq!(call(&mut chip, 0x4000_E2A4, &[minus_two]), (minus_two as f32).to_bits(), "__floatunsisf");
    assert_eq!(call64(&mut chip, 0x4000_E2F0, u64::from(minus_two), 0), (-2_f64).to_bits(), "__floatsidf");
    assert_eq!(
        call64(&mut chip, 0x4000_E2E8, u64::from(minus_two), 0),
        f64::from(minus_two).to_bits(),
        "__floatunsidf"
    );
}
