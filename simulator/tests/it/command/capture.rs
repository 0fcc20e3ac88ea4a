//! `preflash run --capture`: frames and pins. What `tshark`, `sigrok-cli` and GTKWave read is asked by tests that are
//! ignored unless asked for, by `cargo ci board`: they need what `ci/setup-clients` and `ci/setup-images` fetch.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use pcap_file::DataLink;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;
use pcap_file::pcapng::{Block, PcapNgReader};

use super::bench::{Bench, READING};

/// The only file of that name below the bench's output.
const CAPTURE: &str = "target/preflash/my/air.pcapng";

/// A scenario whose MicroPython joins `home`.
const JOINS: &str = r#"
title = "MicroPython joins"
duration = "30s"
[device]
image = "micropython.bin"
[[networks]]
name = "home"
passphrase = "correct horse"
[[steps]]
at = "5s"
do.serial = { type = "import network;w=network.WLAN(0);w.active(1);w.connect('home','correct horse')\r" }
[[expect]]
event.join = { network = "home", outcome = "joined" }
"#;

/// A scenario of 20 seconds with a reading, a switch that is thrown and a power cut.
const PINS: &str = r#"
title = "Pins"
duration = "20s"
[settings]
network = "home"
passphrase = "correct horse"
[sensor]
temperature = "-10.1 °C"
humidity = "65.2 %"
[[steps]]
at = "12s"
do.power = { cut-for = "2s" }
[[expect]]
event.sensor = { outcome = "answered" }
"#;

#[test]
fn pins_are_kept_as_a_logic_analyser_shows_them() {
    let bench = Bench::new("capture-bus");
    bench.file("my.toml", PINS);
    let capture = || {
        assert_eq!(bench.preflash("run my.toml --capture").code, Some(0));
        bench.read("target/preflash/my/bus.vcd")
    };
    let text = capture();
    assert_eq!(text, capture());
    assert!(text.ends_with('\n') && text.contains("$timescale 1 us $end"), "{}", &text[..200]);
    // Time goes on.
    let times = text.lines().filter_map(|line| line.strip_prefix('#')).map(|time| time.parse::<u64>().unwrap());
    assert!(times.is_sorted());
    // Without --capture a run does not pay for it.
    assert_eq!(bench.preflash("run my.toml --out plain").code, Some(0));
    assert!(!bench.folder.join("plain/my/bus.vcd").exists());
    // What was sent is read again, by our own reader of such files.
    let read = bench.preflash("import target/preflash/my/bus.vcd -o again.toml");
    assert_eq!(read.code, Some(0), "{}", read.stderr);
    let rows = bench.read("again.recording.csv");
    assert!(rows.lines().any(|row| row.contains(",-10.1,65.2,")), "{rows}");
}

/// A text as sigrok's UART shows it.
fn shown(text: &str) -> String {
    let byte = |byte: u8| if byte.is_ascii() { char::from(byte).to_string() } else { format!("[{byte:02X}]") };
    text.bytes().map(byte).collect()
}

