//! Files with a line for each event that concerns them.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use simulator_record::events::Event;
use simulator_record::recorder::Recorder;

/// Writes a line for some events.
struct Lines {
    file: BufWriter<File>,
    /// Writes the line of an event, if it has one.
    write: fn(&Event, &mut dyn Write) -> io::Result<()>,
}

/// Writes a line into `file` for each event that has one.
pub(super) fn recorder(file: File, write: fn(&Event, &mut dyn Write) -> io::Result<()>) -> Box<dyn Recorder> {
    Box::new(Lines { file: BufWriter::new(file), write })
}

impl Recorder for Lines {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        (self.write)(event, &mut self.file)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// An event as a line of JSON.
pub(super) fn json(event: &Event, file: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *file, event)?;
    file.write_all(b"\n")
}
