//! What is to be run: scenarios times seeds, in a fixed order, and a share of them.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use simulator_record::random::Seed;
use simulator_scenario::model::{FlashImage, Scenario};
use simulator_world::input::{self, Limit};

use super::Name;
use crate::report::artifacts::{InputFile, Inputs};

/// A scenario with a seed.
#[derive(Clone, Debug)]
pub struct Case {
    /// Which of the loaded scenarios.
    pub scenario: usize,
    /// The seed.
    pub seed: Seed,
    /// Whether the seed is part of the case's name: it is when a range of seeds was asked for.
    pub seed_named: bool,
    /// How it is run again.
    pub reproduce: Arc<Reproduce>,
}

/// The command that a case was run with, without its file and seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reproduce {
    /// How the program is called.
    pub program: &'static str,
    /// Options: ` --on chip`, or nothing.
    pub options: String,
    /// The files of images that the options name.
    pub images: Vec<InputFile>,
}

impl Default for Reproduce {
    /// From the project's folder, without options.
    fn default() -> Self {
        Self { program: "cargo run --release --", options: String::new(), images: Vec::new() }
    }
}

/// The seeds to run each scenario with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// The scenario's own.
    Own,
    /// This one.
    One(u64),
    /// Each of these.
    Range(RangeInclusive<u64>),
}

/// Every `of`-th case, beginning with the `number`-th; both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

/// How many cases may be asked for at once, before a share is taken of them: each leaves a folder and a report.
pub const MOST_CASES: u64 = 100_000;

/// How the folder of one of a sweep's repetitions begins.
pub const REPETITION: &str = "repetition-";
/// How the folder of a seed begins.
pub const SEED: &str = "seed-";

/// The cases cannot be run together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CaseError {
    /// There are more than [`MOST_CASES`].
    #[error("could not run {0} cases: {MOST_CASES} at a time are the most; take fewer seeds")]
    TooMany(u128),
}

/// An argument of the command line is not of its form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArgumentError {
    /// `--shard`.
    #[error("expected K/N with K from 1 to N, such as 2/4")]
    Shard,
    /// `--seeds`.
    #[error("expected A..B with A no greater than B, such as 1..100 (both run)")]
    Seeds,
}

impl Shard {
    /// Whether the `index`-th of all is in it, from 0.
    pub fn takes(self, index: u64) -> bool {
        index % self.of as u64 == self.number as u64 - 1
    }

    /// Which one it is, from 1, and of how many.
    pub fn place(self) -> (usize, usize) {
        (self.number, self.of)
    }
}

/// `2/4`.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl Serialize for Shard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl FromStr for Shard {
    type Err = ArgumentError;

    fn from_str(text: &str) -> Result<Self, ArgumentError> {
        let (number, of) = text.split_once('/').ok_or(ArgumentError::Shard)?;
        let number = number.parse().map_err(|_| ArgumentError::Shard)?;
        let of = of.parse().map_err(|_| ArgumentError::Shard)?;
        if number == 0 || number > of {
            return Err(ArgumentError::Shard);
        }
        Ok(Self { number, of })
    }
}

/// Parses `A..B`.
///
/// # Errors
/// [`ArgumentError::Seeds`] if it is not of that form.
pub fn parse_seeds(text: &str) -> Result<Seeds, ArgumentError> {
    let (first, last) = text.split_once("..").ok_or(ArgumentError::Seeds)?;
    let first: u64 = first.parse().map_err(|_| ArgumentError::Seeds)?;
    let last: u64 = last.strip_prefix('=').unwrap_or(last).parse().map_err(|_| ArgumentError::Seeds)?;
    if first > last {
        return Err(ArgumentError::Seeds);
    }
    Ok(Seeds::Range(first..=last))
}

/// The cases of scenarios and seeds, in order, and only the shard's; `reproduce` is how one of them is run again.
///
/// # Errors
/// If there are too many, before the share is taken.
pub fn cases(
    scenarios: &[Scenario],
    seeds: &Seeds,
    shard: Option<Shard>,
    reproduce: Reproduce,
) -> Result<Vec<Case>, CaseError> {
    let each = match seeds {
        Seeds::Own | Seeds::One(_) => 1,
        Seeds::Range(range) => u128::from(range.end() - range.start()) + 1,
    };
    let count = each * scenarios.len() as u128;
    if count > MOST_CASES.into() {
        return Err(CaseError::TooMany(count));
    }
    let reproduce = Arc::new(reproduce);
    let all = scenarios.iter().enumerate().flat_map(|(index, scenario)| {
        let (range, seed_named) = match seeds {
            Seeds::Own => (scenario.seed..=scenario.seed, false),
            Seeds::One(seed) => (*seed..=*seed, false),
            Seeds::Range(range) => (range.clone(), true),
        };
        let reproduce = Arc::clone(&reproduce);
        range.map(move |seed| Case { scenario: index, seed: Seed(seed), seed_named, reproduce: Arc::clone(&reproduce) })
    });
    Ok(match shard {
        None => all.collect(),
        Some(Shard { number, of }) => all.skip(number - 1).step_by(of).collect(),
    })
}

