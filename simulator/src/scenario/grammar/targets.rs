//! What may differ between host and chip.

use super::{DURATION, TEXT};
use crate::scenario::shape::Shape::{List, Words};
use crate::scenario::shape::{Table, optional, required};

/// What may differ.
pub(super) const TARGETS: Table = Table {
    at_least_one: &["tolerance", "may-differ"],
    ..Table::new(
        "what may differ between host and chip",
        &[
            required("because", TEXT, "Why; printed with what differs all the same."),
            optional(
                "tolerance",
                DURATION,
                "How much earlier or later the same may happen on the other target. Default 10s.",
            ),
            optional(
                "may-differ",
                List(&Words(&[
                    ("entries", "Which entries the channel got, what is in them and when they were created."),
                    ("arrivals", "When entries arrived, but not which, nor their `created_at`."),
                    ("joins", "The device's attempts to join a network, and what came of them."),
                    ("reboots", "The device's starts, and their causes."),
                    ("led", "What LD1 showed."),
                ])),
                "What need not be the same. Default all of these must.",
            ),
        ],
    )
};
