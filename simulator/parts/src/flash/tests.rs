use proptest::prelude::*;

use super::*;

const AT: Instant = Instant::from_secs(1);

fn flash() -> NorFlash {
    NorFlash::new(Seed(1), "flash")
}

fn read(flash: &mut NorFlash, address: u32, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    flash.read(AT, address, &mut bytes).unwrap();
    bytes
}

fn write(address: u32, data: &[u8]) -> Operation {
    Operation::Write { address, data: data.to_vec() }
}

fn done(flash: &mut NorFlash, operation: Operation) -> FlashReport {
    flash.begin(AT, operation).unwrap();
    flash.finish().unwrap()
}

#[test]
fn writing_clears_bits_and_erasing_sets_them() {
    let mut flash = flash();
    assert_eq!(read(&mut flash, SIZE - 4, 4), [0xFF; 4]);
    done(&mut flash, write(0x1000, &[0xF0, 0x0F, 0xFF, 0x00]));
    done(&mut flash, write(0x1000, &[0x3C, 0xFF, 0xAA, 0xFF]));
    assert_eq!(read(&mut flash, 0x0FFF, 6), [0xFF, 0x30, 0x0F, 0xAA, 0x00, 0xFF]);
    let report = done(&mut flash, Operation::Erase { from: 0x1000, to: 0x3000 });
    let expected = FlashReport {
        number: 3,
        operation: FlashOperation::Erase,
        address: 0x1000,
        length: 0x2000,
        torn: false,
        erasures: 1,
    };
    assert_eq!(report, expected);
    assert_eq!(read(&mut flash, 0x1000, 4), [0xFF; 4]);
    assert_eq!(flash.wear()[..4], [0, 1, 1, 0]);
    assert_eq!(flash.operations(), 3);
}

#[test]
fn a_worn_sector_keeps_more_cells_at_0_with_each_erase_and_its_neighbour_none() {
    let mut flash = flash();
    flash.set_endurance(2);
    let erase = || Operation::Erase { from: 0x1000, to: 0x2000 };
    let stuck = |flash: &mut NorFlash| read(flash, 0x1000, 4_096).iter().map(|byte| byte.count_zeros()).sum::<u32>();
    let counts: Vec<(u32, u32)> = (0..4)
        .map(|_| {
            let erasures = done(&mut flash, erase()).erasures;
            (erasures, stuck(&mut flash))
        })
        .collect();
    assert_eq!(counts[..2], [(1, 0), (2, 0)]);
    assert!(counts[2].1 > 900 && counts[3].1 > counts[2].1 + 900 && counts[3].1 <= 2_048, "{counts:?}");
    let before = read(&mut flash, 0x1000, 4_096);
    done(&mut flash, write(0x1000, &[0xF0; 4_096]));
    let after = read(&mut flash, 0x1000, 4_096);
    assert!(before.iter().zip(&after).all(|(before, after)| *after == before & 0xF0), "it can be written as before");
    assert_eq!(done(&mut flash, write(0x2000, &[0; 4])).erasures, 0);
    assert_eq!(read(&mut flash, 0x2004, 8), [0xFF; 8]);
}

#[test]
fn what_is_worn_out_stays_at_0_where_words_are_replaced() {
    let mut flash = flash();
    flash.set_overwrite(Overwrite::Replaces);
    flash.set_endurance(0);
    done(&mut flash, Operation::Erase { from: 0x1000, to: 0x2000 });
    let worn = read(&mut flash, 0x1000, 4_096);
    assert!(worn.iter().any(|byte| *byte != 0xFF));
    done(&mut flash, write(0x1000, &[0; 4_096]));
    done(&mut flash, write(0x1000, &[0xFF; 4_096]));
    assert_eq!(read(&mut flash, 0x1000, 4_096), worn);
}