/// `sigrok-cli` finds in it what was sent on the sensor's wire and on the serial port.
#[test]
#[ignore = "needs sigrok-cli (ci/setup-clients)"]
fn sigrok_decodes_what_was_sent() {
    let bench = Bench::new("capture-sigrok");
    bench.file("my.toml", PINS);
    assert_eq!(bench.preflash("run my.toml --capture").code, Some(0));
    let sigrok = |decoder: &str, annotations: &str| {
        let mut command = Command::new("sigrok-cli");
        command.current_dir(&bench.folder).args([
            "-i",
            "target/preflash/my/bus.vcd",
            "-I",
            "vcd",
            "-P",
            decoder,
            "-A",
            annotations,
        ]);
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let wire = sigrok("am230x:sda=sensor_gpio14:device=am230x", "am230x");
    assert!(wire.contains("-10.1") && wire.contains("65.2"), "{}", &wire[..wire.len().min(2_000)]);
    let serial = sigrok("uart:rx=uart_tx:baudrate=115200:format=ascii", "uart=rx-data");
    let letters: String = serial.lines().filter_map(|line| line.strip_prefix("uart-1: ")).collect();
    for line in bench.read("target/preflash/my/serial.log").lines().take(5) {
        let said = line.split_once("] ").map_or(line, |(_, said)| said);
        assert!(letters.contains(&shown(said)), "{said}: {}", &letters[..letters.len().min(2_000)]);
    }
}

/// In GTKWave's own language: each signal it knows with its changes, as time and value in turn.
const TELL: &str = r#"
set file [open told.txt w]
puts $file "from [gtkwave::getMinTime] to [gtkwave::getMaxTime], 1 [gtkwave::getTimeDimension]s"
for {set place 0} {$place < [gtkwave::getNumFacs]} {incr place} {
  set name [gtkwave::getFacName $place]
  gtkwave::addSignalsFromList [list $name]
  puts $file "$name [gtkwave::signalChangeList $name -start_time 0 -end_time [gtkwave::getMaxTime]]"
}
close $file
exit
"#;

/// GTKWave opens it and shows each change of each signal, at its time.
#[test]
#[ignore = "needs gtkwave and xvfb (ci/setup-clients)"]
fn gtkwave_shows_what_was_recorded() {
    let bench = Bench::new("capture-gtkwave");
    bench.file("my.toml", PINS).file("tell.tcl", TELL);
    assert_eq!(bench.preflash("run my.toml --capture").code, Some(0));
    let mut gtkwave = Command::new("xvfb-run");
    gtkwave.current_dir(&bench.folder).env("HOME", &bench.folder);
    gtkwave.args(["-a", "gtkwave", "--script=tell.tcl", "target/preflash/my/bus.vcd"]);
    let output = gtkwave.output().expect("xvfb-run is there (ci/setup-clients)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = bench.read("told.txt");
    let (head, told) = told.split_once('\n').unwrap();
    let (mut names, mut changes, mut now) = (BTreeMap::new(), BTreeMap::<String, Vec<String>>::new(), "");
    for line in bench.read("target/preflash/my/bus.vcd").leak().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        if let ["$scope", "module", module, "$end"] = words[..] {
            names.insert("", module);
        } else if let ["$var", "wire", "1", id, name, "$end"] = words[..] {
            names.insert(id, name);
        } else if let Some(time) = line.strip_prefix('#') {
            now = time;
        } else if let Some((value, id)) = line.split_at_checked(1).filter(|(value, _)| "01xz".contains(value)) {
            let name = format!("{}.{}", names[""], names[id]);
            let changes = changes.entry(name).or_default();
            // Of what changes twice at the beginning the second is what is seen.
            let again = changes.len().checked_sub(2).filter(|place| changes[*place] == now);
            changes.truncate(again.unwrap_or(changes.len()));
            changes.extend([now.to_owned(), value.to_owned()]);
        }
    }
    assert_eq!(head, format!("from 0 to {now}, 1 us"));
    assert!(changes.len() > 5, "{:?}", changes.keys());
    let shown: BTreeMap<String, Vec<String>> = told
        .lines()
        .map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            (words.next().unwrap(), words.collect())
        })
        .collect();
    assert_eq!(shown.keys().collect::<Vec<_>>(), changes.keys().collect::<Vec<_>>());
    for (name, changes) in changes {
        assert!(shown[&name] == changes, "{name}: {:?} and not {:?}", &shown[&name], &changes);
    }
}

#[test]
fn frames_and_secrets_are_kept_and_the_same_each_time() {
    let bench = Bench::new("capture");
    bench.file("my.toml", READING);
    let capture = || {
        assert_eq!(bench.preflash("run my.toml --capture").code, Some(0));
        fs::read(bench.folder.join(CAPTURE)).unwrap()
    };
    let bytes = capture();
    assert_eq!(bytes, capture());

    let (mut interfaces, mut secrets, mut first_packet, mut last) = (Vec::new(), Vec::new(), None, None);
    let mut reader = PcapNgReader::new(&bytes[..]).unwrap();
    while let Some(block) = reader.next_block() {
        match block.unwrap() {
            Block::InterfaceDescription(interface) => {
                assert_eq!(interface.linktype, DataLink::ETHERNET);
                assert!(interface.options.contains(&InterfaceDescriptionOption::IfTsResol(9)));
                interfaces.extend(interface.options.into_iter().find_map(|option| match option {
                    InterfaceDescriptionOption::IfName(name) => Some(name.into_owned()),
                    _ => None,
                }));
            }
            Block::EnhancedPacket(packet) => {
                first_packet.get_or_insert(packet.timestamp);
                assert!(last <= Some(packet.timestamp));
                last = Some(packet.timestamp);
            }
            Block::Unknown(block) if block.type_ == 0x0A => {
                assert_eq!(&block.value[..4], b"KSLT", "a key log of TLS");
                let length = u32::from_le_bytes(block.value[4..8].try_into().unwrap()) as usize;
                let line = String::from_utf8(block.value[8..8 + length].to_vec()).unwrap();
                secrets.push(line.split(' ').next().unwrap().to_owned());
            }
            _ => {}
        }
    }
    assert_eq!(interfaces, ["device 0", "router home"]);
    let labels = ["CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"];
    let labels = labels.into_iter().chain(["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"]);
    for label in labels {
        assert!(secrets.iter().any(|known| known == label), "{label} in {secrets:?}");
    }
    // The world's clock begins with 2026.
    assert_eq!(first_packet.unwrap().as_secs() / 60, 1_767_225_600 / 60);
}

