//! The forms that an image comes in, and files that are none.

use std::fs;
use std::path::PathBuf;

use esp8266::image::Segment;
use proptest::prelude::*;

use super::*;

/// A folder of the test's own.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("preflash-image-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// An image with stubs: `sdk_boot` with its table, and one function.
fn first() -> Vec<u8> {
    let mut code = vec![0x06, 0, 0, 0];
    code.extend(b"sdk:boot");
    let own = [0x4010_0080_u32, 0x4021_0000, 0x4021_0010, 0x4010_0090, 0x4021_0020, 0x4010_00A0];
    code.extend(own.iter().flat_map(|word| word.to_le_bytes()));
    code.extend([0; 4]);
    code.extend(b"sdk:system_get_time\0");
    flash::emit(2, 0x20, 0x4010_0000, &[Segment { address: 0x4010_0000, bytes: code }])
}

/// An ELF file with one segment and these symbols.
fn elf_with(symbols: &[(&str, u32)]) -> Vec<u8> {
    let code = [1_u8; 64];
    let mut names = vec![0_u8];
    let mut table = vec![0_u8; 16];
    for (name, address) in symbols {
        table.extend((names.len() as u32).to_le_bytes());
        table.extend(address.to_le_bytes());
        table.extend(0_u32.to_le_bytes());
        // Global function, in the first section.
        table.extend([0x12, 0, 1, 0]);
        names.extend(name.as_bytes());
        names.push(0);
    }
    let code_at = 84_u32;
    let table_at = code_at + code.len() as u32;
    let names_at = table_at + table.len() as u32;
    let sections_at = (names_at + names.len() as u32).next_multiple_of(4);
    let mut file = b"\x7FELF\x01\x01\x01".to_vec();
    file.resize(16, 0);
    let words = |file: &mut Vec<u8>, words: &[u32]| file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    let halves = |file: &mut Vec<u8>, halves: &[u16]| file.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
    halves(&mut file, &[2, 94]);
    words(&mut file, &[1, 0x4010_0000, 52, sections_at, 0]);
    halves(&mut file, &[52, 32, 1, 40, 4, 3]);
    words(&mut file, &[1, code_at, 0x4010_0000, 0x4010_0000, code.len() as u32, code.len() as u32, 5, 4]);
    file.extend(code);
    file.extend(&table);
    file.extend(&names);
    file.resize(sections_at as usize, 0);
    words(&mut file, &[0; 10]);
    words(&mut file, &[0, 1, 6, 0x4010_0000, code_at, code.len() as u32, 0, 0, 4, 0]);
    words(&mut file, &[0, 2, 0, 0, table_at, table.len() as u32, 3, 1, 4, 16]);
    words(&mut file, &[0, 3, 0, 0, names_at, names.len() as u32, 0, 0, 1, 0]);
    file
}

const STUBBED: [(&str, u32); 3] =
    [("sdk_boot", 0x4010_0000), ("sdk_start", 0x4010_0010), ("sdk_system_get_time", 0x4010_0020)];

#[test]
fn a_folder_has_the_pair_and_the_elf_file() {
    let folder = folder("pair");
    fs::write(folder.join(FIRST), first()).unwrap();
    fs::write(folder.join(SECOND), [7; 32]).unwrap();
    let missing = Image::load(&folder, None).unwrap_err().to_string();
    assert!(missing.ends_with("esp07: no such file"), "{missing}");
    fs::write(folder.join(PROGRAM), elf_with(&STUBBED)).unwrap();
    let image = Image::load(&folder, None).unwrap();
    assert_eq!((image.flash().len(), image.flash()[0x1_0000]), (1 << 20, 7));
    assert_eq!(image.address_of("sdk_system_get_time"), Some(0x4010_0020));
    assert_eq!(image.symbols().function(0x4010_0024).as_deref(), Some("sdk_system_get_time"));
}

#[test]
fn an_elf_file_alone_is_laid_into_the_flash() {
    let folder = folder("elf");
    let file = folder.join("program.elf");
    fs::write(&file, elf_with(&STUBBED)).unwrap();
    let image = Image::load(&file, None).unwrap();
    assert_eq!(image.flash()[0], flash::MAGIC);
    let relocatable = folder.join("names.elf");
    fs::write(&relocatable, elf_with(&[("main", 0x4010_0000)])).unwrap();
    let error = Image::load(&relocatable, None).unwrap_err().to_string();
    assert!(error.contains("not linked against this project's stubs"), "{error}");
    fs::write(&relocatable, elf_with(&STUBBED[..1])).unwrap();
    let error = Image::load(&relocatable, None).unwrap_err().to_string();
    assert!(error.contains("`sdk_start`"), "{error}");
}

