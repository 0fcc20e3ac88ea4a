//! The ROM's functions as a program calls them: registers and memory before and after, and what the UART sends.

mod arithmetic;
mod cryptography;
mod download;
mod noted;
mod phy;
mod refused;
mod wild;

use proptest::prelude::*;

use crate::bus::Width;
use crate::chip::{Chip, Configuration, Stop};
use crate::cpu::Cause;
use crate::peripherals::{Drive, Pins, Radio, ResetCause, SerialOut, SpiBus, Time};
use crate::serial_flash::{FlashChip, PlainCells, SerialFlash};

/// Strapped for booting from flash; keeps what the UARTs send.
#[derive(Debug, Default)]
struct Bench {
    text: Vec<u8>,
    starts: Vec<u64>,
    length: u64,
    strap: Option<u32>,
    flash: SerialFlash<PlainCells>,
}

impl SpiBus for Bench {
    fn flash(&mut self) -> Option<&mut dyn FlashChip> {
        Some(&mut self.flash)
    }
}

impl Pins for Bench {
    fn levels(&mut self, _: u64) -> u32 {
        self.strap.unwrap_or(0x1_7FFF)
    }

    fn drive(&mut self, _: u8, _: Drive, _: u64) {}
}

impl Radio for Bench {}

impl SerialOut for Bench {
    fn send(&mut self, _: u8, byte: u8, during: core::ops::Range<u64>) {
        self.text.push(byte);
        self.starts.push(during.start);
        self.length = during.end - during.start;
    }
}

const DATA: u32 = 0x3FFE_8000;
/// Where test programs lie, and where their calls return to.
const CODE: u32 = 0x4010_0000;
const BACK: u32 = 0x4010_0800;

fn chip_with(flash: &[u8], mut outside: Bench) -> Chip<Bench> {
    let mut content = vec![0xFF; 0x10_0000];
    content[..flash.len()].copy_from_slice(flash);
    outside.flash.cells = PlainCells::new(content);
    Chip::new(Configuration { mac: [0x18, 0xFE, 0x34, 1, 2, 3], seed: 1 }, outside)
}

/// A chip whose ROM has initialized its data, as a program finds it.
fn chip() -> Chip<Bench> {
    let mut chip = chip_with(&[], Bench::default());
    chip.core.trap(BACK);
    chip.run(1_000_000);
    chip.core.bus.outside.text.clear();
    chip.core.cpu.a[1] = 0x3FFF_F000;
    chip.core.cpu.ps = 0x20;
    chip
}

/// Calls a function, and returns a2.
fn call(chip: &mut Chip<Bench>, function: u32, arguments: &[u32]) -> u32 {
    chip.core.cpu.a[2..2 + arguments.len()].copy_from_slice(arguments);
    chip.core.cpu.a[0] = BACK;
    chip.core.cpu.pc = function;
    let limit = chip.core.cpu.cycles + 4_000_000_000;
    assert_eq!(chip.run(limit), Stop::Trap(BACK), "at 0x{:08x}", chip.core.cpu.pc);
    chip.core.cpu.a[2]
}

fn call64(chip: &mut Chip<Bench>, function: u32, x: u64, y: u64) -> u64 {
    let low = call(chip, function, &[x as u32, (x >> 32) as u32, y as u32, (y >> 32) as u32]);
    u64::from(low) | u64::from(chip.core.cpu.a[3]) << 32
}

fn write(chip: &mut Chip<Bench>, address: u32, bytes: &[u8]) {
    assert!(chip.core.memory.poke(address, bytes));
}

/// Lets what is in the UART's FIFO go out.
fn drain(chip: &mut Chip<Bench>) {
    call(chip, 0x4000_2ECC, &[1000]);
}

fn text(chip: &Chip<Bench>) -> String {
    String::from_utf8_lossy(&chip.core.bus.outside.text).into_owned()
}

/// An image of the first format, with its segments and a good checksum.
fn image(entry: u32, segments: &[(u32, &[u8])]) -> Vec<u8> {
    let mut image = vec![0xE9, segments.len() as u8, 2, 0x20];
    image.extend(entry.to_le_bytes());
    let mut checksum = 0xEF;
    for (address, data) in segments {
        image.extend(address.to_le_bytes());
        image.extend((data.len() as u32).to_le_bytes());
        image.extend(*data);
        checksum = data.iter().fold(checksum, |sum, byte| sum ^ byte);
    }
    image.resize(image.len() / 16 * 16 + 15, 0);
    image.push(checksum);
    image
}