#[test]
fn nothing_is_captured_that_is_not_asked_for_and_an_earlier_capture_goes() {
    let bench = Bench::new("capture-unasked");
    bench.file("my.toml", READING);
    assert_eq!(bench.preflash("run my.toml --capture").code, Some(0));
    assert!(bench.folder.join(CAPTURE).exists());
    assert_eq!(bench.preflash("run my.toml").code, Some(0));
    assert!(!bench.folder.join(CAPTURE).exists());
}

/// The frames of the bench's capture that fit, one a line, with options for `tshark`.
fn tshark(bench: &Bench, filter: &str, options: &[&str]) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.args(["-r", CAPTURE, "-Y", filter]).args(options).current_dir(&bench.folder);
    // Its settings are nobody's.
    let output = command.env("HOME", &bench.folder).output().expect("tshark is there (ci/setup-clients)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs tshark (ci/setup-clients)"]
fn tshark_reads_the_http_of_an_upload_over_tls() {
    let bench = Bench::new("capture-tls");
    bench.file("my.toml", READING);
    assert_eq!(bench.preflash("run my.toml --capture").code, Some(0));
    let fields = ["-T", "fields", "-e", "http.request.method", "-e", "http.request.uri", "-e", "http.response.code"];
    assert_eq!(tshark(&bench, "http && tls", &fields)[..2], ["POST\t/update\t", "\t\t200"]);
}

#[test]
#[ignore = "needs tshark (ci/setup-clients) and an image (ci/setup-images)"]
fn tshark_reads_the_four_way_handshake_and_what_it_protects() {
    let bench = Bench::new("capture-wpa2");
    fs::copy(super::board::clients::image("micropython-1.9.4.bin"), bench.folder.join("micropython.bin")).unwrap();
    bench.file("my.toml", JOINS);
    let ended = bench.preflash("run my.toml --capture");
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let numbers = ["-T", "fields", "-e", "wlan_rsna_eapol.keydes.msgnr"];
    assert_eq!(tshark(&bench, "eapol", &numbers), ["1", "2", "3", "4"]);
    let keys = ["-o", "wlan.enable_decryption:TRUE", "-o", "uat:80211_keys:\"wpa-pwd\",\"correct horse:home\""];
    let kinds = [&keys[..], &["-T", "fields", "-e", "dhcp.option.dhcp"]].concat();
    assert_eq!(tshark(&bench, "wlan && dhcp", &kinds)[..4], ["1", "2", "3", "5"], "discover, offer, request, ack");
}

/// What a capture of the air tells of access points comes back from our own.
#[test]
#[ignore = "needs an image (ci/setup-images)"]
fn the_air_of_a_run_is_imported_as_it_was() {
    let bench = Bench::new("capture-import");
    fs::copy(super::board::clients::image("micropython-1.9.4.bin"), bench.folder.join("micropython.bin")).unwrap();
    let networks = "name = \"home\"\nchannel = 11\nbssid = \"02:00:00:00:77:01\"\n";
    let fault =
        "[[faults]]\nname = \"off\"\nfrom = \"20s\"\ninject.access-point = { network = \"home\", state = \"off\" }\n";
    bench.file("my.toml", &format!("{}{fault}", JOINS.replace("name = \"home\"\n", networks)));
    assert_eq!(bench.preflash("run my.toml --capture").code, Some(0));
    let ended = bench.preflash(&format!("import {CAPTURE} -o again.toml"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = bench.read("again.toml");
    for part in [
        "name = \"home\"",
        "bssid = \"02:00:00:00:77:01\"",
        "channel = 11",
        "inject.access-point = { network = \"home\", state = \"off\" }",
        "event.lease = { outcome = \"acknowledged\" }",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let ended = bench.preflash("run again.toml");
    assert_eq!(ended.code, Some(0), "{text}{}", ended.stdout);
}
