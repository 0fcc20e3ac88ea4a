//! Each kind of difference, the tolerance's edges, and how happenings are put beside each other.

use simulator_record::events::{self, BootCause, DeviceId, JoinFailure, JoinOutcome, Level};

use super::*;
use crate::run::CaseOutcome;
use simulator_world::device::Coverage;

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;

fn run(happened: &[(u64, EventKind)]) -> Run {
    let event = |(sequence, (millis, kind)): (u64, &(u64, EventKind))| Event {
        at: Instant::from_millis(*millis),
        sequence,
        device: Some(DeviceId(0)),
        name: None,
        kind: kind.clone(),
    };
    let events = (0..).zip(happened).map(event).collect();
    Run {
        repetition: 0,
        events,
        record: None,
        end: Instant::from_secs(3_600),
        verdicts: Vec::new(),
        coverage: None,
        receipts: Vec::new(),
    }
}

fn entry(second: i64, temperature: &str) -> EventKind {
    let mut fields = [const { None }; 8];
    fields[0] = Some(temperature.to_owned());
    EventKind::Stored(events::Stored { channel: 1, entry_id: 1, created_at: START + second, fields, status: None })
}

fn join(outcome: JoinOutcome) -> EventKind {
    EventKind::Join(events::Join { network: "home".to_owned(), bssid: None, outcome, status: None })
}

fn boot(number: u32, cause: BootCause) -> EventKind {
    EventKind::Boot(events::Boot { number, cause })
}

fn led(on: bool) -> EventKind {
    EventKind::Pin(events::Pin { gpio: 13, level: Level::High.when(on), part: "wifi".into(), kind: PinKind::Led, on })
}

fn compare_with(targets: &Targets, host: &[(u64, EventKind)], chip: &[(u64, EventKind)]) -> Comparison {
    let outcome = |happened| CaseOutcome { runs: vec![run(happened)] };
    compare_outcomes(targets, outcome(host), outcome(chip))
}

fn compare_outcomes(targets: &Targets, host: CaseOutcome, chip: CaseOutcome) -> Comparison {
    let of = |name, outcome| SubjectOutcome { name, outcome, second_run: None };
    Comparison::new(targets, &of(Name::Host, host), &of(Name::Chip, chip))
}

fn compare(host: &[(u64, EventKind)], chip: &[(u64, EventKind)]) -> Comparison {
    compare_with(&Targets::default(), host, chip)
}

/// In what they disagree, how, and how often.
fn found(comparison: &Comparison) -> Vec<(Aspect, Difference, usize)> {
    comparison.disagreements().map(|found| (found.aspect, found.how, found.count)).collect()
}

#[test]
fn the_same_a_little_later_is_the_same() {
    let host = [
        (0, boot(1, BootCause::PowerOn)),
        (900, join(JoinOutcome::Joined)),
        (1_000, led(true)),
        (2_000, entry(1, "21.5")),
    ];
    let chip = [
        (0, boot(1, BootCause::PowerOn)),
        (940, join(JoinOutcome::Joined)),
        (1_050, led(true)),
        (3_250, entry(1, "21.5")),
    ];
    let comparison = compare(&host, &chip);
    assert!(comparison.agrees(), "{:?}", found(&comparison));
    let counts: Vec<_> = comparison.repetitions[0].sequences.iter().map(Sequence::counts).collect();
    assert_eq!(counts, [(1, 1); 4]);
}

#[test]
fn what_is_not_compared_may_differ() {
    let serial = |line: &str| EventKind::Serial(events::Serial { line: line.to_owned() });
    let spare = EventKind::Pin(events::Pin {
        gpio: 5,
        level: Level::High,
        part: "config".into(),
        kind: PinKind::Switch,
        on: true,
    });
    assert!(compare(&[(1, serial("a")), (2, spare)], &[(7_000, serial("b"))]).agrees());
}

#[test]
fn each_kind_of_happening_that_one_of_them_lacks_is_told() {
    for (aspect, kind) in [
        (Aspect::Entries, entry(1, "21.5")),
        (Aspect::Joins, join(JoinOutcome::Failed(JoinFailure::Timeout))),
        (Aspect::Reboots, boot(2, BootCause::Watchdog)),
        (Aspect::Led, led(true)),
    ] {
        let happened = [(1_000, kind)];
        let expected = [(aspect, Difference::Missing, 1)];
        assert_eq!(found(&compare(&happened, &[])), expected);
        assert_eq!(found(&compare(&[], &happened)), expected);
        assert!(compare(&happened, &happened).agrees());
    }
}

