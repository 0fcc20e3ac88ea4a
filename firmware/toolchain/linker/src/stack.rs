//! How deep the stack gets, as far as the generated code shows.
//!
//! The assembly text of the whole program tells each function's frame, and which functions and data it mentions, and
//! the data which functions (tables of methods); mentioning counts as calling. How often a function calls itself is not
//! in the text: each counts once, unless the caller says how often. Not seen: the boot ROM's functions. Interrupts use
//! the stack of whatever runs; what they take comes on top.

use std::collections::BTreeMap;

/// What is known of a function, or of data, which has no frame.
#[derive(Debug, Default)]
struct Function<'a> {
    /// Bytes.
    frame: u64,
    mentions: Vec<&'a str>,
}

/// A path of calls and what it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path<'a> {
    /// Bytes of all frames.
    pub bytes: u64,
    /// Frame and function, from the outermost on.
    pub calls: Vec<(u64, &'a str)>,
}

/// The deepest path from the function whose name ends in `from`, in what llc printed; none if there is no such
/// function. `repeated` are functions, by a part of their names, that call themselves, and how many calls of each may
/// be under way.
pub fn deepest<'a>(text: &'a str, from: &str, repeated: &[(&str, u64)]) -> Option<Path<'a>> {
    let mut functions = read(text);
    for (name, function) in &mut functions {
        let times = repeated.iter().find(|(part, _)| name.contains(part)).map_or(1, |(_, times)| *times);
        function.frame *= times;
    }
    let start = functions.keys().find(|name| name.ends_with(from))?;
    Some(Search { functions: &functions, known: BTreeMap::new(), path: Vec::new() }.from(start))
}

/// All functions of the text.
fn read(text: &str) -> BTreeMap<&str, Function<'_>> {
    let mut functions: BTreeMap<&str, Function<'_>> = BTreeMap::new();
    let mut literals: BTreeMap<&str, &str> = BTreeMap::new();
    let mut current = None;
    for line in text.lines() {
        let line = line.trim_start();
        if let Some((name, value)) =
            line.strip_prefix(".literal\t").or(line.strip_prefix(".literal ")).and_then(|l| l.split_once(','))
        {
            literals.insert(name.trim(), value.trim());
        } else if let Some((name, _kind)) = line.strip_prefix(".type\t").and_then(|line| line.split_once(",@")) {
            functions.entry(name).or_default();
            current = Some(name);
        } else if let Some(function) = current.and_then(|name| functions.get_mut(name)) {
            if let Some(frame) = line.strip_prefix(".cfi_def_cfa_offset ").and_then(|frame| frame.parse().ok()) {
                function.frame = function.frame.max(frame);
            } else if let Some((_, literal)) = line.strip_prefix("l32r").and_then(|operands| operands.split_once(',')) {
                function.mentions.extend(literals.get(literal.trim()));
            } else if let Some(value) = [".word\t", ".long\t"].iter().find_map(|directive| line.strip_prefix(directive))
            {
                function.mentions.push(value.split('+').next().unwrap_or(value));
            }
        }
    }
    functions
}

struct Search<'s, 'a> {
    functions: &'s BTreeMap<&'a str, Function<'a>>,
    known: BTreeMap<&'a str, Path<'a>>,
    path: Vec<&'a str>,
}

impl<'a> Search<'_, 'a> {
    fn from(&mut self, name: &'a str) -> Path<'a> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let function = &self.functions[name];
        self.path.push(name);
        let mut deepest = Path::default();
        for called in &function.mentions {
            if self.functions.contains_key(called) && !self.path.contains(called) {
                let path = self.from(called);
                if path.bytes > deepest.bytes {
                    deepest = path;
                }
            }
        }
        self.path.pop();
        deepest.bytes += function.frame;
        deepest.calls.insert(0, (function.frame, name));
        self.known.insert(name, deepest.clone());
        deepest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\t.literal .LCPI0_0, small\n\t.literal .LCPI0_1, large\n\t.literal .LCPI0_2, some_data\n\t.type\tstart,@function\nstart:\n\t.cfi_def_cfa_offset 16\n\tl32r\ta8, .LCPI0_0\n\tl32r\ta8, .LCPI0_1\n\tl32r\ta8, .LCPI0_2\n\t.type\tsmall,@function\nsmall:\n\t.cfi_def_cfa_offset 32\n\t.literal .LCPI2_0, large\n\t.literal .LCPI2_1, table\n\t.type\tlarge,@function\nlarge:\n\t.cfi_def_cfa_offset 1024\n\tl32r\ta8, .LCPI2_0\n\tl32r\ta8, .LCPI2_1\n\tret\n\t.type\ttable,@object\ntable:\n\t.word\t4\n\t.word\tmethod\n\t.type\tmethod,@function\nmethod:\n\t.cfi_def_cfa_offset 64\n\tret\n";

    #[test]
    fn the_deepest_path_is_found_and_ends_where_it_meets_itself() {
        let path = deepest(TEXT, "start", &[]).unwrap();
        assert_eq!(
            path,
            Path { bytes: 1_104, calls: vec![(16, "start"), (1_024, "large"), (0, "table"), (64, "method")] }
        );
        assert_eq!(deepest(TEXT, "nowhere", &[]), None);
    }

    #[test]
    fn a_function_that_calls_itself_counts_as_often_as_is_said() {
        let path = deepest(TEXT, "start", &[("mall", 40)]).unwrap();
        assert_eq!(path, Path { bytes: 1_296, calls: vec![(16, "start"), (1_280, "small")] });
    }
}