#[test]
fn a_good_image_boots_and_says_so() {
    let code = [0u8; 52];
    let data = [7u8; 20];
    let flash = image(BACK, &[(CODE, &code), (DATA, &data), (DATA + 0x100, &[1, 2, 3, 4])]);
    let mut chip = chip_with(&flash, Bench::default());
    chip.core.trap(BACK);
    assert_eq!(chip.run(100_000_000), Stop::Trap(BACK));
    assert_eq!(chip.core.cpu.a[1], 0x3FFF_FFF0);
    assert_eq!(chip.core.cpu.ps, 0x20);
    drain(&mut chip);
    assert_eq!(
        text(&chip),
        "\r\n ets Jan  8 2013,rst cause:1, boot mode:(3,7)\r\n\r\n\
         load 0x40100000, len 52, room 16 \r\ntail 4\r\nchksum 0xef\r\n\
         load 0x3ffe8000, len 20, room 4 \r\ntail 0\r\nchksum 0xef\r\n\
         load 0x3ffe8100, len 4, room 8 \r\ntail 4\r\nchksum 0xeb\r\n\
         csum 0xeb\r\n"
    );
    assert_eq!(chip.core.memory.peek(DATA, 20), data);
    assert_eq!(chip.core.memory.peek(DATA + 0x100, 4), [1, 2, 3, 4]);
}

#[test]
fn boot_messages_come_at_74880_baud() {
    let mut chip = chip_with(&[], Bench::default());
    chip.run(2_000_000);
    let bench = &chip.core.bus.outside;
    assert_eq!(bench.length, 133_461, "ten times 694 periods of 52 MHz");
    let frames: Vec<u64> = bench.starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(frames.iter().all(|&frame| frame >= 133_461), "{frames:?}");
}

#[test]
fn a_header_across_two_pieces_is_put_together() {
    let flash = image(BACK, &[(DATA, &[9; 12]), (DATA + 0x40, &[5; 8])]);
    let mut chip = chip_with(&flash, Bench::default());
    chip.core.trap(BACK);
    assert_eq!(chip.run(100_000_000), Stop::Trap(BACK));
    assert!(
        text(&chip).contains("load 0x3ffe8000, len 12, room 16 \r\ntail 12\r\nchksum 0xef\r\nho 0 tail 12 room 4\r\n")
    );
    assert_eq!(chip.core.memory.peek(DATA + 0x40, 8), [5; 8]);
}

#[test]
fn a_wrong_checksum_stops_the_boot() {
    let mut flash = image(BACK, &[(DATA, &[1; 16])]);
    if let Some(last) = flash.last_mut() {
        *last ^= 1;
    }
    let mut chip = chip_with(&flash, Bench::default());
    assert_eq!(chip.run(20_000_000), Stop::Limit);
    assert!(text(&chip).ends_with("csum 0xef\r\ncsum err\r\nets_main.c "), "{}", text(&chip));
    assert!(chip.spinning().is_some());
}

#[test]
fn a_segment_that_memory_refuses_stops_the_boot() {
    let flash = image(BACK, &[(DATA + 1, &[1; 12])]);
    let mut chip = chip_with(&flash, Bench::default());
    assert_eq!(chip.run(20_000_000), Stop::Limit);
    assert!(text(&chip).ends_with("load 0x3ffe8001, len 12, room 16 \r\ntail 12\r\n"), "{}", text(&chip));
}

#[test]
fn an_empty_flash_has_no_image() {
    let mut chip = chip_with(&[], Bench::default());
    assert_eq!(chip.run(20_000_000), Stop::Limit);
    assert!(text(&chip).ends_with("boot mode:(3,7)\r\n\r\nets_main.c "), "{}", text(&chip));
}

