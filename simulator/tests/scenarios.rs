//! Every scenario file under `scenarios/` is a test, named by its path, so that `cargo test -p simulator --test
//! scenarios -- faults/dhcp` runs some of them. A failing one prints what `preflash run` would print and leaves its
//! folder behind. Those of others' images are left to `cargo ci images`.
//!
//! Each of their faults is a test, too: without it the scenario must fail, or else it shows nothing of the fault.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use simulator::report::folder;
use simulator::run::{Case, Name, Results};
use simulator_record::events::Kind;
use simulator_record::random::Seed;
use simulator_scenario::Scenario;
use simulator_scenario::files::scenario_files;
use simulator_scenario::model::{Begin, Check, Expectation, RateCheck};

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
    let without: Vec<Trial> = files.iter().filter_map(|file| without_faults(file)).flatten().collect();
    let trials = files.into_iter().map(trial).chain(without).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Faults without which their scenario passes all the same, and why that is right. That they come at all, their
/// `require-effect` sees to.
const NEED_NOT_SHOW: [(&str, &str, &str); 5] = [
    (
        "scenarios/cloud/server-errors.toml",
        "new server software",
        "a reply in chunks is read like any other; a device that cannot read one stores nothing more",
    ),
    (
        "scenarios/internet/dns-answers.toml",
        "content network",
        "aliases are followed; a device that does not follow them stores nothing meanwhile",
    ),
    (
        "scenarios/sensor/long-cable.toml",
        "slow edges",
        "slow edges are read all the same; a device with narrower limits has no reading meanwhile",
    ),
    (
        "scenarios/time/time-server-without-time.toml",
        "a leap second is announced",
        "the time is right, and taken; a device that wants leap indicator 0 has no time in the minute it has",
    ),
    (
        "scenarios/wifi/lossy-link.toml",
        "microwave oven",
        "TCP repairs what is lost, duplicated and out of order; a device without patience lacks entries",
    ),
];

/// Of each fault of a scenario, that it matters.
fn without_faults(file: &Path) -> Option<impl Iterator<Item = Trial>> {
    let scenario = Arc::new(Scenario::load(file).ok().filter(|_| !runs_image(file))?);
    let count = scenario.faults.len();
    Some((0..count).map(move |place| {
        let scenario = Arc::clone(&scenario);
        let name = format!("{} without {}", scenario.file, scenario.faults[place].name);
        Trial::test(name, move || must_fail_without(&scenario, place))
    }))
}

/// What a scenario expects of the record of its own faults is left out: it would not be met in any case.
fn must_fail_without(scenario: &Scenario, place: usize) -> Result<(), Failed> {
    let mut scenario = scenario.clone();
    let fault = scenario.faults.remove(place);
    let excused = NEED_NOT_SHOW.iter().any(|(file, name, _)| (*file, *name) == (&*scenario.file, &*fault.name));
    if excused && !fault.require_effect {
        return Err("nothing shows that it comes: it needs `require-effect`".into());
    }
    scenario.faults.iter_mut().for_each(|fault| fault.require_effect = false);
    scenario.expectations.retain(|expectation| !looks_at_faults(expectation));
    let outcome = simulator::run::run(&scenario, Seed(scenario.seed));
    match (outcome.passed(), excused) {
        (true, false) => Err("it passes all the same: expect something that only the fault brings about".into()),
        (false, true) => Err("it fails, as it should: take it out of `NEED_NOT_SHOW`".into()),
        (false, false) | (true, true) => Ok(()),
    }
}

/// Whether a scenario runs others' images, which take minutes and have to be fetched: `cargo ci images` runs them. What
/// is wrong with a scenario, its test tells.
fn runs_image(file: &Path) -> bool {
    Scenario::load(file).is_ok_and(|scenario| scenario.devices.iter().any(|device| device.firmware.is_some()))
}

fn looks_at_faults(expectation: &Expectation) -> bool {
    let window = match &expectation.check {
        Check::Events { matcher, window, .. } | Check::Rate(RateCheck { matcher, window, .. }) => {
            if matcher.kind() == Kind::Fault {
                return true;
            }
            window
        }
        Check::StateThroughout { window, .. } => window,
        Check::StateAt { .. } | Check::Channel(_) => return false,
    };
    matches!(&window.open, Begin::After(trigger) if trigger.matcher.kind() == Kind::Fault)
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
    let report = folder::write(&out, &case, &scenario, &results)?;
    Err(format!("{}\n\n{}", scenario.title, report.evidence(&out)).into())
}
