//! `preflash merge`: the shares of a sweep, added up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::outputs::{Content, Output, OutputError};
use super::sweep::{failing_text, print, share};
use super::{FAILED, Format, OK, bad_input};
use crate::run::case::Shard;
use crate::seeds::report::Sweep;

/// The options of `preflash merge`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash merge shares/*                         each folder is the --out of a `preflash sweep --shard K/N`
  preflash merge shares/1 shares/2 --out all      and leave sweep.json and failing-seeds.txt there

What is written is the same to the byte as what one machine would have left that had run all seeds itself.

Exit codes:
  0    each expectation was met as it must be
  1    some were not
  2    a share is missing, came twice, or is of another sweep; nothing is written")]
pub(super) struct MergeArgs {
    /// Folders with a sweep.json each
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Where to leave sweep.json and failing-seeds.txt
    #[arg(long, value_name = "DIR", default_value = "target/preflash-sweep/merged")]
    out: PathBuf,
    /// What to print: lines for people, or one JSON document
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("could not merge {path}: {reason}", path = path.display())]
    Share { path: PathBuf, reason: String },
    #[error("these shares are missing: {0}")]
    Missing(String),
    #[error(transparent)]
    Output(#[from] OutputError),
}

pub(super) fn merge(args: &MergeArgs) -> u8 {
    match attempt(args) {
        Ok(code) => code,
        Err(trouble) => bad_input(trouble),
    }
}

fn attempt(args: &MergeArgs) -> Result<u8, Trouble> {
    let mut shares: BTreeMap<usize, (Sweep, &Path)> = BTreeMap::new();
    let mut count = None;
    for folder in &args.folders {
        let refuse = |reason: String| Trouble::Share { path: folder.clone(), reason };
        let sweep = read(folder).map_err(refuse)?;
        let (number, of) = sweep.shard.map_or((1, 1), Shard::place);
        if sweep.interrupted {
            return Err(refuse("it ended before all of its seeds were run; run it again".to_owned()));
        }
        let (first, last) = sweep.tally.seeds;
        if first > last {
            return Err(refuse(format!("its seeds are {first}..{last}, which are none")));
        }
        let wanted = share(&(first..=last), sweep.shard);
        if u128::from(sweep.tally.ran) != wanted {
            let ran = sweep.tally.ran;
            return Err(refuse(format!("it says that {ran} seeds were run, and its share has {wanted}; run it again")));
        }
        if *count.get_or_insert(of) != of {
            return Err(refuse(format!("it is one of {of} shares, others are of {}", count.unwrap_or(of))));
        }
        if let Some((_, other)) = shares.get(&number) {
            return Err(refuse(format!("it is share {number}/{of}, and so is {}", other.display())));
        }
        shares.insert(number, (sweep, folder));
    }
    let of = count.unwrap_or(1);
    let missing: Vec<String> =
        (1..=of).filter(|number| !shares.contains_key(number)).map(|it| format!("{it}/{of}")).collect();
    if !missing.is_empty() {
        return Err(Trouble::Missing(missing.join(", ")));
    }
    let mut shares = shares.into_values();
    let (first, _) = shares.next().expect("there is one share or more");
    let mut tally = first.tally;
    for (sweep, folder) in shares {
        tally.merge(&sweep.tally).map_err(|reason| Trouble::Share { path: folder.to_owned(), reason })?;
    }
    let mut report = Output::new(args.out.join("sweep.json"), Content::Sweep)?;
    let mut list = Output::new(args.out.join("failing-seeds.txt"), Content::Failing)?;
    report.prepare()?;
    list.prepare()?;
    list.write(&failing_text(&tally, &BTreeSet::new()))?;
    let sweep = Sweep::new(tally, None, false);
    report.write(&sweep.to_text())?;
    Ok(print(&sweep, args.format, if sweep.passed { OK } else { FAILED }))
}

fn read(folder: &Path) -> Result<Sweep, String> {
    let text = fs::read_to_string(folder.join("sweep.json")).map_err(|error| format!("sweep.json: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("sweep.json: {error}"))
}
