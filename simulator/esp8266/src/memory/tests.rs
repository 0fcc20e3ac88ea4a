use super::*;

fn memory() -> Memory {
    let flash: Vec<u8> = (0..0x10_0000u32).map(|at| (at / 0x1000) as u8).collect();
    Memory::new(&flash)
}

#[test]
fn regions_do_not_overlap_and_lie_on_pages() {
    for (index, region) in REGIONS.iter().enumerate() {
        assert_eq!((region.start % PAGE_SIZE, region.size % PAGE_SIZE), (0, 0), "{}", region.name);
        assert!(region.start >= BASE && region.start + region.size <= BASE + PAGES as u32 * PAGE_SIZE);
        for other in &REGIONS[index + 1..] {
            assert!(!region.contains(other.start) && !other.contains(region.start), "{}", region.name);
        }
    }
}

#[test]
fn every_byte_of_ram_is_its_own() {
    let mut memory = memory();
    for region in REGIONS.iter().filter(|region| region.kind != Kind::Flash) {
        for address in (region.start..region.start + region.size).step_by(4) {
            memory.store(address, Width::Word, address).unwrap();
        }
    }
    for region in REGIONS.iter().filter(|region| region.kind != Kind::Flash) {
        for address in (region.start..region.start + region.size).step_by(4) {
            assert_eq!(memory.load(address, Width::Word), Ok(address));
        }
    }
}

#[test]
fn the_window_shows_the_flash_while_the_cache_is_on() {
    let mut memory = memory();
    assert_eq!(memory.load(0x4020_3000, Width::Word), Err(Miss::FlashOff));
    memory.map_flash(Some(0));
    assert_eq!(memory.load(0x4020_3000, Width::Word), Ok(0x0303_0303));
    // A flash of 1 MiB repeats in the second one.
    memory.map_flash(Some(0x10_0000));
    assert_eq!(memory.load(0x4020_3000, Width::Word), Ok(0x0303_0303));
    memory.flash_mut()[0x3000] = 0xAA;
    assert_eq!(memory.fetch(0x4020_3000).unwrap() & 0xFF, 0xAA);
    memory.map_flash(None);
    assert_eq!(memory.fetch(0x4020_3000), Err(Miss::FlashOff));
}

#[test]
fn a_bank_that_serves_as_cache_reads_as_zero_and_keeps_its_content() {
    let mut memory = memory();
    memory.store(0x4010_C000, Width::Word, 1).unwrap();
    memory.use_as_cache([false, true]);
    memory.store(0x4010_C000, Width::Word, 2).unwrap();
    memory.store(0x4010_8000, Width::Word, 3).unwrap();
    assert_eq!(memory.load(0x4010_C000, Width::Word), Ok(0));
    assert_eq!(memory.load(0x4010_8000, Width::Word), Ok(3));
    memory.use_as_cache([false, false]);
    assert_eq!(memory.load(0x4010_C000, Width::Word), Ok(1));
}

#[test]
fn fast_accesses_answer_as_the_slow_ones_or_not_at_all() {
    let mut memory = memory();
    memory.map_flash(Some(0));
    memory.set_region(0, false, 15);
    let addresses = [0x3FFE_7FFE, 0x3FFE_8000, 0x3FFF_FFFC, 0x3FFF_FFFF, 0x4000_0000, 0x4010_0000, 0x4010_FFFD];
    let more = [0x4011_0000, 0x4020_0000, 0x402F_FFFC, 0x4030_0000, 0, 0x6000_0000, 0xFFFF_FFFF, 0x3FF0_0000];
    for address in addresses.into_iter().chain(more).flat_map(|a: u32| (0..4).map(move |i| a.wrapping_add(i))) {
        let value = address.wrapping_mul(0x0101_0101);
        let slow = memory.store(address, Width::Half, value);
        assert_eq!(memory.fast_store::<2>(address, value).is_some(), slow.is_ok(), "{address:#x}");
        assert_eq!(memory.fast_load::<1>(address), memory.load(address, Width::Byte).ok(), "{address:#x}");
        assert_eq!(memory.fast_load::<2>(address), memory.load(address, Width::Half).ok(), "{address:#x}");
        assert_eq!(memory.fast_load::<4>(address), memory.load(address, Width::Word).ok(), "{address:#x}");
    }
}

#[test]
fn stores_to_translated_words_are_remembered() {
    let mut memory = memory();
    memory.take_modified_code();
    memory.mark_code(0x4010_0FFE, 0x4010_1004);
    memory.store(0x4010_0FF8, Width::Word, 1).unwrap();
    memory.store(0x4010_1004, Width::Word, 1).unwrap();
    assert!(!memory.take_modified_code());
    for (address, hit) in [(0x4010_0FFC, true), (0x4010_1000, true), (0x4010_1008, false)] {
        memory.mark_code(0x4010_0FFE, 0x4010_1004);
        assert!(memory.fast_store::<4>(address, 1).is_none());
        memory.store(address, Width::Word, 1).unwrap();
        assert_eq!(memory.take_modified_code(), hit, "{address:#x}");
    }
    memory.mark_code(0x4010_1000, 0x4010_1004);
    memory.poke(0x4010_1003, &[1]);
    assert!(memory.take_modified_code());
}

#[test]
fn lent_memory_is_data_ram_of_its_own() {
    let mut memory = Memory::new(&[0x11; 0x1000]);
    assert_eq!(memory.load(LENT.start, Width::Word), Err(Miss::Device), "silicon has none");
    memory.lend();
    for (address, width) in [(LENT.start, Width::Word), (LENT.start + 5, Width::Byte), (LENT.end - 2, Width::Half)] {
        memory.store(address, width, 0x1234_5678).unwrap();
        assert_eq!(memory.load(address, width), Ok(0x1234_5678 & width.mask()));
    }
    assert_eq!(memory.load(LENT.end, Width::Word), Err(Miss::Device));
    assert!(matches!(memory.fetch(LENT.start), Err(Miss::Exception(_))), "no code");
    assert_eq!(memory.flash(), [0x11; 0x1000], "the flash is another");
    assert!(memory.peek(RAM, RAM_SIZE).iter().chain(&memory.peek(0x4010_0000, 0x1_0000)).all(|byte| *byte == 0));
    memory.map_flash(Some(0));
    assert_eq!(memory.load(LENT.start + 4, Width::Byte), Ok(0), "it stays when the flash window moves");
    assert_eq!(memory.load(FLASH_WINDOW, Width::Word), Ok(0x1111_1111));
}
