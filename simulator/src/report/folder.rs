//! A case's folder: `serial.log`, `events.jsonl`, `http.jsonl`, `reproduce.txt`, and of the emulated chip `chip.json`; of a case
//! that was given up, `interrupted.txt`.
//!
//! A sweep's repetitions lie in folders of their own inside it. Where a case was run on two targets, each of them has a
//! folder for all that is its own, and `comparison.json` lies beside them. Everything is written beside its place under a temporary
//! name first and then moved, so that nothing half-written ever stands under a file's own name; what an earlier run of the
//! case left is replaced.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use humantime::format_duration;
use serde::Serialize;

use super::Begun;
use super::comparison::Comparison;
use crate::events::EventKind;
use crate::run::case::{self, FILES, REPETITION, SEED};
use crate::run::{Case, Outcome, Results, Run};
use crate::scenario::model::Scenario;
use crate::time::Instant;

const SERIAL: &str = FILES[0];
const EVENTS: &str = FILES[1];
const HTTP: &str = FILES[2];
const REPRODUCE: &str = FILES[3];
const COMPARISON: &str = FILES[4];
const CHIP: &str = FILES[5];
const INTERRUPTED: &str = FILES[6];

/// The folder could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write {path}: {source}", path = path.display())]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

/// Writes the case's folder below `out`, and returns its path from there.
///
/// # Errors
/// Whatever the file system says, with the path. Nothing is left half-written, under the folder's own name or another.
pub fn write(out: &Path, case: &Case, scenario: &Scenario, results: &Results) -> Result<PathBuf, WriteError> {
    write_marked(out, case, scenario, results, None)
}

/// The same for a case that was given up, with a file that says so.
///
/// # Errors
/// As [`write()`].
pub fn write_given_up(out: &Path, case: &Case, scenario: &Scenario, results: &Results) -> Result<Begun, WriteError> {
    let last = results.outcomes.last().and_then(|on| on.outcome.runs.last());
    let reached = last.map_or(Instant::START, |run| run.end);
    let mut place = String::new();
    if let Some(on) = results.outcomes.last().filter(|_| results.outcomes.len() > 1) {
        place += &format!(" on {}", on.name);
    }
    if let Some(run) = last.filter(|run| run.repetition > 0) {
        place += &format!(" in repetition {}", run.repetition);
    }
    let mark = format!(
        "The run was interrupted{place} at {reached} s of {}.\nWhat happened until then is here; nothing of it was judged.\n",
        format_duration(scenario.duration)
    );
    let folder = write_marked(out, case, scenario, results, Some(&mark))?;
    Ok(Begun { reached, folder })
}

fn write_marked(
    out: &Path,
    case: &Case,
    scenario: &Scenario,
    results: &Results,
    mark: Option<&str>,
) -> Result<PathBuf, WriteError> {
    let folder = out.join(case.folder(scenario));
    let failed = |source| WriteError { path: folder.clone(), source };
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let draft = folder.with_file_name(format!(".{name}.new"));
    let attempt = || {
        clear(&draft)?;
        fs::create_dir_all(&draft)?;
        fs::write(draft.join(REPRODUCE), format!("{}\n", case.command(scenario)))?;
        if let Some(mark) = mark {
            fs::write(draft.join(INTERRUPTED), mark)?;
        }
        match (results.outcomes.as_slice(), &results.comparison) {
            ([only], None) => write_outcome(&draft, &only.outcome)?,
            (several, comparison) => {
                for on in several {
                    write_outcome(&draft.join(case::target_folder(on.name)), &on.outcome)?;
                }
                if let Some(comparison) = comparison {
                    fs::write(draft.join(COMPARISON), Comparison::of(comparison).to_text())?;
                }
            }
        }
        // Other cases may have folders inside this one (one scenario's path can be the beginning of another's), so only
        // what this case writes, or wrote earlier, is replaced.
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            // Folders of seeds are cases of their own.
            if case::is_result(Path::new(&name)) && !name.to_string_lossy().starts_with(SEED) {
                clear(&entry.path())?;
            }
        }
        for entry in fs::read_dir(&draft)? {
            let entry = entry?;
            let target = folder.join(entry.file_name());
            clear(&target)?;
            fs::rename(entry.path(), target)?;
        }
        fs::remove_dir(&draft)
    };
    attempt().map_err(|source| {
        // On a full disk the draft is in everybody's way; if it cannot be removed, the first failure is the one to tell.
        let _ = clear(&draft);
        failed(source)
    })?;
    Ok(case.folder(scenario))
}

/// Removes what earlier runs of a scenario left below `out`, with whatever seeds and repetitions. What other scenarios
/// left stays, and so does what is not preflash's.
///
/// # Errors
/// Whatever the file system says, with the path.
pub fn clear_earlier(out: &Path, scenario: &Scenario) -> Result<(), WriteError> {
    let folder = out.join(case::folder(&scenario.file));
    let attempt = || {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name();
            if case::is_result(Path::new(&name)) {
                clear(&folder.join(name))?;
            }
        }
        Ok(())
    };
    attempt().map_err(|source| WriteError { path: folder.clone(), source })
}

/// Removes a file or folder, if there is one.
fn clear(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Writes the run, or each repetition into a folder of its own beside the run without intervention.
fn write_outcome(folder: &Path, outcome: &Outcome) -> io::Result<()> {
    for run in &outcome.runs {
        let place = match run.repetition {
            0 => folder.to_owned(),
            number => folder.join(format!("{REPETITION}{number}")),
        };
        fs::create_dir_all(&place)?;
        write_run(&place, run)?;
    }
    Ok(())
}

fn write_run(folder: &Path, run: &Run) -> io::Result<()> {
    let mut serial = BufWriter::new(fs::File::create(folder.join(SERIAL))?);
    for (_, line) in run.serial() {
        writeln!(serial, "{line}")?;
    }
    serial.flush()?;
    write_lines(&folder.join(EVENTS), run.events.iter())?;
    let exchanges = run.events.iter().filter(|event| matches!(event.kind, EventKind::Http(_)));
    write_lines(&folder.join(HTTP), exchanges)?;
    if let Some(coverage) = &run.coverage {
        let mut text = serde_json::to_string_pretty(coverage)?;
        text.push('\n');
        fs::write(folder.join(CHIP), text)?;
    }
    Ok(())
}

fn write_lines<T: Serialize>(path: &Path, items: impl Iterator<Item = T>) -> io::Result<()> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    for item in items {
        serde_json::to_writer(&mut file, &item)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}
