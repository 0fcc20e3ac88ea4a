//! What comes of parts, and of files that are named.

use std::fs;

use esp8266::image::Segment;
use esp8266::image::flash::emit;

use super::*;

const MIB_1: u8 = 0x20;
const INIT_DATA_AT: usize = 0xF_C000;

/// An image for a flash of 1 MiB, of so many bytes.
fn image(length: usize) -> Vec<u8> {
    let mut bytes =
        emit(2, MIB_1, 0x4010_0000, &[Segment { address: 0x4010_0000, bytes: vec![0x12, 0x34, 0x56, 0x78] }]);
    bytes.resize(bytes.len().max(length), 0xFF);
    bytes
}

fn wanted(parts: &[(u32, Vec<u8>)]) -> Programming {
    let part = |(offset, bytes): &(u32, Vec<u8>)| FlashPart {
        offset: *offset,
        name: format!("{offset:#x}.bin"),
        bytes: bytes.clone(),
    };
    Programming { parts: parts.iter().map(part).collect(), ..Programming::default() }
}

fn contents(parts: &[(u32, Vec<u8>)]) -> Result<Contents, String> {
    Contents::new(wanted(parts)).map_err(|error| error.to_string())
}

#[test]
fn parts_lie_in_order_with_the_radios_data_16_kib_before_the_end() {
    let contents = contents(&[(0x1_0000, vec![1; 100]), (0, image(0))]).unwrap();
    let places: Vec<(u32, usize)> = contents.parts().iter().map(|part| (part.offset, part.bytes.len())).collect();
    assert_eq!(places, [(0, image(0).len()), (0x1_0000, 100), (INIT_DATA_AT as u32, 128)]);
    assert_eq!(contents.size(), 1 << 20);
    assert_eq!(contents.parts()[0].bytes, image(0), "what is flashed is what was named, byte for byte");
    assert_eq!(contents.parts()[2].bytes[0], 5);
}

#[test]
fn the_radios_data_of_the_user_and_of_the_image_come_first() {
    let mut dump = image(1 << 20);
    let own = contents(&[(0, dump.clone())]).unwrap();
    assert_eq!((own.parts().len(), own.parts()[0].bytes[INIT_DATA_AT]), (1, 5), "a blank place is filled in");
    dump[INIT_DATA_AT..INIT_DATA_AT + 128].fill(7);
    assert_eq!(contents(&[(0, dump.clone())]).unwrap().parts()[0].bytes, dump);
    let at_its_place = contents(&[(0, image(0)), (INIT_DATA_AT as u32, vec![8; 128])]).unwrap();
    assert_eq!(at_its_place.parts()[1].bytes, [8; 128]);
    let users = Programming { init_data: Some(vec![9; 128]), ..wanted(&[(0, image(0))]) };
    assert_eq!(Contents::new(users).unwrap().parts()[1].bytes, [9; 128]);
    let twice = Programming { init_data: Some(vec![9; 128]), ..wanted(&[(0, dump)]) };
    assert!(Contents::new(twice).unwrap_err().to_string().contains("which is erased before either is written"));
}

#[test]
fn what_does_not_fit_is_refused_with_its_place() {
    assert_eq!(contents(&[(0x1000, image(0))]).unwrap_err(), ContentsError::NoStart.to_string());
    assert!(contents(&[(0, vec![0; 64])]).unwrap_err().starts_with("could not use 0x0.bin: "));
    let overlap = contents(&[(0, image(0x1_0001)), (0x1_0000, vec![1; 4])]).unwrap_err();
    assert!(
        overlap.starts_with("0x0.bin ends at 0x10001, and 0x10000.bin begins at 0x10000: in one sector"),
        "{overlap}"
    );
    let one_sector = contents(&[(0, image(0)), (0x1_0000, vec![1; 4]), (0x1_0010, vec![1; 4])]).unwrap_err();
    assert!(one_sector.contains("0x10000.bin ends at 0x10004, and 0x10010.bin begins at 0x10010"), "{one_sector}");
    let mut small = wanted(&[(0, image(0)), (0xF_F000, vec![1; 0x1004])]);
    small.set_flash_size(1 << 20);
    let outside = Contents::new(small).unwrap_err().to_string();
    assert_eq!(outside, "0xff000.bin at 0xff000 ends at 0x100004, and the flash has 0x100000 bytes");
    assert_eq!(
        contents(&[(0, image(0)), (0xF_F000, vec![1; 0x1004])]).unwrap().size(),
        2 << 20,
        "a larger one takes it"
    );
}

#[test]
fn settings_go_with_an_image_that_bears_this_firmwares_mark() {
    let takes = |mark: &[u8]| contents(&[(0, image(0)), (0x1_0000, mark.to_vec())]).unwrap().takes_settings();
    assert_eq!(takes(&[]), Err(SettingsError::Foreign));
    assert_eq!(takes(&Mark::OWN.to_bytes()), Ok(()));
    let other = Mark { formats: [0, 99], ..Mark::OWN };
    assert_eq!(takes(&other.to_bytes()), Err(SettingsError::Other(other.clone())));
    let words = SettingsError::Other(other).to_string();
    assert!(words.starts_with("the image keeps its settings at 0xf7000 to 0xfb000 in format 0.99, and "), "{words}");
}

#[test]
fn a_folder_and_a_list_say_where_their_files_go() {
    let folder = std::env::temp_dir().join(format!("preflash-contents-{}", std::process::id()));
    fs::create_dir_all(folder.join("parts")).unwrap();
    let read = |name: &str| Programming::read(&folder.join(name)).map_err(|error| error.to_string());
    let offsets = |read: Programming| read.parts().iter().map(|part| part.offset).collect::<Vec<_>>();
    assert!(read("parts").unwrap_err().contains("a file there says its offset by its name, such as 0x00000.bin"));
    fs::write(folder.join("parts/0x10000.bin"), [1; 4]).unwrap();
    fs::write(folder.join("parts/0x00000.bin"), image(0)).unwrap();
    fs::write(folder.join("parts/notes.txt"), "0x20000 is no part").unwrap();
    assert_eq!(offsets(read("parts").unwrap()), [0, 0x1_0000]);
    fs::write(folder.join("a.elf"), b"\x7fELF").unwrap();
    fs::copy(folder.join("a.elf"), folder.join("parts/a.elf")).unwrap();
    assert!(read("parts").unwrap_err().contains("parts/a.elf: not a readable ELF file"));
    fs::copy(folder.join("a.elf"), folder.join("parts/b")).unwrap();
    assert!(read("parts").unwrap_err().contains(", a.elf and b: say which has the names"));
    fs::write(folder.join("list"), "# two parts\n\n0x00000 parts/0x00000.bin\n65536\tparts/0x10000.bin\n").unwrap();
    assert_eq!(offsets(read("list").unwrap()), [0, 0x1_0000]);
    fs::write(folder.join("list"), "0x0 parts/0x00000.bin\n0x1000\n").unwrap();
    assert!(
        read("list").unwrap_err().ends_with("\"0x1000\": expected an offset and a file, such as 0x10000 second.bin")
    );
    fs::write(folder.join("init.bin"), [5; 127]).unwrap();
    let error = Programming::default().set_init_data(&folder.join("init.bin")).unwrap_err().to_string();
    assert!(
        error.starts_with("the radio's init data are 128 bytes that begin with 5, and ")
            && error.ends_with(" has 127 bytes")
    );
    fs::remove_dir_all(&folder).unwrap();
}
