//! Whether comments keep to the width of the code, which a stable rustfmt does not look at.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// The width of the code: `max_width` in `rustfmt.toml`.
const WIDTH: usize = 120;
/// Folders with sources of ours.
const SOURCES: [&str; 4] = ["firmware", "simulator", "fake-thingspeak", "ci"];

/// Looks at all sources and says which lines are too long.
pub fn run() -> ExitCode {
    let mut long = Vec::new();
    for folder in SOURCES {
        if let Err(error) = look(Path::new(folder), &mut long) {
            eprintln!("cargo ci: could not read {folder}: {error}");
            return ExitCode::from(2);
        }
    }
    for line in &long {
        eprintln!("cargo ci: {line}");
    }
    if long.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn look(folder: &Path, long: &mut Vec<String>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                look(&path, long)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            long.extend(too_long(&text).map(|(line, width)| {
                format!("{}:{line}: the comment has {width} columns, more than {WIDTH}", path.display())
            }));
        }
    }
    Ok(())
}

/// The lines that are a comment and too long, from 1, each with its width in characters.
fn too_long(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let comments = (1..).zip(text.lines()).filter(|(_, line)| line.trim_start().starts_with("//"));
    comments.map(|(number, line)| (number, line.chars().count())).filter(|(_, width)| *width > WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_measured_in_characters_and_code_is_left_to_rustfmt() {
        let fits = format!("    // {}", "µ".repeat(WIDTH - 7));
        let code = format!("let text = \"{}\";", "x".repeat(WIDTH));
        let long = format!("/// {}", "x".repeat(WIDTH));
        let text = format!("{fits}\n{code}\n{long}\n");
        assert_eq!(too_long(&text).collect::<Vec<_>>(), [(3, WIDTH + 4)]);
    }
}
