//! The reference pages that are made from what they tell of: the command line from the command's own help, and what is
//! not modelled from the heads of the modules. The page of exit codes is written by hand, and has those of the help.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::bench::Bench;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares a page of the reference with what it is made from.
fn is_up_to_date(page: &str, made: &str) {
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join(page);
    fs::write(&new, made).unwrap();
    let checked_in = fs::read_to_string(project().join("docs/reference").join(page)).unwrap_or_default();
    assert!(checked_in == made, "what {page} is made from has changed: cp {} docs/reference/{page}", new.display());
}

/// The help of `preflash` and then of each of its commands, asked for in a folder of this name.
fn helps(folder: &str) -> Vec<(String, String)> {
    let bench = Bench::new(folder);
    let help = |line: &str| {
        let ended = bench.preflash(&format!("{line} --help"));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout
    };
    let all = help("");
    let list = all.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let commands = commands.into_iter().filter(|command| *command != "help");
    let mut helps: Vec<_> = commands.map(|command| (format!("preflash {command}"), help(command))).collect();
    assert!(helps.len() > 3, "{all}");
    helps.insert(0, ("preflash".to_owned(), all));
    helps
}

#[test]
fn the_page_about_the_command_line_is_the_help() {
    let mut page = "# The command line\n\nWhat each command says with `--help`. [Exit codes](exit-codes.md) and [what a run leaves \
                    behind](output.md) have pages of their own.\n"
        .to_owned();
    for (command, help) in helps("command-line") {
        page += &format!("\n## `{command}`\n\n```text\n{}\n```\n", help.trim_end());
    }
    is_up_to_date("command-line.md", &page);
}

#[test]
fn the_page_about_exit_codes_has_those_of_the_help() {
    let page = fs::read_to_string(project().join("docs/reference/exit-codes.md")).unwrap();
    let row = |line: &str| line.strip_prefix("| ")?.split_once(" |")?.0.parse::<u8>().ok();
    let told: BTreeSet<u8> = page.lines().filter_map(row).collect();
    let mut said = BTreeSet::new();
    for (_, help) in helps("exit-codes") {
        let codes = help.split("Exit codes:\n").nth(1).unwrap_or_default();
        said.extend(codes.lines().filter_map(|line| line.trim().split(' ').next()?.parse::<u8>().ok()));
    }
    assert_eq!(told, said);
}

/// What is told of, and the folders and files of its modules. A module belongs to the first that its path begins with.
const SECTIONS: [(&str, &[&str]); 7] = [
    ("The board", &["simulator/parts/src", "simulator/world/src/boards", "simulator/world/src/world"]),
    ("Wi-Fi", &["simulator/world/src/air", "simulator/wlan/src"]),
    ("The internet", &["simulator/world/src/internet"]),
    ("People's phones", &["simulator/world/src/phone"]),
    (
        "The emulated chip",
        &["simulator/esp8266/src", "simulator/esp8266/sdk/src", "simulator/world/src/device/esp8266"],
    ),
    ("The fake ThingSpeak", &["fake-thingspeak/src", "fake-thingspeak/server/src"]),
    ("The yellow duck's firmware", &["firmware/src"]),
];

const MARK: &str = "Not modelled: ";

#[test]
fn the_page_about_what_is_not_modelled_is_the_heads_of_the_modules() {
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for path in sources() {
        let module = path.strip_prefix(project()).unwrap().to_str().unwrap().replace('\\', "/");
        let Some((about, missing)) = head(&fs::read_to_string(&path).unwrap()) else { continue };
        let section = SECTIONS.iter().position(|(_, places)| places.iter().any(|place| is_below(&module, place)));
        let section = section.unwrap_or_else(|| panic!("{module} belongs to no section of the page"));
        let row = format!("| [{about}](../../{module}) | {missing} |\n");
        found.entry(section).or_default().push(row);
    }
    assert!(found.values().map(Vec::len).sum::<usize>() > 30);
    let mut page = "# What is modelled, and what is left out\n\nEach row is a module that imitates something, and what of that \
                    thing it leaves out on purpose. The rows are made from the heads of the modules; what a module follows (a data \
                    sheet, a standard, a recording) stands there, too.\n\nOn the emulated chip each run tells what the program \
                    touched that is not modelled: in its events and in `chip.json` ([what a run leaves behind](output.md)).\n"
        .to_owned();
    for (section, rows) in found {
        page += &format!(
            "\n## {}\n\n| what is modelled | what of it is not |\n|---|---|\n{}",
            SECTIONS[section].0,
            rows.concat()
        );
    }
    is_up_to_date("modelled.md", &page);
}

fn is_below(module: &str, place: &str) -> bool {
    module.strip_prefix(place).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

/// The project's modules by their paths, in order; not its tests, nor what is built.
pub fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["fake-thingspeak", "firmware", "simulator"] {
        collect(&project().join(folder), &mut found);
    }
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if !["target", "tests", "node_modules"].iter().any(|name| path.ends_with(name)) {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What a module's head says it is, and what it says it does not model.
fn head(source: &str) -> Option<(String, String)> {
    let lines: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let head = lines.join(" ");
    let paragraph =
        lines.split(|line| line.is_empty()).map(|lines| lines.join(" ")).find(|text| text.contains(MARK))?;
    let missing = sentence(paragraph.split_once(MARK)?.1);
    // What it is stands before the first colon or full stop.
    let about = sentence(&head);
    let about = about.split(": ").next()?.trim_end_matches('.');
    Some((plain(about), plain(missing.trim_end_matches('.'))))
}

/// Up to the full stop that ends the first sentence, which is not between parentheses.
fn sentence(text: &str) -> &str {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            '.' if depth == 0 && matches!(text[at + 1..].chars().next(), None | Some(' ')) => return &text[..=at],
            _ => {}
        }
    }
    text
}

/// Without links to items, which lead nowhere on a page, and fit for a table.
fn plain(text: &str) -> String {
    let link = regex::Regex::new(r"\[(`[^`]+`)\](\([^)]*\))?").unwrap();
    link.replace_all(text, "$1").replace('|', "\\|")
}

#[test]
fn a_head_gives_its_row() {
    let source = "//! A router, for a [`Network`]: DHCP and more.\n//!\n//! It frames. Not modelled: a firewall (any. at all),\n//! \
                  the [`Page`](crate::Page). It goes on.\n\nuse x;\n";
    let row = ("A router, for a `Network`".to_owned(), "a firewall (any. at all), the `Page`".to_owned());
    assert_eq!(head(source), Some(row));
    assert_eq!(head("//! A router.\n"), None);
}
