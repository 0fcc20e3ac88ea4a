//! A case's folder, with a file for each row of [`ARTIFACTS`].
//!
//! A sweep's repetitions lie in folders of their own inside it. Where a case was run with several subjects, each of
//! them has a folder for all that is its own; so has each device where a scenario has several. Everything is written
//! beside its place under a temporary name first, much of it while the case is run ([`Draft`]), and then moved, so that
//! nothing half-written ever stands under a file's own name; what an earlier run of the case left is replaced.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use simulator_record::events::Kind;
use simulator_record::recorder::Recorder;
use simulator_record::time::Instant;
use simulator_scenario::model::{self as scenario, Scenario};

use super::artifacts::{self, ARTIFACTS, CaseFacts, DEVICE, device_folder};
use super::compare::{self, Comparison};
use super::duration::format_duration;
use super::{Begun, CaseReport, Failure};
use crate::run::case::{self, REPETITION, SEED};
use crate::run::{Case, Evidence, Name, Results, Run};

/// The folder could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write {path}: {source}", path = path.display())]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

/// A case's folder while the case is run, under a temporary name. It goes away with this unless it is
/// [kept](Draft::keep).
pub struct Draft<'c> {
    case: &'c Case,
    scenario: &'c Scenario,
    /// Where the folder is to be.
    folder: PathBuf,
    draft: PathBuf,
    /// Whether each subject has a folder of its own inside.
    several: bool,
    /// Whether frames are kept, too.
    captures: bool,
    /// What could not be written first.
    failure: RefCell<Option<io::Error>>,
}

impl<'c> Draft<'c> {
    /// Makes a folder beside the case's own below `out`, for a case that is run with one subject or with several.
    ///
    /// # Errors
    /// Whatever the file system says, with the path.
    pub fn new(out: &Path, case: &'c Case, scenario: &'c Scenario, several: bool) -> Result<Self, WriteError> {
        let folder = out.join(case.folder(scenario));
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let draft = folder.with_file_name(format!(".{name}.new"));
        let draft = Self { case, scenario, folder, draft, several, captures: false, failure: RefCell::default() };
        let made = clear(&draft.draft).and_then(|()| fs::create_dir_all(&draft.draft));
        made.map_err(|source| draft.failed_with(source))?;
        Ok(draft)
    }

    /// Keeps the frames of the runs, too, if that is wanted.
    #[must_use]
    pub fn with_captures(mut self, captures: bool) -> Self {
        self.captures = captures;
        self
    }

    /// Makes it the case's folder, in the place of what an earlier run left, and returns what is to be kept of the case
    /// itself.
    ///
    /// # Errors
    /// Whatever the file system says, with the path, also if that was while the case was run. Nothing is left
    /// half-written, under the folder's own name or another.
    pub fn keep(self, results: &Results) -> Result<CaseReport, WriteError> {
        self.check()?;
        let comparisons = compare::comparisons(self.scenario, results);
        // The evidence is read where it lies now.
        let report = CaseReport::new(self.case, self.scenario, results, &comparisons);
        self.finish(results, &comparisons, &report.failures, None)?;
        Ok(report)
    }

    /// The same for a case that was given up, with a file that says so.
    ///
    /// # Errors
    /// As [`Draft::keep`].
    pub fn keep_given_up(self, results: &Results) -> Result<Begun, WriteError> {
        let last = results.outcomes.last().and_then(|on| on.outcome.runs.last());
        let reached = last.map_or(Instant::START, |run| run.end);
        let mut place = String::new();
        if let Some(on) = results.outcomes.last().filter(|_| self.several) {
            place += &format!(" on {}", on.name);
        }
        if let Some(run) = last.filter(|run| run.repetition > 0) {
            place += &format!(" in repetition {}", run.repetition);
        }
        let mark = format!(
            "The run was interrupted{place} at {} of {}.\nWhat happened until then is here; nothing of it was judged.\n",
            format_duration(reached.since_start()),
            format_duration(self.scenario.duration)
        );
        self.check()?;
        let folder = self.case.folder(self.scenario);
        self.finish(results, &[], &[], Some(&mark))?;
        Ok(Begun { reached, folder })
    }

