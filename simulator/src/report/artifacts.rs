//! The files that a run leaves in its folder: each has a file of its own here, and a row in [`ARTIFACTS`].
//!
//! A row says what the file is called, what is in it (the page about what a run leaves behind has that), and how it is
//! made: event by event while a run goes on, of a run that is over, or of a whole case.

mod air;
mod bus;
mod chip;
pub(super) mod comparison;
mod events;
mod http;
mod inputs;
mod interrupted;
mod lines;
mod page;
mod reproduce;
mod serial;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use simulator_record::events::{DeviceId, Event};
use simulator_record::recorder::{Edge, Recorder};
use simulator_scenario::model::Scenario;

pub use inputs::{InputFile, Inputs};

use super::Failure;
use super::compare::Comparison;
use super::record::RecordError;
use crate::run::{Case, Name, Results, Run};

/// A file that a run leaves in its folder.
pub struct Artifact {
    /// Its name.
    pub file: &'static str,
    /// What is in it, for the table of the page about what a run leaves behind.
    pub about: &'static str,
    made: Made,
}

/// How a file is made.
#[derive(Clone, Copy)]
enum Made {
    /// Of each run, while it goes on.
    Along(Of, fn(File) -> Box<dyn Recorder>),
    /// Of each run, while it goes on, of all devices and only if captures are wanted: it is large.
    Captured(fn(File, &Scenario) -> io::Result<Box<dyn Recorder>>),
    /// Of each run, once it is over; none if there is nothing to say.
    OfRun(fn(&Run) -> Option<String>),
    /// Of the case; none if there is nothing to say.
    OfCase(fn(&CaseFacts<'_>) -> Result<Option<String>, RecordError>),
}

/// What a file that is written along with a run tells of, where the scenario has several devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// All of them in one.
    All,
    /// Each of them in one of its own.
    Each,
    /// Both.
    AllAndEach,
}

/// How the folder of one of several devices begins.
pub(super) const DEVICE: &str = "device-";

/// The folder of one of several devices.
pub(super) fn device_folder(name: &str) -> String {
    format!("{DEVICE}{name}")
}

/// What is known of a case once it is over, or was given up.
pub(super) struct CaseFacts<'c> {
    pub(super) case: &'c Case,
    pub(super) scenario: &'c Scenario,
    pub(super) results: &'c Results,
    /// What was not as expected.
    pub(super) failures: &'c [Failure],
    /// Where the events of a run with a subject lie, one of a sweep's repetitions or 0.
    pub(super) record: &'c dyn Fn(Name, u32) -> PathBuf,
    /// The command that runs it again.
    pub(super) command: &'c str,
    /// What it was run from.
    pub(super) inputs: &'c Inputs,
    /// What its subjects have in common.
    pub(super) comparisons: &'c [Comparison],
    /// Where and when it was given up, in words, if it was.
    pub(super) given_up: Option<&'c str>,
}

/// All of them.
pub const ARTIFACTS: &[Artifact] = &[
    page::PAGE,
    serial::SERIAL,
    events::EVENTS,
    http::HTTP,
    air::AIR,
    bus::BUS,
    reproduce::REPRODUCE,
    inputs::INPUTS,
    comparison::COMPARISON,
    chip::CHIP,
    interrupted::INTERRUPTED,
];

/// The file that says how a case is run again.
pub const REPRODUCE: &str = reproduce::REPRODUCE.file;

/// The file that says what a case was run from.
pub const INPUTS_FILE: &str = inputs::INPUTS.file;

/// The file that says that a case was interrupted.
pub const INTERRUPTED: &str = interrupted::INTERRUPTED.file;

/// The file with the frames of a run.
pub const AIR: &str = air::AIR.file;

/// The file with all events of a run.
pub const EVENTS: &str = events::EVENTS.file;

/// Opens in a run's folder what is written while the run goes on. Several devices have names, and each has a folder
/// inside.
pub(super) fn recorder(folder: &Path, scenario: &Scenario, captures: bool) -> io::Result<Vec<Box<dyn Recorder>>> {
    let mut recorders: Vec<Box<dyn Recorder>> = Vec::new();
    let named: Vec<(DeviceId, &str)> = (0..)
        .map(DeviceId)
        .zip(&scenario.devices)
        .filter_map(|(id, device)| Some((id, device.name.as_deref()?)))
        .collect();
    for Artifact { file, made, .. } in ARTIFACTS {
        let (of, open) = match *made {
            Made::Along(of, open) => (of, open),
            Made::Captured(open) => {
                if captures {
                    recorders.push(open(File::create(folder.join(file))?, scenario)?);
                }
                continue;
            }
            Made::OfRun(_) | Made::OfCase(_) => continue,
        };
        if named.is_empty() || of != Of::Each {
            recorders.push(open(File::create(folder.join(file))?));
        }
        if of == Of::All {
            continue;
        }
        for (id, name) in &named {
            let folder = folder.join(device_folder(name));
            fs::create_dir_all(&folder)?;
            recorders.push(Box::new(OfDevice { device: *id, recorder: open(File::create(folder.join(file))?) }));
        }
    }
    Ok(recorders)
}

/// Tells a recorder what happens to one device. Frames are the world's: a file of one device has none.
struct OfDevice {
    device: DeviceId,
    recorder: Box<dyn Recorder>,
}

impl Recorder for OfDevice {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        if event.device == Some(self.device) { self.recorder.event(event) } else { Ok(()) }
    }

    fn edge(&mut self, edge: Edge) -> io::Result<()> {
        if edge.device == self.device { self.recorder.edge(edge) } else { Ok(()) }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.recorder.finish()
    }
}

/// Writes into a run's folder what is made of it once it is over.
pub(super) fn write_run(folder: &Path, run: &Run) -> io::Result<()> {
    for Artifact { file, made, .. } in ARTIFACTS {
        if let Made::OfRun(text) = made
            && let Some(text) = text(run)
        {
            fs::write(folder.join(file), text)?;
        }
    }
    Ok(())
}

/// Writes into a case's folder what is made of the case.
pub(super) fn write_case(folder: &Path, facts: &CaseFacts<'_>) -> io::Result<()> {
    for Artifact { file, made, .. } in ARTIFACTS {
        if let Made::OfCase(text) = made
            && let Some(text) = text(facts).map_err(io::Error::other)?
        {
            fs::write(folder.join(file), text)?;
        }
    }
    Ok(())
}