/// The folder of a scenario file below the output folder: its path without `.toml`.
///
/// Only names count: a path that leads up or starts at the root must not lead out of the output folder.
pub fn folder(file: &str) -> PathBuf {
    let file = PathBuf::from(file).with_extension("");
    file.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// The folder of a subject inside its case's, where a case is run with more than one.
pub fn subject_folder(subject: Name) -> String {
    format!("on-{subject}")
}

impl Case {
    /// The case's folder below the output folder.
    pub fn folder(&self, scenario: &Scenario) -> PathBuf {
        let mut folder = folder(&scenario.file);
        if self.seed_named {
            folder.push(format!("{SEED}{}", self.seed.0));
        }
        folder
    }

    /// The case's name in reports.
    pub fn name<'a>(&self, scenario: &'a Scenario) -> CaseName<'a> {
        CaseName { file: &scenario.file, seed: self.seed_named.then_some(self.seed.0) }
    }

    /// The command that runs this case alone.
    pub fn command(&self, scenario: &Scenario) -> String {
        let file = shell_path(&scenario.file);
        let Reproduce { program, options, .. } = &*self.reproduce;
        format!("{program} run {file} --seed {}{options}", self.seed.0)
    }
}

impl Case {
    /// What the case is run from.
    pub fn inputs(&self, scenario: &Scenario) -> Inputs {
        let own = scenario
            .sources
            .iter()
            .map(|source| InputFile { file: source.file.clone(), sha256: Some(hex::encode(source.sha256)) });
        let images = scenario.images().flat_map(FlashImage::paths).map(digest);
        Inputs {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: scenario.file.clone(),
            text: scenario.sources.iter().find_map(|it| it.text.as_deref()).unwrap_or_default().to_owned(),
            seed: self.seed.0,
            seed_named: self.seed_named,
            files: own.chain(images).chain(self.reproduce.images.iter().cloned()).collect(),
        }
    }
}

/// The largest file that takes part in a run: an image.
const LARGEST: Limit = Limit(256);

/// What is in a file, as far as it can be read.
pub fn digest(path: &Path) -> InputFile {
    let bytes = input::bytes(path, LARGEST).ok();
    InputFile { file: path.display().to_string(), sha256: bytes.map(|bytes| hex::encode(Sha256::digest(bytes))) }
}

/// `faults/late-reply.toml`, or with its seed: `faults/late-reply.toml, seed 7`.
#[derive(Clone, Copy, Debug)]
pub struct CaseName<'a> {
    file: &'a str,
    seed: Option<u64>,
}

impl fmt::Display for CaseName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file)?;
        match self.seed {
            Some(seed) => write!(f, ", seed {seed}"),
            None => Ok(()),
        }
    }
}

/// A path as an argument in a shell: one that begins like an option has something before it.
pub fn shell_path(path: &str) -> String {
    let folder = if path.starts_with('-') { "./" } else { "" };
    shell_word(&format!("{folder}{path}"))
}

/// A text as a shell takes it.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:=@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_parsed_and_refused() {
        assert_eq!("2/4".parse(), Ok(Shard { number: 2, of: 4 }));
        for wrong in ["0/4", "5/4", "1", "a/b", "1/0"] {
            assert_eq!(wrong.parse::<Shard>(), Err(ArgumentError::Shard), "{wrong}");
        }
    }

    #[test]
    fn seeds_are_parsed_and_refused() {
        assert_eq!(parse_seeds("1..100"), Ok(Seeds::Range(1..=100)));
        assert_eq!(parse_seeds("7..=7"), Ok(Seeds::Range(7..=7)));
        for wrong in ["9..1", "1", "..", "x..2", "1..==2"] {
            assert_eq!(parse_seeds(wrong), Err(ArgumentError::Seeds), "{wrong}");
        }
    }

    fn scenario(file: &str) -> Scenario {
        let text = "title = 'A duck'\nduration = '1m'\n[[expect]]\nevent.boot = {}\n";
        Scenario::parse(file, text, &|name| Err(format!("{name} is not needed"))).unwrap()
    }

    #[test]
    fn more_cases_than_anybody_can_wait_for_are_refused() {
        let scenarios = [scenario("a.toml"), scenario("b.toml")];
        let count =
            |seeds| cases(&scenarios, &Seeds::Range(seeds), None, Reproduce::default()).map(|cases| cases.len());
        assert_eq!(count(1..=50_000), Ok(100_000));
        assert_eq!(count(1..=50_001), Err(CaseError::TooMany(100_002)));
        assert_eq!(count(0..=u64::MAX), Err(CaseError::TooMany(2 << 64)));
    }

    #[test]
    fn a_file_that_looks_like_an_option_is_named_as_a_file() {
        let case = Case { scenario: 0, seed: Seed(7), seed_named: false, reproduce: Arc::default() };
        assert_eq!(case.command(&scenario("-x.toml")), "cargo run --release -- run ./-x.toml --seed 7");
        assert_eq!(case.command(&scenario("x.toml")), "cargo run --release -- run x.toml --seed 7");
    }

    #[test]
    fn words_with_spaces_are_quoted() {
        assert_eq!(shell_word("scenarios/normal/one-day.toml"), "scenarios/normal/one-day.toml");
        assert_eq!(shell_word("my files/it's.toml"), r"'my files/it'\''s.toml'");
    }
}