    /// What could not be written while the case was run.
    ///
    /// # Errors
    /// That.
    pub fn check(&self) -> Result<(), WriteError> {
        match self.failure.take() {
            Some(source) => Err(self.failed_with(source)),
            None => Ok(()),
        }
    }

    fn finish(
        self,
        results: &Results,
        comparisons: &[Comparison],
        failures: &[Failure],
        given_up: Option<&str>,
    ) -> Result<(), WriteError> {
        let completed = self.complete(results, comparisons, failures, given_up);
        completed.and_then(|()| self.take_place()).map_err(|source| self.failed_with(source))
    }

    /// Writes what is made of runs that are over.
    fn complete(
        &self,
        results: &Results,
        comparisons: &[Comparison],
        failures: &[Failure],
        given_up: Option<&str>,
    ) -> io::Result<()> {
        for on in &results.outcomes {
            for run in &on.outcome.runs {
                let folder = self.run_folder(on.name, run.repetition);
                if run.record.is_none() {
                    write_down(&folder, run, self.scenario)?;
                }
                artifacts::write_run(&folder, run)?;
            }
        }
        let command = self.case.command(self.scenario);
        let inputs = self.case.inputs(self.scenario);
        let facts = CaseFacts {
            case: self.case,
            scenario: self.scenario,
            results,
            failures,
            record: &|subject, repetition| self.events(subject, repetition),
            command: &command,
            inputs: &inputs,
            comparisons,
            given_up,
        };
        artifacts::write_case(&self.draft, &facts)
    }

    fn take_place(&self) -> io::Result<()> {
        // Other cases may have folders inside this one (one scenario's path can be the beginning of another's), so only
        // what this case writes, or wrote earlier, is replaced.
        fs::create_dir_all(&self.folder)?;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            // Folders of seeds are cases of their own.
            let result = is_result(Path::new(&name)) && !name.to_string_lossy().starts_with(SEED);
            if result || is_of_a_device(&entry.path()) {
                clear(&entry.path())?;
            }
        }
        for entry in fs::read_dir(&self.draft)? {
            let entry = entry?;
            let target = self.folder.join(entry.file_name());
            clear(&target)?;
            fs::rename(entry.path(), target)?;
        }
        fs::remove_dir(&self.draft)
    }

    /// Where what is a run's own lies until it is kept.
    fn run_folder(&self, subject: Name, repetition: u32) -> PathBuf {
        let mut folder = self.draft.clone();
        if self.several {
            folder.push(case::subject_folder(subject));
        }
        if repetition > 0 {
            folder.push(format!("{REPETITION}{repetition}"));
        }
        folder
    }

    fn failed_with(&self, source: io::Error) -> WriteError {
        WriteError { path: self.folder.clone(), source }
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        // On a full disk the draft is in everybody's way; if it cannot be removed, the first failure is the one to
        // tell.
        let _ = clear(&self.draft);
    }
}

impl Evidence for Draft<'_> {
    fn open(&self, subject: Name, repetition: u32) -> io::Result<Box<dyn Recorder>> {
        let folder = self.run_folder(subject, repetition);
        fs::create_dir_all(&folder)?;
        Ok(Box::new(artifacts::recorder(&folder, self.scenario, self.captures)?))
    }

    fn events(&self, subject: Name, repetition: u32) -> PathBuf {
        self.run_folder(subject, repetition).join(artifacts::EVENTS)
    }

    fn asks_for(&self, kind: Kind) -> bool {
        // What the emulated chip tells of a crash stands below a failure.
        matches!(kind, Kind::Crash | Kind::Watchdog) || self.several && compare::KINDS.contains(&kind)
    }

    fn failed(&self, error: io::Error) {
        self.failure.borrow_mut().get_or_insert(error);
    }
}

/// Writes what happened in a run that was kept in memory.
fn write_down(folder: &Path, run: &Run, scenario: &Scenario) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut recorder = artifacts::recorder(folder, scenario, false)?;
    run.events.iter().try_for_each(|event| recorder.event(event))?;
    recorder.finish()
}

