use std::collections::BTreeSet;

use super::*;

fn text(word: u32, pc: u32) -> String {
    decode(word, pc).map_or("(none)".into(), |instruction| instruction.to_string())
}

#[test]
fn no_word_matches_two_entries() {
    for (index, one) in ENTRIES.iter().enumerate() {
        assert_eq!(one.bits & !one.mask, 0, "{} has bits outside of its mask", one.name);
        for other in &ENTRIES[index + 1..] {
            let both = one.mask & other.mask;
            let same_length = one.length == other.length;
            assert!(!same_length || one.bits & both != other.bits & both, "{} and {} overlap", one.name, other.name);
        }
    }
}

#[test]
fn names_are_unique_and_lengths_follow_from_the_first_byte() {
    let names: BTreeSet<_> = ENTRIES.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), 204);
    for entry in &ENTRIES {
        assert_eq!(length(entry.bits as u8), Some(entry.length), "{}", entry.name);
    }
}

#[test]
fn decodes_every_entry_from_its_own_bits() {
    for entry in &ENTRIES {
        let filled = entry.bits | (0x00AB_CDEF & !entry.mask);
        for word in [entry.bits, filled] {
            assert_eq!(decode(word, 0).expect(entry.name).entry.name, entry.name);
        }
    }
}

/// How many of the 2^24 words (and 2^16 short words) are instructions, as the encodings' free bits say.
#[test]
fn decodes_as_many_words_as_the_masks_leave_free() {
    let free = |length: u8| -> u32 {
        let bits = u32::from(length) * 8;
        ENTRIES.iter().filter(|e| e.length == length).map(|e| 1 << (bits - e.mask.count_ones())).sum()
    };
    let short = (0..0x1_0000u32).filter(|word| decode(*word, 0).is_some_and(|i| i.entry.length == 2)).count();
    assert_eq!(short as u32, free(2));
    let long =
        (0..0x100_0000u32).step_by(257).filter(|word| decode(*word, 0).is_some_and(|i| i.entry.length == 3)).count()
            as f64;
    let share = f64::from(free(3)) / f64::from(0x100_0000);
    let sampled = long / (f64::from(0x100_0000u32) / 257.0);
    assert!((share - sampled).abs() < 0.01, "{share} of the words are instructions, {sampled} were decoded");
}

#[test]
fn writes_assembly_as_gnu_objdump_does() {
    // Each checked against `xtensa-lx106-elf-objdump -d`.
    for (word, pc, expected) in [
        (0x0000_0000, 0, "ill"),
        (0x0000_f06d, 0, "ill.n"),
        (0x0080_2330, 0x4010_0000, "add a2, a3, a3"),
        (0x0000_230a, 0, "add.n a2, a3, a0"),
        (0x0000_220b, 0, "addi.n a2, a2, -1"),
        (0x00f0_c112, 0, "addi a1, a1, -16"),
        (0x0000_a27c, 0, "movi.n a2, -6"),
        (0x0000_f27c, 0, "movi.n a2, -1"),
        (0x0000_525c, 0, "movi.n a2, 85"),
        (0x0000_a022, 0, "movi a2, 0"),
        (0x00ff_af32, 0, "movi a3, -1"),
        (0x0003_0020, 0, "(none)"),
        (0x0003_e630, 0, "rsr.ps a3"),
        (0x0061_e630, 0, "xsr.ps a3"),
        (0x0011_2200, 0, "slli a2, a2, 16"),
        (0x0031_3f20, 0, "srai a3, a2, 31"),
        (0x0074_2030, 0, "extui a2, a3, 0, 8"),
        (0x0000_7000, 0, "waiti 0"),
        (0x0000_3010, 0, "rfi 0"),
        (0x00ff_fe05, 0x4010_0101, "call0 0x401000e4"),
        (0x00ff_ff06, 0x4010_0100, "j 0x40100100"),
        (0x00ff_ff21, 0x4010_0100, "l32r a2, 0x401000fc"),
        (0x0000_028c, 0x4010_0100, "beqz.n a2, 0x40100104"),
        (0x00ff_4226, 0x4010_0100, "beqi a2, 4, 0x40100103"),
    ] {
        assert_eq!(text(word, pc), expected, "{word:#08x}");
    }
}

#[test]
fn words_that_start_no_instruction_decode_to_none() {
    assert!(decode(0x0000_000E, 0).is_none());
    assert!(decode(0x0000_000F, 0).is_none());
    assert!(decode(0x0000_0076, 0).is_none(), "loops are not configured");
    assert!(decode(0x00C2_0000, 0).is_none(), "division is not configured");
}