#[test]
fn each_kind_of_happening_that_says_something_else_is_told() {
    for (aspect, host, chip) in [
        (Aspect::Entries, entry(1, "21.5"), entry(1, "21.6")),
        (Aspect::Joins, join(JoinOutcome::Joined), join(JoinOutcome::Failed(JoinFailure::Timeout))),
        (Aspect::Reboots, boot(2, BootCause::Watchdog), boot(2, BootCause::Software)),
        (Aspect::Led, led(true), led(false)),
    ] {
        let comparison = compare(&[(1_000, host)], &[(1_000, chip)]);
        assert_eq!(found(&comparison), [(aspect, Difference::Content, 1)]);
    }
}

#[test]
fn the_tolerance_itself_is_still_the_same_and_a_millisecond_more_is_not() {
    let most = Targets::TOLERANCE.as_millis() as u64;
    for (kind, aspect) in [
        (entry(1, "21.5"), Aspect::Arrivals),
        (join(JoinOutcome::Joined), Aspect::Joins),
        (boot(1, BootCause::PowerOn), Aspect::Reboots),
        (led(true), Aspect::Led),
    ] {
        let at = |millis: u64| [(millis, kind.clone())];
        let base = 100_000;
        for edge in [base - most, base + most] {
            assert!(compare(&at(base), &at(edge)).agrees(), "{aspect} {edge}");
        }
        for beyond in [base - most - 1, base + most + 1] {
            assert_eq!(found(&compare(&at(base), &at(beyond))), [(aspect, Difference::Time, 1)], "{beyond}");
        }
    }
}

#[test]
fn entries_are_compared_by_when_they_were_created_and_by_when_they_arrived() {
    let most = Targets::TOLERANCE.as_secs() as i64;
    let entry_at = |second| [(900_000, entry(second, "21.5"))];
    assert!(compare(&entry_at(100), &entry_at(100 + most)).agrees());
    let expected = [(Aspect::Entries, Difference::Created, 1)];
    assert_eq!(found(&compare(&entry_at(100), &entry_at(101 + most))), expected);
    assert_eq!(found(&compare(&entry_at(101 + most), &entry_at(100))), expected);
}

#[test]
fn another_tolerance_is_kept_to() {
    let targets = Targets { tolerance: Duration::from_secs(60), ..Targets::default() };
    let (host, soon, late) = ([(0, led(true))], [(60_000, led(true))], [(60_001, led(true))]);
    assert!(compare_with(&targets, &host, &soon).agrees());
    assert!(!compare_with(&targets, &host, &late).agrees());
}

#[test]
fn what_may_differ_is_kept_but_held_against_nobody() {
    let (host, chip) = ([(0, entry(1, "21.5")), (1, led(true))], [(800_000, entry(1, "21.5")), (1, led(true))]);
    let may = |aspect| Targets { may_differ: vec![aspect], because: Some("so".to_owned()), ..Targets::default() };
    let allowed = compare_with(&may(Aspect::Arrivals), &host, &chip);
    assert!(allowed.agrees());
    assert_eq!(
        allowed.repetitions[0].sequences[0].pairs[0].difference,
        Some((Aspect::Arrivals, Difference::Time)),
        "it stands in the report"
    );
    assert!(!compare_with(&may(Aspect::Led), &host, &chip).agrees(), "another allowance does not help");
    // Which entries there are is another thing than when they arrive.
    assert!(!compare_with(&may(Aspect::Arrivals), &host, &[(1, led(true))]).agrees());
}

#[test]
fn the_one_that_is_missing_is_found_among_many() {
    let entries = |left_out: Option<i64>| -> Vec<(u64, EventKind)> {
        let seconds = (0..6).map(|index| index * 300).filter(|second| Some(*second) != left_out);
        // They arrive together, as after an outage.
        seconds.map(|second| (2_000_000, entry(second, "21.5"))).collect()
    };
    for left_out in [0, 900, 1_500] {
        let comparison = compare(&entries(None), &entries(Some(left_out)));
        let disagreement = comparison.disagreements().next().unwrap();
        assert_eq!((disagreement.how, disagreement.count), (Difference::Missing, 1));
        assert_eq!(disagreement.first.first.as_ref().unwrap().created_at, Some(START + left_out));
        assert_eq!(disagreement.first.other, None);
        assert_eq!(disagreement.sequence.counts(), (6, 5));
    }
}

