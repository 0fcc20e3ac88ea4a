//! `preflash validate`: scenarios with an image as it is flashed, and a statement of what passed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use simulator_scenario::model::Scenario;
use simulator_world::device::esp8266::Contents;

use super::outputs::{Content, Output};
use super::run::{Purpose, RunArgs, parse_jobs, run_for};
use super::{bad_input, complain};
use crate::report::Session;
use crate::run::case::{self, Seeds};
use crate::run::{Executor, On, Subject};
use crate::validation::{self, Files, Made, statement::Verdict};

/// The options of `preflash validate`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash validate target/esp07/vendor           the yellow duck's image with every scenario below ./scenarios
  preflash validate firmware.bin my-scenarios     any image with scenarios that name none of their own
  preflash validate firmware.bin my.toml --seeds 1..100 --manifest release.json

The image runs whole, as it is flashed. The statement (validated.json) names its parts with their offsets and digests,
the scenarios, the seeds, and what came of each. `preflash verify` holds an image against it.

Exit codes:
  0    everything passed, and the statement says so
  1    something did not, and the statement says so
  2    bad input: nothing is stated
  101 and above: as of `preflash run`; nothing is stated")]
pub(super) struct ValidateArgs {
    /// The image: a file as it is flashed from the beginning of the flash on, a folder whose files say their offsets by
    /// their names (0x10000.bin), or a list of offsets and files
    image: PathBuf,
    /// Scenario files, or folders of them [default: scenarios]
    paths: Vec<PathBuf>,
    /// Leave out this scenario file, or all in this folder; may be given again
    #[arg(long, value_name = "PATH")]
    exclude: Vec<PathBuf>,
    /// Run each scenario with each of these seeds
    #[arg(long, value_name = "A..B", value_parser = case::parse_seeds)]
    seeds: Option<Seeds>,
    /// How many scenarios to run at once [default: one for each processor]
    #[arg(long, short, value_name = "N", value_parser = parse_jobs)]
    jobs: Option<NonZeroUsize>,
    /// The ELF file that the image was made of, for names and back traces [default: the one in the image's folder]
    #[arg(long, value_name = "FILE")]
    elf: Option<PathBuf>,
    /// Where the statement is written
    #[arg(long, value_name = "FILE", default_value = "validated.json")]
    manifest: PathBuf,
    /// Where to leave a folder for each scenario, and summary.json
    #[arg(long, value_name = "DIR", default_value = "target/preflash")]
    out: PathBuf,
    /// Also write a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Runs the scenarios, writes the statement and gives the exit code.
pub(super) fn validate(args: &ValidateArgs) -> u8 {
    let mut manifest = match Output::new(args.manifest.clone(), Content::Statement) {
        Ok(manifest) => manifest,
        Err(error) => return bad_input(error),
    };
    if let Err(error) = manifest.prepare() {
        return bad_input(error);
    }
    let mut run = RunArgs::on_chip(&args.paths, &args.image, args.elf.as_deref(), &args.out);
    (run.exclude, run.jobs, run.seeds, run.junit) =
        (args.exclude.clone(), args.jobs, args.seeds.clone(), args.junit.clone());
    run_for(&run, Some(&mut Validation { manifest, args, contents: None, scenarios: BTreeMap::new() }))
}

/// The files of a scenario that has been read before.
fn files(scenario: &str) -> Result<Files, String> {
    let files = RefCell::new(Files::default());
    let note = |path: &Path, text: &str| {
        let mut files = files.borrow_mut();
        if path == Path::new(scenario) {
            files.text = text.to_owned();
        } else {
            files.named.insert(path.display().to_string(), text.to_owned());
        }
    };
    match Scenario::load_noting(Path::new(scenario), &note) {
        Ok(_) => Ok(files.into_inner()),
        Err(mistakes) => Err(mistakes.render(false).trim_end().to_owned()),
    }
}

/// What is wanted of the run.
struct Validation<'a> {
    manifest: Output,
    args: &'a ValidateArgs,
    contents: Option<Arc<Contents>>,
    /// The scenarios' files as they are before the run.
    scenarios: BTreeMap<String, Files>,
}

impl Purpose for Validation<'_> {
    fn before(&mut self, scenarios: &[Scenario], subjects: &[Subject]) -> Result<(), String> {
        let image = self.args.image.display();
        let contents = subjects.iter().find_map(|subject| match &subject.on {
            On::World(Executor::Whole(contents)) => Some(contents),
            On::World(Executor::Host | Executor::Stubs(_)) | On::Rig(_) => None,
        });
        let contents = contents.ok_or_else(|| {
            format!(
                "{image} is linked against stubs in the place of the vendor's SDK, whose functions are answered: what \
                 passes with it says nothing of an image that can be flashed; name one that is linked with the SDK \
                 (ESP8266_NONOS_SDK, see firmware/esp07/README.md)"
            )
        })?;
        let subjects = validation::subjects(contents);
        for scenario in scenarios {
            for own in scenario.images() {
                let same = own.contents().is_ok_and(|own| validation::subjects(&own) == subjects);
                if !same {
                    return Err(format!(
                        "{} names an image of its own that is not {image}, and would say nothing of it; leave it out \
                         with --exclude",
                        scenario.file
                    ));
                }
            }
            self.scenarios.insert(scenario.file.clone(), files(&scenario.file)?);
        }
        self.contents = Some(Arc::clone(contents));
        // What an earlier run has stated goes when nothing keeps this one from stating anew.
        self.manifest.clear().map_err(|error| error.to_string())
    }

    fn after(&mut self, session: &Session) -> Result<(), String> {
        let Some(contents) = &self.contents else { return Ok(()) };
        let program = std::env::current_exe().and_then(fs::read);
        let program = program.map_err(|error| format!("could not read this program for its digest: {error}"))?;
        let made = Made { program: &program, scenarios: std::mem::take(&mut self.scenarios) };
        let statement = validation::state(contents, session, &made);
        self.manifest.write(&statement.to_text()).map_err(|error| error.to_string())?;
        let to = self.args.manifest.display();
        match statement.predicate.result {
            Verdict::Passed => complain(format_args!("validated; stated in {to}")),
            Verdict::Warned => complain(format_args!(
                "validated with warnings: {} cases touched what is not modelled; stated in {to}",
                statement.predicate.warned_tests.len()
            )),
            Verdict::Failed => complain(format_args!("not validated; stated in {to}")),
        }
        Ok(())
    }
}