/// Writes the folder of a case below `out` whose runs were kept in memory, and returns what is to be kept of the case.
///
/// # Errors
/// As [`Draft::keep`].
pub fn write(out: &Path, case: &Case, scenario: &Scenario, results: &Results) -> Result<CaseReport, WriteError> {
    Draft::new(out, case, scenario, results.outcomes.len() > 1)?.keep(results)
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
            if is_result(Path::new(&name)) || is_of_a_device(&folder.join(&name)) {
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

/// Two scenarios would leave their output in the same place.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("could not run {first} and {second} together: both would leave their output in {folder}; run them one by one, with --out elsewhere", folder = .folder.display())]
pub struct Clash {
    first: String,
    second: String,
    folder: PathBuf,
}

/// Refuses files whose folders are the same, or lie where another's results do. One inside another is fine otherwise:
/// `duck.toml` and `duck/swims.toml`. Each file comes with its devices.
///
/// # Errors
/// The first two that clash.
pub fn refuse_clashes<'f>(files: impl IntoIterator<Item = (&'f str, &'f [scenario::Device])>) -> Result<(), Clash> {
    let mut owners: BTreeMap<PathBuf, (&str, &[scenario::Device])> = BTreeMap::new();
    for (file, devices) in files {
        let folder = case::folder(file);
        if let Some(other) = owners.insert(folder.clone(), (file, devices)) {
            return Err(Clash { first: other.0.to_owned(), second: file.to_owned(), folder });
        }
    }
    for (folder, (file, _)) in &owners {
        let mut inner = folder.as_path();
        while let (Some(outer), Some(name)) = (inner.parent(), inner.file_name().and_then(|name| name.to_str())) {
            let device = |device: &scenario::Device| device.name.as_ref().is_some_and(|its| name == device_folder(its));
            if let Some((owner, devices)) = owners.get(outer)
                && (is_result(Path::new(name)) || devices.iter().any(device))
            {
                return Err(Clash { first: (*owner).to_owned(), second: (*file).to_owned(), folder: inner.to_owned() });
            }
            inner = outer;
        }
    }
    Ok(())
}

/// Whether a name in a scenario's folder is one that a run of the scenario gives.
pub fn is_result(name: &Path) -> bool {
    let Some(name) = name.to_str() else { return false };
    let numbered = |prefix| {
        name.strip_prefix(prefix).is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    let subject = Name::ALL.iter().any(|subject| case::subject_folder(*subject) == name);
    ARTIFACTS.iter().any(|artifact| artifact.file == name) || numbered(REPETITION) || numbered(SEED) || subject
}

/// Whether a folder in a scenario's folder is that of one of its devices, and not another scenario's, which says how to
/// run it again.
fn is_of_a_device(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(DEVICE)) && !folder.join(artifacts::REPRODUCE).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_that_would_write_to_one_folder_are_refused() {
        let alone = |file: &'static str| (file, [].as_slice());
        let fine = ["a.toml", "a/b.toml", "a/on-air.toml", "seed-1.toml", "a/device-kitchen.toml"];
        assert_eq!(refuse_clashes(fine.map(alone)), Ok(()));
        for (first, second, folder) in [
            ("a/x.toml", "../a/x.toml", "a/x"),
            ("x.toml", "/x.toml", "x"),
            ("a.toml", "a/repetition-1.toml", "a/repetition-1"),
            ("a.toml", "a/seed-12/x.toml", "a/seed-12"),
            ("a.toml", "a/on-host/x.toml", "a/on-host"),
            ("a.toml", "a/serial.log.toml", "a/serial.log"),
        ] {
            let expected = Clash { first: first.to_owned(), second: second.to_owned(), folder: folder.into() };
            assert_eq!(refuse_clashes([first, second].map(alone)), Err(expected), "{first} {second}");
        }
        let kitchen = [scenario::Device { name: Some("kitchen".into()), ..scenario::Device::default() }];
        let clash = refuse_clashes([("a.toml", kitchen.as_slice()), ("a/device-kitchen.toml", [].as_slice())]);
        assert_eq!(clash.unwrap_err().folder, Path::new("a/device-kitchen"));
    }
}
