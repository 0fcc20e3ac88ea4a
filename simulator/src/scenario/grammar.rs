//! The keys of a scenario file, each with its meaning: world, phones, faults and steps. Matchers and expectations stand
//! in [`super::grammar_expect`].
//!
//! The JSON Schema carries the sentences here to editors, so they are written for a scenario's author.

use super::grammar_expect::{EXPECT, TRIGGER};
use super::shape::Scalar::*;
use super::shape::Shape::{Choice as One, Either, List, Named, Scalar, TextMap, Words};
use super::shape::{Choice, Key, Shape, Table, optional, required};

/// A string.
pub(super) const TEXT: Shape = Scalar(Text);
/// A duration.
pub(super) const DURATION: Shape = Scalar(Duration);
/// A boolean.
pub(super) const BOOLEAN: Shape = Scalar(Boolean);
/// A count from 1.
pub(super) const COUNT: Shape = Scalar(Integer { least: 1, most: u32::MAX as i64 });
/// `on` or `off`.
pub(super) const ON_OFF: Shape = Words(&[("on", "It is on."), ("off", "It is off.")]);

/// The whole file.
pub(super) const FILE: Table = Table::new(
    "the scenario",
    &[
        required("title", TEXT, "A sentence that a field engineer would say."),
        optional("description", TEXT, "What happened in the field."),
        optional("links", List(&TEXT), "Where it was reported: http or https addresses."),
        optional("seed", Scalar(Integer { least: 0, most: i64::MAX }), "Where all randomness comes from. Default 1."),
        optional("start", Scalar(DateTime), "The calendar at the beginning. Default 2026-01-01T00:00:00Z."),
        required("duration", DURATION, "When the run ends, counted from the beginning."),
        optional(
            "allow",
            List(&Words(&[
                ("crash", "Panics of the firmware."),
                ("watchdog", "Resets by the watchdog."),
                ("livelock", "The end of the run by a device that wakes itself without time passing."),
            ])),
            "What may happen without failing the scenario. Default nothing of these.",
        ),
        optional("device", Shape::Table(&DEVICE), "The board as it is soldered and set up."),
        optional(
            "settings",
            Shape::Table(&SETTINGS),
            "What the flash holds at the beginning. Without this table it is blank.",
        ),
        optional("sensor", Shape::Table(&SENSOR), "What the sensor measures."),
        optional(
            "networks",
            List(&Shape::Table(&NETWORK)),
            "The access points in reach. Default one that fits the settings.",
        ),
        optional("internet", Shape::Table(&INTERNET), "What lies between router and servers."),
        optional("cloud", Shape::Table(&CLOUD), "The cloud."),
        optional("phones", List(&Shape::Table(&PHONE)), "People with phones, in configuration mode."),
        optional("faults", List(&Shape::Table(&FAULT)), "What goes wrong: rules with a name and an interval."),
        optional("steps", List(&Shape::Table(&STEP)), "The timeline: what hands do."),
        optional(
            "sweep",
            One(&SWEEP),
            "Repeats the run, each time with one thing different; every repetition must pass.",
        ),
        optional("expect", List(&Shape::Table(&EXPECT)), "What must come of it: one expectation or more."),
    ],
);

const SENSOR_KIND: Shape =
    Words(&[("DHT22", "DHT22, also sold as AM2302: tenths."), ("DHT11", "DHT11: whole degrees and percents.")]);

const DEVICE: Table = Table::new(
    "the device",
    &[
        optional("sensor", SENSOR_KIND, "What is soldered to GPIO14. Default DHT22."),
        optional(
            "config-switch",
            ON_OFF,
            "The switch on GPIO5 at the beginning; on asks for configuration mode. Default off.",
        ),
        optional("spare-switch", ON_OFF, "The switch on GPIO4 at the beginning. Default off."),
        optional("power-up", DURATION, "When power comes on. Default 0s."),
    ],
);

const PORT: Shape = Scalar(Integer { least: 1, most: 65_535 });

