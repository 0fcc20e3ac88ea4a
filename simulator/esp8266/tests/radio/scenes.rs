//! What happens between driver and hardware, for each driver.

use simulator_wlan::ccmp;

use crate::driver::{
    ACCESS_POINT, ALL, CHANNEL, DESCRIPTORS, Driver, GENERATIONS, Generation, OTHER, OWN_ACCESS_POINT, STATION,
    address_steps, authentication, beacon, event, frame, tune_steps,
};
use crate::steps::{Step, at};

/// Lets each driver do the same.
fn each(act: impl Fn(Driver)) {
    for generation in GENERATIONS {
        act(Driver::new(generation));
    }
}

/// Flags of what was received: own address 0 and 1, network 0 and 1.
fn flags(driver: &Driver, number: usize) -> u32 {
    driver.received[number].0[0] >> 28
}

#[test]
fn a_scan_finds_whoever_beacons_on_each_channel() {
    each(|mut driver| {
        driver.take("scan", &[Step::Sets(at::RX_FILTER, 1 << 4)]);
        driver.take("scan", &address_steps(at::BSSID0, None));
        for channel in 1..=13 {
            driver.take("tune", &tune_steps(channel));
            for on_air in [channel, channel % 13 + 1] {
                driver.chip.hear(on_air, &beacon(ACCESS_POINT));
                driver.serve();
            }
        }
        assert_eq!(driver.received.len(), 13, "{}", driver.generation.name);
        for number in 0..13 {
            // Bit 30 alone is what the driver takes beacons of others by; with 28 it would take them for its own's.
            assert_eq!(flags(&driver, number), 4, "{}", driver.generation.name);
        }
        driver.take("scan done", &[Step::Clears(at::RX_FILTER, 1 << 4)]);
        driver.take("scan done", &tune_steps(CHANNEL));
        driver.chip.hear(CHANNEL, &beacon(ACCESS_POINT));
        driver.serve();
        assert_eq!(flags(&driver, 13), 0, "a beacon of nobody's network");
    });
}

/// What is told outside: without that, whoever is on the air would have to ask the chip for each frame.
#[test]
fn what_the_receiver_is_on_is_told() {
    each(|mut driver| {
        assert_eq!(driver.chip.devices.outside.listened, [Some(CHANNEL)], "{}", driver.generation.name);
        driver.take("tune", &tune_steps(11));
        driver.take("sleep", &[Step::Clears(at::RADIO, 2), Step::Clears(at::ENABLE, 1 << 31)]);
        driver.take("wake-up", &[Step::Sets(at::ENABLE, 1 << 31), Step::Sets(at::RADIO, 2)]);
        let told = [Some(CHANNEL), None, Some(11), None, Some(11)];
        assert_eq!(driver.chip.devices.outside.listened, told, "{}", driver.generation.name);
    });
}

#[test]
fn a_key_can_be_copied_byte_by_byte() {
    let mut driver = Driver::new(GENERATIONS[0]);
    for (offset, byte) in (0..).zip(*b"0123456789abcdef") {
        driver.chip.write_byte(at::KEYS + 8 + offset, byte);
    }
    assert_eq!(driver.chip.read(at::KEYS + 12), u32::from_le_bytes(*b"4567"));
    assert_eq!(driver.chip.devices.take_reports(), []);
}

#[test]
fn a_ring_goes_round_as_long_as_frames_are_taken() {
    each(|mut driver| {
        for number in 0..100_u8 {
            driver.chip.hear(CHANNEL, &frame([0xB0, 0], [STATION, ACCESS_POINT, ACCESS_POINT], &[number; 9]));
            if number % 3 == 2 {
                assert_eq!(driver.serve(), event::RECEIVED, "{}", driver.generation.name);
            }
        }
        driver.serve();
        let numbers: Vec<u8> = driver.received.iter().map(|(_, frame)| frame[24]).collect();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>(), "{}", driver.generation.name);
        assert_eq!(driver.chip.devices.outside.acknowledged.len(), 100);
        assert_eq!(flags(&driver, 0), 1);
        assert_eq!(driver.received[0].0[0] & 0xFF, 38, "-55 dBm");
    });
}

