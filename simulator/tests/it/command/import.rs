//! `preflash import` and `preflash new`: from what the field sends to a scenario that runs.

use std::fs;

use serde_json::Value;

use super::bench::{Bench, Ended};

/// A run with all that an import must find again: a router that is away, a sensor that is silent, a reply that is lost,
/// a name server that fails, power that fails, a button that is pressed.
const FIELD: &str = r#"
title = "A day in the field"
start = 2026-03-01T05:06:07Z
duration = "1h 20m"
[settings]
network = "home"
passphrase = "correct horse"
interval = "1m"
[sensor]
temperature = { ramp = { from = "-3.0 °C", to = "9.0 °C", over = "1h 20m" } }
humidity = { ramp = { from = "80 %", to = "40 %", over = "1h 20m" } }
[[faults]]
name = "router is off"
from = "5m"
for = "4m"
inject.access-point = { network = "home", state = "off" }
[[faults]]
name = "loose wire"
from = "15m"
for = "6m"
inject.sensor = "silent"
[[faults]]
name = "lost reply"
from = "25m"
count = 1
inject.cloud = "drop-after-storing"
[[faults]]
name = "names"
from = "30m"
for = "3m"
inject.dns = "silent"
[[steps]]
at = "40m 20s"
do.power = { cut-for = "5m" }
[[steps]]
at = "60m 30s"
do.reset-button = "press"
[[expect]]
event.stored = {}
"#;

/// The entries with a reading that the cloud has stored in a run: what they were created with, and their fields.
fn entries(bench: &Bench, folder: &str) -> Vec<(i64, String, String)> {
    let events = bench.read(&format!("{folder}/events.jsonl"));
    let stored = events.lines().filter(|line| line.contains("\"event\":\"stored\""));
    let entry = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        let field = |number: usize| event["fields"][number].as_str().map(str::to_owned);
        Some((event["created-at"].as_i64().unwrap(), field(0)?, field(1)?))
    };
    let mut entries: Vec<_> = stored.filter_map(entry).collect();
    entries.sort();
    entries
}

fn passes(bench: &Bench, arguments: &str) -> Ended {
    let ended = bench.preflash(arguments);
    assert_eq!(ended.code, Some(0), "{arguments}: {}{}", ended.stdout, ended.stderr);
    ended
}

#[test]
fn what_the_simulator_exports_comes_back_with_the_same_entries() {
    let bench = Bench::new("import-own");
    bench.file("field.toml", FIELD);
    passes(&bench, "run field.toml");
    let field = entries(&bench, "target/preflash/field");
    assert!(field.len() > 55, "{}", field.len());
    // The channel's export, as ThingSpeak writes it.
    let calendar = |at: &i64| {
        let moment = time::OffsetDateTime::from_unix_timestamp(*at).unwrap();
        format!("{} {} UTC", moment.date(), moment.time().to_string().split('.').next().unwrap().replace(" ", ""))
    };
    let mut csv = "created_at,entry_id,field1,field2\n".to_owned();
    let mut feeds = Vec::new();
    for (number, (at, celsius, percent)) in (1..).zip(&field) {
        csv += &format!("{},{number},{celsius},{percent}\n", pad(&calendar(at)));
        feeds.push(serde_json::json!({
            "created_at": pad(&calendar(at)).replacen(' ', "T", 1).replace(" UTC", "Z"),
            "entry_id": number, "field1": celsius, "field2": percent,
        }));
    }
    let json =
        serde_json::json!({ "channel": { "id": 1, "field1": "temperature", "field2": "humidity" }, "feeds": feeds });
    bench.file("feeds.csv", &csv).file("feeds.json", &json.to_string());
    for (file, name) in [
        ("feeds.csv", "from-csv"),
        ("feeds.json", "from-json"),
        ("target/preflash/field/serial.log", "from-log"),
        ("target/preflash/field/events.jsonl", "from-record"),
    ] {
        passes(&bench, &format!("import {file} -o {name}.toml"));
        passes(&bench, &format!("check {name}.toml"));
        passes(&bench, &format!("run {name}.toml"));
        let again = entries(&bench, &format!("target/preflash/{name}"));
        let missing: Vec<_> = field.iter().filter(|entry| !again.contains(entry)).collect();
        let more: Vec<_> = again.iter().filter(|entry| !field.contains(entry)).collect();
        assert!(missing.is_empty() && more.is_empty(), "{file}: missing {missing:?}, more {more:?}");
        let text = bench.read(&format!("{name}.toml"));
        assert!(text.contains("never = true"), "gaps are expected: {text}");
    }
    let log = bench.read("from-log.toml");
    for (part, place) in [("do.power", "serial.log"), ("do.reset-button", "serial.log"), ("inject.dns", "serial.log")] {
        assert!(log.contains(part) && log.contains(&format!("# {place}, line ")), "{part}: {log}");
    }
}

