//! `preflash run --on device`, against an emulated board at the other end of the line.

use std::fs;

use super::*;

/// What the boot ROM of a blank board says after a reset, at its own rate.
const ROM: &str = r#"
title = "A blank board is reset, and its ROM says so"
duration = "4s"
[[steps]]
at = "1500ms"
do.reset-button = "press"
[[expect]]
event.serial = { contains = "rst cause:2, boot mode:(3" }
exactly = 2
"#;

const RIG: &str = "[rig]\nbaud = 74880\n";

fn blank(bench: &Bench) -> Board {
    Board::start(bench, "--serial rfc2217:0 --flash-size 512K")
}

#[test]
fn what_does_not_go_together_is_refused() {
    let bench = Bench::new("device-refused");
    bench.file("rom.toml", ROM).file("odd.toml", "[rig]\nspeed = 9600\n");
    let refused = |arguments: &str| {
        let ended = bench.preflash(&format!("run rom.toml {arguments}"));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments}");
        ended.stderr
    };
    assert!(refused("--on device").contains("say which with --port"));
    assert!(refused("--port /dev/ttyUSB0").contains("say --on device, too"));
    assert!(refused("--on device --port x --image x").contains("has what was flashed"));
    assert!(refused("--on device --port x --seeds 1..2").contains("--seeds goes with a simulated world only"));
    let odd = refused("--on device --port x --rig odd.toml");
    assert!(odd.contains("could not read the rig odd.toml") && odd.contains("unknown field `speed`"), "{odd}");
    let missing = refused("--on device --port /dev/there-is-no-such-port");
    assert!(missing.contains("could not open the serial port /dev/there-is-no-such-port"), "{missing}");
    let closed = refused("--on device --port socket://127.0.0.1:1");
    assert!(closed.contains("could not open the serial port socket://127.0.0.1:1: Connection refused"), "{closed}");
}

#[test]
fn a_board_that_is_reset_over_the_line_passes_fails_and_leaves_its_evidence() {
    let bench = Bench::new("device-rom");
    let never = ROM.replace("boot mode:(3\" }\nexactly = 2", "boot mode:(1\" }");
    bench.file("rom.toml", ROM).file("never.toml", &never).file("rig.toml", RIG);
    let board = blank(&bench);
    let arguments = format!("--on device --port {} --rig rig.toml", board.port);
    let ended = bench.preflash(&format!("run rom.toml never.toml {arguments} --junit junit.xml"));
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let passed = "PASS  A blank board is reset, and its ROM says so  (rom.toml, 4s)";
    assert!(ended.stdout.contains(passed), "{}", ended.stdout);
    assert!(ended.stdout.contains("FAIL  A blank board"), "{}", ended.stdout);
    assert!(ended.stdout.contains("1 passed, 1 failed\n8s in real time\n"), "{}", ended.stdout);
    let again = format!("run never.toml --seed 1 --on device --port {} --rig rig.toml", board.port);
    assert!(ended.stdout.contains(&again), "{}", ended.stdout);
    let log = bench.read("target/preflash/rom/serial.log");
    assert_eq!(log.matches("ets Jan  8 2013,rst cause:2, boot mode:(3,").count(), 2, "{log}");
    let events = bench.read("target/preflash/rom/events.jsonl");
    let steps: Vec<&str> = events.lines().filter(|line| line.contains("\"event\":\"step\"")).collect();
    assert!(steps[0].contains("started by a reset") && steps[1].contains("reset button pressed"), "{steps:?}");
    assert!(bench.read("junit.xml").contains("failures=\"1\""));
}