/// Where drivers would print `dev` and a line, and spin.
#[test]
fn a_ring_that_runs_dry_loses_frames_and_goes_on() {
    each(|mut driver| {
        for number in 0..DESCRIPTORS + 3 {
            driver.chip.hear(CHANNEL, &frame([0xB0, 0], [STATION, ACCESS_POINT, ACCESS_POINT], &[number as u8; 9]));
        }
        driver.serve();
        let usable = DESCRIPTORS as usize - 1;
        assert_eq!(driver.received.len(), usable, "the last one is never filled");
        assert_eq!(driver.chip.devices.outside.acknowledged.len(), usable, "what has no place is not acknowledged");
        let lost = Step::Finds { at: at::BUFFER_FULL, bits: u32::MAX, value: 4 };
        driver.take("dry", &[lost, Step::Sets(at::DATA_RESPONSES, 0)]);
        // The hardware has seen that there is no next one; some drivers tell it where to begin, others need not.
        if driver.generation.awaits_start {
            driver.begin_anew();
        }
        driver.chip.hear(CHANNEL, &authentication());
        driver.serve();
        assert_eq!(driver.received.len(), usable + 1, "{}", driver.generation.name);
    });
}

/// A descriptor that software keeps is not filled, even if it is next.
#[test]
fn a_descriptor_that_software_owns_is_left_alone() {
    each(|mut driver| {
        let first = 0x3FFE_9000;
        driver.chip.set_word(first, 1600);
        driver.chip.hear(CHANNEL, &authentication());
        assert_eq!(driver.chip.word(first), 1600, "{}", driver.generation.name);
        assert!(!driver.is_interrupted());
        driver.chip.set_word(first, 1 << 31 | 1600);
        driver.chip.hear(CHANNEL, &authentication());
        driver.serve();
        assert_eq!(driver.received.len(), 1);
    });
}

#[test]
fn every_queue_sends_and_hears_what_became_of_it() {
    each(|mut driver| {
        let to_one = frame([0x08, 1], [ACCESS_POINT, STATION, OTHER], b"some data");
        let to_all = frame([0x80, 0], [ALL, OWN_ACCESS_POINT, OWN_ACCESS_POINT], b"0123456789AB");
        for queue in driver.generation.queues {
            for (sent, wants, acknowledged, result) in [
                (&to_one, true, true, 0),
                (&to_one, true, false, 5),
                (&to_one, false, false, 0),
                (&to_all, false, false, 0),
            ] {
                driver.chip.devices.outside.acknowledges = acknowledged;
                driver.send(*queue, sent, 4, wants, 0);
                assert!(!driver.is_interrupted(), "it ends later than it is begun");
                let mut seen = 0;
                for _ in 0..100 {
                    driver.chip.pass(20);
                    seen |= driver.serve();
                }
                let enabled = driver.generation.enables & (event::STARTED | event::DONE);
                assert_eq!(seen, enabled, "{}, queue {queue}", driver.generation.name);
                assert_eq!(driver.ended.pop(), Some((*queue, result)), "{}", driver.generation.name);
                assert_eq!(driver.chip.devices.outside.sent.pop().map(|sent| sent.frame), Some(sent.clone()));
            }
        }
    });
}

/// An interrupt that was held up finds beginning and end at once.
#[test]
fn a_driver_that_comes_late_finds_beginning_and_end() {
    each(|mut driver| {
        driver.chip.devices.outside.acknowledges = true;
        driver.send(0, &frame([0x08, 1], [ACCESS_POINT, STATION, OTHER], b"some data"), 4, true, 0);
        driver.chip.pass(5_000);
        driver.serve();
        assert_eq!(driver.ended, [(0, 0)], "{}", driver.generation.name);
    });
}

#[test]
fn a_burst_follows_only_what_has_arrived() {
    let first_generation = GENERATIONS.into_iter().filter(|generation| generation.awaits_start);
    for generation in first_generation {
        for acknowledged in [true, false] {
            let mut driver = Driver::new(generation);
            driver.chip.devices.outside.acknowledges = acknowledged;
            driver.send(1, &frame([0x08, 1], [ACCESS_POINT, STATION, OTHER], b"some data"), 4, true, 0);
            driver.chip.pass(28 + 27 + 5);
            assert_eq!(driver.serve(), event::STARTED);
            driver.arm_burst(1);
            for _ in 0..100 {
                driver.chip.pass(20);
                driver.serve();
            }
            let expected: &[(u32, u32)] = if acknowledged { &[(1, 0), (10, 0)] } else { &[(1, 5)] };
            assert_eq!(driver.ended, expected, "{}", generation.name);
        }
    }
}

