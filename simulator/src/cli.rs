//! The command line: reads arguments, prints results, decides the exit code.
//!
//! Results go to standard output, mistakes and summaries to standard error; colours only where a terminal shows them.
//! Nothing here reaches into a run.

mod board;
mod boot;
mod bundle;
mod check;
mod diagnostics;
mod diff;
mod explain;
mod find;
mod flash;
mod import;
mod list;
mod live;
mod log;
mod merge;
mod new;
mod new_files;
mod outputs;
mod replay;
mod run;
mod schema;
mod shrink;
mod signals;
mod subjects;
mod sweep;
mod validate;
mod verify;
mod whole;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use simulator_scenario::files;

/// Everything is as it should be.
pub const OK: u8 = 0;
/// An expectation failed.
pub const FAILED: u8 = 1;
/// A scenario, file or argument is wrong.
pub const BAD_INPUT: u8 = 2;
/// The terminal was closed before all was done. This and the next ones are as a shell has them: 128 and the signal's
/// number.
pub const HUNG_UP: u8 = 129;
/// The user ended it with Ctrl-C.
pub const INTERRUPTED: u8 = 130;
/// Whoever read standard output has closed it: SIGPIPE's number, which is not itself used.
pub const CLOSED: u8 = 141;
/// Somebody asked it to terminate.
pub const TERMINATED: u8 = 143;
/// A bug in preflash itself; also what Rust gives a program that panics.
pub const BUG: u8 = 101;

const AFTER_HELP: &str = "\
Examples:
  preflash run                      every scenario under scenarios/
  preflash run my.toml --seed 7     one scenario, with a seed of your choice
  preflash import feeds.csv         a scenario from a channel's export, a log or a capture
  preflash check                    every scenario under scenarios/, all mistakes at once
  preflash check scenarios/setup    one folder
  preflash list --format json       what there is, for other programs
  preflash schema > schema.json     for editors that complete TOML
  preflash run --help               seeds, shares, the emulated chip, reports, and more examples

In the project's folder, `cargo run --release --` stands for `preflash`;
`cargo install --path simulator` puts it on the PATH.

Exit codes:
  0    all is well
  1    an expectation failed
  2    a scenario, file or argument is wrong
  129  the terminal was closed (SIGHUP)
  130  interrupted (Ctrl-C, SIGINT)
  141  standard output was closed before all was written
  143  terminated (SIGTERM)
  101  a bug in preflash";

const CHECK_HELP: &str = "\
Examples:
  preflash check                    every scenario under scenarios/
  preflash check my.toml            one file
  preflash check --format json      the mistakes with line and column, for other programs

Exit codes:
  0    there are no mistakes
  2    there are, or a path is wrong";

const LIST_HELP: &str = "\
Examples:
  preflash list                     every scenario under scenarios/
  preflash list scenarios/wifi      one folder
  preflash list --format json       with seeds, durations and links, for other programs

Exit codes:
  0    all can be listed
  2    some cannot, for their mistakes, or a path is wrong";

const SCHEMA_HELP: &str = "\
Example:
  preflash schema > schema.json     and a first line `#:schema ./schema.json` in a scenario";