const SETTINGS: Table = Table::new(
    "settings",
    &[
        required("network", TEXT, "Network name, 1 to 32 bytes."),
        optional("passphrase", TEXT, "8 to 63 bytes or 64 hexadecimal digits; absent or empty for an open network."),
        optional(
            "write-key",
            TEXT,
            "16 of 0-9 and A-Z, or `channel` for the key of the simulated channel. Default `channel`.",
        ),
        optional("host", TEXT, "Server name; that of the cloud. Default api.thingspeak.com."),
        optional("port", PORT, "Server port, at which the cloud must answer. Default 443, or 80 without TLS."),
        optional("tls", BOOLEAN, "Whether to use TLS. Default true."),
        optional(
            "trusted-issuer",
            TEXT,
            "Whom to trust: `cloud` for the simulated authority, `digicert`, or the SHA-256 of a certificate as 64 hexadecimal digits. Default `cloud`.",
        ),
        optional("interval", DURATION, "Between readings, 15 s to 24 h. Default 5m."),
        optional("sensor", SENSOR_KIND, "The sensor that the owner chose. Default DHT22."),
    ],
);

/// How a value goes over time, for one unit.
macro_rules! course {
    ($unit:ident, $name:literal) => {
        Named(
            $name,
            &Either {
                plain: &Scalar($unit),
                table: &One(&Choice {
                    what: "a course of values",
                    keys: &[
                        required(
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
                        required(
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
                        required(
                            "csv",
                            Shape::Table(&Table::new(
                                "a recording",
                                &[
                                    required("file", TEXT, "A CSV file beside the scenario, with a header line and a column `time` (seconds from the beginning, or RFC 3339) or `created_at`, as in the feeds.csv that ThingSpeak exports: `2026-01-01 12:00:00 UTC`. Set `start` to where the recording begins. An empty value is passed over."),
                                    required("column", TEXT, "The column with the values."),
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

const SENSOR: Table = Table::new(
    "the sensor",
    &[
        optional(
            "temperature",
            TEMPERATURE,
            "Default 21.5 °C. Outside of its range (DHT22 -40 to 80 °C, DHT11 0 to 50 °C) a sensor sends what it can, as a broken one does, and the duck refuses it; a DHT11 cannot send less than 0 °C.",
        ),
        optional("humidity", HUMIDITY, "Default 45.6 %. A DHT11's range is 20 to 90 %, with the same rule."),
    ],
);

const NETWORK: Table = Table::new(
    "a network",
    &[
        required(
            "name",
            TEXT,
            "Its name, 1 to 32 bytes. Several access points of one network (a mesh, a repeater) have the same name, each with its `bssid`, and one router behind them; the device joins the strongest and stays there until it loses it.",
        ),
        optional("passphrase", TEXT, "8 to 63 bytes or 64 hexadecimal digits; absent for an open network."),
        optional(
            "bssid",
            Scalar(HardwareAddress),
            "Its hardware address. Default 02:00:00:00:NN:00 with its place in the file.",
        ),
        optional("channel", Scalar(Integer { least: 1, most: 13 }), "2.4 GHz channel. Default 6."),
        optional(
            "signal",
            Scalar(Signal),
            "As the device receives it. Below -90 dBm it does not hear the network: `not found`. Default -60 dBm.",
        ),
    ],
);

const INTERNET: Table =
    Table::new("the internet", &[optional("latency", DURATION, "One way, router to server. Default 20ms.")]);

const CLOUD: Table = Table::new(
    "the cloud",
    &[
        optional(
            "certificate",
            Words(&[
                ("good", "Nothing is wrong with it."),
                ("expired", "Its time is over."),
                ("not-yet-valid", "Its time has not come."),
                ("wrong-host", "It is another host's."),
                ("unknown-issuer", "An authority signed it that the device does not know."),
                ("self-signed", "It signed itself."),
            ]),
            "What the cloud shows as its certificate. Default good.",
        ),
        optional(
            "key-type",
            Words(&[("P-256", "ECDSA on the curve P-256."), ("RSA-2048", "RSA with 2048 bits.")]),
            "The certificate's key. Default P-256.",
        ),
        optional("host", TEXT, "The name that the cloud answers to. Default api.thingspeak.com."),
        optional("port", PORT, "A port that it answers at besides 80 (HTTP) and 443 (HTTPS)."),
        optional("tls", BOOLEAN, "Whether it speaks TLS at `port`. Default true."),
    ],
);

const NOTHING: Table = Table::new("an empty table", &[]);

const PHONE: Table = Table {
    at_most_one: &[&["arrives", "after"]],
    ..Table::new(
        "a phone",
        &[
            required("name", TEXT, "Its name."),
            optional("arrives", DURATION, "When it begins. Default 0s."),
            optional("after", TRIGGER, "It begins once this has happened; if it never does, the scenario fails."),
            required(
                "does",
                List(&One(&PHONE_ACTION)),
                "One after the other; each begins when the one before has ended or failed.",
            ),
        ],
    )
};

const PHONE_ACTION: Choice = Choice {
    what: "something that a phone does",
    keys: &[
        required(
            "join",
            Shape::Table(&Table::new(
                "a join",
                &[
                    required("network", TEXT, "The network's name; the device's own is yellow-duck."),
                    optional("passphrase", TEXT, "As typed. Default none."),
                ],
            )),
            "Joins a network and asks for an address.",
        ),
        required("open", TEXT, "Opens a page (http://…) and follows redirects."),
        required(
            "submit",
            Shape::Table(&FORM),
            "Gets the form at http://192.168.4.1/, fills it in and sends it as a browser does. The device answers 200 to a form that it refuses, too: what it says is in the page, so expect `reply = { contains = … }`.",
        ),
        required("request", Shape::Table(&REQUEST), "Sends a request to 192.168.4.1, port 80."),
        required(
            "dribble",
            Shape::Table(&Table::new(
                "a dribble",
                &[
                    required("bytes", TEXT, "What is sent."),
                    optional("every", DURATION, "Between two bytes. Default 1s."),
                ],
            )),
            "Sends one byte at a time and never finishes.",
        ),
        required("connect-and-say-nothing", DURATION, "Connects to port 80 and says nothing for so long."),
        required("wait", DURATION, "Does nothing for so long."),
        required("leave", Shape::Table(&NOTHING), "Leaves the network."),
    ],
};

const FORM: Table = Table::new(
    "a form",
    &[
        optional("network", TEXT, "What is typed as network name."),
        optional("passphrase", TEXT, "What is typed as passphrase."),
        optional(
            "write-key",
            TEXT,
            "What is typed as write key; `channel` stands for the key of the simulated channel.",
        ),
        optional("host", TEXT, "What is typed as server."),
        optional("port", Scalar(Typed), "What is typed as port."),
        optional("tls", BOOLEAN, "Whether TLS is ticked."),
        optional(
            "trusted-issuer",
            TEXT,
            "What is typed as trusted issuer; `cloud` stands for the SHA-256 of the simulated authority's certificate.",
        ),
        optional("interval", Scalar(Typed), "What is typed as interval, in seconds."),
        optional("sensor", TEXT, "What is chosen as sensor."),
    ],
);

const REQUEST: Table = Table {
    at_most_one: &[&["body", "body-bytes"]],
    ..Table::new(
        "a request",
        &[
            optional("method", TEXT, "Default GET."),
            optional("path", TEXT, "Path and query. Default /."),
            optional("headers", TextMap, "Sent besides Host and Content-Length."),
            optional("body", TEXT, "The body."),
            optional("body-bytes", Scalar(Integer { least: 1, most: 1_000_000 }), "A body of so many letters."),
        ],
    )
};

const FAULT: Table = Table {
    at_most_one: &[&["from", "after"], &["every", "after"]],
    ..Table::new(
        "a fault",
        &[
            required("name", TEXT, "Its name, as the record tells it."),
            optional(
                "from",
                DURATION,
                "When it begins. Default 0s; with `every` the first time, by default one period after the beginning.",
            ),
            optional("after", TRIGGER, "It begins once this has happened; if it never does, the scenario fails."),
            optional(
                "every",
                DURATION,
                "It begins again and again, for as long as `for` says: every = \"10m\" with for = \"30s\" is a fault of half a minute every ten minutes. 1 ms or more, and at most 100000 times in a run.",
            ),
            optional("until", DURATION, "When it ends. With `every`: it begins no later than this. Default the end."),
            optional("for", DURATION, "It ends so long after it began."),
            optional("count", COUNT, "How often it applies at most, each time it has begun. Default no limit."),
            required("inject", One(&INJECTION), "What goes wrong."),
        ],
    )
};

/// `{ slow = "3s" }`.
const SLOW: Key = required("slow", DURATION, "Answers so much later.");
const FAULTY_NETWORK: Key = required("network", TEXT, "The network's name.");
const FAULTY_BSSID: Key =
    optional("bssid", Scalar(HardwareAddress), "One of its access points. Default all that have the name.");

const INJECTION: Choice = Choice {
    what: "a fault's injection",
    keys: &[
        required(
            "sensor",
            Either {
                plain: &Words(&[
                    ("silent", "Says nothing."),
                    ("bad-checksum", "Sends a wrong checksum."),
                    ("latched", "Says nothing any more until it loses power."),
                ]),
                table: &One(&Choice {
                    what: "a sensor's fault",
                    keys: &[required(
                        "late-response",
                        DURATION,
                        "Begins its response later than the data sheet allows, by this much.",
                    )],
                }),
            },
            "The sensor.",
        ),
        required(
            "access-point",
            Shape::Table(&Table::new(
                "an access point's fault",
                &[
                    FAULTY_NETWORK,
                    FAULTY_BSSID,
                    required(
                        "state",
                        Words(&[
                            ("off", "It is not there."),
                            ("refusing", "It refuses associations."),
                            ("deaf", "It sends beacons and hears nothing."),
                        ]),
                        "What it does instead of serving.",
                    ),
                    optional("deauth", BOOLEAN, "With `off`: whether it says goodbye first. Default true."),
                ],
            )),
            "An access point.",
        ),
        required("link", Shape::Table(&LINK), "The frames between an access point and its stations."),
        required(
            "dhcp",
            Shape::Table(&Table::new(
                "a DHCP server's fault",
                &[
                    FAULTY_NETWORK,
                    required(
                        "reply",
                        Either {
                            plain: &Words(&[("silent", "Says nothing."), ("refuse", "Refuses (DHCPNAK).")]),
                            table: &One(&Choice { what: "a DHCP server's reply", keys: &[SLOW] }),
                        },
                        "What it does instead of giving a lease at once.",
                    ),
                ],
            )),
            "A network's DHCP server.",
        ),
        required(
            "dns",
            Either {
                plain: &Words(&[
                    ("silent", "Says nothing."),
                    ("refused", "REFUSED."),
                    ("server-failure", "SERVFAIL."),
                    ("no-such-name", "NXDOMAIN."),
                ]),
                table: &One(&Choice {
                    what: "a name server's fault",
                    keys: &[required("wrong-address", Scalar(Ipv4Address), "Answers with this address."), SLOW],
                }),
            },
            "The name servers.",
        ),
        required(
            "ntp",
            Either {
                plain: &Words(&[
                    ("silent", "Says nothing."),
                    ("kiss-of-death", "Sends a kiss of death (RFC 5905, section 7.4)."),
                ]),
                table: &One(&Choice {
                    what: "a time server's fault",
                    keys: &[
                        required("wrong-by", Scalar(SignedDuration), "Tells a time that is wrong by this much."),
                        SLOW,
                    ],
                }),
            },
            "The time servers.",
        ),
        required(
            "route",
            Shape::Table(&Table::new(
                "a route's fault",
                &[
                    optional(
                        "to",
                        Words(&[("cloud", "To the cloud."), ("everywhere", "To every server.")]),
                        "Which route. Default cloud.",
                    ),
                    required(
                        "reply",
                        Words(&[
                            ("silent", "Nothing answers."),
                            ("refused", "Connections are refused."),
                            ("reset", "Connections are accepted and then reset."),
                        ]),
                        "What a connection meets.",
                    ),
                ],
            )),
            "The way to a server.",
        ),
        required(
            "man-in-the-middle",
            Words(&[
                ("forged-certificate", "Shows a certificate with the right name, signed by an authority of their own."),
                ("no-certificate", "Leaves out Certificate and CertificateVerify."),
                ("no-certificate-verify", "Shows the cloud's certificate and leaves out CertificateVerify."),
                ("leaf-signed-leaf", "Shows a certificate signed by a good certificate that is no authority's."),
                ("empty-record", "Sends an encrypted record with nothing in it."),
                ("split-message", "Splits a handshake message over two records, which TLS allows."),
                (
                    "oversized-record",
                    "Sends a record of more than 8 KiB, which TLS allows and the device has no room for.",
                ),
            ]),
            "Somebody between router and cloud, in the cloud's place.",
        ),
        required("cloud", CLOUD_FAULT, "The cloud."),
    ],
};

const CLOUD_FAULT: Shape = Either {
    plain: &Words(&[
        ("drop-before-storing", "Closes the connection without storing."),
        ("drop-after-storing", "Stores, then closes the connection without an answer."),
        ("reset", "Resets the connection without storing."),
        ("chunked", "Answers in chunks."),
        ("truncated", "Stores, and closes in the middle of the answer."),
        ("too-soon", "Answers 0, as if the last entry were too young."),
        ("refuse-key", "Refuses the write key."),
    ]),
    table: &One(&Choice {
        what: "a cloud's fault",
        keys: &[
            required(
                "status",
                Scalar(Integer { least: 200, most: 599 }),
                "Stores nothing and answers with this status.",
            ),
            required("delay-before-storing", DURATION, "Waits, then stores and answers."),
            required("delay-after-storing", DURATION, "Stores, then waits and answers."),
        ],
    }),
};

const LINK: Table = Table {
    at_least_one: &["loss", "duplicate", "reorder", "corrupt", "latency", "jitter"],
    ..Table::new(
        "a link's fault",
        &[
            FAULTY_NETWORK,
            FAULTY_BSSID,
            optional("loss", Scalar(Probability), "A frame is lost."),
            optional("duplicate", Scalar(Probability), "A frame arrives twice."),
            optional("reorder", Scalar(Probability), "A frame is overtaken by the next."),
            optional("corrupt", Scalar(Probability), "A byte of a frame is changed."),
            optional("latency", DURATION, "Each frame takes longer by this."),
            optional("jitter", DURATION, "And by up to this, drawn for each frame."),
        ],
    )
};

const STEP: Table = Table {
    exactly_one: &[&["at", "after", "every"]],
    ..Table::new(
        "a step",
        &[
            optional("at", DURATION, "Once, at this time."),
            optional("after", TRIGGER, "Once, after this has happened; if it never does, the scenario fails."),
            optional("every", DURATION, "Again and again: 1 ms or more, and at most 100000 times in a run."),
            optional("from", DURATION, "With `every`: the first time. Default one period after the beginning."),
            optional("until", DURATION, "With `every`: no later than this. Default the end."),
            required("do", One(&ACTION), "What hands do."),
        ],
    )
};

const SWITCH: Shape = Either {
    plain: &ON_OFF,
    table: &Shape::Table(&Table::new(
        "a switch's move",
        &[
            required("to", ON_OFF, "Where to."),
            optional("bounce", DURATION, "How long its contact bounces. Default 0s."),
        ],
    )),
};

const ACTION: Choice = Choice {
    what: "a step's action",
    keys: &[
        required(
            "power",
            Either {
                plain: &ON_OFF,
                table: &One(&Choice {
                    what: "a power action",
                    keys: &[
                        required(
                            "cut-for",
                            DURATION,
                            "Goes off and comes on again so much later, unless another step does something to the supply before.",
                        ),
                        required("brown-out", DURATION, "Dips for so long: the chip resets, the sensor goes on."),
                    ],
                }),
            },
            "The supply.",
        ),
        required("reset-button", Words(&[("press", "Presses and releases it.")]), "The reset button."),
        required("config-switch", SWITCH, "The switch on GPIO5."),
        required("spare-switch", SWITCH, "The switch on GPIO4."),
        required(
            "sensor",
            Shape::Table(&Table { at_least_one: &["temperature", "humidity"], ..SENSOR }),
            "The air around the sensor, from now on.",
        ),
    ],
};

const SWEEP: Choice = Choice {
    what: "a sweep",
    keys: &[required(
        "cut-power-at-each-flash-operation",
        Shape::Table(&Table::new(
            "a sweep of power cuts",
            &[
                optional("from", DURATION, "Flash operations count from here. Default 0s."),
                optional("until", DURATION, "Flash operations count up to here. Default the end."),
                optional("off-for", DURATION, "How long power stays off. Default 2s."),
            ],
        )),
        "The n-th repetition cuts power in the middle of the n-th flash operation.",
    )],
};
