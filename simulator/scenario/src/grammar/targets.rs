//! What may differ between host and chip.

use super::{DURATION, TEXT};
use crate::model::Aspect;
use crate::shape::Shape::{List, Words};
use crate::shape::{Table, optional, required};

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
                    (
                        Aspect::Entries.word(),
                        Aspect::Entries,
                        "Which entries the channel got, what is in them and when they were created.",
                    ),
                    (
                        Aspect::Arrivals.word(),
                        Aspect::Arrivals,
                        "When entries arrived, but not which, nor their `created_at`.",
                    ),
                    (
                        Aspect::Joins.word(),
                        Aspect::Joins,
                        "The device's attempts to join a network, and what came of them.",
                    ),
                    (Aspect::Reboots.word(), Aspect::Reboots, "The device's starts, and their causes."),
                    (Aspect::Led.word(), Aspect::Led, "What LD1 showed."),
                ])),
                "What need not be the same. Default all of these must.",
            ),
        ],
    )
};