#[test]
fn operations_take_the_data_sheets_time() {
    let mut flash = flash();
    let begun = flash.begin(AT, Operation::Erase { from: 0, to: 2 * SECTOR }).unwrap();
    assert!((90..=120).contains(&begun.ends.saturating_since(AT).as_millis()));
    flash.finish();
    // 256 bytes that begin in the middle of a page touch two.
    let begun = flash.begin(AT, write(PAGE / 2, &[0; PAGE as usize])).unwrap();
    assert!((1_300..=1_500).contains(&begun.ends.saturating_since(AT).as_micros()));
    flash.finish();
    let mut bytes = [0; 128];
    assert_eq!(flash.read(AT, 1, &mut bytes).unwrap().saturating_since(AT).as_nanos(), 2 * 4_000 + 12_800);
}

#[test]
fn what_the_chip_cannot_do_is_refused_and_not_counted() {
    let mut flash = flash();
    let mut refused = |operation| flash.begin(AT, operation).unwrap_err();
    assert_eq!(refused(write(2, &[0; 4])), FlashError::NotAligned);
    assert_eq!(refused(write(0, &[0; 3])), FlashError::NotAligned);
    assert_eq!(refused(write(SIZE, &[0; 4])), FlashError::OutOfBounds);
    assert_eq!(refused(Operation::Erase { from: 0, to: 256 }), FlashError::NotAligned);
    assert_eq!(refused(Operation::Erase { from: SECTOR, to: 0 }), FlashError::OutOfBounds);
    assert_eq!(refused(Operation::Erase { from: 0, to: SIZE + SECTOR }), FlashError::OutOfBounds);
    assert_eq!(flash.read(AT, u32::MAX, &mut [0; 2]), Err(FlashError::OutOfBounds));
    flash.begin(AT, write(0, &[0; 4])).unwrap();
    assert_eq!(flash.begin(AT, write(0, &[0; 4])), Err(FlashError::Busy));
    assert_eq!(flash.read(AT, 0, &mut [0; 4]), Err(FlashError::Busy));
    flash.finish();
    assert_eq!(flash.operations(), 1);
    assert_eq!(flash.finish(), None);
}

#[test]
fn torn_at_its_beginning_an_operation_has_hardly_begun() {
    let mut flash = flash();
    flash.preload(0, &[0x12; 8]).unwrap();
    flash.begin(AT, write(0, &[0; 8])).unwrap();
    assert!(flash.tear(AT).unwrap().torn);
    assert_eq!(read(&mut flash, 0, 8), [0x12; 8]);
    flash.begin(AT, write(0, &[0; 8])).unwrap();
    assert!(flash.tear(AT + Duration::from_micros(1)).unwrap().torn);
    let bytes = read(&mut flash, 0, 8);
    assert_eq!(bytes[4..], [0x12; 4], "only the word in flight can have changed");
    assert_eq!(bytes[..4].iter().map(|byte| byte & !0x12).max(), Some(0));
}

#[test]
fn an_operation_torn_at_its_end_is_whole() {
    let mut flash = flash();
    let ends = flash.begin(AT, write(0, &[0; 600])).unwrap().ends;
    assert!(!flash.tear(ends).unwrap().torn);
    assert_eq!(read(&mut flash, 0, 600), [0; 600]);
}

#[test]
fn a_torn_erase_of_two_sectors_leaves_the_second_as_it_was() {
    let mut flash = flash();
    flash.preload(0, &[0; 2 * SECTOR as usize]).unwrap();
    flash.begin(AT, Operation::Erase { from: 0, to: 2 * SECTOR }).unwrap();
    assert!(flash.tear(AT + Duration::from_millis(20)).unwrap().torn);
    let ones: u32 = read(&mut flash, 0, SECTOR as usize).iter().map(|byte| byte.count_ones()).sum();
    assert!((32_768 / 4..32_768 / 2).contains(&ones), "20 ms of 45 to 60: {ones} bits of 32768");
    assert_eq!(read(&mut flash, SECTOR, SECTOR as usize), [0; SECTOR as usize]);
}

