//! A supply that sags: when the chip is reset, by which rule, and how often.

use super::*;
use simulator_parts::Supply;

/// It falls below what the chip needs 0.68 ms after the beginning of a join's first frame, which takes 0.94 ms.
const WEAK: Supply = Supply { millivolts: 3_300, milliohms: 6_000, nanofarads: 100_000 };
/// So much more of the same that it carries that frame.
const LARGE: Supply = Supply { nanofarads: 1_000_000, ..WEAK };

/// A device that joins a network every three seconds which is not there.
fn joiner() -> Bench {
    bench(|mut parts| async move {
        let home = Network { name: "home", security: Security::Open };
        loop {
            parts.watchdog.feed();
            let _not_found = parts.radio.join(&home).await;
            Timer::after_secs(3).await;
        }
    })
}

fn rule(name: &str, supply: Supply, count: Option<u32>) -> Command {
    Command::BeginFault(Rule { name: name.to_owned(), count, fault: Fault::Supply { device: DUCK, supply } })
}

fn end(name: &str) -> Command {
    Command::EndFault { rule: name.to_owned() }
}

/// When the supply fell below what the chip needs, and by which rule.
fn dips(events: &[Event]) -> Vec<(Duration, &str)> {
    let mut dips = Vec::new();
    let mut rule = "";
    for event in events {
        match &event.kind {
            EventKind::Fault(fault) if !fault.action.is_boundary() => rule = &fault.rule,
            EventKind::Power(power) if power.state == PowerState::BrownOut => {
                dips.push((event.at.since_start(), rule));
            }
            _ => {}
        }
    }
    dips
}

#[test]
fn a_rule_applies_as_often_as_it_says() {
    let seen = |count| {
        let mut bench = joiner();
        bench.at(Duration::ZERO, rule("weak", WEAK, count));
        let events = bench.events(ms(2_000));
        (dips(&events).len(), boots(&events).iter().filter(|(_, cause)| *cause == "power-on").count())
    };
    assert_eq!(seen(Some(0)), (0, 1));
    assert_eq!(seen(Some(2)), (2, 3));
    let (dips, boots) = seen(None);
    assert!(dips > 10 && boots >= dips, "{dips} dips, {boots} boots");
}

#[test]
fn the_chip_is_reset_also_if_the_rule_ends_while_the_frame_is_on_the_air() {
    let seen = |ends: Option<Duration>| {
        let mut bench = joiner();
        bench.at(Duration::ZERO, rule("weak", WEAK, Some(1)));
        if let Some(at) = ends {
            bench.at(at, end("weak"));
        }
        let events = bench.events(ms(2_000));
        dips(&events).iter().map(|(at, _)| *at).collect::<Vec<_>>()
    };
    let dips = seen(None);
    let [dip] = dips[..] else { panic!("{dips:?}") };
    assert_eq!(seen(Some(dip - Duration::from_micros(100))), dips);
    assert!(seen(Some(dip - ms(1))).is_empty(), "before the frame was begun");
}

#[test]
fn of_several_rules_the_last_counts_and_then_the_one_before() {
    let mut bench = joiner();
    bench.at(Duration::ZERO, rule("first", WEAK, Some(1)));
    bench.at(Duration::ZERO, rule("second", LARGE, None));
    bench.at(ms(1_000), end("second"));
    let events = bench.events(ms(9_000));
    let dips = dips(&events);
    let [(at, "first")] = dips[..] else { panic!("{dips:?}") };
    assert!(at > ms(1_000), "{at:?}");
}

#[test]
fn power_that_is_cut_while_the_supply_is_low_stays_off() {
    let mut bench = joiner();
    bench.at(Duration::ZERO, rule("weak", WEAK, None));
    bench.run_until(ms(500));
    bench.at(ms(500), Command::Power { device: DUCK, on: false });
    let before = boots(bench.world.events()).len();
    let events = bench.events(ms(5_000));
    assert_eq!(boots(&events).len(), before);
}
