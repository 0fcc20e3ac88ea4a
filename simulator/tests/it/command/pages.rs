//! What the pages show is what the command does today: each scenario on them is run, and each command that needs
//! nothing but preflash.
//!
//! The word behind the fence says what a block is:
//!
//! | fence | what a test does with it |
//! |---|---|
//! | `toml` | one that begins with `title` is a scenario; it must pass |
//! | `toml,fails` | such a scenario must be judged, and fail |
//! | `toml,file=NAME`, `csv,file=NAME` | what the page's commands find under this name; it is not run by itself |
//! | `rust` | it stands so in a source file |
//! | `console`, `sh` | its commands for preflash must succeed, and print the lines that are shown |
//! | `console,exit=N` | the last of them must end with this exit code |
//! | `console,chip` | is passed over, for it needs the chip's image |
//! | `console,long` | is passed over, for it takes long, and `cargo ci` runs its like |
//!
//! In what is shown, `…` stands for anything, and a line that is no more than that for any number of lines.

use std::fs;
use std::path::{Path, PathBuf};

use super::bench::{Bench, Ended};

/// What stands between two fences.
struct Block {
    /// The words behind the first fence.
    info: Vec<String>,
    text: String,
}

impl Block {
    fn is(&self, word: &str) -> bool {
        self.info.iter().any(|info| info == word)
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.info.iter().find_map(|info| info.strip_prefix(key)?.strip_prefix('='))
    }

    fn is_scenario(&self) -> bool {
        let first = self.text.lines().find(|line| !line.starts_with('#') && !line.trim().is_empty());
        self.is("toml") && first.is_some_and(|line| line.starts_with("title"))
    }
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.trim_start().strip_prefix("```") else { continue };
        // A block in a list is indented.
        let indent = line.len() - line.trim_start().len();
        let text = lines.by_ref().map(|line| line.get(indent..).unwrap_or_default()).take_while(|line| *line != "```");
        let text: String = text.map(|line| format!("{line}\n")).collect();
        blocks.push(Block { info: info.split(',').map(|word| word.trim().to_owned()).collect(), text });
    }
    blocks
}

/// Pages whose text stands in the program.
const MADE: [&str; 6] = [
    "docs/scenario-language.md",
    "docs/events.md",
    "docs/reference/output.md",
    "docs/reference/command-line.md",
    "docs/reference/fake-thingspeak.md",
    "docs/reference/modelled.md",
];

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All pages by their paths in the project.
fn pages() -> Vec<(String, String)> {
    let folders = ["", "docs", "docs/tutorial", "docs/how-to", "docs/reference", "docs/explanation"];
    let mut pages = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(project().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(project()).unwrap().display().to_string();
                pages.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    pages.sort();
    pages
}

#[test]
fn the_scenarios_on_the_pages_come_out_as_they_say() {
    let bench = Bench::new("scenarios-of-pages");
    let mut ran = 0;
    for (page, text) in pages() {
        let blocks = blocks(&text);
        for (number, block) in blocks.iter().enumerate().filter(|(_, block)| block.is_scenario()) {
            if block.value("file").is_some() {
                continue;
            }
            let name = format!("{}/{number}.toml", page.replace('/', "-"));
            bench.file(&name, &block.text);
            let ended = bench.preflash(&format!("run {name}"));
            let wanted = if block.is("fails") { 1 } else { 0 };
            assert_eq!(ended.code, Some(wanted), "{page}:\n{}\n{}{}", block.text, ended.stdout, ended.stderr);
            ran += 1;
        }
    }
    assert!(ran > 4, "only {ran} scenarios were found");
}

#[cfg(unix)]
#[test]
fn the_commands_on_the_pages_print_what_they_show() {
    let mut ran = 0;
    for (page, text) in pages() {
        // A page's commands share a folder in which the project's scenarios are.
        let bench = Bench::new(&format!("commands-of-{}", page.replace('/', "-")));
        for name in ["scenarios", "docs", "simulator"] {
            std::os::unix::fs::symlink(project().join(name).canonicalize().unwrap(), bench.folder.join(name)).unwrap();
        }
        for block in blocks(&text) {
            if let Some(name) = block.value("file") {
                bench.file(name, &block.text);
            }
            let passed_over = block.is("chip") || block.is("long");
            if !passed_over && (block.is("console") || block.is("sh")) {
                ran += run(&bench, &page, &block);
            }
        }
    }
    assert!(ran > 10, "only {ran} commands were found");
}

/// How many columns a line of a page has at most, tables and code apart.
const COLUMNS: usize = 120;

#[test]
fn lines_are_no_wider_than_they_should_be() {
    for (page, text) in pages() {
        let ours = page.starts_with("docs") || page == "README.md" || page == "CONTRIBUTING.md";
        if !ours || MADE.contains(&page.as_str()) {
            continue;
        }
        // What stands between fences is code.
        for line in text.split("```").step_by(2).flat_map(str::lines).filter(|line| !line.starts_with('|')) {
            assert!(line.chars().count() <= COLUMNS, "{page}: {line}");
        }
    }
}

#[test]
fn the_code_on_the_pages_stands_in_a_source_file() {
    // However it is indented.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let sources = super::generated::sources();
    let sources: Vec<String> = sources.iter().map(|path| words(&fs::read_to_string(path).unwrap())).collect();
    let mut shown = 0;
    for (page, text) in pages() {
        for block in blocks(&text).iter().filter(|block| block.is("rust")) {
            let code = words(&block.text);
            assert!(sources.iter().any(|source| source.contains(&code)), "{page}:\n{}", block.text);
            shown += 1;
        }
    }
    assert!(shown > 0);
}

/// Runs what of a block's commands needs nothing but preflash; how many that were.
#[cfg(unix)]
fn run(bench: &Bench, page: &str, block: &Block) -> usize {
    let commands = commands(block);
    let wanted = block.value("exit").map_or(0, |code| code.parse().unwrap());
    let last = commands.iter().rposition(|(line, _)| line.starts_with("preflash"));
    for (number, (line, shown)) in commands.iter().enumerate() {
        let ended = bench.shell(line);
        let wanted = if last == Some(number) { wanted } else { 0 };
        assert_eq!(ended.code, Some(wanted), "{page}: {line}\n{}{}", ended.stdout, ended.stderr);
        if let Some(missing) = missing(shown, &ended) {
            panic!("{page}: {line}\ndoes not print: {missing}\n{}{}", ended.stdout, ended.stderr);
        }
    }
    commands.len()
}

/// The commands of a block that need nothing but preflash, each with the lines that it is shown to print.
fn commands(block: &Block) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    let joined = block.text.replace("\\\n", " ");
    for line in joined.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command.to_owned(), Vec::new())),
            None if block.is("sh") => commands.push((line.to_owned(), Vec::new())),
            None => commands.last_mut().unwrap().1.push(line.to_owned()),
        }
    }
    for (line, _) in &mut commands {
        *line = line.replace("cargo run --release -- ", "preflash ").replace("target/release/preflash ", "preflash ");
    }
    let ours = ["preflash ", "sed ", "cp ", "grep ", "head ", "cat ", "diff ", "ls "];
    commands.retain(|(line, _)| ours.iter().any(|ours| line.starts_with(ours)));
    commands
}