#[test]
fn what_the_peer_may_see_is_encrypted_and_what_the_driver_sees_is_not() {
    const KEY: [u8; 16] = *b"0123456789abcdef";
    each(|mut driver| {
        driver.take("joined", &address_steps(at::BSSID0, Some(ACCESS_POINT)));
        driver.set_key(6, ACCESS_POINT, 2, 0, &KEY);
        driver.set_key(2, ACCESS_POINT, 6, 1, &KEY);
        driver.chip.devices.outside.acknowledges = true;
        let plain = frame([0x08, 0x41], [ACCESS_POINT, STATION, OTHER], &[&ccmp::header(1, 0)[..], b"up"].concat());
        driver.send(0, &plain, 12, true, 6);
        driver.chip.pass(5_000);
        driver.serve();
        let sent = driver.chip.devices.outside.sent.pop().map(|sent| sent.frame).unwrap_or_default();
        assert_eq!(ccmp::decrypt(&KEY, &sent), Ok(plain), "{}", driver.generation.name);
        for (receiver, key_id) in [(STATION, 0), (ALL, 1)] {
            let body = [&ccmp::header(7, key_id)[..], b"down"].concat();
            let plain = frame([0x08, 0x42], [receiver, ACCESS_POINT, OTHER], &body);
            let on_air = ccmp::encrypt(&KEY, &plain).unwrap_or_default();
            driver.chip.hear(CHANNEL, &on_air);
            driver.serve();
            let (_, got) = driver.received.pop().unwrap_or_default();
            // The cipher's header and its check code stay, and so does the bit that says that it is protected.
            assert_eq!(got[..plain.len()], plain, "{}", driver.generation.name);
            assert_eq!(got.len(), on_air.len());
        }
        let other = ccmp::encrypt(&[1; 16], &frame([0x08, 0x42], [STATION, ACCESS_POINT, OTHER], &ccmp::header(9, 0)));
        driver.chip.hear(CHANNEL, &other.unwrap_or_default());
        assert_eq!(driver.serve(), 0, "of what does not fit its key nothing is told");
    });
}

#[test]
fn an_own_access_point_hears_who_asks_and_who_joins() {
    each(|mut driver| {
        driver.take("access point", &address_steps(at::ADDRESS1, Some(OWN_ACCESS_POINT)));
        driver.take("access point", &address_steps(at::BSSID1, Some(OWN_ACCESS_POINT)));
        let heard = [
            (frame([0x40, 0], [ALL, OTHER, ALL], &[0, 0]), 8),
            (frame([0xB0, 0], [OWN_ACCESS_POINT, OTHER, OWN_ACCESS_POINT], &[0, 0, 1, 0, 0, 0]), 10),
            (frame([0x08, 1], [OWN_ACCESS_POINT, OTHER, ALL], b"data"), 10),
        ];
        for (number, (frame, expected)) in heard.iter().enumerate() {
            driver.chip.hear(CHANNEL, frame);
            driver.serve();
            assert_eq!(flags(&driver, number), *expected, "{}", driver.generation.name);
        }
        assert_eq!(driver.chip.devices.outside.acknowledged, [OTHER, OTHER], "what is for all is not");
    });
}

/// The network's time begins anew with its beacons; the next one is due at a multiple of 102.4 ms.
#[test]
fn an_access_points_time_begins_when_it_is_told() {
    each(|mut driver| {
        driver.chip.pass(500_000);
        driver.take(
            "reset of the beacons' time",
            &[
                Step::Clears(at::TSF1_CONTROL, 0xC400_0000),
                Step::Write(at::TSF1_LOAD_LOW, 0),
                Step::Write(at::TSF1_LOAD_HIGH, 0),
                Step::Sets(at::TSF1_CONTROL, 0xC400_0000),
                Step::Finds { at: at::TSF1_LOW, bits: !0xF, value: 0 },
                Step::Passes(102_400),
                Step::Finds { at: at::TSF1_LOW, bits: !0xF, value: 102_400 & !0xF },
            ],
        );
    });
}

