//! `serial.log`: what a terminal on the serial port would show.

use simulator_record::events::EventKind;

use super::lines;
use super::{Artifact, Made, Of};

pub(super) const SERIAL: Artifact = Artifact {
    file: "serial.log",
    about: "the lines of the device's serial port as a terminal would show them; the time in brackets is the device's own, since it started",
    made: Made::Along(Of::Each, |file| {
        lines::recorder(file, |event, file| match &event.kind {
            EventKind::Serial(serial) => writeln!(file, "{}", serial.line),
            _ => Ok(()),
        })
    }),
};
