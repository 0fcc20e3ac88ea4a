//! `preflash replay`: a case's folder run again, and held against what it was.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Parser};
use serde::Serialize;
use simulator_record::time::Instant;
use simulator_scenario::Scenario;

use super::check::print_mistakes;
use super::run::RunArgs;
use super::signals::{self, Interruption};
use super::subjects::{SubjectError, with_images};
use super::{BAD_INPUT, ERROR, FAILED, Format, GOOD, OK, bad_input, written};
use crate::report::artifacts::{AIR, EVENTS, INPUTS_FILE, INTERRUPTED, Inputs, REPRODUCE};
use crate::report::folder;
use crate::run::case::{self, Reproduce, Seeds};
use crate::run::watch::{Stop, Watch};
use crate::run::{self};

/// The options of `preflash replay`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash replay target/preflash/my              runs the case again and compares all of its files
  preflash replay target/preflash/my/seed-7       of a run with many seeds, one of them
  preflash replay DIR --format json               the same for other programs

Exit codes:
  0    the same to the byte
  1    something differs; it says which input has changed, and the first event that differs
  2    the folder is none of a case, or an argument is wrong
  130  interrupted (Ctrl-C, SIGINT)")]
pub(super) struct ReplayArgs {
    /// The case's folder, with inputs.json and reproduce.txt in it
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What to print: lines for people, or one JSON document
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{folder} is no folder of a case: {reason}", folder = folder.display())]
    NoCase { folder: PathBuf, reason: String },
    #[error("{folder} was interrupted before it was over: nothing says what the rest would have been", folder = .0.display())]
    Interrupted(PathBuf),
    #[error(transparent)]
    Subject(#[from] SubjectError),
    #[error("it was run on a real board, which does nothing twice in the same way")]
    Device,
    #[error(transparent)]
    Write(#[from] folder::WriteError),
    #[error("could not compare: {0}")]
    Io(#[from] io::Error),
}

/// What the comparison found.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Found {
    same: bool,
    files: usize,
    events: u64,
    /// Inputs that are not what they were, in words.
    changed: Vec<String>,
    /// The first event that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Differs>,
    /// Files that differ, are missing, or are new.
    differ: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Differs {
    file: String,
    line: u64,
    /// Virtual time.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_seconds: Option<f64>,
    /// The same, as a person reads it.
    #[serde(skip)]
    at: Option<Instant>,
    was: Option<String>,
    is: Option<String>,
}

/// The command of `reproduce.txt`.
#[derive(Parser)]
struct Again {
    #[command(flatten)]
    run: RunArgs,
}

pub(super) fn replay(args: &ReplayArgs) -> u8 {
    match attempt(args) {
        Ok(code) => code,
        Err(trouble) => bad_input(trouble),
    }
}

fn attempt(args: &ReplayArgs) -> Result<u8, Trouble> {
    let no_case = |reason: String| Trouble::NoCase { folder: args.folder.clone(), reason };
    let read = |name: &str| {
        fs::read_to_string(args.folder.join(name))
            .map_err(|error| no_case(format!("{name}: {error}; `preflash run` leaves one")))
    };
    let inputs: Inputs =
        serde_json::from_str(&read(INPUTS_FILE)?).map_err(|error| no_case(format!("{INPUTS_FILE}: {error}")))?;
    if args.folder.join(INTERRUPTED).exists() {
        return Err(Trouble::Interrupted(args.folder.clone()));
    }
    let command = read(REPRODUCE)?;
    let arguments = [Reproduce::default().program, "preflash"].iter().find_map(|program| command.strip_prefix(program));
    let options = arguments.map(words).filter(|words| words.first().is_some_and(|word| word == "run"));
    let options = options.ok_or_else(|| no_case(format!("{REPRODUCE} has no command that runs it")))?;
    let Again { run: again } = Again::try_parse_from(options)
        .map_err(|error| no_case(format!("{REPRODUCE}: {}", error.to_string().lines().next().unwrap_or_default())))?;
    if again.subjects.is_device() {
        return Err(Trouble::Device);
    }
    let Some(scenario) = load(&inputs) else { return Ok(BAD_INPUT) };
    let scenarios = with_images(vec![scenario], &[PathBuf::from(&inputs.scenario)])?;
    let subjects = again.subjects.subjects(&scenarios)?;
    let reproduce = Reproduce {
        program: if command.starts_with("preflash") { "preflash" } else { Reproduce::default().program },
        options: again.options(),
        images: again.subjects.image_files(),
    };
    // One of several seeds has its seed in its name, in the page as well.
    let seed = inputs.seed;
    let seeds = if inputs.seed_named { Seeds::Range(seed..=seed) } else { Seeds::One(seed) };
    let cases = case::cases(&scenarios, &seeds, None, reproduce).expect("one case is not too many");
    let (case, scenario) = (&cases[0], &scenarios[0]);
    let place = tempfile::tempdir()?;
    let (stop, interruption) = (Stop::default(), Interruption::default());
    signals::heed(&stop, &interruption)?;
    let captures = again.capture || args.folder.join(AIR).exists();
    let draft = folder::Draft::new(place.path(), case, scenario, subjects.len() > 1)?.with_captures(captures);
    let watch = Watch::new(stop);
    let results = run::results(scenario, case.seed, &subjects, again.twice(), &watch, Some(&draft));
    let Ok(results) = results else {
        draft.check()?;
        return Ok(interruption.cause().map_or(FAILED, signals::Cause::code));
    };
    let now = place.path().join(draft.keep(&results)?.folder);
    let mut found = compare(&args.folder, &now)?;
    found.changed = changed(&inputs, &case.inputs(scenario));
    found.same = found.differ.is_empty() && found.changed.is_empty();
    let code = if found.same { OK } else { FAILED };
    Ok(written(print(args, &found), "what was found", code))
}

/// The scenario as it is now; as it was, if it is not there any more.
fn load(inputs: &Inputs) -> Option<Scenario> {
    let path = Path::new(&inputs.scenario);
    let loaded = if path.exists() {
        Scenario::load(path)
    } else {
        let folder = path.parent().unwrap_or(Path::new(""));
        let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
        Scenario::parse(&inputs.scenario, &inputs.text, &read)
    };
    loaded.map_err(|mistakes| print_mistakes(&[mistakes])).ok()
}

/// What is not what it was.
fn changed(was: &Inputs, is: &Inputs) -> Vec<String> {
    let mut changed = Vec::new();
    if was.version != is.version {
        changed.push(format!("preflash: it was {}, this is {}", was.version, is.version));
    }
    if was.text != is.text {
        if is.text.is_empty() {
            changed.push(format!("scenario {}: it is not there; as it was, it was run again", was.scenario));
        } else {
            let lines = (1..).zip(was.text.lines().zip(is.text.lines())).find(|(_, (was, is))| was != is);
            changed.push(match lines {
                Some((number, (was_line, is_line))) => {
                    format!("scenario {}, line {number}: it was `{was_line}`, is `{is_line}`", was.scenario)
                }
                None => format!("scenario {}: its end", was.scenario),
            });
        }
    }
    let own = |file: &str| file == was.scenario;
    for before in was.files.iter().filter(|file| !own(&file.file)) {
        match is.files.iter().find(|file| file.file == before.file) {
            Some(now) if now.sha256 == before.sha256 => {}
            Some(now) => {
                let [was, is] = [before, now].map(|file| match &file.sha256 {
                    Some(digest) => format!("with {}", digest.get(..12).unwrap_or(digest)),
                    None => "with nothing: it could not be read".to_owned(),
                });
                changed.push(format!("{}: its SHA-256 began {was}, now {is}", before.file));
            }
            // What a scenario that is not there named was read as it is now.
            None if is.files.is_empty() => {}
            None => changed.push(format!("{}: it takes part no more", before.file)),
        }
    }
    for now in is.files.iter().filter(|file| !own(&file.file) && was.files.iter().all(|it| it.file != file.file)) {
        changed.push(format!("{}: it took no part before", now.file));
    }
    changed
}

/// Compares all files of two folders of a case.
fn compare(was: &Path, is: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    let files: BTreeSet<PathBuf> = files(was, was)?.into_iter().chain(files(is, is)?).collect();
    for file in &files {
        let (before, now) = (was.join(file), is.join(file));
        if !before.exists() || !now.exists() {
            let what = if before.exists() { "is not made any more" } else { "was not there before" };
            found.differ.push(format!("{}: {what}", file.display()));
            continue;
        }
        found.files += 1;
        let is_record = file.file_name().is_some_and(|name| name == EVENTS);
        let (events, differs) = lines(&before, &now)?;
        if is_record {
            found.events += events;
        }
        if let Some((line, was, is)) = differs {
            found.differ.push(format!("{}, line {line}", file.display()));
            if is_record && found.event.is_none() {
                let at =
                    was.as_ref().or(is.as_ref()).and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok());
                let at = at.and_then(|event| event["at"].as_u64()).map(Instant::from_nanos);
                let at_seconds = at.map(|at| at.since_start().as_secs_f64());
                found.event = Some(Differs { file: file.display().to_string(), line, at_seconds, at, was, is });
            }
        }
    }
    Ok(found)
}

/// The files of a case below a folder; those of other seeds are other cases.
fn files(root: &Path, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if folder::is_result(Path::new(&name)) && !name.starts_with(case::SEED) || name.starts_with("device-") {
                found.extend(files(root, &path)?);
            }
        } else if folder::is_result(Path::new(&name)) && name != INPUTS_FILE {
            found.push(path.strip_prefix(root).unwrap_or(&path).to_owned());
        }
    }
    Ok(found)
}

