//! Which sensor it is, and what it measures over time.

use simulator_parts::DhtModel;
use simulator_parts::readings::Gaps;

use super::{DURATION, TEXT};
use crate::shape::Scalar::{Humidity, Temperature, TimeOfDay};
use crate::shape::Shape::{Choice as One, Either, Named, Scalar, Words};
use crate::shape::{Choice, Key, Shape, Table, case, optional, required};

const GAPS: Shape = Words(&[
    ("hold", Gaps::Hold, "It measures the value before; before the first row, the first row's."),
    (
        "silent",
        Gaps::Silent,
        "It does not answer. A gap is a time of three usual intervals or more without a row (the usual one is the median of all), from one usual interval after the row before it; the time before the first row and after the last is one, too.",
    ),
]);

/// How a value goes over time, where it does not stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CourseKind {
    Ramp,
    Daily,
    Csv,
}

/// How a value goes over time, for one unit.
macro_rules! course {
    ($unit:ident, $name:literal) => {
        Named(
            $name,
            &Either {
                plain: &Scalar($unit),
                table: &One(&Choice {
                    what: "a course of values",
                    cases: &[
                        case(
                            CourseKind::Ramp,
                            "ramp",
                            Shape::Table(&Table::new(
                                "a ramp",
                                &[
                                    required("from", Scalar($unit), "At the beginning."),
                                    required("to", Scalar($unit), "At the end, and from then on."),
                                    required("over", DURATION, "How long it takes."),
                                ],
                            )),
                            "In a straight line from one value to another.",
                        ),
                        case(
                            CourseKind::Daily,
                            "daily",
                            Shape::Table(&Table::new(
                                "a daily curve",
                                &[
                                    required("mean", Scalar($unit), "In the middle."),
                                    required("swing", Scalar($unit), "Highest minus mean."),
                                    optional("warmest", Scalar(TimeOfDay), "When it is highest, UTC. Default 15:00."),
                                ],
                            )),
                            "Up and down once a calendar day.",
                        ),
                        case(
                            CourseKind::Csv,
                            "csv",
                            Shape::Table(&Table::new(
                                "a recording",
                                &[
                                    required("file", TEXT, "A CSV file beside the scenario, with a header line and a column `time` (seconds from the beginning, or RFC 3339) or `created_at`, as in the feeds.csv that ThingSpeak exports: `2026-01-01 12:00:00 UTC`. Set `start` to where the recording begins. An empty value is passed over; at `nan`, a reading that failed, the sensor does not answer until the next row; of several rows with the same time the last counts."),
                                    required("column", TEXT, "The column with the values."),
                                    optional("gaps", GAPS, "What the sensor does where rows are missing. Default hold."),
                                ],
                            )),
                            "From a recording; each value holds until the next.",
                        ),
                    ],
                }),
            },
        )
    };
}

const TEMPERATURE: Shape = course!(Temperature, "temperature");
const HUMIDITY: Shape = course!(Humidity, "humidity");

pub(super) const AIR_TEMPERATURE: Key = optional(
    "temperature",
    TEMPERATURE,
    "Default 21.5 °C. Outside of its range (DHT22 -40 to 80 °C, DHT11 0 to 50 °C) a sensor sends what it can, as a broken one does, and the duck refuses it; a DHT11 cannot send less than 0 °C.",
);
pub(super) const AIR_HUMIDITY: Key =
    optional("humidity", HUMIDITY, "Default 45.6 %. A DHT11's range is 20 to 90 %, with the same rule.");

/// `[sensor]`.
pub(super) const SENSOR: Table = Table::new(
    "the sensor",
    &[
        optional(
            "kind",
            Words(&[
                (
                    DhtModel::Am2302.name(),
                    DhtModel::Am2302,
                    "As captured of real ones. It measures after it has answered, and answers with what it measured then.",
                ),
                ("DHT22", DhtModel::Am2302, "The AM2302 under the name it is mostly sold by."),
                (
                    DhtModel::Am2301.name(),
                    DhtModel::Am2301,
                    "The AM2302's older brother, also sold as DHT21: other times, and three bytes of zeros behind the checksum.",
                ),
                (DhtModel::Dht11.name(), DhtModel::Dht11, "Whole degrees and percents."),
                (
                    DhtModel::Clone.name(),
                    DhtModel::Clone,
                    "A DHT22 of another maker: temperatures below 0 °C in two's complement, and 6 of a hundred responses late by 20 to 160 us.",
                ),
            ]),
            "Which part it is. Default AM2302, or DHT11 if `sensor` in `[device]` says so.",
        ),
        AIR_TEMPERATURE,
        AIR_HUMIDITY,
    ],
);

/// What a step does to the air around the sensor.
pub(super) const AIR: Table = Table {
    at_least_one: &["temperature", "humidity"],
    ..Table::new(
        "the sensor",
        &[
            optional("part", TEXT, "Which sensor, by its name. Default the device's only one."),
            AIR_TEMPERATURE,
            AIR_HUMIDITY,
        ],
    )
};