#[test]
fn what_the_rig_cannot_do_is_said_and_skipped_and_never_passes() {
    let bench = Bench::new("device-skipped");
    let inside =
        ROM.replace("event.serial = { contains = \"rst cause:2, boot mode:(3\" }\nexactly = 2", "event.boot = {}");
    let fault = format!("{ROM}[[faults]]\nname = 'no DNS'\ninject.dns = 'no-such-name'\n");
    bench.file("rom.toml", ROM).file("inside.toml", &inside).file("fault.toml", &fault).file("rig.toml", RIG);
    let board = blank(&bench);
    let arguments = format!("--on device --port {} --rig rig.toml --junit junit.xml", board.port);
    let ended = bench.preflash(&format!("run rom.toml inside.toml fault.toml {arguments}"));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let first = ended.stdout.find("PASS").unwrap();
    for skipped in [
        "SKIP  A blank board is reset, and its ROM says so  (inside.toml)\n      needs     to see `boot` events: ",
        "(fault.toml)\n      needs     the fault `no DNS`, which nothing on a rig makes happen\n",
    ] {
        assert!(ended.stdout.find(skipped).is_some_and(|at| at < first), "{}", ended.stdout);
    }
    assert!(ended.stdout.contains("1 passed, 0 failed\n2 skipped, because the rig cannot do"), "{}", ended.stdout);
    let summary: serde_json::Value = serde_json::from_str(&bench.read("target/preflash/summary.json")).unwrap();
    assert_eq!((&summary["passed"], &summary["not-run"]), (&1.into(), &2.into()));
    assert!(summary["cases-not-run"][1]["needs"][0].as_str().unwrap().contains("no DNS"), "{summary}");
    let junit = bench.read("junit.xml");
    assert!(junit.contains("skipped=\"2\"") || junit.matches("<skipped").count() == 2, "{junit}");

    let none = bench.preflash(&format!("run inside.toml {arguments}"));
    assert_eq!(none.code, Some(2), "{}", none.stdout);
    assert!(
        none.stderr.contains("no scenario was run: each needs something that the rig cannot do"),
        "{}",
        none.stderr
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_pseudo_terminal_is_reset_by_a_command_or_by_a_person() {
    let bench = Bench::new("device-pty");
    bench.file("rom.toml", ROM).file("rig.toml", RIG);
    let board = Board::start(&bench, "--serial pty --flash-size 512K");
    let arguments = format!("run rom.toml --on device --port {} --rig rig.toml", board.port);
    let without = bench.preflash(&arguments);
    assert_eq!(without.code, Some(2));
    assert!(without.stdout.contains("needs     a reset, and this port has no DTR and RTS"), "{}", without.stdout);

    let press = format!("echo reset > /proc/{}/fd/0", board.child.id());
    bench.file("rig.toml", &format!("{RIG}reset = {{ command = '{press}' }}\n"));
    let by_command = bench.preflash(&arguments);
    assert_eq!(by_command.code, Some(0), "{}{}", by_command.stdout, by_command.stderr);

    // What stands for a relay in the supply only resets, which looks the same from here.
    let cut = ROM.replace("do.reset-button = \"press\"", "do.power = { cut-for = \"300ms\" }");
    bench.file("cut.toml", &format!("{cut}[[expect]]\nevent.power = 'off'\nexactly = 1\n"));
    bench.file("rig.toml", &format!("{RIG}power = {{ on = '{press}', off = 'true' }}\n"));
    let by_power = bench.preflash(&arguments.replace("rom.toml", "cut.toml"));
    assert_eq!(by_power.code, Some(0), "{}{}", by_power.stdout, by_power.stderr);
    let events = bench.read("target/preflash/cut/events.jsonl");
    let states = events.lines().filter(|line| line.contains("\"event\":\"power\""));
    let states: Vec<bool> = states.map(|line| line.contains("\"on\"")).collect();
    assert_eq!(states, [true, false, true], "{events}");

    bench.file("rig.toml", &format!("{RIG}reset = {{ command = 'echo no relay >&2; exit 3' }}\n"));
    let broken = bench.preflash(&arguments);
    assert_eq!(broken.code, Some(1));
    assert!(broken.stdout.contains("of the rig ended with exit status: 3: no relay"), "{}", broken.stdout);

    bench.file("rig.toml", &format!("{RIG}reset = 'prompt'\n"));
    let alone = bench.preflash(&arguments);
    assert_eq!(alone.code, Some(1));
    assert!(alone.stdout.contains("nobody was there to be asked"), "{}", alone.stdout);
    // The person does what is asked when it is asked, however long that takes here.
    bench.file("rom.toml", &ROM.replace("duration = \"4s\"", "duration = \"6s\"")).file("asked.txt", "");
    let asked = |times| {
        format!("for i in $(seq 400); do [ $(grep -c '>>>' asked.txt) -ge {times} ] && break; sleep 0.05; done")
    };
    let person = format!(
        "({}; {press}; sleep 0.2; echo; {}; {press}; sleep 0.2; echo; sleep 4) | preflash {arguments} 2> asked.txt",
        asked(1),
        asked(2)
    );
    let by_person = bench.shell(&person);
    let said = bench.read("asked.txt");
    assert_eq!(by_person.code, Some(0), "{}{said}", by_person.stdout);
    assert!(said.contains(">>> press the board's reset button, then press Enter"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_person_with_a_phone_is_asked() {
    let bench = Bench::new("device-phone");
    let phone = "[[phones]]\nname = 'alice'\narrives = '500ms'\ndoes = [{ join = { network = 'yellow-duck' } }]\n";
    let longer = ROM.replace("duration = \"4s\"", "duration = \"6s\"");
    bench.file("phone.toml", &format!("{longer}{phone}")).file("rig.toml", &format!("{RIG}phones = 'prompt'\n"));
    let board = blank(&bench);
    let line = format!("preflash run phone.toml --on device --port {} --rig rig.toml", board.port);
    let ended = bench.shell(&format!("(sleep 1; echo; sleep 3) | {line}"));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let asked =
        ">>> phone alice: join the network yellow-duck with the passphrase on the device's label, then press Enter";
    assert!(ended.stderr.contains(asked), "{}", ended.stderr);
    let events = bench.read("target/preflash/phone/events.jsonl");
    assert!(events.contains("phone alice: join the network yellow-duck"), "{events}");
}

#[test]
fn a_board_that_goes_away_fails_the_run() {
    let bench = Bench::new("device-gone");
    bench.file("rom.toml", &ROM.replace("duration = \"4s\"", "duration = \"60s\"")).file("rig.toml", RIG);
    let mut board = blank(&bench);
    let port = board.port.clone();
    let stop = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(6));
        board.say("quit");
        board.ended()
    });
    let ended = bench.preflash(&format!("run rom.toml --on device --port {port} --rig rig.toml"));
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("the serial port is gone: "), "{}", ended.stdout);
    assert_eq!(stop.join().unwrap(), Some(0));
}

/// A stand-alone fake cloud, and the write key of its channel.
struct Cloud {
    child: Child,
    address: String,
    key: String,
    /// Where the entries are read.
    feed: String,
}

impl Cloud {
    fn start() -> Self {
        let program = clients::fetched("release/fake-thingspeak", "cargo build --release --workspace");
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--write-interval", "1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("feeds.json'") {
            assert_ne!(out.read_line(&mut said).unwrap(), 0, "{said}");
        }
        // What it says later is of no interest, and it is not to be stopped by that.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let address = said.split("http://").nth(1).unwrap().split(['/', '\n']).next().unwrap().to_owned();
        let key = said.split("api_key=").nth(1).unwrap()[..16].to_owned();
        let feed = said.split('\'').find(|word| word.ends_with("feeds.json")).unwrap().to_owned();
        Self { child, address, key, feed }
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // It goes on until it is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
#[ignore = "needs the fake cloud's program and curl"]
fn what_reaches_the_fake_cloud_is_seen() {
    let (bench, cloud) = (Bench::new("device-cloud"), Cloud::start());
    let scenario = format!(
        "{}[[steps]]\nat = '500ms'\ndo.config-switch = 'on'\n[[expect]]\n\
         event.stored = {{ field1 = '21.5' }}\nbecause = 'the switch of this rig sends a reading'\n\
         [[expect]]\nchannel = {{ entries = 1 }}\n",
        ROM.replace("duration = \"4s\"", "duration = \"6s\"")
    );
    let Cloud { address, key, feed, .. } = &cloud;
    let update = |value| format!("curl -sf 'http://{address}/update?api_key={key}&field1={value}'");
    // What was there before the run does not count.
    assert_eq!(bench.shell(&update("1")).code, Some(0));
    std::thread::sleep(Duration::from_secs(1));
    bench.file("rom.toml", &scenario).file(
        "rig.toml",
        &format!(
            "{RIG}feed = '{feed}'\n[rig.parts]\n\
             config = {{ on = \"{}\", off = 'true' }}\n",
            update("21.5")
        ),
    );
    let board = blank(&bench);
    let ended = bench.preflash(&format!("run rom.toml --on device --port {} --rig rig.toml", board.port));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let events = bench.read("target/preflash/rom/events.jsonl");
    assert_eq!(events.matches("\"event\":\"stored\"").count(), 1, "{events}");

    // The reply to the next one is lost; the scenario's fault is set at the fake cloud for as long as the run goes on.
    let lost =
        scenario.replace("[[expect]]", "[[faults]]\nname = 'lost'\ninject.cloud = 'drop-after-storing'\n[[expect]]");
    let lost = lost.replacen("[[faults]]\nname = 'lost'\ninject.cloud = 'drop-after-storing'\n", "", 2);
    let rig = bench
        .read("rig.toml")
        .replace("curl -sf", "! curl -s")
        .replace("[rig]", &format!("[rig]\ncloud = 'http://{address}'"));
    bench.file("lost.toml", &lost).file("rig.toml", &rig);
    let ended = bench.preflash(&format!("run lost.toml --on device --port {} --rig rig.toml", board.port));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let events = bench.read("target/preflash/lost/events.jsonl");
    assert!(events.contains("\"rule\":\"lost\",\"action\":\"begins\""), "{events}");
    let left = bench.shell(&format!("curl -s http://{address}/_preflash/faults"));
    assert!(left.stdout.contains("\"faults\":[]"), "{}", left.stdout);

    drop(cloud);
    let gone = bench.preflash(&format!("run rom.toml --on device --port {} --rig rig.toml", board.port));
    assert_eq!(gone.code, Some(1));
    assert!(gone.stdout.contains("could not read the feed http://"), "{}", gone.stdout);
}

#[cfg(unix)]
#[test]
#[ignore = "needs what ci/setup-images fetches"]
fn micropython_is_typed_to_and_answers() {
    let (bench, image) = (Bench::new("device-micropython"), clients::image("micropython-1.9.4.bin"));
    fs::copy(&image, bench.folder.join("micropython.bin")).unwrap();
    let scenario = "title = 'MicroPython starts, computes, and is reset'\nduration = '14s'\n\
                    [device]\nimage = 'micropython.bin'\n\
                    [[steps]]\nafter = { event.serial = { contains = 'MicroPython v1.9.4' }, plus = '1s' }\n\
                    do.serial = 'print(6 * 7)'\n\
                    [[steps]]\nat = '8s'\ndo.reset-button = 'press'\n\
                    [[expect]]\nevent.serial = { matches = '^42$' }\nfrom = '1s'\nby = '7s'\n\
                    [[expect]]\nevent.serial = { contains = 'MicroPython v1.9.4' }\nexactly = 2\n";
    bench.file("python.toml", scenario).file("rig.toml", "[rig]\nflashed = 'micropython.bin'\n");
    // The same scenario in a simulated world.
    let simulated = bench.preflash("run python.toml");
    assert_eq!(simulated.code, Some(0), "{}{}", simulated.stdout, simulated.stderr);
    let board = Board::start(&bench, "micropython.bin --flash-size 4M --serial rfc2217:0");
    let without = bench.preflash(&format!("run python.toml --on device --port {}", board.port));
    assert_eq!(without.code, Some(2));
    assert!(
        without.stdout.contains("micropython.bin on the board: flash it, and name it by `flashed`"),
        "{}",
        without.stdout
    );
    let ended = bench.preflash(&format!("run python.toml --on device --port {} --rig rig.toml", board.port));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}
