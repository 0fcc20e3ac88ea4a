//! What preflash itself has to say, on standard error: events of `tracing`, a line each.
//!
//! `-v` tells which scenarios begin and end, and when devices get power and start and faults begin and end; `-vv` also
//! each command that is given to a world. `PREFLASH_LOG` filters instead, by level and by target (`run`, `world`), in
//! the words of `EnvFilter`: `PREFLASH_LOG=world=debug`. Virtual time is the field `at`, in seconds; there is no other
//! time in it. None of it goes into evidence, and nothing in a run depends on it.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// What filters instead of `-v`.
const VARIABLE: &str = "PREFLASH_LOG";

/// Lets what is asked for go to standard error from now on.
///
/// # Errors
/// `PREFLASH_LOG` is no filter.
pub(super) fn start(verbose: u8) -> Result<(), String> {
    let said = std::env::var(VARIABLE).ok().filter(|said| !said.is_empty());
    let level = match verbose {
        0 => LevelFilter::OFF,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let filter = match said {
        Some(said) => EnvFilter::try_new(&said).map_err(|error| {
            format!("{VARIABLE}={said} is no filter: {error}; right would be a level such as info, or world=debug")
        })?,
        None if level == LevelFilter::OFF => return Ok(()),
        None => EnvFilter::default().add_directive(level.into()),
    };
    let subscriber = tracing_subscriber::fmt()
        .without_time()
        .with_ansi(false)
        .with_writer(io::stderr)
        .log_internal_errors(false)
        .with_env_filter(filter)
        .finish();
    // Only a test could have set another one.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

/// Whether there is anything to say, which a bar that moves would garble.
pub(super) fn are_on() -> bool {
    LevelFilter::current() != LevelFilter::OFF
}
