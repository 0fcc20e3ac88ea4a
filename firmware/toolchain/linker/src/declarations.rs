//! Reads the program's sources for what crosses the boundary to the vendor's SDK: the functions declared in `sdk.rs`,
//! and the names that the program offers (`#[unsafe(no_mangle)]`).
//!
//! A reader of lines, not of Rust: both forms are ours, and rustfmt keeps them on lines of their own.

/// The vendor's functions that `sdk.rs` declares, in its order.
pub fn vendor_functions(source: &str) -> Vec<String> {
    source
        .lines()
        .skip_while(|line| !line.starts_with("unsafe extern \"C\" {"))
        .skip(1)
        .take_while(|line| *line != "}")
        .filter_map(|line| name_after(line, "pub fn "))
        .collect()
}

/// The names that a source file offers to the linker.
pub fn exports(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if line == "#[unsafe(no_mangle)]" {
            // Other attributes may stand between.
            let declaration = lines.by_ref().find(|line| !line.starts_with("#["));
            let name = declaration.and_then(|line| {
                name_after(line, "fn ")
                    .or_else(|| name_after(line, "static mut "))
                    .or_else(|| name_after(line, "static "))
            });
            names.extend(name);
        }
    }
    names
}

/// The identifier behind `keyword`.
fn name_after(line: &str, keyword: &str) -> Option<String> {
    let (_, rest) = line.split_once(keyword)?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    (end > 0).then(|| rest[..end].to_owned())
}

/// Assembly of one trap stub for each function: `ill`, which stops any LX106, and the function's name, by which an
/// emulator without symbols recognises it.
pub fn stubs(functions: &[String]) -> String {
    let mut out = String::from("\t.section .iram.text.stubs, \"ax\"\n");
    for name in functions {
        out += &format!(
            "\t.global\t{name}\n\t.global\tsdk_{name}\n\t.type\t{name}, @function\n\t.align\t4\n{name}:\nsdk_{name}:\n\till\n\t.byte\t0\n\t.asciz\t\"sdk:{name}\"\n"
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_is_read_from_its_block_alone() {
        let source = "pub fn not_this() {}\nunsafe extern \"C\" {\n    /// Doc with fn in it.\n    pub fn one(a: u32) -> bool;\n    pub fn two();\n}\npub fn nor_this() {}\n";
        assert_eq!(vendor_functions(source), ["one", "two"]);
    }

    #[test]
    fn exports_are_functions_and_statics() {
        let source = "#[unsafe(no_mangle)]\nunsafe extern \"C\" fn a(x: u8) {}\n#[unsafe(no_mangle)]\n#[inline(never)]\nextern \"C\" fn b() {}\n#[unsafe(no_mangle)]\nstatic mut c: [u8; 6] = [0; 6];\nfn d() {}\n";
        assert_eq!(exports(source), ["a", "b", "c"]);
    }

    #[test]
    fn the_sources_themselves_can_be_read() {
        let folder = crate::esp07().join("src");
        let read = |name| std::fs::read_to_string(folder.join(name)).unwrap();
        let functions = vendor_functions(&read("sdk.rs"));
        assert!(functions.iter().any(|name| name == "system_os_post"), "{functions:?}");
        assert_eq!(
            exports(&read("main.rs")),
            ["FIRMWARE_MARK", "user_pre_init", "user_iram_memory_is_enabled", "user_init"]
        );
        assert_eq!(exports(&read("lwip.rs")).len(), 23, "the vendor's archives miss 23 names without their lwIP");
    }
}