#[test]
fn a_dump_tells_its_stubs_by_itself() {
    let folder = folder("dump");
    let file = folder.join("flash.bin");
    fs::write(&file, first()).unwrap();
    let image = Image::load(&file, None).unwrap();
    assert_eq!(image.address_of("sdk_boot"), Some(0x4010_0000));
    assert_eq!(image.address_of("sdk_start"), Some(0x4010_0080));
    assert_eq!(image.address_of("pbuf_alloc"), Some(0x4021_0000));
    assert_eq!(image.address_of(super::super::HALT), Some(0x4010_0090));
    assert_eq!(image.address_of("user_iram_memory_is_enabled"), Some(0x4010_00A0));
    assert_eq!(image.address_of("sdk_system_get_time"), Some(0x4010_0024));
    assert_eq!(image.symbols().function(0x4010_0000), None, "it has no names");
    let elf = folder.join("program.elf");
    fs::write(&elf, elf_with(&STUBBED)).unwrap();
    assert!(Image::load(&file, Some(&elf)).unwrap().symbols().program().is_some());
}

#[test]
fn every_broken_file_is_one_clear_error() {
    let folder = folder("broken");
    let mut changed = first();
    changed[20] ^= 1;
    for (name, bytes, words) in [
        ("empty.bin", Vec::new(), "the file ends at 0x0, within the header"),
        ("text.bin", b"some text or other".to_vec(), "starts with 0x73 instead of 0xe9"),
        ("changed.bin", changed, "the image's checksum is"),
        ("large.bin", [first(), vec![0xFF; 1 << 20]].concat(), "a flash dump has 0x100000 bytes at most"),
        ("short.elf", b"\x7FELF\x01\x01\x01".to_vec(), "not a readable ELF file"),
        ("host.elf", b"\x7FELF\x02\x01\x01".to_vec(), "for another machine"),
    ] {
        let file = folder.join(name);
        fs::write(&file, bytes).unwrap();
        let error = Image::load(&file, None).unwrap_err().to_string();
        assert!(error.starts_with("could not load ") && error.contains(name) && error.contains(words), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
    let error = Image::load(&folder.join("nothing"), None).unwrap_err().to_string();
    assert!(error.starts_with("could not read") && error.ends_with("nothing: no such file"), "{error}");
}

/// As [`Image::load`] does it with a file's bytes.
fn load(bytes: &[u8]) -> Result<Image, String> {
    if bytes.starts_with(b"\x7fELF") {
        let program = elf::parse(bytes).map_err(|error| error.to_string())?;
        let flash = flash::of_program(&program).map_err(|error| error.to_string())?;
        Image::new(flash, Some(program), Some(bytes.to_vec())).map_err(str::to_owned)
    } else {
        Image::new(flash::pad_dump(bytes).map_err(|error| error.to_string())?, None, None).map_err(str::to_owned)
    }
}

proptest! {
    /// Whatever is in a file, it is an error of one line, or a flash of 1 MiB.
    #[test]
    fn any_bytes_are_an_image_or_one_error(bytes in prop::collection::vec(any::<u8>(), 0..400), elf: bool) {
        let start: &[u8] = if elf { b"\x7FELF\x01\x01\x01" } else { &[flash::MAGIC, 1] };
        for bytes in [bytes.clone(), [start, &bytes].concat()] {
            match load(&bytes) {
                Ok(image) => prop_assert_eq!(image.flash().len(), 1 << 20),
                Err(error) => prop_assert_eq!(error.lines().count(), 1),
            }
        }
    }

    /// The same for good files of which some bytes are changed, or the end is missing.
    #[test]
    fn changed_files_are_an_image_or_one_error(
        changes in prop::collection::vec((0usize..600, any::<u8>()), 0..6),
        length in 0usize..600,
        elf: bool,
    ) {
        let mut bytes = if elf { elf_with(&STUBBED) } else { first() };
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(length.max(1));
        if let Ok(image) = load(&bytes) {
            prop_assert_eq!(image.flash().len(), 1 << 20);
            for address in [0, 0x4010_0000, 0x4010_0024, u32::MAX] {
                let _name = image.symbols().function(address);
            }
        }
    }
}
