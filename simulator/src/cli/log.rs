//! `preflash log`: what happened in a run, as lines.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;
use simulator_record::events::Event;
use simulator_record::time::Instant;
use simulator_scenario::units;

use super::{OK, bad_input, written};
use crate::report::lane::{Lane, News};
use crate::report::perfetto::Trace;
use crate::report::record::{self, RecordError};

/// The options of `preflash log`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash log target/preflash/my                                 all that happened
  preflash log target/preflash/my --around 3600s                  half a minute before and after
  preflash log target/preflash/my --only tls,http --format json   of two lanes, for other programs
  preflash log target/preflash/my --format perfetto > trace.json  for https://ui.perfetto.dev

Exit codes:
  0    it was told
  2    the folder or an argument is wrong
  141  standard output was closed before all was written")]
pub(super) struct LogArgs {
    /// The folder that a run has left, such as target/preflash/my
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Only what happened around this time of the run, such as 3600.125s or 1h
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    around: Option<Duration>,
    /// How long before and after that
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_time)]
    within: Duration,
    /// Only these lanes (those of the timeline in report.html: faults, steps, power, boots, pins, sensor, wifi,
    /// access-points, dhcp, dns, ntp, tls, http, entries, flash, serial, phones, chip)
    #[arg(long, value_name = "LANE,…", value_delimiter = ',', value_parser = parse_lane)]
    only: Vec<Lane>,
    /// What to print: lines for people, one JSON document, or a trace that https://ui.perfetto.dev opens
    #[arg(long, value_enum, default_value_t = As::Human)]
    format: As,
}

/// For whom to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum As {
    /// For people
    Human,
    /// For programs
    Json,
    /// For Perfetto and chrome://tracing
    Perfetto,
}

/// An event as other programs see it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Entry<'e> {
    at_seconds: f64,
    lane: &'static str,
    failed: bool,
    text: String,
    event: &'e Event,
}

impl<'e> Entry<'e> {
    fn of(event: &'e Event) -> Self {
        Self {
            at_seconds: event.at.since_start().as_secs_f64(),
            lane: Lane::of(&event.kind).word(),
            failed: News::of(&event.kind) == News::Bad,
            text: event.to_string(),
            event,
        }
    }
}

pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    units::duration(text).map_err(|error| format!("{}: {}", error.message, error.hint))
}

fn parse_lane(text: &str) -> Result<Lane, String> {
    let words = || Lane::ALL.iter().map(|lane| lane.word()).collect::<Vec<_>>().join(", ");
    let found = Lane::ALL.iter().copied().find(|lane| lane.word() == text.trim());
    found.ok_or_else(|| format!("expected one of {}", words()))
}

/// Why it could not be told.
#[derive(Debug, thiserror::Error)]
enum LogError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("{0}")]
    Print(#[from] io::Error),
}

pub(super) fn log(args: &LogArgs) -> u8 {
    match attempt(args, &mut io::BufWriter::new(anstream::stdout().lock())) {
        Ok(()) => OK,
        Err(LogError::Record(error)) => bad_input(error),
        Err(LogError::Print(error)) => written(Err(error), "the log", OK),
    }
}

fn attempt(args: &LogArgs, out: &mut impl Write) -> Result<(), LogError> {
    match args.format {
        As::Human => each(args, |event| Ok(line(out, event)?)),
        As::Json => {
            let mut any = false;
            each(args, |event| {
                out.write_all(if any { b",\n" } else { b"[\n" })?;
                any = true;
                Ok(serde_json::to_writer(&mut *out, &Entry::of(event)).map_err(io::Error::from)?)
            })?;
            Ok(out.write_all(if any { b"\n]\n" } else { b"[]\n" })?)
        }
        As::Perfetto => {
            let mut trace = Trace::begin(&mut *out)?;
            each(args, |event| Ok(trace.event(event)?))?;
            Ok(trace.finish()?)
        }
    }?;
    Ok(out.flush()?)
}

/// Goes through the events that are wanted.
fn each(args: &LogArgs, mut tell: impl FnMut(&Event) -> Result<(), LogError>) -> Result<(), LogError> {
    let span = args.around.map(|around| {
        let begin = Instant::START + around.saturating_sub(args.within);
        let end = Instant::START + around.saturating_add(args.within);
        // As finely as times are printed, so that one that was read here is found again.
        begin.as_micros()..=end.as_micros()
    });
    for event in record::read(&record::in_folder(&args.folder)?)? {
        let event = event?;
        if span.as_ref().is_some_and(|span| event.at.as_micros() > *span.end()) {
            break;
        }
        let early = span.as_ref().is_some_and(|span| event.at.as_micros() < *span.start());
        if !early && (args.only.is_empty() || args.only.contains(&Lane::of(&event.kind))) {
            tell(&event)?;
        }
    }
    Ok(())
}

/// An event as a line: when, its number, its lane, what; what failed is red.
fn line(out: &mut impl Write, event: &Event) -> io::Result<()> {
    let lane = Lane::of(&event.kind);
    let style = match News::of(&event.kind) {
        News::Bad => anstyle::AnsiColor::Red.on_default(),
        News::Doubtful => anstyle::AnsiColor::Yellow.on_default(),
        News::None | News::Good => anstyle::Style::new(),
    };
    let at = event.at.to_string();
    let text = event.to_string();
    writeln!(out, "{at:>16} s  {:>6}  {:<13}  {style}{text}{style:#}", format!("#{}", event.sequence), lane.word())
}
