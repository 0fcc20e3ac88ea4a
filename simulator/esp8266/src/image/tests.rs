use proptest::prelude::*;

use super::flash::{FLASH_SIZE, Image, SIZES, SpiMode, assemble, emit, pad_dump, parse, write_image};
use super::*;

fn segments() -> Vec<Segment> {
    vec![
        Segment { address: 0x4010_0000, bytes: (0..100).collect() },
        Segment { address: 0x3FFE_8000, bytes: vec![7; 33] },
    ]
}

fn image() -> Vec<u8> {
    emit(2, 0x20, 0x4010_0004, &segments())
}

#[test]
fn reads_back_what_it_writes() {
    let bytes = image();
    assert_eq!(bytes.len() % 16, 0);
    let expected = Image {
        mode: Some(SpiMode::Dio),
        size_and_frequency: 0x20,
        entry: 0x4010_0004,
        segments: segments(),
        length: bytes.len(),
    };
    assert_eq!(parse(&bytes, 0), Ok(expected));
}

/// The boot ROM's checksum, on data small enough to add up by hand: 0xEF ^ 0x01 ^ 0x02.
#[test]
fn checksum_is_the_xor_of_all_data() {
    let bytes = emit(0, 0, 0x4010_0000, &[Segment { address: 0x3FFE_8000, bytes: vec![1, 2] }]);
    assert_eq!(bytes.last(), Some(&0xEC));
}

#[test]
fn an_image_is_written_into_a_flash_whose_size_its_header_says() {
    for size in SIZES {
        let flash = write_image(&image(), Some(size.bytes)).unwrap();
        assert_eq!(flash.len(), size.bytes);
        assert_eq!((flash[3], &flash[4..image().len()]), (size.code << 4, &image()[4..]));
        let radio = &flash[size.bytes - 0x4000..][..128];
        assert_eq!((radio[0], radio[48]), (5, 1), "the vendor's code finds something for its radio");
        assert_eq!(parse(&flash, 0).unwrap().segments, segments(), "the checksum does not count the header");
    }
}

#[test]
fn a_flash_is_as_large_as_its_image_says_if_it_says_so_and_fits() {
    let size_of = |code: u8, length| {
        let mut image = emit(2, code << 4 | 1, 0x4010_0004, &segments());
        image.resize(length, 0xFF);
        let flash = write_image(&image, None).unwrap();
        assert_eq!(flash[3] & 0xF, 1, "its frequency stays");
        flash.len()
    };
    assert_eq!(size_of(2, 0x1000), 1 << 20);
    assert_eq!(size_of(9, 0x1000), 16 << 20);
    assert_eq!(size_of(0, 0x1000), 4 << 20, "no builder says anything else unless asked");
    assert_eq!(size_of(2, 0x18_0000), 4 << 20, "it is longer");
}

#[test]
fn a_flash_takes_no_image_that_is_longer_and_says_nothing_over_what_the_image_says() {
    let mut long = image();
    long.resize(0x8_0000, 0x77);
    assert_eq!(write_image(&long, Some(0x4_0000)), Err(ImageError::DumpSize { most: 0x4_0000, found: 0x8_0000 }));
    assert_eq!(write_image(&long, Some(0x9_0000)), Err(ImageError::FlashSize(0x9_0000)));
    assert_eq!(write_image(&long, Some(0x8_0000)).unwrap()[0x7_C000], 0x77);
}

#[test]
fn says_what_is_wrong_with_an_image() {
    let broken = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = image();
        change(&mut bytes);
        parse(&bytes, 0).unwrap_err().to_string()
    };
    let messages = [
        broken(&|bytes| bytes[0] = 0xEA),
        broken(&|bytes| bytes[1] = 0),
        broken(&|bytes| bytes[7] = 0x3F),
        broken(&|bytes| bytes[11] = 0x50),
        broken(&|bytes| bytes[20] ^= 0x10),
        broken(&|bytes| bytes.truncate(40)),
        broken(&|bytes| bytes.truncate(3)),
        broken(&|bytes| bytes[12..16].fill(0xFF)),
    ];
    let expected = [
        "the image at 0x0 starts with 0xea instead of 0xe9",
        "the image claims 0 segments; there are 1 to 16",
        "the entry point 0x3f100004 is not in instruction memory",
        "0x64 bytes for 0x50100000 do not fit into the chip's memory there",
        "the image's checksum is 0xe8, its data make 0xf8",
        "the file ends at 0x28, within a segment",
        "the file ends at 0x3, within the header",
        "the file ends at 0xa0, within a segment",
    ];
    assert_eq!(messages, expected);
}

