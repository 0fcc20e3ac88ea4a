//! Files that are to be flashed, as a user names them by one path.
//!
//! * A file: an image from the flash's beginning on, or a dump of the flash.
//! * An ELF file: the program that `esptool elf2image` would make two files of.
//! * A folder: each file whose name is an offset, such as `0x10000.bin`, goes there. If there is an ELF file, too, it
//!   has the program's names.
//! * A list: a text with an offset and a file in each line, as `esptool`'s arguments have them; the file's path is from
//!   the list's folder. Lines that begin with `#` are remarks.

use std::path::{Path, PathBuf};

use esp8266::image::flash::INIT_DATA_LENGTH;
use esp8266::image::{elf, flash};

use super::{ContentsError, FlashPart, Programming};
use crate::device::esp8266::symbols::Symbols;
use crate::input::{self, Limit};

/// How large a part may be, in MiB: as the largest flash.
const PART: Limit = Limit(16);
/// How large an ELF file may be: with all that a debugger wants to know.
const PROGRAM: Limit = Limit(256);
/// How an ELF file begins.
const ELF: &[u8] = b"\x7fELF";

pub(super) fn read(path: &Path) -> Result<Programming, ContentsError> {
    if path.is_dir() {
        return folder(path);
    }
    let bytes = bytes(path, PROGRAM)?;
    if bytes.starts_with(ELF) {
        let broken = |source| ContentsError::Broken { path: path.to_owned(), source };
        let program = elf::parse(&bytes).map_err(broken)?;
        let mut flash = flash::of_program(&program).map_err(broken)?;
        let used = flash.iter().rposition(|byte| *byte != 0xFF).map_or(0, |last| last + 1);
        flash.truncate(used.next_multiple_of(4));
        let part = FlashPart { offset: 0, name: name(path), bytes: flash };
        let mut symbols = Symbols::new(Some(program), Some(bytes));
        symbols.name = Some(name(path));
        return Ok(Programming { parts: vec![part], symbols, ..Programming::default() });
    }
    if let Some(text) = std::str::from_utf8(&bytes).ok().filter(|text| is_list(text)) {
        return list(path, text);
    }
    let part = FlashPart { offset: 0, name: name(path), bytes };
    Ok(Programming { parts: vec![part], ..Programming::default() })
}

/// A file that is to lie at an offset.
pub(super) fn part(offset: u32, path: &Path) -> Result<FlashPart, ContentsError> {
    Ok(FlashPart { offset, name: name(path), bytes: bytes(path, PART)? })
}

/// The names that an ELF file has.
pub(super) fn symbols(path: &Path) -> Result<Symbols, ContentsError> {
    let bytes = bytes(path, PROGRAM)?;
    let broken = |source| ContentsError::Broken { path: path.to_owned(), source };
    let mut symbols = Symbols::of_elf(bytes).map_err(broken)?;
    symbols.name = Some(name(path));
    Ok(symbols)
}

/// What the radio starts with.
pub(super) fn init_data(path: &Path) -> Result<Vec<u8>, ContentsError> {
    let bytes = bytes(path, PART)?;
    let found = match bytes.first() {
        _ if bytes.len() != INIT_DATA_LENGTH => format!("{} bytes", bytes.len()),
        Some(5) => return Ok(bytes),
        first => format!("{} first", first.copied().unwrap_or_default()),
    };
    Err(ContentsError::InitData { path: path.to_owned(), found })
}

fn folder(folder: &Path) -> Result<Programming, ContentsError> {
    let unreadable =
        |error| ContentsError::Unreadable { path: folder.to_owned(), source: input::from_io(folder, error) };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(unreadable)?;
    paths.sort();
    let (mut programming, mut program) = (Programming::default(), None::<PathBuf>);
    let may_be_elf = |path: &Path| path.is_file() && path.extension().is_none_or(|extension| extension == "elf");
    for path in paths.iter().filter(|path| !path.is_dir()) {
        if let Some(offset) = offset_in_name(path) {
            programming.add(offset, path)?;
        } else if may_be_elf(path)
            && bytes(path, PROGRAM)?.starts_with(ELF)
            && let Some(first) = program.replace(path.clone())
        {
            let (folder, first, second) = (folder.to_owned(), file_name(&first), file_name(path));
            return Err(ContentsError::SeveralPrograms { folder, first, second });
        }
    }
    if programming.parts.is_empty() {
        return Err(ContentsError::NoParts(folder.to_owned()));
    }
    if let Some(program) = program {
        programming.name_by(&program)?;
    }
    Ok(programming)
}

/// The offset that a file's name says: `0x10000.bin`.
fn offset_in_name(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    offset(name.strip_suffix(".bin")?)
}

/// A number as `esptool` takes it: with 0x in front, hexadecimal.
pub(super) fn offset(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Whether a text is a list: its first line that is not a remark begins with an offset.
fn is_list(text: &str) -> bool {
    let first = lines(text).next().and_then(|(_, line)| line.split_whitespace().next());
    first.is_some_and(|first| offset(first).is_some())
}

/// The lines that say something, each with its number.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines().map(str::trim));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn list(path: &Path, text: &str) -> Result<Programming, ContentsError> {
    let mut programming = Programming::default();
    let folder = path.parent().unwrap_or(Path::new(""));
    for (line, text) in lines(text) {
        let said = text.split_once(char::is_whitespace);
        let said = said.and_then(|(first, file)| Some((offset(first)?, file.trim())));
        let Some((offset, file)) = said else {
            return Err(ContentsError::List { path: path.to_owned(), line, text: text.to_owned() });
        };
        programming.add(offset, &folder.join(file))?;
    }
    Ok(programming)
}

/// What messages call a file.
fn name(path: &Path) -> String {
    path.display().to_string()
}

/// A file's name without its folders.
fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| name(path), |name| name.to_string_lossy().into_owned())
}

fn bytes(path: &Path, limit: Limit) -> Result<Vec<u8>, ContentsError> {
    input::bytes(path, limit).map_err(|source| ContentsError::Unreadable { path: path.to_owned(), source })
}
