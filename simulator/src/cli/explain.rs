//! `preflash explain`: why something happened in a run.

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::log::parse_time;
use super::{Format, OK, bad_input, written};
use crate::report::explain::{End, Explanation, Question, explain as find};
use crate::report::record;

/// The options of `preflash explain`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash explain target/preflash/my 58              the event that `preflash log` calls #58
  preflash explain target/preflash/my 3600.125s       the last one until then
  preflash explain target/preflash/my no-entry@1h     why no entry was stored any more by then
  preflash explain target/preflash/my no-entry@1h --device kitchen
                                                      of several devices, of one

Each link of the chain is an event of the record. Where the record does not say why, the chain ends there.

Exit codes:
  0    it was told, even if a cause is unknown
  2    the folder or the event is wrong")]
pub(super) struct ExplainArgs {
    /// The folder that a run has left, such as target/preflash/my
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What to explain: an event by its number or a time, or no-entry@TIME
    #[arg(value_name = "EVENT", value_parser = parse_question)]
    event: Asked,
    /// Of several devices, the one whose entry is missing
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// What to print: lines for people, or one JSON document
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// What is asked for, without the device.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Event(u64),
    At(Duration),
    NoEntry(Duration),
}

fn parse_question(text: &str) -> Result<Asked, String> {
    if let Some(time) = text.strip_prefix("no-entry@") {
        return parse_time(time).map(Asked::NoEntry);
    }
    let number = text.strip_prefix('#').unwrap_or(text);
    match u64::from_str(number) {
        Ok(number) => Ok(Asked::Event(number)),
        Err(_) => parse_time(text)
            .map(Asked::At)
            .map_err(|_| "expected an event's number such as 58, a time such as 3600.125s, or no-entry@1h".to_owned()),
    }
}

pub(super) fn explain(args: &ExplainArgs) -> u8 {
    let events = record::in_folder(&args.folder).and_then(|file| record::read(&file)?.collect::<Result<Vec<_>, _>>());
    let events = match events {
        Ok(events) => events,
        Err(error) => return bad_input(error),
    };
    let question = match (args.event, args.device.as_deref()) {
        (Asked::NoEntry(at), device) => Question::NoEntry(at, device),
        (_, Some(_)) => return bad_input("--device goes with no-entry@TIME: each event is of one device as it is"),
        (Asked::Event(number), None) => Question::Event(number),
        (Asked::At(at), None) => Question::At(at),
    };
    let explanation = match find(&events, question) {
        Ok(explanation) => explanation,
        Err(error) => return bad_input(error),
    };
    let out = &mut anstream::stdout().lock();
    let printed = match args.format {
        Format::Json => serde_json::to_writer_pretty(&mut *out, &explanation)
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n")),
        Format::Human => write(out, &explanation),
    };
    written(printed, "the explanation", OK)
}

fn write(out: &mut impl Write, explanation: &Explanation) -> io::Result<()> {
    if let Some(asked) = &explanation.asked {
        writeln!(out, "{asked}")?;
    }
    for link in &explanation.chain {
        if let Some(relation) = link.relation {
            writeln!(out, "  because  {relation}:")?;
        }
        writeln!(out, "{:>16} s  #{}  {}", link.at.to_string(), link.sequence, link.text)?;
    }
    match explanation.end {
        End::Unknown => {
            writeln!(out, "  unknown  {}", explanation.because)?;
            match explanation.in_force.as_slice() {
                [] => writeln!(out, "           no fault was in force"),
                rules => {
                    let rules: Vec<String> = rules.iter().map(|rule| format!("`{rule}`")).collect();
                    writeln!(out, "           in force then: {}; whether it was that is not recorded", rules.join(", "))
                }
            }
        }
        End::Scenario | End::Firmware => writeln!(out, "  because  {}", explanation.because),
    }
}