/// The first line that is shown and was not printed, after what was shown before it.
fn missing<'s>(shown: &'s [String], ended: &Ended) -> Option<&'s String> {
    let printed = format!("{}{}", ended.stdout, ended.stderr);
    let mut printed = printed.lines().map(str::trim_end);
    shown.iter().find(|line| line.trim() != "…" && !printed.any(|printed| is_shown(line, printed)))
}

/// Whether a line is the one that is shown, in which `…` stands for anything.
fn is_shown(shown: &str, mut printed: &str) -> bool {
    let mut pieces = shown.trim_end().split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(rest) = printed.strip_prefix(first) else { return false };
    printed = rest;
    let mut ends = true;
    for piece in pieces {
        ends = piece.is_empty();
        let Some(at) = printed.find(piece) else { return false };
        printed = if ends { "" } else { &printed[at + piece.len()..] };
    }
    printed.is_empty() || ends && shown.ends_with('…')
}

#[test]
fn what_is_shown_is_compared() {
    assert!(is_shown("passed", "passed"));
    assert!(is_shown("1 passed … s", "1 passed in 0.5 s"));
    assert!(is_shown("1 passed …", "1 passed in 0.5 s"));
    assert!(!is_shown("1 passed", "1 passed in 0.5 s"));
    assert!(!is_shown("2 passed …", "1 passed in 0.5 s"));
    assert!(!is_shown("1 … minutes", "1 passed in 0.5 s"));
    let ended = Ended { code: Some(0), stdout: "a\nb\n".to_owned(), stderr: "c\n".to_owned() };
    let shown = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert_eq!(missing(&shown(&["a", "…", "c"]), &ended), None);
    assert_eq!(missing(&shown(&["b", "a"]), &ended), Some(&"a".to_owned()));
}

#[test]
fn a_block_has_its_commands() {
    let page = "```console,exit=1\n$ git clone x && cd x\n$ cargo run --release -- run \\\n   my.toml\nFAIL\n```\n\n1. In a list:\n\n   ```sh\n   sed s/a/b/ x\n   ```\n";
    let blocks = blocks(page);
    assert_eq!(blocks[0].value("exit"), Some("1"));
    assert_eq!(commands(&blocks[0]), [("preflash run     my.toml".to_owned(), vec!["FAIL".to_owned()])]);
    assert_eq!(commands(&blocks[1]), [("sed s/a/b/ x".to_owned(), Vec::new())]);
}
