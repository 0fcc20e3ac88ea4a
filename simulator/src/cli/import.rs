//! `preflash import`: a scenario from what the field sends.

use std::path::{Path, PathBuf};

use clap::Args;
use simulator_scenario::Scenario;

use super::new_files::{self, NewFileError};
use super::{BAD_INPUT, GOOD, OK, bad_input, complain};
use crate::import::{self, Evidence, Hints, ImportError, draft};
use crate::run::case::shell_path;

/// The options of `preflash import`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash import feeds.csv                       feeds.toml, and feeds.recording.csv that it measures again
  preflash import feeds.json -o cellar.toml       the JSON of /channels/ID/feeds.json
  preflash import feeds.csv --temperature field3  which column is which, where their names do not tell
  preflash import serial.log                      lines with the device's own times, or a terminal's
  preflash import dht22.sr                        a capture of the sensor's wire: sigrok's .sr, or a VCD
  preflash import router.pcapng serial.log        several files on one axis of time
  preflash import router.pcapng --device 5c:cf:7f:01:02:03
                                                  of several devices in a capture, the one that is meant
  preflash import serial.log --utc-offset +02:00  a terminal's times, of a clock that is not UTC's
  preflash import target/preflash/my/events.jsonl what a run of preflash itself has left

Rows become a recording, times without rows become readings that fail and an expectation each, what the network
refused becomes a fault. Each line has a comment that says where it came from. Files are written whole, and none
that is there already is replaced without --force.

Exit codes:
  0    the scenario is written, and has no mistakes
  2    a file or argument is wrong; nothing is written")]
pub(super) struct ImportArgs {
    /// ThingSpeak exports (CSV, JSON), serial logs, VCDs, sigrok sessions, pcaps, events.jsonl
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The scenario to write; its recording lies beside it [default: the first file's name with .toml, in this folder]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The column with temperatures [default: by its name, or field1]
    #[arg(long, value_name = "COLUMN")]
    temperature: Option<String>,
    /// The column with humidities [default: by its name, or field2]
    #[arg(long, value_name = "COLUMN")]
    humidity: Option<String>,
    /// How far clocks were ahead of UTC, or behind, where a file's times have no zone [default: +00:00]
    #[arg(long, value_name = "+HH:MM", value_parser = import::utc_offset, allow_hyphen_values = true)]
    utc_offset: Option<import::Time>,
    /// The device's hardware address, where a capture of the network has several [default: the one that asks most]
    #[arg(long, value_name = "MAC", value_parser = parse_mac)]
    device: Option<[u8; 6]>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

fn parse_mac(text: &str) -> Result<[u8; 6], &'static str> {
    let bytes: Option<Vec<u8>> =
        text.split([':', '-']).map(|byte| u8::from_str_radix(byte, 16).ok().filter(|_| byte.len() == 2)).collect();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or("expected a hardware address such as 5c:cf:7f:01:02:03")
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Write(#[from] NewFileError),
    #[error("{path} is no scenario's name: it ends in .toml", path = .0.display())]
    Name(PathBuf),
    #[error("the scenario that these files make has mistakes:\n{0}")]
    Mistakes(String),
}

pub(super) fn import(args: &ImportArgs) -> u8 {
    match attempt(args) {
        Ok(()) => OK,
        Err(trouble) => {
            bad_input(trouble);
            BAD_INPUT
        }
    }
}

fn attempt(args: &ImportArgs) -> Result<(), Trouble> {
    let output = match &args.output {
        Some(output) => output.clone(),
        None => PathBuf::from(args.files[0].file_stem().unwrap_or("imported".as_ref())).with_extension("toml"),
    };
    if output.extension().is_none_or(|extension| extension != "toml") {
        return Err(Trouble::Name(output));
    }
    let hints = Hints {
        temperature: args.temperature.clone(),
        humidity: args.humidity.clone(),
        utc_offset: args.utc_offset,
        device: args.device,
    };
    let evidence: Result<Vec<Evidence>, ImportError> =
        args.files.iter().map(|file| import::read(file, &hints)).collect();
    let recording = output.with_extension("recording.csv");
    let name = recording.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let draft = draft::draft(evidence?, &name);
    check(&output, &draft, &name)?;
    let mut files = vec![(output.clone(), draft.scenario)];
    files.extend(draft.recording.map(|text| (recording, text)));
    new_files::write(&files, &args.files, args.force)?;
    let names: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    let (readings, failed) = draft.readings;
    complain(format_args!(
        "{GOOD}written{GOOD:#}: {}: {readings} readings ({failed} failed), {} times without, {} faults and steps",
        names.join(" and "),
        draft.gaps,
        draft.done
    ));
    complain(format_args!("run it: preflash run {}", shell_path(&output.display().to_string())));
    Ok(())
}

/// What is written must be a scenario.
fn check(output: &Path, draft: &draft::Draft, recording: &str) -> Result<(), Trouble> {
    let read = |name: &str| match &draft.recording {
        Some(text) if name == recording => Ok(text.clone()),
        _ => Err("it is not beside the scenario".to_owned()),
    };
    let parsed = Scenario::parse(&output.display().to_string(), &draft.scenario, &read);
    parsed.map(|_| ()).map_err(|mistakes| Trouble::Mistakes(mistakes.render(false)))
}