#[test]
fn a_software_reset_boots_without_the_uart_loader() {
    let flash = image(BACK, &[(DATA, &[1; 16])]);
    let mut chip = chip_with(&flash, Bench::default());
    chip.core.trap(BACK);
    chip.run(100_000_000);
    chip.core.cpu.a[0] = BACK;
    chip.core.cpu.pc = 0x4000_264C;
    assert_eq!(chip.run(200_000_000), Stop::Reset(ResetCause::Software));
    chip.core.bus.outside.text.clear();
    assert_eq!(chip.run(200_000_000), Stop::Trap(BACK));
    assert!(text(&chip).contains("rst cause:3, boot mode:(3,7)"), "{}", text(&chip));
}

#[test]
fn a_watchdog_reset_says_so() {
    let mut chip = chip();
    call(&mut chip, 0x4000_2FA0, &[3, 3, 0]);
    // The program does nothing more.
    chip.core.cpu.pc = 0x4000_10BA;
    assert_eq!(chip.run(u64::MAX), Stop::Reset(ResetCause::Watchdog));
    chip.core.bus.outside.text.clear();
    chip.run(chip.core.cpu.cycles + 2_000_000);
    assert!(text(&chip).contains("rst cause:4, boot mode:(3,7)\r\n\r\nwdt reset\r\n"), "{}", text(&chip));
}

#[test]
fn printf_formats_as_the_rom_does() {
    let mut chip = chip();
    let cases: [(&str, [u32; 5], &str); 12] = [
        ("%d %d|", [5, u32::MAX, 0, 0, 0], "5 -1|"),
        ("%5d|%-5d|%05d|", [42, 42, u32::MAX - 41, 0, 0], "   42|42   |-0042|"),
        ("%5d|", [u32::MAX - 41, 0, 0, 0, 0], "  -42|"),
        ("%u", [u32::MAX, 0, 0, 0, 0], "4294967295"),
        ("%x %08X", [0xAB, 0xAB, 0, 0, 0], "ab 000000AB"),
        ("%p", [0x1234, 0, 0, 0, 0], "0x00001234"),
        ("%c%c", [u32::from(b'o'), u32::from(b'k'), 0, 0, 0], "ok"),
        ("%s|%4s|%-4s|", [DATA + 0x200, DATA + 0x200, DATA + 0x200, 0, 0], "hi|  hi|hi  |"),
        ("%s", [0, 0, 0, 0, 0], "<null>"),
        ("100%%", [0; 5], "100%"),
        ("%lld", [0, 2, 1, 0, 0], "4294967298"),
        ("%q %ld", [7, 0, 0, 0, 0], "%q 7"),
    ];
    write(&mut chip, DATA + 0x200, b"hi\0");
    for (format, arguments, expected) in cases {
        write(&mut chip, DATA, format.as_bytes());
        write(&mut chip, DATA + format.len() as u32, &[0]);
        chip.core.bus.outside.text.clear();
        let mut all = vec![DATA];
        all.extend(arguments);
        let length = call(&mut chip, 0x4000_24CC, &all);
        drain(&mut chip);
        let counted = expected.len() - if format == "%p" { 2 } else { 0 };
        assert_eq!((text(&chip).as_str(), length as usize), (expected, counted), "{format}");
    }
}

#[test]
fn printf_finds_arguments_on_the_stack() {
    let mut chip = chip();
    write(&mut chip, DATA, b"%d %d %d %d %d %d %d\0");
    write(&mut chip, 0x3FFF_F000, &[6, 0, 0, 0, 7, 0, 0, 0]);
    call(&mut chip, 0x4000_24CC, &[DATA, 1, 2, 3, 4, 5]);
    drain(&mut chip);
    assert_eq!(text(&chip), "1 2 3 4 5 6 7");
    assert_eq!(chip.core.cpu.a[1], 0x3FFF_F000);
}

#[test]
fn a_format_in_the_flash_raises_what_silicon_raises() {
    let mut chip = chip();
    call(&mut chip, 0x4000_4678, &[0, 0, 0]);
    chip.core.cpu.vecbase = CODE;
    chip.core.trap(CODE + 0x50);
    chip.core.cpu.a[2] = 0x4020_0000;
    chip.core.cpu.pc = 0x4000_24CC;
    assert_eq!(chip.run(u64::MAX), Stop::Trap(CODE + 0x50));
    assert_eq!(chip.core.cpu.exccause, Cause::LoadStoreError as u32);
    assert_eq!(chip.core.cpu.excvaddr, 0x4020_0000);
}