/// A time of day with two digits each.
fn pad(text: &str) -> String {
    let mut words = text.split(' ');
    let (date, clock) = (words.next().unwrap(), words.next().unwrap());
    let clock: Vec<String> = clock.split(':').map(|part| format!("{part:0>2}")).collect();
    format!("{date} {} UTC", clock.join(":"))
}

#[test]
fn rows_of_an_export_come_back_with_their_gaps_and_failures() {
    let bench = Bench::new("import-rows");
    bench.file(
        "feeds.csv",
        "created_at,entry_id,field1,field2\n2026-04-18 16:00:00 UTC,811,17.60,61.0\n2026-04-18 16:10:00 UTC,812,17.3,61.8\n\
         2026-04-18 16:20:00 UTC,813,nan,nan\n2026-04-18 16:30:00 UTC,814,16.4,64.1\n2026-04-18 16:30:00 UTC,815,16.5,64.2\n\
         2026-04-18 16:40:00 UTC,816,,\n2026-04-18 17:10:00 UTC,817,998,64.9\n2026-04-18 17:20:00 UTC,818,16.1,64.9\n",
    );
    let ended = passes(&bench, "import feeds.csv");
    assert!(ended.stderr.contains("7 readings (2 failed), 2 times without"), "{}", ended.stderr);
    passes(&bench, "run feeds.toml");
    let stored: Vec<_> = entries(&bench, "target/preflash/feeds").into_iter().map(|(_, celsius, _)| celsius).collect();
    assert_eq!(stored, ["17.6", "17.3", "16.5", "16.1"]);
    let text = bench.read("feeds.toml");
    for part in [
        "line 5 and line 6 have the same time",
        "998 is no value that a sensor sends",
        "interval = \"10m\"",
        "line 6 and line 9",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // What is there stays.
    let again = bench.preflash("import feeds.csv");
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("feeds.toml is there already"), "{}", again.stderr);
    passes(&bench, "import feeds.csv --force");
}

