//! `preflash schema`: the JSON Schema of the scenario format.

use std::io::Write;

use super::{OK, bad_input};
use crate::scenario::schema_text;

pub(super) fn print() -> u8 {
    match std::io::stdout().lock().write_all(schema_text().as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            bad_input(format!("could not write the schema: {error}"))
        }
        _ => OK,
    }
}
