//! The pages about what a run leaves behind and about events, in Markdown: checked in as `docs/reference/output.md` and
//! `docs/events.md`, and tests say when they are not up to date.
//!
//! The files are those of [`ARTIFACTS`]. The events are made from their declarations, family by family: what each is,
//! its fields, and the words that a field may have. What is told in sentences (folders, the summary, memory, crash
//! reports) stands beside this file.

use std::fmt::Write;

use simulator_record::events::{FieldAbout, Kind, PhoneEvent};

use super::artifacts::{ARTIFACTS, Artifact};

/// The page about what a run leaves behind.
pub fn output() -> String {
    include_str!("reference/output.md").replace("{files}", &files())
}

/// The page about events.
pub fn events() -> String {
    let mut page = include_str!("reference/events.md").to_owned();
    for (family, kinds) in Kind::FAMILIES {
        let _ = write!(page, "\n## {family}\n");
        kinds.iter().for_each(|kind| event(&mut page, *kind));
    }
    page.push('\n');
    page + include_str!("reference/memory.md") + include_str!("reference/crash-reports.md")
}

/// The table of the files in a run's folder.
fn files() -> String {
    let mut table = "| file | what is in it |\n|---|---|\n".to_owned();
    for Artifact { file, about, .. } in ARTIFACTS {
        let _ = writeln!(table, "| `{file}` | {about} |");
    }
    table
}

/// A kind of event: what it is, and a list of its fields.
fn event(page: &mut String, kind: Kind) {
    let _ = write!(page, "\n### `{}`\n\n{}\n\n", kind.name(), kind.about());
    for FieldAbout { name, about, words } in kind.fields() {
        let _ = writeln!(page, "* `{name}`: {about}");
        for (word, about) in words {
            let _ = writeln!(page, "  * `{word}`: {about}");
        }
    }
    if kind == Kind::Phone {
        phone(page);
    }
}

/// What a phone does: words of `what`, and the fields that go with each.
fn phone(page: &mut String) {
    for (word, about, fields) in PhoneEvent::ROWS {
        let _ = writeln!(page, "  * `{word}`: {about}");
        for (name, about) in *fields {
            let _ = writeln!(page, "    * `{name}`: {about}");
        }
    }
}
