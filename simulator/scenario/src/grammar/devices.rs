//! Devices: boards, parts on pins, and what the flash holds at the beginning.

use esp8266::image::flash::SIZES;
use simulator_world::air::Country;
use simulator_world::boards::{BOARDS, Board};

use super::events::LEVEL;
use super::sensor::{AIR_HUMIDITY, AIR_TEMPERATURE, SENSOR};
use super::{BOOLEAN, DURATION, ON_OFF, PORT, TEXT};
use crate::model::{BootMode, DhtModel, Overwrite, SensorKind};
use crate::shape::Scalar::{DateTime, HardwareAddress, Integer};
use crate::shape::Shape::{List, Scalar, Words};
use crate::shape::{Key, Shape, Table, optional, required};

/// The boards' names, each with what it stands for.
const BOARD_WORDS: [(&str, &Board, &str); BOARDS.len()] = {
    let mut words = [(BOARDS[0].name, BOARDS[0], BOARDS[0].about); BOARDS.len()];
    let mut row = 1;
    while row < BOARDS.len() {
        words[row] = (BOARDS[row].name, BOARDS[row], BOARDS[row].about);
        row += 1;
    }
    words
};

/// `board`.
pub(super) const BOARD: Key = optional(
    "board",
    Words(&BOARD_WORDS),
    "Which board it is. Default yellow-duck; where `parts` are listed, bare. What is listed there is soldered to it besides.",
);

/// `[[parts]]`.
pub(super) const PARTS: Key = optional(
    "parts",
    List(&Shape::Table(&PART)),
    "What is soldered to the chip's pins, besides what the board has; at most 17.",
);

/// A kind of part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartWord {
    Dht(DhtModel),
    Switch,
    Button,
    Led,
}

const PART: Table = Table::new(
    "a part",
    &[
        required("name", TEXT, "Its name, by which steps, events and faults speak of it."),
        required(
            "kind",
            Words(&[
                ("DHT22", PartWord::Dht(DhtModel::Am2302), "A DHT22, also sold as AM2302."),
                ("AM2302", PartWord::Dht(DhtModel::Am2302), "The same."),
                ("AM2301", PartWord::Dht(DhtModel::Am2301), "An AM2301, also sold as DHT21."),
                ("DHT11", PartWord::Dht(DhtModel::Dht11), "A DHT11."),
                ("clone", PartWord::Dht(DhtModel::Clone), "A DHT22 of another maker: see `kind` in `[sensor]`."),
                ("switch", PartWord::Switch, "A switch, which stays where it is put."),
                ("button", PartWord::Button, "A button, which is on while it is pressed."),
                ("LED", PartWord::Led, "An LED."),
            ]),
            "What it is.",
        ),
        required(
            "gpio",
            Scalar(Integer { least: 0, most: 16 }),
            "Its pin's GPIO number; not 6 to 11, to which the flash is soldered.",
        ),
        optional(
            "on-level",
            LEVEL,
            "The pin's level while the switch is on, the button is pressed, or that lights the LED. Default high, and low for a button.",
        ),
        optional("on", BOOLEAN, "Whether a switch is on at the beginning. Default false."),
        AIR_TEMPERATURE,
        AIR_HUMIDITY,
    ],
);

const SENSOR_KIND: Shape = Words(&[
    ("DHT22", SensorKind::Dht22, "DHT22, also sold as AM2302: tenths."),
    ("DHT11", SensorKind::Dht11, "DHT11: whole degrees and percents."),
]);

const CONFIG_SWITCH: Key = optional(
    "config-switch",
    ON_OFF,
    "The switch `config` of the yellow duck at the beginning; on asks for configuration mode. Default off.",
);
const SPARE_SWITCH: Key =
    optional("spare-switch", ON_OFF, "The switch `spare` of the yellow duck at the beginning. Default off.");
const POWER_UP: Key = optional("power-up", DURATION, "When power comes on. Default 0s.");
const UPTIME: Key = optional(
    "uptime",
    DURATION,
    "How long the chip's counters of time say that it has been on when power comes for the first time, at most 3650d: with 71m its 32 bits of microseconds wrap half a minute later, with 49d 17h 2m 32 bits of milliseconds do. On the chip these are the counters of the hardware; what a program counts itself, as the high words of Arduino's `millis()`, begins anew. Default 0s.",
);

/// Names of flash sizes, each with its bytes.
const FLASH_SIZE_WORDS: [(&str, u32, &str); SIZES.len()] = {
    let mut words = [("", 0, ""); SIZES.len()];
    let mut row = 0;
    while row < SIZES.len() {
        words[row] = (SIZES[row].name, SIZES[row].bytes as u32, SIZES[row].about);
        row += 1;
    }
    words
};