#[test]
fn a_block_is_erased_in_one_go() {
    for (length, times) in [(0x8000, 120..=160), (0x1_0000, 150..=200), (SIZE, 2_000..=2_700)] {
        let mut flash = flash();
        flash.preload(0, &vec![0; length as usize]).unwrap();
        let ends = flash.begin(AT, Operation::EraseBlock { from: 0, to: length }).unwrap().ends;
        let took = ends.saturating_since(AT);
        assert!(times.contains(&took.as_millis()), "{took:?}");
        assert!(flash.tear(AT + took / 2).unwrap().torn);
        for sector in [0, length / SECTOR - 1] {
            let ones: u32 =
                read(&mut flash, sector * SECTOR, SECTOR as usize).iter().map(|byte| byte.count_ones()).sum();
            assert!((14_000..19_000).contains(&ones), "half of 32768 bits in sector {sector}: {ones}");
        }
        done(&mut flash, Operation::EraseBlock { from: 0, to: length });
        assert_eq!(flash.contents(), vec![0xFF; SIZE as usize]);
        assert_eq!(flash.wear()[0], 2);
    }
}

#[test]
fn the_chip_completes_a_page_or_sector_without_its_host() {
    let mut flash = flash();
    let in_the_first = AT + Duration::from_micros(100);
    flash.begin(AT, write(0, &[0; 600])).unwrap();
    assert!(flash.reset_host(in_the_first).unwrap().torn);
    assert_eq!(read(&mut flash, 0, 256), [0; 256]);
    assert_eq!(read(&mut flash, 256, 344), [0xFF; 344]);
    flash.begin(AT, Operation::Erase { from: 0, to: SECTOR }).unwrap();
    assert!(!flash.reset_host(in_the_first).unwrap().torn);
    assert_eq!(read(&mut flash, 0, 600), [0xFF; 600]);
    assert_eq!(flash.reset_host(in_the_first), None);
}

#[test]
fn what_begins_after_the_cut_has_not_happened() {
    for end in [NorFlash::tear, NorFlash::reset_host] {
        let mut flash = flash();
        flash.preload(0, &[0; 4]).unwrap();
        flash.begin(AT, Operation::Erase { from: 0, to: SECTOR }).unwrap();
        assert_eq!(end(&mut flash, AT - Duration::from_nanos(1)), None);
        assert_eq!(read(&mut flash, 0, 4), [0; 4]);
        assert_eq!((flash.operations(), flash.wear()[0]), (0, 0));
    }
}

/// The cells among the first `length` bytes that read differently, each of so many times.
fn unsteady(flash: &mut NorFlash, length: usize) -> u32 {
    let first = read(flash, 0, length);
    let mut differing = vec![0; length];
    for _ in 0..40 {
        for (differing, (byte, first)) in differing.iter_mut().zip(read(flash, 0, length).iter().zip(&first)) {
            *differing |= byte ^ first;
        }
    }
    differing.iter().map(|byte: &u8| byte.count_ones()).sum()
}

#[test]
fn cells_left_half_way_read_differently_until_they_are_erased_or_programmed() {
    let mut flash = flash();
    flash.begin(AT, write(0, &[0; 256])).unwrap();
    flash.tear(AT + Duration::from_micros(300));
    let half_way = unsteady(&mut flash, 256);
    assert!((1..=32).contains(&half_way), "{half_way} of the 32 bits of the word in flight");
    done(&mut flash, write(0, &[0xFF; 256]));
    assert_eq!(unsteady(&mut flash, 256), half_way, "ones program nothing");
    done(&mut flash, write(0, &[0; 256]));
    assert_eq!((unsteady(&mut flash, 256), read(&mut flash, 0, 256)), (0, vec![0; 256]));

    flash.begin(AT, Operation::Erase { from: 0, to: SECTOR }).unwrap();
    flash.tear(AT + Duration::from_millis(20));
    let half_way = unsteady(&mut flash, 256);
    assert!((2_048 / 15..2_048 / 7).contains(&half_way), "about a tenth of 2048 bits: {half_way}");
    done(&mut flash, Operation::Erase { from: 0, to: SECTOR });
    assert_eq!((unsteady(&mut flash, 256), read(&mut flash, 0, 256)), (0, vec![0xFF; 256]));
}

fn of_kind(overwrite: Overwrite) -> NorFlash {
    let mut flash = flash();
    flash.set_overwrite(overwrite);
    flash
}