#[test]
fn what_cannot_be_imported_is_told_with_its_place_and_leaves_nothing() {
    let bench = Bench::new("import-wrong");
    let csv = "created_at,entry_id,field1\n";
    for (file, text, says) in [
        ("a.csv", format!("{csv}yesterday,1,20\n"), "line 2: `yesterday` is no time"),
        (
            "a.csv",
            format!("{csv}2026-01-01 12:00:00 UTC,1,warm\n"),
            "line 2: `warm` is neither a decimal number nor `nan`",
        ),
        ("a.csv", format!("{csv}2026-01-01 12:00:00 UTC,1,20\n2262-04-11 23:47:00 UTC,2,20\n"), "from 1970 to 2200"),
        ("a.csv", "created_at;field1\n1;2\n".to_owned(), "separated by commas"),
        ("a.csv", "created_at,entry_id\n2026-01-01 12:00:00 UTC,1\n".to_owned(), "no column has readings"),
        ("a.csv", csv.to_owned(), "no row with a reading"),
        ("a.csv", String::new(), "it is empty"),
        ("a.json", "{\"channel\": {}}".to_owned(), "there is no list `feeds`"),
        ("a.json", "{\"channel\": {}, \"feeds\": []}".to_owned(), "it has no fields"),
        ("a.log", "hello\nworld\n".to_owned(), "no line begins with a time"),
        ("a.vcd", "$date x $end\n$var wire 1 ! x $end\n$enddefinitions $end\n#0\n".to_owned(), "$timescale is missing"),
        (
            "a.vcd",
            "$timescale 1 s $end\n$var wire 1 ! x $end\n$enddefinitions $end\n#9000000000\n0!\n".to_owned(),
            "more than 200 years",
        ),
        ("a.pcap", "\u{a}\r\r\n".to_owned(), "behind packet 0"),
        ("a.jsonl", "{\"at\":1,\"event\":\"x\"}\n{\"at\":".to_owned(), "line 2: not an event"),
    ] {
        bench.file(file, &text);
        let ended = bench.preflash(&format!("import {file}"));
        assert_eq!(ended.code, Some(2), "{file} {text}: {}", ended.stderr);
        assert!(ended.stderr.contains(&format!("could not import {file}: ")), "{}", ended.stderr);
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
    }
    fs::write(bench.folder.join("b.sr"), b"PK\x03\x04 no zip").unwrap();
    assert!(bench.preflash("import b.sr").stderr.contains("not a session of sigrok"));
    fs::write(bench.folder.join("c.log"), b"[1.0] x\n\xFF\xFE").unwrap();
    assert!(bench.preflash("import c.log").stderr.contains("line 2: not UTF-8"));
    let folder = bench.preflash("import .");
    assert!(folder.stderr.contains("could not import .: "), "{}", folder.stderr);
    let left: Vec<_> =
        bench.files("").into_keys().filter(|path| path.extension().is_some_and(|it| it == "toml")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_log_with_a_terminals_times_tells_of_the_same() {
    let bench = Bench::new("import-terminal");
    let log = "16:00:00.100 > ets Jan  8 2013,rst cause:1, boot mode:(3,6)\n16:00:02.600 > Temperature: 20.5 C  Humidity: 50.0 %\n\
               16:01:02.600 > Temperature: 20.6 C  Humidity: 51.0 %\n16:01:30.000 > ets Jan  8 2013,rst cause:2, boot mode:(3,6)\n\
               16:01:32.500 > Temperature: 20.7 C  Humidity: 52.0 %\n16:02:32.500 > Temperature: 20.8 C  Humidity: 53.0 %\n";
    bench.file("terminal.log", log);
    passes(&bench, "import terminal.log");
    passes(&bench, "run terminal.toml");
    let stored: Vec<_> =
        entries(&bench, "target/preflash/terminal").into_iter().map(|(_, celsius, _)| celsius).collect();
    assert_eq!(stored, ["20.5", "20.6", "20.7", "20.8"]);
    assert!(bench.read("terminal.toml").contains("do.reset-button = \"press\""));
}

/// The captures of real sensors that the project has as edges, as a VCD.
#[test]
fn captures_of_real_sensors_are_read_as_sigrok_reads_them() {
    let bench = Bench::new("import-wire");
    let lines = include_str!("../captures/am230x.txt").lines().filter(|line| !line.starts_with('#'));
    let mut vcd = "$timescale 1 us $end\n$scope module logic $end\n$var wire 1 ! SDA $end\n$var wire 1 \" other $end\n$upscope $end\n\
                   $enddefinitions $end\n#0\n1!\n0\"\n"
        .to_owned();
    let mut expected = Vec::new();
    for (number, line) in lines.filter(|line| line.starts_with("am2302_1mhz_200s ")).enumerate() {
        let words: Vec<&str> = line.split(' ').collect();
        let mut now = (number as u64 + 1) * 2_000_000;
        for (place, length) in words[4..].iter().enumerate() {
            vcd += &format!("#{now}\n{}!\n", place % 2);
            now += length.parse::<u64>().unwrap();
        }
        vcd += &format!("#{now}\n1!\n");
        expected.push((words[2].to_owned(), words[3].to_owned()));
    }
    assert!(expected.len() > 50, "{}", expected.len());
    bench.file("wire.vcd", &vcd);
    passes(&bench, "import wire.vcd");
    passes(&bench, "run wire.toml");
    let recorded = bench.read("wire.recording.csv");
    let read: Vec<(String, String)> = recorded
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|cells| cells[3].contains(" at ") || !cells[3].contains("nothing"))
        .map(|cells| (cells[1].replace("nan", "-"), cells[2].replace("nan", "-")))
        .collect();
    assert_eq!(read[..expected.len()], expected);
}

const DUCK: [u8; 6] = [0x18, 0xFE, 0x34, 0, 0, 0];
const OTHER: [u8; 6] = [0x5C, 0xCF, 0x7F, 1, 2, 3];

#[test]
fn a_capture_of_the_network_tells_what_it_refused() {
    let bench = Bench::new("import-packets");
    let mut pcap = Pcap::default();
    let start = 1_772_341_567_000_000u64;
    pcap.udp(DUCK, start, 68, 67, &dhcp(1, 7));
    pcap.udp(DUCK, start + 20_000, 67, 68, &dhcp(5, 7));
    pcap.udp(DUCK, start + 500_000, 5000, 53, &dns(1, 0x0100));
    pcap.udp(DUCK, start + 520_000, 53, 5000, &dns(1, 0x8182));
    pcap.udp(OTHER, start + 600_000, 5000, 53, &dns(1, 0x0100));
    pcap.udp(OTHER, start + 620_000, 53, 5000, &dns(1, 0x8183));
    pcap.udp(DUCK, start + 30_000_000, 5000, 53, &dns(2, 0x0100));
    pcap.udp(DUCK, start + 30_010_000, 53, 5000, &dns(2, 0x8180));
    pcap.udp(DUCK, start + 31_000_000, 5001, 123, &ntp(3, 77));
    pcap.udp(DUCK, start + 60_000_000, 5000, 53, &dns(3, 0x0100));
    pcap.udp(DUCK, start + 60_010_000, 53, 5000, &dns(3, 0x8180));
    fs::write(bench.folder.join("net.pcap"), &pcap.0).unwrap();
    passes(&bench, "import net.pcap");
    let text = bench.read("net.toml");
    for part in [
        "inject.dns = \"server-failure\"",
        "inject.ntp = \"silent\"",
        "event.lease",
        "# net.pcap, packet 3",
        "start = 2026-03-01T",
        "# net.pcap: of 2 devices 18:fe:34:00:00:00 is taken as the one; --device says another (5c:cf:7f:01:02:03)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // What another device was refused is none of this one's.
    assert!(!text.contains("no-such-name"), "{text}");
    let log = passes(&bench, "run net.toml");
    assert!(log.stdout.contains("1 passed"), "{}", log.stdout);
    let events = bench.read("target/preflash/net/events.jsonl");
    assert!(events.contains("server failure"), "the name server fails as it did");
    passes(&bench, "import net.pcap -o other.toml --device 5c:cf:7f:01:02:03");
    let other = bench.read("other.toml");
    assert!(other.contains("no-such-name") && !other.contains("server-failure"), "{other}");
    let nobody = bench.preflash("import net.pcap -o x.toml --device 00:00:00:00:00:01");
    assert_eq!(nobody.code, Some(2));
    assert!(nobody.stderr.contains("these do: 18:fe:34:00:00:00, 5c:cf:7f:01:02:03"), "{}", nobody.stderr);
}

#[test]
fn garbage_of_the_boot_rom_and_midnight_are_in_no_logs_way() {
    let bench = Bench::new("import-garbage");
    let mut log = b"23:59:00.100 > \xF4\xFE\x80\xE6 ets Jan  8 2013,rst cause:1, boot mode:(3,6)\n".to_vec();
    log.extend(b"\xFF\xFE\x00\x9C\n23:59:02.600 > Temperature: 20.5 C  Humidity: 50.0 %\n");
    log.extend(
        b"00:00:02.600 > Temperature: 20.6 C  Humidity: 51.0 %\n00:01:02.600 > Temperature: 20.7 C  Humidity: 52.0 %\n",
    );
    fs::write(bench.folder.join("raw.log"), log).unwrap();
    passes(&bench, "import raw.log");
    let text = bench.read("raw.toml");
    for part in ["# raw.log: 2 lines have bytes that are no text", "# raw.log, line 4: ", "a midnight has passed"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    passes(&bench, "run raw.toml");
    let stored: Vec<_> = entries(&bench, "target/preflash/raw").into_iter().map(|(_, celsius, _)| celsius).collect();
    assert_eq!(stored, ["20.5", "20.6", "20.7"]);
}

#[test]
fn times_without_a_zone_are_said_to_be_so() {
    let bench = Bench::new("import-zone");
    bench.file("x.csv", "created_at,field1,field2\n2026-01-01 12:00:00,20,50\n2026-01-01 12:05:00,21,50\n");
    passes(&bench, "import x.csv");
    let text = bench.read("x.toml");
    assert!(text.contains("# x.csv: its times have no zone: taken as UTC; --utc-offset says another"), "{text}");
    assert!(text.contains("start = 2026-01-01T11:59:58Z"), "{text}");
    passes(&bench, "import x.csv -o y.toml --utc-offset +02:00");
    let text = bench.read("y.toml");
    assert!(text.contains("taken as +02:00, as --utc-offset says"), "{text}");
    assert!(text.contains("start = 2026-01-01T09:59:58Z"), "{text}");
    assert_eq!(bench.preflash("import x.csv -o z.toml --utc-offset 2").code, Some(2));
    // Nothing takes the place of what it is made from.
    bench.file("z.recording.csv", "created_at,field1,field2\n2026-01-01 12:00:00 UTC,20,50\n");
    let own = bench.preflash("import z.recording.csv -o z.toml --force");
    assert!(own.stderr.contains("z.recording.csv is what this is made from"), "{}", own.stderr);
}

/// A capture of Ethernet frames.
struct Pcap(Vec<u8>);

impl Default for Pcap {
    fn default() -> Self {
        let mut bytes = 0xA1B2_C3D4u32.to_le_bytes().to_vec();
        for word in [0x0004_0002u32, 0, 0, 65_535, 1] {
            bytes.extend(word.to_le_bytes());
        }
        Self(bytes)
    }
}

impl Pcap {
    /// Between a device and its router: what goes to a server's port is the device's.
    fn udp(&mut self, device: [u8; 6], micros: u64, from: u16, to: u16, data: &[u8]) {
        let length = data.len() as u16;
        let router = [2; 6];
        let asks = [67, 53, 123].contains(&to);
        let mut frame = if asks { [router, device] } else { [device, router] }.concat();
        frame.extend([0x08, 0x00, 0x45, 0]);
        frame.extend((28 + length).to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 192, 168, 1, 10, 192, 168, 1, 1]);
        for word in [from, to, 8 + length, 0] {
            frame.extend(word.to_be_bytes());
        }
        frame.extend(data);
        for word in [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, frame.len() as u32, frame.len() as u32] {
            self.0.extend(word.to_le_bytes());
        }
        self.0.extend(frame);
    }
}

fn dhcp(kind: u8, transaction: u8) -> Vec<u8> {
    let mut packet = vec![0; 236];
    packet[..8].copy_from_slice(&[if kind == 5 { 2 } else { 1 }, 1, 6, 0, 0, 0, 0, transaction]);
    packet[28..34].copy_from_slice(&[0x18, 0xFE, 0x34, 0, 0, 0]);
    packet.extend([0x63, 0x82, 0x53, 0x63, 53, 1, kind]);
    if kind == 5 {
        packet.extend([54, 4, 192, 168, 1, 1, 51, 4, 0, 1, 0x51, 0x80, 1, 4, 255, 255, 255, 0]);
    }
    packet.push(255);
    packet
}

fn dns(id: u16, flags: u16) -> Vec<u8> {
    let mut packet = Vec::new();
    for word in [id, flags, 1, 0, 0, 0] {
        packet.extend(word.to_be_bytes());
    }
    packet.extend(b"\x03api\x0athingspeak\x03com\x00\x00\x01\x00\x01");
    packet
}

fn ntp(mode: u8, id: u8) -> Vec<u8> {
    let mut packet = vec![0; 48];
    packet[0] = 0x20 | mode;
    packet[47] = id;
    packet
}

#[test]
fn five_answers_make_a_scenario_that_passes() {
    let bench = Bench::new("new");
    let ended = bench.preflash("new my.toml");
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("answer with --title, --network, --interval, --trouble, --duration"),
        "{}",
        ended.stderr
    );
    for trouble in ["nothing", "router", "internet", "names", "cloud", "reply", "sensor", "power"] {
        passes(&bench, &format!("new {trouble}.toml --trouble {trouble} --yes"));
        passes(&bench, &format!("run {trouble}.toml"));
    }
    for (arguments, says) in [
        ("new x.toml --yes --trouble aliens", "`aliens` is no trouble known here: one of nothing, router"),
        ("new x.toml --yes --interval 1s", "15"),
        ("new x.yaml --yes", "it ends in .toml"),
        ("new power.toml --yes", "is there already"),
    ] {
        let ended = bench.preflash(arguments);
        assert_eq!(ended.code, Some(2), "{arguments}");
        assert!(ended.stderr.contains(says), "{arguments}: {}", ended.stderr);
    }
    assert!(!bench.folder.join("x.toml").exists());
}

/// A capture in monitor mode: 802.11 behind radiotap headers, as a Linux driver writes them.
struct Monitor(Vec<u8>);

const HOME: [u8; 6] = [0x02, 0, 0, 0, 0x10, 1];
const NEIGHBOURS: [u8; 6] = [0x02, 0, 0, 0, 0x20, 2];
const EVERYBODY: [u8; 6] = [0xFF; 6];

impl Monitor {
    fn new() -> Self {
        let mut bytes = 0xA1B2_C3D4u32.to_le_bytes().to_vec();
        for word in [0x0004_0002u32, 0, 0, 65_535, 127] {
            bytes.extend(word.to_le_bytes());
        }
        Self(bytes)
    }

    /// A frame: its control field, receiver, transmitter, BSSID or what else the third address is, and what follows.
    fn frame(&mut self, millis: u64, flags: u8, control: [u8; 2], addresses: [[u8; 6]; 3], body: &[u8]) {
        // Flags, rate, channel, signal, antenna; a namespace more in a second word.
        let mut frame = vec![0, 0, 20, 0];
        frame.extend((1u32 << 31 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5).to_le_bytes());
        frame.extend([0; 4]);
        frame.extend([flags, 2, 0x6C, 0x09, 0xA0, 0, (-61i8) as u8, 0]);
        frame.extend(control);
        frame.extend([0, 0]);
        frame.extend(addresses.concat());
        frame.extend([0, 0]);
        frame.extend(body);
        // The frame check sequence, which looks like a name.
        frame.extend([0, 2, b'x', b'y']);
        let micros = 1_772_341_567_000_000 + millis * 1_000;
        for word in [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, frame.len() as u32, frame.len() as u32] {
            self.0.extend(word.to_le_bytes());
        }
        self.0.extend(frame);
    }

    fn beacon(&mut self, millis: u64, bssid: [u8; 6], name: &str, channel: u8, protected: bool) {
        let mut body = vec![0; 8];
        body.extend([100, 0, if protected { 0x11 } else { 0x01 }, 0, 0, name.len() as u8]);
        body.extend(name.as_bytes());
        body.extend([3, 1, channel]);
        self.frame(millis, 0x10, [0x80, 0], [EVERYBODY, bssid, bssid], &body);
    }

    fn deauthentication(&mut self, millis: u64, bssid: [u8; 6], station: [u8; 6]) {
        self.frame(millis, 0x10, [0xC0, 0], [station, bssid, bssid], &[7, 0]);
    }

    /// Encrypted data from a station.
    fn data(&mut self, millis: u64, bssid: [u8; 6], station: [u8; 6]) {
        self.frame(millis, 0x10, [0x08, 0x41], [bssid, station, bssid], &[0x5A; 40]);
    }
}

/// Two networks, of which one is silent for a while and sends two stations away.
fn monitor() -> Monitor {
    let mut air = Monitor::new();
    for tenth in 0..900 {
        let millis = tenth * 100;
        // From 40 s to 60 s the access point is off.
        if !(400..600).contains(&tenth) {
            air.beacon(millis, HOME, "home", 6, true);
        }
        air.beacon(millis + 3, NEIGHBOURS, "next door", 11, false);
        if tenth == 10 {
            // One that was heard wrong.
            air.frame(millis + 5, 0x50, [0x80, 0], [EVERYBODY, OTHER, OTHER], &[0; 40]);
        }
        if tenth % 50 == 20 {
            air.data(millis + 7, HOME, DUCK);
            air.data(millis + 9, NEIGHBOURS, OTHER);
        }
    }
    air.deauthentication(90_000, HOME, DUCK);
    air.deauthentication(92_000, NEIGHBOURS, OTHER);
    air.beacon(95_000, HOME, "home", 6, true);
    air
}

#[test]
fn a_capture_in_monitor_mode_tells_of_access_points_and_who_was_sent_away() {
    let bench = Bench::new("import-monitor");
    fs::write(bench.folder.join("air.pcap"), monitor().0).unwrap();
    passes(&bench, "import air.pcap --device 18:fe:34:00:00:00");
    let text = bench.read("air.toml");
    let document: toml_edit::DocumentMut = text.parse().unwrap();
    let networks = document["networks"].as_array_of_tables().unwrap();
    let of = |key: &str| -> Vec<String> {
        networks
            .iter()
            .map(|network| network.get(key).map_or(String::new(), |it| it.to_string().trim().to_owned()))
            .collect()
    };
    // The device's own comes first.
    assert_eq!(of("name"), ["\"home\"", "\"next door\""], "{text}");
    assert_eq!(of("channel"), ["6", "11"], "{text}");
    assert_eq!(of("bssid"), ["\"02:00:00:00:10:01\"", "\"02:00:00:00:20:02\""], "{text}");
    assert_eq!(of("passphrase")[1], "", "{text}");
    let faults = document["faults"].as_array_of_tables().unwrap();
    let faults: Vec<(String, String, String)> = faults
        .iter()
        .map(|fault| {
            let word = |key: &str| fault[key].as_str().unwrap_or_default().to_owned();
            (word("from"), word("until"), fault["inject"]["access-point"].to_string().trim().to_owned())
        })
        .collect();
    let off = |rest: &str| format!("{{ network = \"home\", state = \"off\"{rest} }}");
    assert_eq!(faults.len(), 2, "{text}");
    assert_eq!(faults[0].2, off(", deauth = false"), "{text}");
    assert_eq!(faults[1].2, off(""), "{text}");
    assert!(text.contains("air.pcap, packet "), "{text}");
    passes(&bench, "run air.toml");
    let events = bench.read("target/preflash/air/events.jsonl");
    assert!(events.contains("\"reason\":\"deauthenticated\""), "the device is sent away as it was");

    // Which of the stations it is cannot be seen, and is said.
    passes(&bench, "import air.pcap -o any.toml");
    let text = bench.read("any.toml");
    assert!(text.contains("--device says it (18:fe:34:00:00:00, 5c:cf:7f:01:02:03)"), "{text}");
    assert!(!text.contains("sends stations away"), "of one that may be another's: {text}");
    let nobody = bench.preflash("import air.pcap -o x.toml --device 00:00:00:00:00:01");
    assert_eq!(nobody.code, Some(2));
    assert!(nobody.stderr.contains("sends and gets nothing in it; these do: 18:fe:34:00:00:00"), "{}", nobody.stderr);
}

#[test]
fn who_was_sent_away_and_went_elsewhere_was_sent_away() {
    let bench = Bench::new("import-roaming");
    let mut air = Monitor::new();
    air.beacon(0, HOME, "home", 6, true);
    air.beacon(3, NEIGHBOURS, "upstairs", 11, true);
    air.data(1_000, HOME, DUCK);
    air.deauthentication(3_000, HOME, DUCK);
    air.data(5_000, NEIGHBOURS, DUCK);
    fs::write(bench.folder.join("air.pcap"), air.0).unwrap();
    passes(&bench, "import air.pcap --device 18:fe:34:00:00:00");
    let text = bench.read("air.toml");
    let document: toml_edit::DocumentMut = text.parse().unwrap();
    assert_eq!(document["networks"][0]["name"].as_str(), Some("upstairs"), "where it was last comes first: {text}");
    let injections = text.lines().filter(|line| line.starts_with("inject.")).collect::<Vec<_>>();
    assert_eq!(injections, ["inject.access-point = { network = \"home\", state = \"off\" }"], "{text}");
}

#[test]
fn a_capture_of_which_nothing_can_be_read_says_what_to_capture_instead() {
    let bench = Bench::new("import-encrypted");
    let mut air = Monitor::new();
    air.data(0, HOME, DUCK);
    fs::write(bench.folder.join("air.pcap"), air.0).unwrap();
    let ended = bench.preflash("import air.pcap");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("but a capture on the router or of its Ethernet can"), "{}", ended.stderr);
    assert!(!bench.folder.join("air.toml").exists());
}
