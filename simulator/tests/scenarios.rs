//! Every scenario file under `scenarios/` is a test, named by its path, so that `cargo test -p simulator --test
//! scenarios -- faults/dhcp` runs some of them. A failing one prints what `preflash run` would print and leaves its
//! folder behind. Those of others' images are left to `cargo ci images`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use simulator::report::{CaseReport, folder};
use simulator::run::{Case, Name, Results};
use simulator_record::random::Seed;
use simulator_scenario::Scenario;
use simulator_scenario::files::scenario_files;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Scenarios are named as they are from the workspace's folder, where the commands in the evidence work, too.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace");
    std::env::set_current_dir(workspace).expect("the workspace's folder can be entered");
    let files = scenario_files(&[PathBuf::from("scenarios")]).unwrap_or_else(|error| panic!("{error}"));
    let trial = |file: PathBuf| {
        let is_long = runs_image(&file);
        Trial::test(file.display().to_string(), move || check(&file)).with_ignored_flag(is_long)
    };
    let trials = files.into_iter().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Whether a scenario runs others' images, which take minutes and have to be fetched: `cargo ci images` runs them. What
/// is wrong with a scenario, its test tells.
fn runs_image(file: &Path) -> bool {
    Scenario::load(file).is_ok_and(|scenario| scenario.devices.iter().any(|device| device.firmware.is_some()))
}

fn check(file: &Path) -> Result<(), Failed> {
    let scenario = Scenario::load(file).map_err(|mistakes| mistakes.to_string())?;
    let case = Case { scenario: 0, seed: Seed(scenario.seed), seed_named: false, reproduce: Arc::default() };
    let outcome = simulator::run::run(&scenario, case.seed);
    if outcome.passed() {
        return Ok(());
    }
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenarios");
    let results = Results::of(Name::Host, outcome);
    folder::write(&out, &case, &scenario, &results)?;
    Err(format!("{}\n\n{}", scenario.title, CaseReport::new(&case, &scenario, &results).evidence(&out)).into())
}