#[test]
fn memcpy_of_whole_words_out_of_the_flash_works_and_of_bytes_does_not() {
    let mut chip = chip_with(b"0123456789abcdef", Bench::default());
    chip.core.trap(BACK);
    chip.run(1_000_000);
    chip.core.cpu.a[1] = 0x3FFF_F000;
    call(&mut chip, 0x4000_4678, &[0, 0, 0]);
    call(&mut chip, 0x4000_DF48, &[DATA, 0x4020_0001, 8]);
    assert_eq!(chip.core.memory.peek(DATA, 8), b"12345678");
    chip.core.cpu.vecbase = CODE;
    chip.core.trap(CODE + 0x50);
    chip.core.cpu.a[2..5].copy_from_slice(&[DATA, 0x4020_0000, 6]);
    chip.core.cpu.pc = 0x4000_DF48;
    assert_eq!(chip.run(u64::MAX), Stop::Trap(CODE + 0x50));
    assert_eq!(chip.core.cpu.excvaddr, 0x4020_0004);
}

#[test]
fn division_by_zero_is_an_illegal_instruction_at_a_known_place() {
    for (function, place) in [(0x4000_DC88, 0x4000_DCE5), (0x4000_E21C, 0x4000_E25D), (0x4000_D310, 0x4000_E25D)] {
        let mut chip = chip();
        chip.core.cpu.vecbase = CODE;
        chip.core.trap(CODE + 0x50);
        chip.core.cpu.a[2..6].copy_from_slice(&[1, 0, 0, 0]);
        chip.core.cpu.pc = function;
        assert_eq!(chip.run(u64::MAX), Stop::Trap(CODE + 0x50));
        assert_eq!((chip.core.cpu.exccause, chip.core.cpu.epc[0]), (0, place));
    }
}

#[test]
fn delays_last_as_long_as_the_clock_says() {
    let mut chip = chip();
    chip.start_pll(false);
    let before = chip.now();
    call(&mut chip, 0x4000_2ECC, &[1000]);
    let elapsed = chip.now().since(before).nanoseconds();
    assert!((1_000_000..1_002_000).contains(&elapsed), "{elapsed}");
}

#[test]
fn flash_is_erased_programmed_and_read_back() {
    let mut chip = chip_with(&[0; 0x3000], Bench::default());
    chip.core.trap(BACK);
    chip.run(1_000_000);
    chip.core.cpu.a[1] = 0x3FFF_F000;
    chip.core.cpu.ps = 0x20;
    call(&mut chip, 0x4000_4644, &[]);
    let before = chip.now();
    assert_eq!(call(&mut chip, 0x4000_4A00, &[2]), 0);
    assert!(chip.now().since(before) >= Time::from_milliseconds(45));
    assert_eq!(chip.core.memory.flash()[0x2000..0x3000], [0xFF; 0x1000]);
    let bytes: Vec<u8> = (0..=255).chain(0..44).collect();
    write(&mut chip, DATA, &bytes);
    assert_eq!(call(&mut chip, 0x4000_4A4C, &[0x20F0, DATA, 300]), 0);
    assert_eq!(chip.core.memory.flash()[0x20F0..0x20F0 + 300], bytes);
    assert_eq!(call(&mut chip, 0x4000_4B1C, &[0x20F0, DATA + 0x400, 300]), 0);
    assert_eq!(chip.core.memory.peek(DATA + 0x400, 300), bytes);
    assert_eq!(call(&mut chip, 0x4000_4B1C, &[0x3F_FFFF, DATA, 2]), 1, "beyond the end");
    assert_eq!(call(&mut chip, 0x4000_4A4C, &[0x2401, DATA, 37]), 1, "no multiple of 4");
    assert!(chip.core.bus.take_reports().is_empty());
}

