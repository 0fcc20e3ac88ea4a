//! `preflash schema`: the JSON Schema of the scenario format.

use std::io::Write;

use simulator_scenario::schema_text;

use super::{OK, written};

pub(super) fn print() -> u8 {
    written(std::io::stdout().lock().write_all(schema_text().as_bytes()), "the schema", OK)
}