#[test]
fn a_difference_is_told_with_both_sides_and_their_times() {
    let host = [(1_000, led(true)), (9_000, led(false)), (20_000, led(true))];
    let chip = [(1_050, led(true)), (19_500, led(false)), (20_050, led(true))];
    let comparison = compare(&host, &chip);
    let disagreement = comparison.disagreements().next().unwrap();
    assert_eq!(disagreement.expected(), "the same changes of the LED on host and chip, up to 10s apart");
    assert_eq!(
        disagreement.seen(),
        "1 of 3 differ; the first is later on the chip, by 10.500 s:\n  \
         host: at 9.000000 s: the LED `wifi` goes off\n  chip: at 19.500000 s: the LED `wifi` goes off"
    );
    let comparison = compare(&[(2_500, entry(2, "21.5"))], &[]);
    assert_eq!(
        comparison.disagreements().next().unwrap().seen(),
        "1 on the host, 0 on the chip; the first is on one of them only:\n  \
         host: at 2.500000 s: field1 `21.5`, created at 2026-01-01T00:00:02Z\n  chip: nothing in its place"
    );
}

#[test]
fn a_sweep_with_more_runs_on_one_of_them_is_told() {
    let outcome = |runs: usize| CaseOutcome { runs: vec![run(&[]); runs] };
    let comparison = compare_outcomes(&Targets::default(), outcome(3), outcome(2));
    assert_eq!((comparison.runs, comparison.agrees()), (Some((3, 2)), false));
    assert!(compare_outcomes(&Targets::default(), outcome(2), outcome(2)).agrees());
}

#[test]
fn each_device_is_compared_with_itself() {
    let of = |number: u32, name: &str, millis: u64, kind: EventKind| {
        let mut run = run(&[(millis, kind)]);
        run.events[0].device = Some(DeviceId(number));
        run.events[0].name = Some(name.into());
        run.events.remove(0)
    };
    let outcome = |events: Vec<Event>| {
        let mut run = run(&[]);
        run.events = events;
        CaseOutcome { runs: vec![run] }
    };
    let kitchen = |millis| of(0, "kitchen", millis, entry(1, "21.5"));
    let cellar = |millis| of(1, "cellar", millis, entry(1, "12.0"));
    let host = outcome(vec![kitchen(1_000), cellar(1_001)]);
    let swapped = outcome(vec![cellar(1_000), kitchen(1_001)]);
    assert!(compare_outcomes(&Targets::default(), host.clone(), swapped).agrees(), "who comes first is chance");
    let twice = outcome(vec![kitchen(1_000), kitchen(1_001)]);
    let comparison = compare_outcomes(&Targets::default(), host, twice);
    assert_eq!(found(&comparison), [(Aspect::Entries, Difference::Missing, 2)]);
    let first = comparison.disagreements().next().unwrap().seen();
    assert!(first.contains("field1 `12.0` of `cellar`") || first.contains("field1 `21.5` of `kitchen`"), "{first}");
}

#[test]
fn what_only_one_has_shortly_before_the_end_may_come_after_it_with_the_other() {
    let tolerance = Targets::default().tolerance.as_millis() as u64;
    let before_the_end = |millis: u64| [(900, join(JoinOutcome::Joined)), (3_600_000 - millis, led(true))];
    let both = [(900, join(JoinOutcome::Joined))];
    assert!(compare(&before_the_end(tolerance), &both).agrees());
    assert!(compare(&both, &before_the_end(tolerance)).agrees());
    let missing = [(Aspect::Led, Difference::Missing, 1)];
    assert_eq!(found(&compare(&before_the_end(tolerance + 1), &both)), missing);
    assert_eq!(found(&compare(&both, &before_the_end(tolerance + 1))), missing);
}

#[test]
fn of_an_image_that_runs_whole_joins_that_no_access_point_heard_of_are_not_compared() {
    let failed = |why| join(JoinOutcome::Failed(why));
    let host = [
        (100_000, failed(JoinFailure::NotFound)),
        (200_000, failed(JoinFailure::SecurityMismatch)),
        (300_000, failed(JoinFailure::WrongPassphrase)),
    ];
    let outcome = |happened: &[_], coverage| CaseOutcome { runs: vec![Run { coverage, ..run(happened) }] };
    let whole = |happened| {
        let chip = outcome(happened, Some(Coverage::default()));
        found(&compare_outcomes(&Targets::default(), outcome(&host, None), chip))
    };
    assert_eq!(whole(&host[2..]), []);
    assert_eq!(whole(&[]), [(Aspect::Joins, Difference::Missing, 1)]);
    let sdk = [("wifi_station_connect", 3)].into();
    let answered = outcome(&host[2..], Some(Coverage { sdk, ..Coverage::default() }));
    let compared = compare_outcomes(&Targets::default(), outcome(&host, None), answered);
    assert_eq!(found(&compared), [(Aspect::Joins, Difference::Missing, 2)]);
}