/// A function whose instructions lie on both sides of a page's end, and then others that SPIRead puts in their place.
/// A program that calls the functions below those of the table's names brings a description of its own (esp-open-rtos).
#[test]
fn flash_is_programmed_with_a_description_of_its_own() {
    let mut chip = chip();
    let (description, from, to) = (DATA + 0x1000, DATA, DATA + 0x400);
    for (index, word) in [0x14_4020_u32, 0x10_0000, 0x1_0000, 0x1000, 0x100, 0xFFFF].into_iter().enumerate() {
        assert!(chip.core.memory.poke(description + 4 * index as u32, &word.to_le_bytes()));
    }
    let pattern: Vec<u8> = (0..=255).collect();
    assert!(chip.core.memory.poke(from, &pattern));
    for content in [[0xFF; 4], *pattern.first_chunk().unwrap()] {
        assert_eq!(call(&mut chip, 0x4000_443C, &[description]), 0);
        assert_eq!(call(&mut chip, 0x4000_40C0, &[description, 0x5000]), 0);
        assert_eq!(call(&mut chip, 0x4000_448C, &[description]), 0);
        if content != [0xFF; 4] {
            assert_eq!(call(&mut chip, 0x4000_4174, &[description, 0x5000, from, 256]), 0);
        }
        assert_eq!(call(&mut chip, 0x4000_42AC, &[description, 0x5000, to, 256]), 0);
        assert_eq!(chip.core.memory.peek(to, 4), content);
    }
    assert_eq!(chip.core.memory.peek(to, 256), pattern);
    assert_eq!(call(&mut chip, 0x4000_40C0, &[description, 0x5004]), 1, "no sector begins there");
    assert_eq!(call(&mut chip, 0x4000_4174, &[description, 0x5080, from, 256]), 1, "more than is left of the page");
    assert_eq!(call(&mut chip, 0x4000_4174, &[description, 0x5080, from, 6]), 1, "no whole words");
}

#[test]
fn code_that_is_read_from_flash_over_other_code_runs() {
    // movi a3, 1; addi a3, a3, 2; ret
    const OLD: [u8; 9] = [0x32, 0xA0, 0x01, 0x32, 0xC3, 0x02, 0x80, 0x00, 0x00];
    // The same with 20 in the place of 2.
    const NEW: [u8; 8] = [0xC3, 0x14, 0x80, 0x00, 0x00, 0, 0, 0];
    let mut chip = chip_with(&NEW, Bench::default());
    chip.core.trap(BACK);
    chip.run(1_000_000);
    chip.core.cpu.a[1] = 0x3FFF_F000;
    let function = CODE + 0x1000 - 4;
    assert!(chip.core.memory.poke(function, &OLD));
    call(&mut chip, function, &[]);
    assert_eq!(chip.core.cpu.a[3], 3);
    assert_eq!(call(&mut chip, 0x4000_4B1C, &[0, CODE + 0x1000, 8]), 0);
    call(&mut chip, function, &[]);
    assert_eq!(chip.core.cpu.a[3], 21);
}

#[test]
fn md5_is_rfc_1321s() {
    let mut chip = chip();
    for (input, expected) in [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a",
        ),
    ] {
        write(&mut chip, DATA, input.as_bytes());
        call(&mut chip, 0x4000_9818, &[DATA + 0x100]);
        let half = input.len() as u32 / 2;
        call(&mut chip, 0x4000_9834, &[DATA + 0x100, DATA, half]);
        call(&mut chip, 0x4000_9834, &[DATA + 0x100, DATA + half, input.len() as u32 - half]);
        call(&mut chip, 0x4000_9900, &[DATA + 0x200, DATA + 0x100]);
        let digest: String = chip.core.memory.peek(DATA + 0x200, 16).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, expected, "{input}");
    }
}

#[test]
fn an_interrupt_calls_its_handler_and_leaves_no_trace() {
    let mut chip = chip();
    const HANDLER: u32 = 0x4010_0900;
    chip.core.trap(HANDLER);
    call(&mut chip, 0x4000_0F88, &[7, HANDLER, 0x1234]);
    call(&mut chip, 0x4000_0FA8, &[1 << 7]);
    chip.core.cpu.pc = CODE;
    // An endless loop: `j` to itself.
    write(&mut chip, CODE, &[0x06, 0xFF, 0xFF]);
    chip.core.cpu.a = core::array::from_fn(|index| 0x100 + index as u32);
    chip.core.cpu.a[1] = 0x3FFF_F000;
    chip.core.cpu.sar = 17;
    let before = chip.core.cpu.clone();
    chip.core.cpu.latched |= 1 << 7;
    assert_eq!(chip.run(u64::MAX), Stop::Trap(HANDLER));
    assert_eq!(chip.core.cpu.a[2], 0x1234);
    assert_eq!(chip.core.cpu.latched & 1 << 7, 0);
    chip.core.cpu.sar = 3;
    chip.core.cpu.a[3..12].fill(0);
    chip.core.cpu.pc = chip.core.cpu.a[0];
    chip.run(chip.core.cpu.cycles + 1000);
    let after = &chip.core.cpu;
    assert_eq!((after.a, after.sar, after.ps, after.pc), (before.a, before.sar, before.ps, CODE));
}