/// The SDK's software watchdog: the second counter's target, which its driver sets again each time.
#[test]
fn the_software_watchdog_is_due_each_three_seconds() {
    each(|mut driver| {
        for round in 1..=4 {
            let target = driver.chip.read(at::TSF1_LOW).wrapping_add(3_000_000);
            driver.take("timer", &[Step::Write(at::TSF1_TARGET_LOW, target), Step::Sets(at::TSF1_TARGET, 1 << 31)]);
            driver.take("timer", &[Step::Passes(2_999_900)]);
            assert_eq!(driver.serve(), 0, "{}", driver.generation.name);
            driver.take("timer", &[Step::Passes(200)]);
            assert_eq!(driver.serve(), event::TSF1, "{}", driver.generation.name);
            assert_eq!(driver.timer_events, round);
        }
    });
}

#[test]
fn a_radio_that_sleeps_hears_and_acknowledges_nothing() {
    each(|mut driver| {
        driver.take(
            "sleep",
            &[
                Step::Write(at::COEXISTENCE, 0x3333),
                Step::Clears(at::ENABLE, 1 << 31),
                Step::Waits { at: at::TX_STATE, bits: 0xF, value: 0, rounds: 100 },
                Step::Waits { at: at::STATE, bits: 0xF000, value: 0, rounds: 100 },
                Step::Clears(at::RADIO, 2),
            ],
        );
        driver.chip.hear(CHANNEL, &authentication());
        assert_eq!((driver.serve(), driver.chip.devices.outside.acknowledged.len()), (0, 0));
        driver.take(
            "wake-up",
            &[Step::Sets(at::RADIO, 2), Step::Sets(at::ENABLE, 1 << 31), Step::Write(at::COEXISTENCE, 0)],
        );
        driver.chip.hear(CHANNEL, &authentication());
        assert_eq!((driver.serve(), driver.chip.devices.outside.acknowledged.len()), (event::RECEIVED, 1));
    });
}

/// RTOS SDK's looks each two seconds whether the count of what was received has changed, and else resets the MAC.
#[test]
fn a_receiver_that_is_on_counts_noise_even_where_nobody_sends() {
    let counts = |driver: &mut Driver| {
        let before = driver.chip.read(at::RX_ENDS);
        driver.chip.pass(2_000_000);
        driver.chip.read(at::RX_ENDS) != before
    };
    each(|mut driver| {
        assert!(counts(&mut driver), "{}", driver.generation.name);
        driver.take("off", &[Step::Clears(at::ENABLE, 1 << 31)]);
        driver.chip.read(at::RX_ENDS);
        assert!(!counts(&mut driver), "{}", driver.generation.name);
    });
}

/// While few buffers are free drivers stop acknowledging data, so that who sends it sends it again.
#[test]
fn a_table_says_what_is_acknowledged() {
    each(|mut driver| {
        let data = frame([0x08, 2], [STATION, ACCESS_POINT, ACCESS_POINT], b"data");
        for (response, acknowledged) in [(0, 0), (1, 1)] {
            driver.take(
                "few buffers",
                &[Step::Clears(at::DATA_RESPONSES, 0xF << 28), Step::Sets(at::DATA_RESPONSES, response << 28)],
            );
            driver.chip.hear(CHANNEL, &data);
            driver.serve();
            assert_eq!(driver.chip.devices.outside.acknowledged.len(), acknowledged, "{}", driver.generation.name);
        }
    });
}

/// What was not sent in its lifetime is told as such: here, because its key is missing.
#[test]
fn a_frame_that_cannot_leave_is_given_up() {
    each(|mut driver| {
        let Generation { name, enables, .. } = driver.generation;
        let body = [&ccmp::header(1, 0)[..], b"up"].concat();
        driver.send(0, &frame([0x08, 0x41], [ACCESS_POINT, STATION, OTHER], &body), 12, true, 9);
        driver.chip.pass(0x200 * 1_024 - 100);
        assert_eq!(driver.serve(), 0, "{name}");
        driver.chip.pass(200);
        assert_eq!(driver.serve(), enables & 1 << 29, "{name}");
        driver.take(
            "expired",
            &[
                Step::Finds { at: at::TROUBLES, bits: 0xFFF << 16, value: 1 << 16 },
                Step::Clears(at::TROUBLES, 0xFFF << 16),
                Step::Finds { at: at::TROUBLES, bits: 0xFFF << 16, value: 0 },
                Step::Write(at::TX_GATES, 3 << 30),
                Step::Passes(34),
                Step::Write(at::TX_GATES, 0),
            ],
        );
        assert!(driver.chip.devices.outside.sent.is_empty());
    });
}
