//! What is to be run: scenarios times seeds, in a fixed order, and a share of them.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use crate::random::Seed;
use crate::scenario::model::Scenario;

/// A scenario with a seed.
#[derive(Clone, Debug)]
pub struct Case {
    /// Which of the loaded scenarios.
    pub scenario: usize,
    /// The seed.
    pub seed: Seed,
    /// Whether the seed is part of the case's name: it is when a range of seeds was asked for.
    pub seed_named: bool,
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
    let last: u64 = last.trim_start_matches('=').parse().map_err(|_| ArgumentError::Seeds)?;
    if first > last {
        return Err(ArgumentError::Seeds);
    }
    Ok(Seeds::Range(first..=last))
}

/// The cases of scenarios and seeds, in order, and only the shard's.
pub fn cases(scenarios: &[Scenario], seeds: &Seeds, shard: Option<Shard>) -> Vec<Case> {
    let all = scenarios.iter().enumerate().flat_map(|(index, scenario)| {
        let (range, seed_named) = match seeds {
            Seeds::Own => (scenario.seed..=scenario.seed, false),
            Seeds::One(seed) => (*seed..=*seed, false),
            Seeds::Range(range) => (range.clone(), true),
        };
        range.map(move |seed| Case { scenario: index, seed: Seed(seed), seed_named })
    });
    match shard {
        None => all.collect(),
        Some(Shard { number, of }) => all.skip(number - 1).step_by(of).collect(),
    }
}

impl Case {
    /// The case's folder below the output folder.
    pub fn folder(&self, scenario: &Scenario) -> PathBuf {
        // Only names count: a path that leads up or starts at the root must not lead out of the output folder.
        let file = PathBuf::from(&scenario.file).with_extension("");
        let mut folder: PathBuf =
            file.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect();
        if self.seed_named {
            folder.push(format!("seed-{}", self.seed.0));
        }
        folder
    }

    /// The case's name in reports.
    pub fn name<'a>(&self, scenario: &'a Scenario) -> CaseName<'a> {
        CaseName { file: &scenario.file, seed: self.seed_named.then_some(self.seed.0) }
    }

    /// The command that runs this case alone, from the project's folder.
    pub fn command(&self, scenario: &Scenario) -> String {
        format!("cargo run --release -- run {} --seed {}", shell_word(&scenario.file), self.seed.0)
    }
}

/// `faults/late-reply.toml`, or with its seed: `faults/late-reply.toml (seed 7)`.
#[derive(Clone, Copy, Debug)]
pub struct CaseName<'a> {
    file: &'a str,
    seed: Option<u64>,
}

impl fmt::Display for CaseName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file)?;
        match self.seed {
            Some(seed) => write!(f, " (seed {seed})"),
            None => Ok(()),
        }
    }
}

/// A path as a shell takes it.
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
        for wrong in ["9..1", "1", "..", "x..2"] {
            assert_eq!(parse_seeds(wrong), Err(ArgumentError::Seeds), "{wrong}");
        }
    }

    #[test]
    fn words_with_spaces_are_quoted() {
        assert_eq!(shell_word("scenarios/normal/one-day.toml"), "scenarios/normal/one-day.toml");
        assert_eq!(shell_word("my files/it's.toml"), r"'my files/it'\''s.toml'");
    }
}
