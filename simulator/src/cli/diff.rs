//! `preflash diff`: where two runs differ.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::{FAILED, Format, OK, bad_input, written};
use crate::report::differ::{Differences, Told, differences};
use crate::report::record::{self, RecordError};

/// The options of `preflash diff`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash diff target/preflash/my before/my                      what a change of the firmware changed
  preflash diff target/preflash/my/on-host target/preflash/my/on-esp8266
                                                                  what the chip did otherwise

Exit codes:
  0    the two are the same
  1    they differ
  2    a folder or an argument is wrong
  141  standard output was closed before all was written")]
pub(super) struct DiffArgs {
    /// The folder that one run has left
    #[arg(value_name = "DIR")]
    first: PathBuf,
    /// The folder that the other run has left
    #[arg(value_name = "DIR")]
    second: PathBuf,
    /// What to print: lines for people, or one JSON document
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(super) fn diff(args: &DiffArgs) -> u8 {
    match compare(args) {
        Ok(found) => {
            let code = if found.same { OK } else { FAILED };
            let out = &mut anstream::stdout().lock();
            let printed = match args.format {
                Format::Json => serde_json::to_writer_pretty(&mut *out, &found)
                    .map_err(io::Error::from)
                    .and_then(|()| out.write_all(b"\n")),
                Format::Human => write(out, &found),
            };
            written(printed, "the differences", code)
        }
        Err(error) => bad_input(error),
    }
}

fn compare(args: &DiffArgs) -> Result<Differences, RecordError> {
    let [first, second] = [&args.first, &args.second].map(|folder| record::in_folder(folder));
    differences(record::read(&first?)?, record::read(&second?)?)
}

fn write(out: &mut impl Write, found: &Differences) -> io::Result<()> {
    let Some(first) = &found.first else { return writeln!(out, "the same, event by event") };
    writeln!(out, "the first event that differs:")?;
    tell(out, "  first   ", first.first.as_ref())?;
    tell(out, "  second  ", first.second.as_ref())?;
    writeln!(out, "\n{:<14} {:>8} {:>8}   first difference, times aside", "lane", "first", "second")?;
    for lane in &found.lanes {
        let name = match lane.device {
            // Devices are told apart where there are several.
            Some(device) if device > 0 => format!("{} ({device})", lane.lane),
            _ => lane.lane.to_owned(),
        };
        let [one, other] = lane.counts;
        write!(out, "{name:<14} {one:>8} {other:>8}   ")?;
        match &lane.differs {
            None if lane.furthest_seconds == 0.0 => writeln!(out, "none")?,
            None => writeln!(out, "none; at most {:+.6} s later in the second", lane.furthest_seconds)?,
            Some(differs) => {
                writeln!(out, "below")?;
                tell(out, "    first   ", differs.first.as_ref())?;
                tell(out, "    second  ", differs.second.as_ref())?;
            }
        }
    }
    Ok(())
}

fn tell(out: &mut impl Write, whose: &str, told: Option<&Told>) -> io::Result<()> {
    match told {
        Some(Told { at, sequence, text, .. }) => writeln!(out, "{whose}{at} s  #{sequence}  {text}"),
        None => writeln!(out, "{whose}nothing more"),
    }
}
