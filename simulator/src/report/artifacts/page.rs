//! `report.html`: what came of a case, for a browser.

use super::{Artifact, Made};
use crate::report::page::page;

pub(super) const PAGE: Artifact = Artifact {
    file: "report.html",
    about: "all of this on one page, for a browser and without a network: see [read what happened](../how-to/report.md)",
    made: Made::OfCase(|facts| page(facts).map(Some)),
};
