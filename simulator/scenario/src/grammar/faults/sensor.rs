//! What goes wrong with a sensor and its line, as its model tells it.

use simulator_parts::MadeOfLateness;
use simulator_record::events::Row;

use super::DURATION;
use crate::model::SensorFault;
use crate::shape::Scalar::{Integer, Probability, Temperature};
use crate::shape::Shape::{Choice as One, Either, List, Pair, Scalar, Words};
use crate::shape::{Case, Choice, Shape, Table, case, optional, required};

/// What a key of a sensor's fault makes.
#[derive(Clone, Copy)]
pub(crate) enum OfSensor {
    /// A fault, of how late responses are.
    Late(MadeOfLateness),
    /// A fault, of how often it comes in a million frames.
    Chance(fn(u32) -> SensorFault),
    /// Slow edges, of how long the line takes to rise.
    SlowEdges,
    /// Silence, of two temperatures.
    SilentBetween,
    /// A train of edges.
    Replay,
}

pub(super) const FAULT: Shape =
    Either { plain: &Words(&SensorFault::WORDS), table: &One(&Choice { what: "a sensor's fault", cases: &CASES }) };

const CASES: [Case<OfSensor>; 6] = [
    late_response(SensorFault::LATE),
    case(
        OfSensor::Chance(SensorFault::BitFlips),
        "bit-flips",
        Scalar(Probability),
        "One bit of a frame is another than the sensor sent, in so many of the frames.",
    ),
    case(
        OfSensor::Chance(SensorFault::Glitches),
        "glitches",
        Scalar(Probability),
        "A spike of 2 us is somewhere in a frame, in so many of the frames.",
    ),
    case(
        OfSensor::SlowEdges,
        "slow-edges",
        DURATION,
        "The line takes so long to rise, as with a long cable and a weak pull-up; below 100us.",
    ),
    case(
        OfSensor::SilentBetween,
        "silent-between",
        Pair(&Scalar(Temperature)),
        "Says nothing while it is no colder than the first and no warmer than the second.",
    ),
    case(
        OfSensor::Replay,
        "replay",
        List(&Scalar(Integer { least: 1, most: 1_000_000 })),
        "Answers each start pulse with these levels, as a logic analyser shows them: for how many microseconds the line is high after the release, then low, high, low and so on.",
    ),
];

const fn late_response((word, fault, about): Row<MadeOfLateness>) -> Case<OfSensor> {
    case(OfSensor::Late(fault), word, Either { plain: &DURATION, table: &Shape::Table(&LATE_RESPONSE) }, about)
}

const LATE_RESPONSE: Table = Table::new(
    "a late response",
    &[
        required("from", DURATION, "By so much or more, drawn for each response."),
        required("to", DURATION, "By so much or less."),
        optional("probability", Scalar(Probability), "How many responses are late. Default all."),
    ],
);