#[test]
fn a_word_that_is_replaced_holds_what_was_written_last_and_its_neighbours_what_they_held() {
    let mut flash = of_kind(Overwrite::Replaces);
    done(&mut flash, write(0x1000, &[0xAA; 12]));
    done(&mut flash, write(0x1004, &[0x55; 4]));
    assert_eq!(read(&mut flash, 0x1000, 12), [[0xAA; 4], [0x55; 4], [0xAA; 4]].concat());
    done(&mut flash, write(0x1008, &[0xFF, 0xFF, 0xFF, 0x00]));
    assert_eq!(read(&mut flash, 0x1008, 4), [0xFF, 0xFF, 0xFF, 0x00], "ones are no way to leave bytes as they are");
}

#[test]
fn a_word_that_is_disturbed_keeps_half_of_what_should_be_cleared_and_loses_a_few_others() {
    let mut flash = of_kind(Overwrite::Disturbs);
    done(&mut flash, write(0, &[0xF0; 4_096]));
    assert_eq!(read(&mut flash, 0, 4_096), [0xF0; 4_096]);
    done(&mut flash, write(0, &[0x3F; 4_096]));
    let after = read(&mut flash, 0, 4_096);
    let count = |mask: u8| after.iter().map(|byte| (byte & mask).count_ones()).sum::<u32>();
    assert_eq!(count(0x0F), 0, "what was clear stays so");
    assert!((3_900..4_300).contains(&count(0xC0)), "half of 8192 that should be cleared: {}", count(0xC0));
    assert!((7_500..7_850).contains(&count(0x30)), "most of 8192 that should not be: {}", count(0x30));
}

#[test]
fn a_word_is_programmed_until_an_erase_has_come_to_its_end() {
    for kind in [Overwrite::Replaces, Overwrite::Disturbs] {
        // Whether a sector's words are programmed, shown by writing over ten of them.
        let programmed = |flash: &mut NorFlash, address| {
            let before = read(flash, address, 40);
            done(flash, write(address, &[0xC3; 40]));
            let and: Vec<u8> = before.iter().map(|byte| byte & 0xC3).collect();
            read(flash, address, 40) != and
        };
        let mut flash = of_kind(kind);
        flash.preload(0x1000, &[0xF5; 40]).unwrap();
        flash.preload(0x2000, &[0xFF; 40]).unwrap();
        done(&mut flash, write(0x2000, &[0xFF; 40]));
        assert!(programmed(&mut flash, 0x1000), "by the factory");
        assert!(!programmed(&mut flash, 0x2000), "ones program nothing");

        done(&mut flash, Operation::Erase { from: 0x1000, to: 0x2000 });
        assert!(!programmed(&mut flash, 0x1000));

        flash.preload(0x3000, &[0x0F; 40]).unwrap();
        flash.begin(AT, Operation::Erase { from: 0x3000, to: 0x4000 }).unwrap();
        flash.tear(AT + Duration::from_millis(44));
        assert!(programmed(&mut flash, 0x3000), "hardly a bit was not erased yet");

        // A write of 64 words, of which at most 20 have begun after 200 of 650 microseconds.
        flash.begin(AT, write(0x4000, &[0; 256])).unwrap();
        flash.tear(AT + Duration::from_micros(200));
        assert!(!programmed(&mut flash, 0x4000 + 40 * 4), "its turn did not come");
        let reads = read(&mut flash, 0x4000, 256);
        let in_flight = 0x4000 + reads.iter().position(|byte| *byte != 0).unwrap() as u32 / 4 * 4;
        let torn = read(&mut flash, in_flight, 4);
        assert_ne!(torn, [0xFF; 4], "it has begun");
        let data = match kind {
            Overwrite::Replaces => [0xFF; 4],
            Overwrite::Disturbs | Overwrite::Clears => [0; 4],
        };
        done(&mut flash, write(in_flight, &data));
        let and: Vec<u8> = torn.iter().zip(data).map(|(torn, data)| torn & data).collect();
        assert_ne!(read(&mut flash, in_flight, 4), and, "{kind:?}");
    }
}