#[test]
fn a_dump_is_the_flash_from_its_beginning() {
    let first = image();
    let flash = assemble(&first, &[1, 2, 3]).unwrap();
    assert_eq!((flash.len(), &flash[0x1_0000..0x1_0004]), (FLASH_SIZE, &[1, 2, 3, 0xFF][..]));
    assert_eq!(pad_dump(&flash).as_ref(), Ok(&flash));
    assert_eq!(pad_dump(&flash[..0x1_0003]).as_ref(), Ok(&flash), "what is not there is erased");
    assert_eq!(
        pad_dump(&[flash.clone(), vec![0]].concat()),
        Err(ImageError::DumpSize { most: FLASH_SIZE, found: FLASH_SIZE + 1 })
    );
    assert_eq!(pad_dump(&flash[1..]), Err(ImageError::Magic { offset: 0, found: 2 }));
    assert_eq!(assemble(&[first, vec![0; 0x1_0000]].concat(), &[]), Err(ImageError::Overlap(0x1_00A0)));
}

/// A minimal ELF file: header and one segment.
fn elf_file(machine: u16, address: u32, data: &[u8], memory_size: u32) -> Vec<u8> {
    let mut file = b"\x7FELF\x01\x01\x01".to_vec();
    file.resize(16, 0);
    let half = |file: &mut Vec<u8>, values: &[u16]| file.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    let word = |file: &mut Vec<u8>, values: &[u32]| file.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    half(&mut file, &[2, machine]);
    word(&mut file, &[1, 0x4010_0000, 52, 0, 0]);
    half(&mut file, &[52, 32, 1, 0, 0, 0]);
    word(&mut file, &[1, 84, address, address, data.len() as u32, memory_size, 7, 4]);
    file.extend(data);
    file
}

#[test]
fn reads_an_elf_file_and_puts_it_into_memory() {
    let program = elf::parse(&elf_file(94, 0x3FFE_8000, &[1, 2, 3, 4], 8)).unwrap();
    assert_eq!(program.segments, [Segment { address: 0x3FFE_8000, bytes: vec![1, 2, 3, 4, 0, 0, 0, 0] }]);
    let in_flash = elf::parse(&elf_file(94, 0x4020_0010, &[9; 4], 4)).unwrap();
    let mut memory = Memory::new(&[0xFF; FLASH_SIZE]);
    program.load(&mut memory);
    in_flash.load(&mut memory);
    assert_eq!(memory.peek(0x3FFE_8000, 8), [1, 2, 3, 4, 0, 0, 0, 0]);
    assert_eq!(memory.flash()[0xF..0x15], [0xFF, 9, 9, 9, 9, 0xFF]);
}

#[test]
fn says_what_is_wrong_with_an_elf_file() {
    assert!(matches!(elf::parse(b"no ELF"), Err(ImageError::Elf(_))));
    assert_eq!(elf::parse(&elf_file(40, 0x3FFE_8000, &[1], 1)), Err(ImageError::OtherMachine));
    assert_eq!(
        elf::parse(&elf_file(94, 0x2000_0000, &[1], 1)),
        Err(ImageError::Outside { address: 0x2000_0000, length: 1 })
    );
    assert_eq!(
        elf::parse(&elf_file(94, 0x3FFE_8000, &[1], u32::MAX)),
        Err(ImageError::Outside { address: 0x3FFE_8000, length: 0xFFFF_FFFF })
    );
    let mut nothing = elf_file(94, 0x3FFE_8000, &[], 0);
    nothing[44] = 0;
    assert_eq!(elf::parse(&nothing), Err(ImageError::NothingToLoad));
}

#[test]
fn finds_symbols_by_name_and_by_address() {
    let symbols = vec![(0x4010_0000, 8, "start".into()), (0x4010_0010, 0, "label".into())];
    let program = Program { entry: 0, segments: vec![], symbols };
    assert_eq!(program.address_of("label"), Some(0x4010_0010));
    assert_eq!(program.symbol_at(0x4010_0007), Some(("start", 7)));
    assert_eq!(program.symbol_at(0x4010_0008), None);
    assert_eq!(program.symbol_at(0x4010_0010), Some(("label", 0)));
    assert_eq!(program.symbol_at(0x4010_0020), Some(("label", 0x10)), "its size is not said");
    assert_eq!(program.symbol_at(0x4011_0000), None);
    assert_eq!(program.symbol_at(0), None);
}

proptest! {
    /// Whatever is done to a file, reading it ends in a program or an error, and what is accepted can be loaded.
    #[test]
    fn damaged_files_never_panic(
        changes in prop::collection::vec((0usize..200, any::<u8>()), 0..8),
        length in 0usize..200,
        use_elf: bool,
    ) {
        let mut bytes = if use_elf { elf_file(94, 0x3FFE_8000, &[1; 60], 64) } else { image() };
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(length);
        let program = if use_elf {
            elf::parse(&bytes).ok()
        } else {
            parse(&bytes, 0).ok().map(|image| Program { entry: image.entry, segments: image.segments, symbols: vec![] })
        };
        if let Some(program) = program {
            program.load(&mut Memory::new(&[0xFF; FLASH_SIZE]));
        }
    }
}