const IMAGE: Key = optional(
    "image",
    TEXT,
    "An image that runs whole in the place of the yellow duck's firmware on this machine, as it is flashed: a file for the flash's beginning, a folder whose files say their offsets by their names (`0x10000.bin`), or a list of offsets and files. Its path is from the scenario's folder.",
);
const FLASH_SIZE: Key = optional(
    "flash-size",
    Words(&FLASH_SIZE_WORDS),
    "With `image`: the size of the flash, which is written into the image's header. Default what the header says, or 4M.",
);
const FLASH: Key = optional(
    "flash",
    List(&Shape::Table(&FLASH_PART)),
    "What is flashed besides `image`, or in its place: files, each at its offset.",
);
const FLASH_PART: Table = Table::new(
    "a part of what is flashed",
    &[
        required(
            "offset",
            Scalar(Integer { least: 0, most: 0xFF_FFFF }),
            "Where the file begins, in bytes from the flash's beginning, such as 0x10000. No two files share a sector of 4,096 bytes.",
        ),
        required("file", TEXT, "The file's path from the scenario's folder."),
    ],
);
const FLASH_ENDURANCE: Key = optional(
    "flash-endurance",
    Scalar(Integer { least: 0, most: u32::MAX as i64 }),
    "How often each sector of 4,096 bytes can be erased. After that an erase leaves some cells at 0 for good, some more each time, and says nothing. What is written at the beginning does not count. Default without end; data sheets promise 100,000.",
);
const FLASH_OVERWRITE: Key = optional(
    "flash-overwrite",
    Words(&Overwrite::ROWS),
    "What its flash makes of a word of 4 bytes that is written again before its sector has been erased, even with ones where nothing is to change. Default clears.",
);
const INIT_DATA: Key = optional(
    "init-data",
    TEXT,
    "With `image`: a file of 128 bytes that the vendor's SDK starts its radio with, 16 KiB before the flash's end. Default what the image or `flash` has there; if that is blank, values for a module with a crystal of 26 MHz.",
);
const ELF: Key = optional(
    "elf",
    TEXT,
    "With `image`: the ELF file that it was made of, by which reports name functions and lines. Default the only ELF file in the folder that `image` names.",
);
const BOOT: Key = optional(
    "boot",
    Words(&[
        ("flash", BootMode::Flash, "From its flash."),
        (
            "download",
            BootMode::Download,
            "GPIO0 is held low: the boot ROM waits at the serial port for a program, and starts none by itself.",
        ),
    ]),
    "With `image`: how the module is strapped when it starts. Default flash.",
);
const MAC: Key = optional(
    "mac",
    Scalar(HardwareAddress),
    "The station's hardware address, as the factory has put it into the chip. Default 18:FE:34:00:00:00, and so on for each further device.",
);
const COUNTRY: Key = optional(
    "country",
    Words(&[Country::China.row(), Country::UnitedStates.row(), Country::Japan.row()]),
    "The country that the SDK is set to, whose channels it looks at. Default JP. Not with `image`, whose own program says it.",
);

/// `[device]`.
pub(super) const DEVICE: Table = Table::new(
    "the device",
    &[
        optional(
            "sensor",
            SENSOR_KIND,
            "The board's sensor, as its owner calls it; `kind` in `[sensor]` says which part exactly. Default DHT22.",
        ),
        CONFIG_SWITCH,
        SPARE_SWITCH,
        POWER_UP,
        UPTIME,
        MAC,
        COUNTRY,
        IMAGE,
        FLASH,
        FLASH_SIZE,
        FLASH_ENDURANCE,
        FLASH_OVERWRITE,
        INIT_DATA,
        ELF,
        BOOT,
    ],
);

/// One of `[[devices]]`.
pub(super) const DEVICES: Table = Table::new(
    "one of several devices",
    &[
        required(
            "name",
            TEXT,
            "Its name, by which steps, events, faults and phones speak of it: letters of ASCII, digits, `-` and `_`. Its evidence lies in the folder `device-` with this name.",
        ),
        BOARD,
        PARTS,
        CONFIG_SWITCH,
        SPARE_SWITCH,
        POWER_UP,
        UPTIME,
        MAC,
        COUNTRY,
        IMAGE,
        FLASH,
        FLASH_SIZE,
        FLASH_ENDURANCE,
        FLASH_OVERWRITE,
        INIT_DATA,
        ELF,
        BOOT,
        optional("settings", Shape::Table(&SETTINGS), "What its flash holds at the beginning. Default it is blank."),
        optional("sensor", Shape::Table(&SENSOR), "Its sensor, and what it measures."),
    ],
);

/// `[settings]`.
pub(super) const SETTINGS: Table = Table::new(
    "settings",
    &[
        required("network", TEXT, "Network name, 1 to 32 bytes."),
        optional("passphrase", TEXT, "8 to 63 bytes or 64 hexadecimal digits; absent or empty for an open network."),
        optional(
            "write-key",
            TEXT,
            "16 of 0-9 and A-Z, or `channel` for the key of the device's simulated channel. Default `channel`.",
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
        optional(
            "authenticated-time",
            Scalar(DateTime),
            "The newest time that the device has had from a cloud it could check, as its flash holds it. Default the scenario's start: it has been at work until then. 2026-01-01T00:00:00Z, the firmware's release, stands for none.",
        ),
    ],
);
