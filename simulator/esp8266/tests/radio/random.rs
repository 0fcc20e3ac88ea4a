//! Whatever a program writes and whatever arrives: nothing panics, time goes on, and only so much is kept.

use esp8266::bus::Bus;
use proptest::prelude::*;

use crate::driver::{ACCESS_POINT, ALL, Driver, GENERATIONS, OTHER, OWN_ACCESS_POINT, STATION};

/// Where the radio's registers lie: MAC, RF, baseband, analogue bus, and what allows the NMI.
fn registers() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => (0_u32..0x400).prop_map(|word| 0x3FF2_0000 + 4 * word),
        4 => (0x300_u32..0x390).prop_map(|word| 0x3FF2_0000 + 4 * word),
        2 => (0_u32..0x400).prop_map(|word| 0x3FF2_1000 + 4 * word),
        1 => (0_u32..0x80).prop_map(|word| 0x6000_0400 + 4 * word),
        1 => (0x180_u32..0x400).prop_map(|word| 0x6000_9000 + 4 * word),
        1 => (0_u32..0x40).prop_map(|word| 0x6000_0D00 + 4 * word),
        1 => Just(0x3FF0_0000),
    ]
}

/// Values that mean something more often than chance would have it: descriptors, bits, anything.
fn values() -> impl Strategy<Value = u32> {
    prop_oneof![
        2 => any::<u32>(),
        2 => (0_u32..0x1800).prop_map(|word| 0x3FFE_8000 + 4 * word),
        2 => (0_u32..32).prop_map(|bit| 1 << bit),
        1 => (0_u32..0x3_0000).prop_map(|chain| 3 << 30 | 1 << 24 | chain),
        1 => prop::sample::select(vec![0, u32::MAX, 0x3_0303, 0x2C9F_0300]),
    ]
}

fn frames() -> impl Strategy<Value = Vec<u8>> {
    let address = prop::sample::select(vec![STATION, OWN_ACCESS_POINT, ACCESS_POINT, OTHER, ALL]);
    (
        any::<u8>(),
        any::<u8>(),
        prop::array::uniform3(address),
        prop::collection::vec(any::<u8>(), 0..1_700),
        0_usize..40,
    )
        .prop_map(|(control, flags, addresses, body, cut)| {
            let mut frame = vec![control, flags, 0, 0];
            frame.extend(addresses.concat());
            frame.extend(body);
            if cut < 24 {
                frame.truncate(cut);
            }
            frame
        })
}

#[derive(Clone, Debug)]
enum Act {
    Write(u32, u32),
    Read(u32),
    Hear(u8, Vec<u8>),
    Pass(u64),
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (registers(), values()).prop_map(|(at, value)| Act::Write(at, value)),
        2 => registers().prop_map(Act::Read),
        3 => (0_u8..16, frames()).prop_map(|(channel, frame)| Act::Hear(channel, frame)),
        2 => (0_u64..3_000).prop_map(Act::Pass),
    ]
}

fn act(driver: &mut Driver, acts: &[Act]) {
    for act in acts {
        match act {
            Act::Write(at, value) => driver.chip.write(*at, *value),
            Act::Read(at) => drop(driver.chip.read(*at)),
            Act::Hear(channel, frame) => driver.chip.hear(*channel, frame),
            Act::Pass(microseconds) => driver.chip.pass(*microseconds),
        }
        driver.chip.devices.interrupts(driver.chip.cycle);
    }
}

/// How much is kept, as far as that can be told from outside: how much there is to show. What the antenna has sent is
/// the test's own.
fn kept(driver: &mut Driver) -> usize {
    driver.chip.devices.outside.sent.clear();
    driver.chip.devices.outside.acknowledged.clear();
    driver.chip.devices.outside.listened.clear();
    driver.chip.devices.take_reports();
    format!("{:?}", driver.chip.devices).len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_radio_bears_any_registers_and_frames(
        generation in 0_usize..GENERATIONS.len(),
        acts in prop::collection::vec(acts(), 1..150),
    ) {
        let mut driver = Driver::new(GENERATIONS[generation]);
        // The same over and over again: the first rounds have been everywhere, so that more keep nothing more.
        for _ in 0..3 {
            act(&mut driver, &acts);
        }
        driver.chip.pass(2_000_000);
        let before = kept(&mut driver);
        for _ in 0..6 {
            act(&mut driver, &acts);
        }
        driver.chip.pass(2_000_000);
        let after = kept(&mut driver);
        prop_assert!(after < before + before / 20, "{before} became {after}");
    }

    /// A second chip to which the same happens comes to the same state.
    #[test]
    fn what_comes_of_it_repeats(acts in prop::collection::vec(acts(), 1..60)) {
        let [one, other] = [0, 1].map(|_| {
            let mut driver = Driver::new(GENERATIONS[0]);
            act(&mut driver, &acts);
            format!("{:?}", driver.chip.devices)
        });
        prop_assert_eq!(one, other);
    }
}
