//! The `preflash` command as a person or a script meets it: exit codes, output, what it leaves behind, and that the
//! same seed gives the same bytes.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test that asked for it")]

mod bench;
mod board;
mod boot;
#[cfg(unix)]
mod capture;
mod chip;
mod closed;
mod determinism;
#[cfg(unix)]
mod flash;
mod generated;
mod import;
mod inputs;
mod interrupted;
mod pages;
mod readme;
mod replay;
mod report;
mod run;
mod shrink;
mod sweep;
mod targets;
mod validate;