/// Swim the yellow duck in a simulated pond before you flash it.
#[derive(Parser)]
#[command(name = "preflash", version, after_help = AFTER_HELP, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Say on standard error what is being done: scenarios, starts and faults; twice also each command to a world.
    /// PREFLASH_LOG filters instead, such as PREFLASH_LOG=world=debug
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenarios against the real firmware in virtual time
    Run(run::RunArgs),
    /// Make a scenario from an export, a log or a capture of the field
    Import(import::ImportArgs),
    /// Make a scenario from five answers
    New(new::NewArgs),
    /// Make the smallest scenario that still fails, and say from where on it does
    Shrink(shrink::ShrinkArgs),
    /// Run a case's folder again, and say whether it is the same to the byte
    Replay(replay::ReplayArgs),
    /// Run one scenario with many seeds, and sum up what came of them
    Sweep(sweep::SweepArgs),
    /// Add up the shares of a sweep
    Merge(merge::MergeArgs),
    /// Boot an image without a scenario, with its serial port on the terminal
    Boot(boot::BootArgs),
    /// Be a board on a serial line, in real time, for esptool and serial terminals
    Board(board::BoardArgs),
    /// Run scenarios with an image as it is flashed, and state which bytes have passed them
    Validate(validate::ValidateArgs),
    /// Say whether an image is the one that has passed
    Verify(verify::VerifyArgs),
    /// Put an image on a board over a serial port, if it is the one that has passed
    Flash(Box<flash::FlashArgs>),
    /// Tell what happened in a run, from the folder that it has left
    Log(log::LogArgs),
    /// Say where two runs differ: the first event that does, and then lane by lane
    Diff(diff::DiffArgs),
    /// Say why something happened in a run, as a chain of what its record has
    Explain(explain::ExplainArgs),
    /// Check scenario files without running them, and tell all their mistakes
    #[command(after_help = CHECK_HELP)]
    Check {
        #[command(flatten)]
        paths: Paths,
        /// How to tell the mistakes
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// List scenarios with their titles
    #[command(after_help = LIST_HELP)]
    List {
        #[command(flatten)]
        paths: Paths,
        /// How to write the list
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Print the JSON Schema of the scenario format
    #[command(after_help = SCHEMA_HELP)]
    Schema,
}

/// Which scenarios.
#[derive(clap::Args)]
struct Paths {
    /// Scenario files, or folders to search for *.toml [default: scenarios]
    #[arg(value_name = "PATHS")]
    paths: Vec<PathBuf>,
}

/// For whom to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

/// Runs the command that the process's arguments ask for.
pub fn main() -> ExitCode {
    report_bugs();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return ExitCode::from(explain(&error)),
    };
    if let Err(wrong) = diagnostics::start(arguments.verbose) {
        return ExitCode::from(bad_input(wrong));
    }
    let code = match arguments.command {
        Command::Run(args) => run::run(&args),
        Command::Import(args) => import::import(&args),
        Command::New(args) => new::new(&args),
        Command::Shrink(args) => shrink::shrink(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Sweep(args) => sweep::sweep(&args),
        Command::Merge(args) => merge::merge(&args),
        Command::Boot(args) => boot::boot(&args),
        Command::Board(args) => board::board(&args),
        Command::Validate(args) => validate::validate(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Flash(args) => flash::flash(&args),
        Command::Log(args) => log::log(&args),
        Command::Diff(args) => diff::diff(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Check { paths, format } => check::check(&paths.paths, format == Format::Json),
        Command::List { paths, format } => list::list(&paths.paths, format == Format::Json),
        Command::Schema => schema::print(),
    };
    ExitCode::from(code)
}

/// Prints what is wrong with the arguments, or the help or version that they ask for.
fn explain(error: &clap::Error) -> u8 {
    let code = if error.use_stderr() { BAD_INPUT } else { OK };
    match error.print() {
        // What is said about mistakes may go unheard.
        Err(_) if error.use_stderr() => code,
        printed => written(printed, "the help", code),
    }
}

/// Says after a panic that it is a bug and how to report it. Panics of the firmware under test never come here: what
/// runs the firmware takes them first.
fn report_bugs() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        default(panic);
        complain(format_args!(
            "\nThis is a bug in preflash {}, not in your firmware or scenario. Please report it in the project's issue \
             tracker, with the command line, the scenario file and the lines above.",
            env!("CARGO_PKG_VERSION")
        ));
    }));
}

/// Prints an error and gives the exit code of bad input.
fn bad_input(message: impl std::fmt::Display) -> u8 {
    complain(format_args!("{ERROR}error:{ERROR:#} {message}"));
    BAD_INPUT
}

/// The exit code once something was written to standard output: `code`, unless that failed.
fn written(result: io::Result<()>, what: &str, code: u8) -> u8 {
    match result.and_then(|()| io::stdout().flush()) {
        Ok(()) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => closed(format_args!("all of {what} was written")),
        Err(error) => bad_input(format_args!("could not write {what}: {error}")),
    }
}

/// Says that standard output was closed `before` something, and gives the exit code of that. In a pipeline it is the
/// only word on why the command did not succeed.
fn closed(before: impl std::fmt::Display) -> u8 {
    complain(format_args!("{ERROR}error:{ERROR:#} standard output was closed before {before}"));
    CLOSED
}

/// Prints a line to standard error; nobody may be reading it.
fn complain(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// How the word "error" looks on a terminal.
const ERROR: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();
/// How the summary of something good looks on a terminal.
const GOOD: anstyle::Style = anstyle::AnsiColor::Green.on_default().bold();
/// How paths beside titles look on a terminal.
const DIM: anstyle::Style = anstyle::Style::new().dimmed();

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        super::Arguments::command().debug_assert();
    }

    #[test]
    fn examples_name_folders_that_there_are() {
        let mut command = super::Arguments::command();
        command.build();
        let mut helps = vec![command.render_long_help().to_string()];
        helps.extend(command.get_subcommands_mut().map(|command| command.render_long_help().to_string()));
        let words = helps.iter().flat_map(|help| help.split_whitespace());
        let words = words.map(|word| word.trim_end_matches([',', '.', ')']));
        let folders: Vec<&str> = words.filter(|word| word.starts_with("scenarios/")).collect();
        assert!(folders.iter().any(|folder| *folder != "scenarios/"));
        let project = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for folder in folders {
            assert!(project.join(folder).is_dir(), "{folder}");
        }
    }
}
