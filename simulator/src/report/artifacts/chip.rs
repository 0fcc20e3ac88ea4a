//! `chip.json`: what the emulated chip answered itself.

use super::{Artifact, Made};

pub(super) const CHIP: Artifact = Artifact {
    file: "chip.json",
    about: "on the emulated chip: which functions of the boot ROM and of the SDK were answered at function level and how often (`boot-rom`, `sdk`), and what was touched that is not modelled (`not-modelled`, as the event)",
    made: Made::OfRun(|run| {
        let coverage = run.coverage.as_ref()?;
        let mut text = serde_json::to_string_pretty(coverage).expect("coverage is plain data");
        text.push('\n');
        Some(text)
    }),
};
