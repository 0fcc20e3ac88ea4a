//! `preflash new`: a scenario from five answers.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use simulator_scenario::Scenario;

use super::new_files;
use super::{GOOD, OK, bad_input, complain};
use crate::run::case::shell_path;

/// The options of `preflash new`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash new                                    asks five questions and writes my.toml
  preflash new cellar.toml --trouble router       asks the other four
  preflash new cellar.toml --yes                  asks none: what is not said has its default
  preflash new cellar.toml --title 'Silent since Tuesday' --network 'Fritz!Box' --interval 10m \\
      --trouble power --duration 2h               all five answers

Exit codes:
  0    the scenario is written
  2    an answer or argument is wrong, or there is no terminal to ask at; nothing is written")]
pub(super) struct NewArgs {
    /// The scenario to write
    #[arg(value_name = "FILE", default_value = "my.toml")]
    file: PathBuf,
    /// What a field engineer would say of it
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// The network that the device joins
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// How often it measures
    #[arg(long, value_name = "DURATION")]
    interval: Option<String>,
    /// What goes wrong: nothing, router, internet, names, cloud, reply, sensor or power
    #[arg(long, value_name = "WORD")]
    trouble: Option<String>,
    /// How long the run is
    #[arg(long, value_name = "DURATION")]
    duration: Option<String>,
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

/// What may go wrong: its word, what people say of it, and what stands in the scenario.
const TROUBLES: [(&str, &str, &str); 8] = [
    ("nothing", "nothing", ""),
    (
        "router",
        "the router is off for ten minutes",
        "[[faults]]\nname = \"router is off\"\nfrom = \"20m\"\nfor = \"10m\"\ninject.access-point = { network = {network}, state = \"off\" }\n",
    ),
    (
        "internet",
        "the internet is gone for ten minutes, the Wi-Fi is not",
        "[[faults]]\nname = \"internet is gone\"\nfrom = \"20m\"\nfor = \"10m\"\ninject.route = { to = \"everywhere\", reply = \"silent\" }\n",
    ),
    (
        "names",
        "the name server fails for ten minutes",
        "[[faults]]\nname = \"name server fails\"\nfrom = \"20m\"\nfor = \"10m\"\ninject.dns = \"server-failure\"\n",
    ),
    (
        "cloud",
        "the cloud answers 503 for ten minutes",
        "[[faults]]\nname = \"maintenance\"\nfrom = \"20m\"\nfor = \"10m\"\ninject.cloud = { status = 503 }\n",
    ),
    (
        "reply",
        "a reply of the cloud is lost, the entry is not",
        "[[faults]]\nname = \"lost reply\"\nfrom = \"20m\"\ncount = 1\ninject.cloud = \"drop-after-storing\"\n",
    ),
    (
        "sensor",
        "the sensor is silent for ten minutes",
        "[[faults]]\nname = \"loose wire\"\nfrom = \"20m\"\nfor = \"10m\"\ninject.sensor = \"silent\"\n",
    ),
    ("power", "power fails for two seconds", "[[steps]]\nat = \"20m\"\ndo.power = { cut-for = \"2s\" }\n"),
];

pub(super) fn new(args: &NewArgs) -> u8 {
    match attempt(args) {
        Ok(()) => OK,
        Err(trouble) => bad_input(trouble),
    }
}

fn attempt(args: &NewArgs) -> Result<(), String> {
    if args.file.extension().is_none_or(|extension| extension != "toml") {
        return Err(format!("{} is no scenario's name: it ends in .toml", args.file.display()));
    }
    let troubles: Vec<String> = TROUBLES.iter().map(|(word, say, _)| format!("{word} ({say})")).collect();
    let what = format!("What goes wrong? {}", troubles.join(", "));
    let questions = [
        ("--title", "What is it, in a sentence?", "What the duck measures reaches the cloud", &args.title),
        ("--network", "Which network does it join?", "home", &args.network),
        ("--interval", "How often does it measure?", "5m", &args.interval),
        ("--trouble", what.as_str(), "router", &args.trouble),
        ("--duration", "How long is the run?", "1h", &args.duration),
    ];
    let missing: Vec<&str> = questions.iter().filter(|(.., said)| said.is_none()).map(|(option, ..)| *option).collect();
    let asks = !args.yes && !missing.is_empty();
    if asks && !io::stdin().is_terminal() {
        return Err(format!(
            "there is no terminal to ask at; answer with {}, or take the defaults with --yes",
            missing.join(", ")
        ));
    }
    let mut answers = Vec::new();
    for (_, question, default, said) in questions {
        answers.push(match said {
            Some(said) => said.clone(),
            None if asks => ask(question, default)?,
            None => default.to_owned(),
        });
    }
    let [title, network, interval, trouble, duration] = answers.try_into().expect("there are five");
    let text = scenario(&title, &network, &interval, &trouble, &duration)?;
    let name = args.file.display().to_string();
    Scenario::parse(&name, &text, &|_| Err("it names no file".to_owned()))
        .map_err(|mistakes| format!("these answers make a scenario with mistakes:\n{}", mistakes.render(false)))?;
    new_files::write(&[(args.file.clone(), text)], &[], args.force).map_err(|error| error.to_string())?;
    complain(format_args!("{GOOD}written{GOOD:#}: {name}\nrun it: preflash run {}", shell_path(&name)));
    Ok(())
}

fn ask(question: &str, default: &str) -> Result<String, String> {
    let failed = |error: io::Error| format!("could not ask: {error}");
    let mut out = io::stderr().lock();
    write!(out, "{question} [{default}] ").and_then(|()| out.flush()).map_err(failed)?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line).map_err(failed)? == 0 {
        return Err("the answers ended too early".to_owned());
    }
    let line = line.trim();
    Ok(if line.is_empty() { default } else { line }.to_owned())
}

fn scenario(title: &str, network: &str, interval: &str, trouble: &str, duration: &str) -> Result<String, String> {
    let Some((_, _, goes_wrong)) = TROUBLES.iter().find(|(word, ..)| *word == trouble) else {
        let words: Vec<&str> = TROUBLES.iter().map(|(word, ..)| *word).collect();
        return Err(format!("`{trouble}` is no trouble known here: one of {}", words.join(", ")));
    };
    let quoted = |text: &str| toml_edit::Value::from(text).to_string();
    let goes_wrong = goes_wrong.replace("{network}", &quoted(network));
    let gap = match trouble {
        "sensor" => "20m",
        "power" => "11m",
        _ => "6m",
    };
    // What is measured while something is away comes afterwards: no gap.
    let gap = if interval == "5m" { format!(", longest-gap = \"{gap}\"") } else { String::new() };
    Ok(format!(
        "title = {}\nduration = {}\n\n[settings]\nnetwork = {}\npassphrase = \"correct horse\"\ninterval = {}\n{}{goes_wrong}\n\
         [[expect]]\nchannel = {{ entries = {{ at-least = 1 }}, ascending = true{gap} }}\n\
         because = \"what is measured reaches the cloud, in order\"\n",
        quoted(title),
        quoted(duration),
        quoted(network),
        quoted(interval),
        if goes_wrong.is_empty() { "" } else { "\n" },
    ))
}
