//! `report.html`: what came of a case, for a browser.

use super::{Artifact, Made};
use crate::report::page::{Facts, page};

pub(super) const PAGE: Artifact = Artifact {
    file: "report.html",
    about: "all of this on one page, for a browser and without a network: see [read what happened](../how-to/report.md)",
    made: Made::OfCase(|facts| {
        let scenario = facts.scenario;
        Ok(Some(page(&Facts {
            scenario,
            name: &facts.case.name(scenario).to_string(),
            seed: facts.case.seed.0,
            command: facts.command,
            results: facts.results,
            comparisons: facts.comparisons,
            failures: facts.failures,
            given_up: facts.given_up,
            record: facts.record,
        })?))
    }),
};
