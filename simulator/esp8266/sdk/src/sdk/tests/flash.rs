//! `spi_flash_*`: what the program erases, writes and reads, and what ends in an exception.

use super::*;

#[test]
fn flash_is_erased_written_and_read() {
    let mut bench = bench();
    let finish = |bench: &mut Bench, answer| {
        let Answer::Flash(until) = answer else { panic!("{answer:?}") };
        bench.sdk.finish_flash(&mut bench.chip, until);
        until
    };
    bench.poke(DATA, b"settings");
    let answer = bench.begin("spi_flash_write", &[0xF_7000, DATA, 8]);
    let written = finish(&mut bench, answer);
    bench.chip.core.cpu.cycles += 80_000_000;
    assert!(written < Instant::from_secs(1));
    assert_eq!(bench.chip.core.memory.flash()[0xF_7000..][..8], *b"settings", "the cache shows it");
    let read = esp8266::serial_flash::Command { opcode: 0x03, address: 0xF_7000, data: &[], length: 8 };
    let flash = esp8266::peripherals::SpiBus::flash(bench.board()).unwrap();
    assert_eq!(flash.command(read, 1_000_000_000).unwrap().bytes, b"settings", "and so do commands");
    assert_eq!(bench.call("spi_flash_read", &[0xF_7000, DATA + 0x100, 8]), 0);
    assert_eq!(bench.chip.core.memory.peek(DATA + 0x100, 8), b"settings");
    let answer = bench.begin("spi_flash_erase_sector", &[0xF7]);
    finish(&mut bench, answer);
    bench.chip.core.cpu.cycles += 80_000_000;
    assert_eq!(bench.call("spi_flash_read", &[0xF_7000, DATA + 0x100, 8]), 0);
    assert_eq!(bench.chip.core.memory.peek(DATA + 0x100, 8), [0xFF; 8]);
    let began = bench.output().iter().filter(|output| matches!(output, Output::FlashBegan)).count();
    assert_eq!(began, 2);
}

#[test]
fn flash_operations_that_make_no_sense_fail() {
    let mut bench = bench();
    assert_eq!(bench.call("spi_flash_read", &[0x10_0000, DATA, 4]), 1, "behind the end");
    assert_eq!(bench.call("spi_flash_read", &[0, DATA, u32::MAX]), 1, "more than there is");
    assert_eq!(bench.call("spi_flash_write", &[0x10_0000, DATA, 4]), 1, "behind the end");
    assert_eq!(bench.call("spi_flash_write", &[0xF_7001, DATA, 4]), 1, "not a word's address");
    assert_eq!(bench.call("spi_flash_write", &[0xF_7000, 0x2000_0000, 4]), 1, "from where no memory is");
    assert_eq!(bench.call("spi_flash_erase_sector", &[0x100]), 1, "behind the end");
}

#[test]
fn flash_goes_to_and_from_words_of_ram_only() {
    let mut bench = bench();
    assert_eq!(bench.call("spi_flash_read", &[0, 0, 4]), 1, "to nowhere");
    let trouble = |function: &str, arguments: &[u32]| {
        let mut bench = self::bench();
        assert_eq!(bench.begin(function, arguments), Answer::Done);
        exception(&bench)
    };
    assert_eq!(trouble("spi_flash_read", &[0xF_7000, DATA + 2, 8]), (9, DATA + 2, super::super::flash::SPI_READ));
    assert_eq!(trouble("spi_flash_write", &[0xF_7000, DATA + 1, 8]), (9, DATA + 1, super::super::flash::SPI_WRITE));
    assert_eq!(trouble("spi_flash_read", &[0xF_7000, 0x4021_0000, 8]), (3, 0x4021_0000, super::super::flash::SPI_READ));
    assert_eq!(
        trouble("spi_flash_read", &[0xF_7000, 0x3FFF_FFF8, 12]),
        (3, 0x4000_0000, super::super::flash::SPI_READ),
        "into the ROM"
    );
    // The cache is off while the flash is written.
    assert_eq!(bench.begin("spi_flash_write", &[0xF_7000, 0x4021_0000, 8]), Answer::FlashOff(0x4021_0000));
}