#[test]
fn an_exception_of_the_program_is_printed() {
    // `ill` at the entry.
    let flash = image(CODE, &[(CODE, &[0, 0, 0, 0])]);
    let mut chip = chip_with(&flash, Bench::default());
    assert_eq!(chip.run(12_000_000), Stop::Limit);
    let line = "Fatal exception (0): \r\nepc1=0x40100000, epc2=0x00000000, epc3=0x00000000, \
                excvaddr=0x00000000, depc=0x00000000\r\n";
    assert!(text(&chip).contains(&format!("{line}{line}")), "{}", text(&chip));
}

#[test]
fn a_posted_event_reaches_its_task_and_a_timer_its_function() {
    let mut chip = chip();
    const TASK: u32 = 0x4010_0900;
    const TIMER: u32 = 0x4010_0A00;
    chip.core.trap(TASK);
    chip.core.trap(TIMER);
    chip.start_pll(false);
    call(&mut chip, 0x4000_0DD0, &[TASK, 5, DATA, 2]);
    assert_eq!(call(&mut chip, 0x4000_0E24, &[5, 11, 22]), 0);
    assert_eq!(call(&mut chip, 0x4000_0E24, &[5, 33, 44]), 0);
    assert_eq!(call(&mut chip, 0x4000_0E24, &[5, 0, 0]), 1, "the queue is full");
    call(&mut chip, 0x4000_2E68, &[]);
    call(&mut chip, 0x4000_2C48, &[DATA + 0x100, TIMER, 77]);
    call(&mut chip, 0x4000_2CC4, &[DATA + 0x100, 20, 1]);
    let armed = chip.now();
    chip.core.cpu.pc = 0x4000_0E04;
    for event in [[11, 0, 0, 0, 22, 0, 0, 0], [33, 0, 0, 0, 44, 0, 0, 0]] {
        assert_eq!(chip.run(u64::MAX), Stop::Trap(TASK));
        let address = chip.core.cpu.a[2];
        assert_eq!(chip.core.memory.peek(address, 8), event);
        chip.core.cpu.pc = chip.core.cpu.a[0];
    }
    for period in 1..4u64 {
        assert_eq!(chip.run(u64::MAX), Stop::Trap(TIMER));
        assert_eq!(chip.core.cpu.a[2], 77);
        let elapsed = chip.now().since(armed).nanoseconds();
        assert!((0..40_000).contains(&elapsed.abs_diff(period * 20_000_000)), "{elapsed} after {period} periods");
        chip.core.cpu.pc = chip.core.cpu.a[0];
    }
}

#[test]
fn an_unmodelled_function_is_named() {
    let mut chip = chip();
    chip.core.cpu.pc = 0x4000_1998;
    assert_eq!(chip.run(u64::MAX), Stop::NotModelled("mem_init"));
    chip.core.cpu.pc = 0x4000_199A;
    assert_eq!(chip.run(u64::MAX), Stop::NoRomFunction);
}