/// The first line in which two files differ.
type Line = (u64, Option<String>, Option<String>);

/// How many lines two files have in common, and the first in which they differ.
fn lines(was: &Path, is: &Path) -> io::Result<(u64, Option<Line>)> {
    let mut was = BufReader::new(fs::File::open(was)?);
    let mut is = BufReader::new(fs::File::open(is)?);
    let (mut before, mut now) = (Vec::new(), Vec::new());
    for number in 1.. {
        before.clear();
        now.clear();
        let more = was.read_until(b'\n', &mut before)? + is.read_until(b'\n', &mut now)? > 0;
        if !more {
            return Ok((number - 1, None));
        }
        if before != now {
            let text = |line: &[u8]| (!line.is_empty()).then(|| String::from_utf8_lossy(line).trim_end().to_owned());
            return Ok((number - 1, Some((number, text(&before), text(&now)))));
        }
    }
    unreachable!("files end")
}

fn print(args: &ReplayArgs, found: &Found) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    if args.format == Format::Json {
        let text = serde_json::to_string_pretty(found).expect("what was found is plain data");
        return writeln!(out, "{text}");
    }
    if found.same {
        return writeln!(out, "{GOOD}the same{GOOD:#} to the byte: {} files, {} events", found.files, found.events);
    }
    for changed in &found.changed {
        writeln!(out, "{ERROR}changed{ERROR:#}   {changed}")?;
    }
    if found.changed.is_empty() {
        writeln!(out, "no input has changed that {INPUTS_FILE} tells of; preflash may be another build")?;
    }
    if let Some(Differs { file, line, at, was, is, .. }) = &found.event {
        let at = at.map(|at| format!(", at {at} s")).unwrap_or_default();
        writeln!(out, "{ERROR}differs{ERROR:#}   event {line} of {file}{at}")?;
        for (word, event) in [("was", was), ("is", is)] {
            writeln!(out, "          {word:<4}{}", event.as_deref().unwrap_or("nothing more"))?;
        }
    } else if found.differ.is_empty() {
        writeln!(
            out,
            "{GOOD}the same{GOOD:#} to the byte all the same: {} files, {} events",
            found.files, found.events
        )?;
    }
    for differ in &found.differ {
        writeln!(out, "{ERROR}differs{ERROR:#}   {differ}")?;
    }
    Ok(())
}

/// The words of a command as a shell splits it, with single quotes.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut letters = command.trim().chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if !quoted => word.get_or_insert_default().extend(letters.next()),
            letter if letter.is_whitespace() && !quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    #[test]
    fn commands_are_split_as_a_shell_does() {
        let split = super::words("cargo run -- run 'my files/it'\\''s.toml' --seed 7\n");
        assert_eq!(split, ["cargo", "run", "--", "run", "my files/it's.toml", "--seed", "7"]);
    }
}
