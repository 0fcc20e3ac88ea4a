//! Makes LLVM's assembly text fit for GNU as.
//!
//! llc prints a function as directives, then its literals (`.literal .LCPI0_0, value`), then a switch to the function's
//! section, then its code. Left alone, the literals would land in the section before. `l32r` reaches 256 KiB backwards,
//! and the program is larger, so each function's literals are put right in front of it, as plain words in its own
//! section. GNU as for this core knows no `.cfi_` directives; they are left out, and line tables stay.

/// The rewritten text.
pub fn rewrite(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Of the function that comes next, each with its line end.
    let mut literals = String::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        if let Some(literal) = trimmed.strip_prefix(".literal") {
            // `.literal name, value`; position-independent variants do not occur in a static image.
            if let Some((name, value)) = literal.split_once(',') {
                literals += &format!("{}:\n\t.word\t{}\n", name.trim(), value.trim());
            }
        } else if trimmed.starts_with(".cfi_") {
        } else if !literals.is_empty() && is_code_alignment(trimmed) {
            // The function's own alignment follows its literals.
            out += "\t.p2align\t2\n";
            out += &core::mem::take(&mut literals);
            out += line;
            out.push('\n');
        } else {
            out += line;
            out.push('\n');
        }
    }
    out
}

/// llc aligns each function right before its label, in its section.
fn is_code_alignment(line: &str) -> bool {
    line.starts_with(".p2align")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_move_in_front_of_their_function_and_into_its_section() {
        let text = "\t.section\t.text.first,\"ax\",@progbits\n\t.literal_position\n\t.literal .LCPI1_0, second_data\n\t.hidden\tsecond\n\t.section\t.text.second,\"ax\",@progbits\n\t.globl\tsecond\n\t.p2align\t2\n\t.type\tsecond,@function\nsecond:\n\t.cfi_startproc\n\tl32r\ta2, .LCPI1_0\n\tret\n";
        assert_eq!(
            rewrite(text),
            "\t.section\t.text.first,\"ax\",@progbits\n\t.hidden\tsecond\n\t.section\t.text.second,\"ax\",@progbits\n\t.globl\tsecond\n\t.p2align\t2\n.LCPI1_0:\n\t.word\tsecond_data\n\t.p2align\t2\n\t.type\tsecond,@function\nsecond:\n\tl32r\ta2, .LCPI1_0\n\tret\n"
        );
    }

    #[test]
    fn what_has_no_literals_stays_as_it_is() {
        let text = "\t.section\t.rodata.x\n\t.p2align\t2, 0x0\nx:\n\t.word\t1\n";
        assert_eq!(rewrite(text), text);
    }
}