fn string() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(1..4u8, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn copies_fill_and_compare_as_the_host(
        to in 0..8u32, from in 0..8u32, bytes in proptest::collection::vec(any::<u8>(), 0..60), overlap in 0..80u32,
    ) {
        let mut chip = chip();
        let length = bytes.len();
        write(&mut chip, DATA + from, &bytes);
        call(&mut chip, 0x4000_DF48, &[DATA + 0x100 + to, DATA + from, length as u32]);
        prop_assert_eq!(chip.core.memory.peek(DATA + 0x100 + to, length), &bytes[..]);
        prop_assert_eq!(chip.core.memory.peek(DATA + 0x100 + to + length as u32, 4), [0; 4]);
        prop_assert_eq!(call(&mut chip, 0x4000_DEA8, &[DATA + 0x100 + to, DATA + from, length as u32]), 0);
        call(&mut chip, 0x4000_E04C, &[DATA + overlap, DATA + from, length as u32]);
        prop_assert_eq!(chip.core.memory.peek(DATA + overlap, length), &bytes[..]);
        call(&mut chip, 0x4000_E190, &[DATA + to, 0x1A5, length as u32]);
        prop_assert_eq!(chip.core.memory.peek(DATA + to, length), vec![0xA5; length]);
    }

    #[test]
    fn strings_are_measured_copied_and_compared(x in string(), y in string(), at in 0..4u32, other in 0..4u32, limit in 0..24u32) {
        let mut chip = chip();
        let (p, q) = (DATA + at, DATA + 0x80 + other);
        write(&mut chip, p, &[&x[..], &[0]].concat());
        write(&mut chip, q, &[&y[..], &[0]].concat());
        prop_assert_eq!(call(&mut chip, 0x4000_BF4C, &[p]) as usize, x.len());
        let order = |value: u32| (value as i32).signum();
        prop_assert_eq!(order(call(&mut chip, 0x4000_BDC8, &[p, q])), x.cmp(&y) as i32);
        let head = |text: &[u8]| text[..text.len().min(limit as usize)].to_vec();
        prop_assert_eq!(order(call(&mut chip, 0x4000_BFA8, &[p, q, limit])), head(&x).cmp(&head(&y)) as i32);
        let found = call(&mut chip, 0x4000_E1E0, &[p, q]);
        let expected = if y.is_empty() { Some(0) } else { x.windows(y.len()).position(|part| part == y) };
        prop_assert_eq!(found, expected.map_or(0, |index| p + index as u32));
        write(&mut chip, DATA + 0x100, &[0xEE; 64]);
        call(&mut chip, 0x4000_C0A0, &[DATA + 0x100 + other, p, limit]);
        let mut padded = head(&x);
        padded.resize(limit as usize, 0);
        padded.push(0xEE);
        prop_assert_eq!(chip.core.memory.peek(DATA + 0x100 + other, padded.len()), padded);
        call(&mut chip, 0x4000_BEC8, &[DATA + 0x100 + other, p]);
        prop_assert_eq!(chip.core.memory.peek(DATA + 0x100 + other, x.len() + 1), [&x[..], &[0]].concat());
    }
}

#[test]
fn what_was_answered_is_counted_by_name() {
    let mut chip = chip();
    call(&mut chip, 0x4000_E21C, &[7, 2]);
    call(&mut chip, 0x4000_E21C, &[7, 2]);
    drain(&mut chip);
    let count = |name| chip.answered().find(|(answered, _)| *answered == name).map(|(_, count)| count);
    assert_eq!(count("__udivsi3"), Some(2));
    assert_eq!(count("ets_delay_us"), Some(1));
    assert_eq!(count("memcpy"), None);
    assert!(chip.answered().all(|(name, _)| !name.contains("within")));
}

#[test]
fn random_numbers_are_newlibs() {
    let mut chip = chip();
    call(&mut chip, 0x4000_05F0, &[1]);
    let first = call(&mut chip, 0x4000_0600, &[]);
    assert_eq!(first, ((6_364_136_223_846_793_006u64) >> 32) as u32 & 0x7FFF_FFFF);
}

#[test]
fn registers_are_reached_through_a_bus() {
    let mut chip = chip();
    call(&mut chip, 0x4000_72D8, &[103, 4, 1, 136]);
    assert_eq!(call(&mut chip, 0x4000_7268, &[103, 4, 1]), 136);
    call(&mut chip, 0x4000_730C, &[103, 4, 1, 5, 4, 2]);
    assert_eq!(call(&mut chip, 0x4000_729C, &[103, 4, 1, 5, 4]), 2);
    assert_eq!(call(&mut chip, 0x4000_7268, &[103, 4, 1]), 136 & !0x30 | 0x20);
    assert_eq!(chip.core.bus.clock().cpu_megahertz(), 52);
    call(&mut chip, 0x4000_72D8, &[103, 4, 2, 145]);
    assert_eq!(chip.core.bus.clock().cpu_megahertz(), 80);
    assert_eq!(chip.core.memory.load(DATA, Width::Word), Ok(0));
}
