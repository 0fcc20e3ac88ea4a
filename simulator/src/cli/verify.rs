//! `preflash verify`: whether an image is the one that has passed.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use simulator_world::device::esp8266::{Contents, Programming};
use simulator_world::input::{self, Limit};

use super::find::find;
use super::{FAILED, OK, bad_input, complain};
use crate::validation::policy::Policy;
use crate::validation::statement::Statement;
use crate::validation::verify::missing;
use crate::validation::{sha256, subjects};

/// The options of `preflash verify`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash verify target/esp07/vendor             against validated.json
  preflash verify firmware.bin --manifest release.json --policy policy.toml

A policy (TOML):
  require = [\"scenarios/setup\"]                   scenario files or folders that must have passed
  warnings = \"refuse\"                             what touched something that is not modelled is not enough

Exit codes:
  0    the image is validated
  1    it is not, and what is missing is told
  2    bad input")]
pub(super) struct VerifyArgs {
    /// The image, named as for `preflash validate`
    image: PathBuf,
    /// The statement that `preflash validate` has written
    #[arg(long, value_name = "FILE", default_value = "validated.json")]
    manifest: PathBuf,
    /// What the image must have passed, in a TOML file [default: what it was run with]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// In MiB.
const LIMIT: Limit = Limit(16);

/// Says whether the image is validated, and gives the exit code.
pub(super) fn verify(args: &VerifyArgs) -> u8 {
    match attempt(args) {
        Ok(code) => code,
        Err(wrong) => bad_input(wrong),
    }
}

fn attempt(args: &VerifyArgs) -> Result<u8, String> {
    let contents = Programming::read(&args.image).and_then(Contents::new).map_err(|error| error.to_string())?;
    let text = read(&args.manifest)?;
    let in_manifest = |error| format!("could not use {}: {error}", args.manifest.display());
    let statement = Statement::parse(&text).map_err(in_manifest)?;
    let mut policy = match &args.policy {
        None => Policy::default(),
        Some(path) => {
            Policy::parse(&read(path)?).map_err(|error| format!("could not use {}: {error}", path.display()))?
        }
    };
    policy.require = policy.require.iter().flat_map(|required| each_file(required)).collect();
    let now = |name: &str| fs::read(name).ok().map(|bytes| sha256(&bytes));
    let missing = missing(&subjects(&contents), &statement, &policy, now);
    let image = args.image.display();
    if missing.is_empty() {
        let tests = &statement.predicate;
        let (passed, warned) = (tests.passed_tests.len(), tests.warned_tests.len());
        complain(format_args!("{image} is validated: {} cases passed, {warned} with warnings", passed + warned));
        return Ok(OK);
    }
    complain(format_args!("{image} is not validated by {}:", args.manifest.display()));
    for what in missing {
        complain(format_args!("  {what}"));
    }
    Ok(FAILED)
}

/// The scenario files that a policy means by a folder that is here; otherwise what it says.
fn each_file(required: &str) -> Vec<String> {
    let path = PathBuf::from(required);
    let files = if path.is_dir() { find(&[path], &[]).ok() } else { None };
    files.map_or_else(
        || vec![required.to_owned()],
        |files| files.iter().map(|file| file.display().to_string()).collect(),
    )
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = input::bytes(path, LIMIT).map_err(|error| format!("could not read {}: {error}", path.display()))?;
    String::from_utf8(bytes).map_err(|_| format!("could not read {}: it is no UTF-8 text", path.display()))
}