#[test]
fn power_that_goes_while_a_word_is_replaced_leaves_any_of_its_cells_as_anything() {
    let mut flash = of_kind(Overwrite::Replaces);
    done(&mut flash, write(0, &[0; 8]));
    flash.begin(AT, write(0, &[0; 4])).unwrap();
    flash.tear(AT + Duration::from_micros(300));
    assert_ne!(read(&mut flash, 0, 4), [0; 4], "the same was written again");
    let half_way = unsteady(&mut flash, 8);
    assert!((4..20).contains(&half_way), "a third of 32 bits: {half_way}");
    assert_eq!(read(&mut flash, 4, 4), [0; 4]);
}

/// Contents of the first two sectors, what is then done, and how much of it (per million) before power goes away.
fn torn_operations() -> impl Strategy<Value = (Vec<u8>, Operation, u64, u64)> {
    let operation = prop_oneof![
        (0_u32..2, 1_u32..=2).prop_map(|(from, to)| Operation::Erase { from: from * SECTOR, to: to * SECTOR }),
        (0_u32..1_024, proptest::collection::vec(any::<[u8; 4]>(), 1..256))
            .prop_map(|(word, words)| write(word * WORD, &words.concat())),
    ];
    let contents = proptest::collection::vec(any::<u8>(), 2 * SECTOR as usize);
    (contents, operation, 0_u64..1_000_000, any::<u64>())
        .prop_filter("an erase of something", |(_, operation, ..)| operation.span().1 > 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn torn_every_bit_is_between_old_and_new((old, operation, part, seed) in torn_operations()) {
        let mut torn = NorFlash::new(Seed(seed), "flash");
        let mut whole = NorFlash::new(Seed(seed), "flash");
        for flash in [&mut torn, &mut whole] {
            flash.preload(0, &old).unwrap();
        }
        let ends = torn.begin(AT, operation.clone()).unwrap().ends;
        prop_assert_eq!(whole.begin(AT, operation.clone()).unwrap().ends, ends);
        let cut = AT + Duration::from_nanos(ends.saturating_since(AT).as_nanos() as u64 * part / 1_000_000);
        prop_assert!(torn.tear(cut).unwrap().torn);
        prop_assert!(!whole.finish().unwrap().torn);
        let (torn, new) = (read(&mut torn, 0, old.len()), read(&mut whole, 0, old.len()));
        for ((old, torn), new) in old.iter().zip(&torn).zip(&new) {
            prop_assert_eq!(torn & old & new, old & new, "a bit that was and shall be 1 is 1");
            prop_assert_eq!(torn | old | new, old | new, "a bit that was and shall be 0 is 0");
        }
        if let Operation::Write { address, data } = operation {
            // Whole words, then at most one in flight, then words untouched.
            let span = address as usize..address as usize + data.len();
            let words = |bytes: &[u8]| bytes[span.clone()].chunks(4).map(<[u8]>::to_vec).collect::<Vec<_>>();
            let (old, torn, new) = (words(&old), words(&torn), words(&new));
            let programmed = torn.iter().zip(&new).take_while(|(torn, new)| torn == new).count();
            prop_assert_eq!(&torn[(programmed + 1).min(torn.len())..], &old[(programmed + 1).min(old.len())..]);
        }
    }

    #[test]
    fn what_is_programmed_once_is_the_same_on_each_kind((_, operation, part, seed) in torn_operations()) {
        let run = |overwrite| {
            let mut flash = NorFlash::new(Seed(seed), "flash");
            flash.set_overwrite(overwrite);
            flash.begin(AT, operation.clone()).unwrap();
            flash.tear(AT + Duration::from_nanos(part * 1_000));
            (flash.contents(), read(&mut flash, 0, 2 * SECTOR as usize))
        };
        prop_assert_eq!(run(Overwrite::Replaces), run(Overwrite::Clears));
        prop_assert_eq!(run(Overwrite::Disturbs), run(Overwrite::Clears));
    }

    #[test]
    fn the_same_seed_tears_alike((old, operation, part, seed) in torn_operations()) {
        let run = || {
            let mut flash = NorFlash::new(Seed(seed), "flash");
            flash.preload(0, &old).unwrap();
            let ends = flash.begin(AT, operation.clone()).unwrap().ends;
            flash.tear(AT + Duration::from_nanos(ends.saturating_since(AT).as_nanos() as u64 * part / 1_000_000));
            read(&mut flash, 0, old.len())
        };
        prop_assert_eq!(run(), run());
    }
}
