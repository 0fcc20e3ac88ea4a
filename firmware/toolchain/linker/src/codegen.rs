//! Code generation, and the way round one fault of LLVM 22's Xtensa back end.
//!
//! In a function that needs all registers and has a stack frame too large for the offsets of loads (255 or 1,020
//! bytes), the back end needs a register to reach its frame, and saves one if it has set a slot aside. It sets the slot
//! aside only for frames of 2 KiB and more, so functions between the two limits stop it: "Cannot scavenge register
//! without an emergency spill slot". Such a function gets some unused bytes that lift its frame over the limit. So far
//! it is one.

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::tools::{self, Source};

const COMPLAINT: &str = "Cannot scavenge register without an emergency spill slot";
/// Bytes to add; the second if the first did not do.
const PADDING: [u32; 2] = [1_024, 2_048];
/// So many functions may need it.
const PATIENCE: usize = 16;

/// Turns the bitcode of the whole program into assembly text.
///
/// # Errors
/// What LLVM says.
pub fn generate(source: &Source, bitcode: &Path, text: &Path) -> Result<(), Error> {
    let mut complaint = match llc(source, bitcode, text) {
        Err(Error::Failed { output, .. }) if output.contains(COMPLAINT) => output,
        result => return result,
    };
    let readable = bitcode.with_extension("ll");
    tools::run("make the program readable", source.llvm("opt"), &[&"-S", &"--passes=", &bitcode, &"-o", &readable])?;
    let mut program = fs::read_to_string(&readable).map_err(Error::file(&readable))?;
    let mut padded: Vec<(String, usize)> = Vec::new();
    for _ in 0..PATIENCE {
        let name = function_of(&complaint).unwrap_or_default().to_owned();
        let times = padded.iter().filter(|(of, _)| *of == name).count();
        let Some(program_with_padding) = PADDING.get(times).and_then(|bytes| pad(&program, &name, *bytes)) else {
            break;
        };
        program = program_with_padding;
        padded.push((name, times));
        fs::write(&readable, &program).map_err(Error::file(&readable))?;
        complaint = match llc(source, &readable, text) {
            Err(Error::Failed { output, .. }) if output.contains(COMPLAINT) => output,
            result => return result,
        };
    }
    Err(Error::Failed { what: "generate code", tool: source.llvm("llc").display().to_string(), output: complaint })
}

fn llc(source: &Source, program: &Path, text: &Path) -> Result<(), Error> {
    tools::run(
        "generate code",
        source.llvm("llc"),
        &[
            &"-O2",
            &"--relocation-model=static",
            &"-mcpu=esp8266",
            &"--dwarf-directory=0",
            &"--function-sections",
            &"--data-sections",
            &"-o",
            &text,
            &program,
        ],
    )
}

/// The function that LLVM's stack dump names.
fn function_of(complaint: &str) -> Option<&str> {
    let (_, rest) = complaint.split_once("on function '@")?;
    rest.split_once('\'').map(|(name, _)| name)
}

/// The program with `bytes` more in the frame of the function `name`; none if it has no such function.
fn pad(program: &str, name: &str, bytes: u32) -> Option<String> {
    let named = [format!("@{name}("), format!("@\"{name}\"(")];
    let mut at = 0;
    for line in program.split_inclusive('\n') {
        at += line.len();
        if line.starts_with("define ") && named.iter().any(|name| line.contains(name.as_str())) {
            // Behind the label of the first block, if it has one.
            let first = program[at..].split_inclusive('\n').next()?;
            let entry = if first.trim_end().ends_with(':') { at + first.len() } else { at };
            let name = format!("%preflash.padding.{bytes}");
            let padding =
                format!("  {name} = alloca [{bytes} x i8], align 4\n  store volatile i8 0, ptr {name}, align 4\n");
            return Some(format!("{}{padding}{}", &program[..entry], &program[entry..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_is_read_from_the_stack_dump() {
        let said = "LLVM ERROR: x\n2.\tRunning pass 'Prologue' on function '@_RNvNtCs1_8firmware4http10parse_head'\n";
        assert_eq!(function_of(said), Some("_RNvNtCs1_8firmware4http10parse_head"));
        assert_eq!(function_of("LLVM ERROR: x"), None);
    }

    #[test]
    fn padding_goes_behind_the_first_label_of_the_right_function() {
        let program = "define void @ab() {\nstart:\n  ret void\n}\ndefine void @a(i32 %x) {\nstart:\n  call void @ab()\n  ret void\n}\n";
        let padded = pad(program, "a", 8).unwrap();
        assert_eq!(
            padded,
            "define void @ab() {\nstart:\n  ret void\n}\ndefine void @a(i32 %x) {\nstart:\n  %preflash.padding.8 = alloca [8 x i8], align 4\n  store volatile i8 0, ptr %preflash.padding.8, align 4\n  call void @ab()\n  ret void\n}\n"
        );
        assert_eq!(pad(program, "b", 8), None);
    }
}
