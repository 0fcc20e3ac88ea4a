//! `preflash verify`: whether an image is the one that has passed.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use simulator_world::device::esp8266::{Contents, Programming};
use simulator_world::input::{self, Limit};

use super::bundle::{self, BundleArgs, Signature};
use super::find::find;
use super::outputs::{Content, Output};
use super::{FAILED, OK, bad_input, complain};
use crate::validation::policy::Policy;
use crate::validation::statement::{Resource, Statement};
use crate::validation::summary::{Verified, summarize};
use crate::validation::verify::{Missing, missing};
use crate::validation::{sha256, subjects};

/// The options of `preflash verify`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash verify target/esp07/vendor             against validated.json
  preflash verify firmware.bin --manifest release.json --policy policy.toml
  preflash verify firmware.bin --vsa verified.json
                                                  also says so for others
  preflash verify firmware.bin --bundle validated.json.sigstore.json --signer me@example.com --issuer https://accounts.google.com
                                                  and the statement must be signed

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
    /// Write what came of it as a SLSA verification summary, an in-toto statement for whoever trusts the verifier
    #[arg(long, value_name = "FILE")]
    vsa: Option<PathBuf>,
    /// Who verifies: a URI that the summary names
    #[arg(long, value_name = "URI", default_value = "urn:x-preflash:verify")]
    verifier: String,
    #[command(flatten)]
    bundle: BundleArgs,
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
    let contents = contents(&args.image)?;
    let mut vsa = match &args.vsa {
        None => None,
        Some(path) => Some(Output::new(path.clone(), Content::Vsa).map_err(|error| error.to_string())?),
    };
    if let Some(vsa) = &mut vsa {
        vsa.prepare().map_err(|error| error.to_string())?;
    }
    let gate = Gate::look(&contents, &args.manifest, args.policy.as_deref())?;
    let mut missing: Vec<String> = gate.missing.iter().map(ToString::to_string).collect();
    match bundle::check(&args.bundle, &args.manifest)? {
        Signature::NotAsked => {}
        Signature::Good(by) => complain(format_args!("{} is signed, says {by}", args.manifest.display())),
        Signature::Bad { by, why } => missing.push(format!("its signature does not count, says {by}: {why}")),
    }
    if let Some(vsa) = vsa {
        let file = |path: &Path, text: &str| Resource::of(path.display().to_string(), text.as_bytes());
        let policy = match &args.policy {
            None => None,
            Some(path) => Some(file(path, &read(path)?)),
        };
        let text = summarize(&Verified {
            verifier: &args.verifier,
            parts: &subjects(&contents),
            manifest: &file(&args.manifest, &gate.text),
            policy: policy.as_ref(),
            passed: missing.is_empty(),
        });
        vsa.write(&text).map_err(|error| error.to_string())?;
    }
    let image = args.image.display();
    if missing.is_empty() {
        complain(format_args!("{image} is validated: {}", gate.cases()));
        return Ok(OK);
    }
    complain(format_args!("{image} is not validated by {}:", args.manifest.display()));
    for what in missing {
        complain(format_args!("  {what}"));
    }
    Ok(FAILED)
}

/// The contents of the flash that an image's path names.
pub(super) fn contents(image: &Path) -> Result<Contents, String> {
    Programming::read(image).and_then(Contents::new).map_err(|error| error.to_string())
}

/// An image held against a statement.
pub(super) struct Gate {
    /// The statement.
    pub(super) statement: Statement,
    /// Its text.
    pub(super) text: String,
    /// What keeps the image from being validated.
    pub(super) missing: Vec<Missing>,
}

impl Gate {
    /// Reads the statement, and the policy if there is one.
    pub(super) fn look(contents: &Contents, manifest: &Path, policy: Option<&Path>) -> Result<Self, String> {
        let text = read(manifest)?;
        let in_manifest = |error| format!("could not use {}: {error}", manifest.display());
        let statement = Statement::parse(&text).map_err(in_manifest)?;
        let mut policy = match policy {
            None => Policy::default(),
            Some(path) => {
                Policy::parse(&read(path)?).map_err(|error| format!("could not use {}: {error}", path.display()))?
            }
        };
        policy.require = policy.require.iter().flat_map(|required| each_file(required)).collect();
        let now = |name: &str| fs::read(name).ok().map(|bytes| sha256(&bytes));
        let missing = missing(&subjects(contents), &statement, &policy, now);
        Ok(Self { statement, text, missing })
    }

    /// How many cases passed.
    pub(super) fn cases(&self) -> String {
        let tests = &self.statement.predicate;
        let (passed, warned) = (tests.passed_tests.len(), tests.warned_tests.len());
        format!("{} cases passed, {warned} with warnings", passed + warned)
    }
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
