//! Clients of ThingSpeak as they are published, against the program on real sockets: curl, Python's `thingspeak` and
//! `paho-mqtt`, npm's `thingspeakclient` and `mqtt`, Mosquitto's command line.
//!
//! Ignored unless asked for (`cargo ci clients`), because they need what `ci/setup-clients` installs.

mod legacy_tls;

use std::io::{BufRead, BufReader, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::client::mqtt::Device;
use crate::server::Server;
use serde_json::Value;

/// How long a client may take for all that it does; npm's waits 15 s between two writes.
const LONGEST: Duration = Duration::from_secs(90);

/// A server with a public and a private channel, that speaks MQTT as well, and what a client needs to know of them.
struct World {
    server: Server,
    http: String,
    https: String,
    authority: PathBuf,
    public: Access,
    private: Access,
    mqtt: String,
    mqtts: String,
    devices: [Device; 2],
}

struct Access {
    channel: String,
    write_key: String,
    read_key: String,
}

impl World {
    fn new(test: &str) -> Self {
        Self::with(test, &[])
    }

    fn with(test: &str, arguments: &[&str]) -> Self {
        let curl = program("curl");
        let authority = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.pem"));
        let http = ["serve", "--listen", "0", "--tls-listen", "0", "--authority-out", authority.to_str().unwrap()];
        let server = Server::start(&[&http[..], &["--mqtt-listen", "0", "--mqtt-tls-listen", "0"], arguments].concat());
        let word = |name| server.line(name).split_whitespace().next().unwrap_or_default().to_owned();
        let public = Access { channel: word("channel "), write_key: word("write key "), read_key: word("read key ") };
        let user_key = word("user key ");
        let devices = [(); 2].map(|()| Device::told(&server));
        let (http, https) = (word("http "), word("https "));
        let about = ["name=Pond", "field1=level", "field2=flow", "public_flag=false", &format!("api_key={user_key}")];
        let port = |address: String| address.rsplit_once(':').unwrap().1.to_owned();
        let (mqtt, mqtts) = (port(word("mqtt ")), port(word("mqtt ")));
        let form = about.iter().flat_map(|pair| ["--data-urlencode", pair]);
        let made = ran(Command::new(curl).args(["--silent", "--fail", &format!("{http}/channels.json")]).args(form));
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let key = |write: bool| {
            let keys = made["api_keys"].as_array().unwrap();
            keys.iter().find(|key| key["write_flag"] == write).unwrap()["api_key"].as_str().unwrap().to_owned()
        };
        let private = Access { channel: made["id"].to_string(), write_key: key(true), read_key: key(false) };
        Self { server, http, https, authority, public, private, mqtt, mqtts, devices }
    }

    /// The file with the authority's certificate.
    fn authority(&self) -> &str {
        self.authority.to_str().unwrap()
    }

    /// Both devices as the scripts of `clients` take them: client, user, password.
    fn both_devices(&self) -> Vec<&String> {
        let devices = self.devices.iter();
        devices.flat_map(|Device { client_id, password }| [client_id, client_id, password]).collect()
    }

    /// What the scripts of `clients` take.
    fn arguments(&self) -> [&str; 6] {
        let Self { http, public, private, .. } = self;
        [http, &public.channel, &public.write_key, &private.channel, &private.write_key, &private.read_key]
    }
}

/// Where a program is that Debian has.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing; ci/setup-clients installs it"))
}

/// Where something of a package is that `ci/setup-clients` installs.
fn packaged(file: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("clients").join(file);
    assert!(path.exists(), "{} is missing; ci/setup-clients installs it", path.display());
    path
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// Runs a client to its end, which must be a good one and must come.
fn ran(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(LONGEST) else {
        let _ = Command::new("kill").arg(id.to_string()).status();
        panic!("{command:?} does not end");
    };
    let output = output.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}\n{}", text(&output.stdout), text(&output.stderr));
    output
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Waits until the server says something that ends so.
fn told(server: &Server, end: &str) {
    while !server.next_line().ends_with(end) {}
}

/// Status, type and body of the reply to curl's request.
fn curl(curl: &Path, arguments: &[&str]) -> (u16, String, String) {
    let told = "%{stderr}%{http_code} %{content_type}";
    let output = ran(Command::new(curl).args(["--silent", "--max-time", "20", "--write-out", told]).args(arguments));
    let about = String::from_utf8(output.stderr).unwrap();
    let (status, kind) = about.split_once(' ').unwrap();
    (status.parse().unwrap(), kind.to_owned(), String::from_utf8(output.stdout).unwrap())
}

#[test]
#[ignore = "needs published clients; see ci/setup-clients"]
fn curl_writes_and_reads() {
    let program = program("curl");
    let world = World::new("curl");
    let ask = |arguments: &[&str]| curl(&program, arguments);
    let World { http, https, public: Access { channel, write_key, .. }, private, .. } = &world;

    let update = format!("{http}/update");
    let written =
        ask(&["--data", &format!("api_key={write_key}&field1=21.5"), "--data-urlencode", "status=a & b", &update]);
    assert_eq!(written, (200, "text/html; charset=utf-8".to_owned(), "1".to_owned()));
    assert_eq!(ask(&[&format!("{update}?api_key={write_key}&field1=22")]).2, "0");
    // In parts, and as early as the last: with another reason to refuse it, it would not be `0`.
    assert_eq!(ask(&["--form", &format!("api_key={write_key}"), "--form", "field1=22", &update]).2, "0");
    assert_eq!(ask(&["--header", "X-THINGSPEAKAPIKEY: WRONG", "--data", "field1=1", &update]).0, 401);

    let (status, kind, feeds) = ask(&[&format!("{http}/channels/{channel}/feeds.json?results=1&status=true")]);
    assert_eq!((status, kind.as_str()), (200, "application/json; charset=utf-8"));
    assert_eq!(
        (&json(&feeds)["feeds"][0]["field1"], &json(&feeds)["feeds"][0]["status"]),
        (&"21.5".into(), &"a & b".into())
    );
    let (_, kind, csv) = ask(&[&format!("{http}/channels/{channel}/fields/1.csv")]);
    assert_eq!((kind.as_str(), csv.lines().next()), ("text/csv; charset=utf-8", Some("created_at,entry_id,field1")));
    assert!(csv.lines().nth(1).is_some_and(|line| line.ends_with(" UTC,1,21.5")), "{csv}");
    let (status, kind, body) = ask(&["--head", &format!("{http}/channels/{channel}/feeds/last.json")]);
    assert_eq!((status, kind.as_str(), body.ends_with("\r\n\r\n")), (200, "application/json; charset=utf-8", true));

    // In bulk, into the private channel, and once more too soon.
    let bulk = format!("{http}/channels/{}/bulk_update", private.channel);
    let rows = r#"[{"created_at": "2026-01-01 00:00:00 +0100", "field1": 1}, {"created_at": "2026-01-01 00:05:00 +0100", "field1": 2.5}]"#;
    let body = format!(r#"{{"write_api_key": "{}", "updates": {rows}}}"#, private.write_key);
    let stored = ask(&["--json", &body, &format!("{bulk}.json")]);
    assert_eq!((stored.0, stored.2.as_str()), (202, r#"{"success":true}"#));
    let csv = format!("write_api_key={}&time_format=absolute&updates=2026-01-01T00:10:00Z,3|", private.write_key);
    let soon = ask(&["--data", &csv, &format!("{bulk}.csv")]);
    assert_eq!((soon.0, &json(&soon.2)["error"]["error_code"]), (429, &"error_too_many_requests".into()));
    let read = |key: &str| ask(&[&format!("{http}/channels/{}/feeds.json?results=9&api_key={key}", private.channel)]);
    assert_eq!((read(write_key).0, read(write_key).2.as_str()), (400, "-1"));
    for key in [&private.read_key, &private.write_key] {
        let (status, _, feeds) = read(key);
        let values: Vec<_> =
            json(&feeds)["feeds"].as_array().unwrap().iter().map(|feed| feed["field1"].clone()).collect();
        assert_eq!((status, values), (200, vec![Value::from("1"), Value::from("2.5")]));
    }

    // Over TLS, with the authority that the server has written down.
    let authority = world.authority.to_str().unwrap();
    assert_eq!(ask(&["--cacert", authority, &format!("{https}/channels/{channel}/fields/1/last.txt")]).2, "21.5");
}

/// What stands between a client and `api.thingspeak.com` and leads it to this server instead: a proxy for CONNECT
/// (RFC 9110 §9.3.6). The client's name resolution, address and check of the certificate stay as they are.
fn detour(to: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let to = to.strip_prefix("https://").unwrap().to_owned();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let to = to.clone();
            std::thread::spawn(move || carried(client, &to));
        }
    });
    address
}

fn carried(mut client: TcpStream, to: &str) -> std::io::Result<()> {
    let mut head = BufReader::new(client.try_clone()?);
    let mut request = String::new();
    head.read_line(&mut request)?;
    let mut line = String::new();
    while head.read_line(&mut line)? > 2 {
        line.clear();
    }
    if !request.starts_with("CONNECT api.thingspeak.com:443 ") {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n");
    }
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let mut server = TcpStream::connect(to)?;
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || {
        let _ = copy(&mut from_server, &mut to_client);
        to_client.shutdown(Shutdown::Both)
    });
    // The reader may have read on.
    copy(&mut head, &mut server)?;
    server.shutdown(Shutdown::Both)
}

#[test]
#[ignore = "needs published clients; see ci/setup-clients"]
fn clients_with_the_services_address_built_in_are_led_here() {
    let curl = program("curl");
    let command = packaged("venv/bin/thingspeak");
    let world = World::new("built-in");
    let proxy = detour(&world.https);
    let client = |program: &Path, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).env("https_proxy", &proxy).env_remove("no_proxy").env_remove("NO_PROXY");
        command.env("REQUESTS_CA_BUNDLE", &world.authority).env("CURL_CA_BUNDLE", &world.authority);
        String::from_utf8(ran(&mut command).stdout).unwrap()
    };
    let Access { channel, write_key, .. } = &world.public;
    // The package's command knows no other server.
    let told =
        client(&command, &["--quiet", &format!("--api-key={write_key}"), channel, "field1", "21.5", "field2", "45.6"]);
    let [entry, view] = told.lines().map(json).collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((&entry["entry_id"], &entry["field2"], &view["last_entry_id"]), (&1.into(), &"45.6".into(), &1.into()));
    let last = client(
        &curl,
        &["--silent", "--fail", &format!("https://api.thingspeak.com/channels/{channel}/fields/1/last.txt")],
    );
    assert_eq!(last, "21.5");
}

#[test]
#[ignore = "needs published clients; see ci/setup-clients"]
fn pythons_package_works() {
    let python = packaged("venv/bin/python");
    let world = World::new("python");
    ran(Command::new(&python).arg(script("python_thingspeak.py")).args(world.arguments()));
}

#[test]
#[ignore = "needs published clients; see ci/setup-clients"]
fn npms_package_works() {
    let node = program("node");
    let packages = packaged("node_modules");
    let world = World::new("npm");
    ran(Command::new(&node).env("NODE_PATH", packages).arg(script("npm_thingspeakclient.js")).args(world.arguments()));
}

/// The options that give a Mosquitto client its identifier, password and topic.
fn mosquitto(program: &Path, port: &str, device: &Device, topic: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["-h", "localhost", "-p", port, "-i", &device.client_id, "-u", &device.client_id]);
    command.args(["-P", &device.password, "-t", topic]);
    command
}

#[test]
#[ignore = "needs published clients; see ci/setup-clients"]
fn mosquittos_clients_publish_and_listen() {
    let publish = program("mosquitto_pub");
    let listen = program("mosquitto_sub");
    let curl = program("curl");
    let world = World::with("mosquitto", &["--write-interval", "5"]);
    let World { server, http, mqtt, mqtts, public: Access { channel, write_key, .. }, private, devices, .. } = &world;
    let feed = format!("channels/{channel}/subscribe");
    let mut listening = mosquitto(&listen, mqtt, &devices[1], &feed);
    listening.args(["-t", &format!("channels/{}/subscribe/fields/+", private.channel), "-C", "3", "-W", "60", "-v"]);
    let heard = std::thread::spawn(move || ran(&mut listening).stdout);
    told(server, &format!("subscribe channels/{}/subscribe/fields/+: granted", private.channel));

    // Over TLS, to the channel and to a field of the other one; then by HTTP, which is heard as well.
    let publication = |topic: &str, message: &str| {
        let mut command = mosquitto(&publish, mqtts, &devices[0], topic);
        ran(command.arg("--cafile").arg(&world.authority).args(["-m", message]));
    };
    publication(&format!("channels/{channel}/publish"), "field1=21.5&field2=45.6&status=caf%C3%A9");
    told(server, &format!("publish channels/{channel}/publish: stored 1"));
    publication(&format!("channels/{channel}/publish"), "field1=22");
    told(server, &format!("publish channels/{channel}/publish: not stored: too soon after the last entry"));
    publication(&format!("channels/{}/publish/fields/field1", private.channel), "7.25");
    told(server, &format!("publish channels/{}/publish/fields/field1: stored 1", private.channel));
    std::thread::sleep(Duration::from_secs(5));
    let form = format!("api_key={write_key}&field1=23&elevation=7");
    assert_eq!(ran(Command::new(&curl).args(["--silent", "--data", &form, &format!("{http}/update")])).stdout, b"2");

    let heard = String::from_utf8(heard.join().unwrap()).unwrap();
    let [first, second, third] = heard.lines().collect::<Vec<_>>().try_into().unwrap();
    let entry = |line: &str| json(line.strip_prefix(&format!("{feed} ")).unwrap_or_else(|| panic!("{line}")));
    let (first, third) = (entry(first), entry(third));
    assert_eq!((&first["entry_id"], &first["field1"], &first["status"]), (&1.into(), &"21.5".into(), &"café".into()));
    assert_eq!(second, format!("channels/{}/subscribe/fields/field1 7.25", private.channel));
    assert_eq!((&third["entry_id"], &third["field1"], &third["elevation"]), (&2.into(), &"23".into(), &"7".into()));
    assert_eq!(third["channel_id"], channel.parse::<u64>().unwrap());
}

#[test]
#[ignore = "needs published clients; see ci/setup-clients"]
fn mosquittos_clients_are_told_why_they_are_not_let_in() {
    let publish = program("mosquitto_pub");
    let world = World::new("strangers");
    let World { mqtt, public: Access { channel, .. }, devices: [device, _], .. } = &world;
    let topic = format!("channels/{channel}/publish");
    let refused = |device: &Device, more: &[&str]| {
        let output = mosquitto(&publish, mqtt, device, &topic).args(["-m", "field1=1"]).args(more).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let wrong = Device { client_id: device.client_id.clone(), password: "wrong".to_owned() };
    let stranger = Device { client_id: "esp8266".to_owned(), password: device.password.clone() };
    for (told, expected) in [
        (refused(&wrong, &[]), "bad user name or password"),
        (refused(&stranger, &[]), "identifier rejected"),
        (refused(device, &["-V", "mqttv5"]), "protocol version"),
    ] {
        assert!(told.to_lowercase().contains(expected), "{told}");
    }
}

#[test]
#[ignore = "needs published clients; see ci/setup-clients"]
fn pythons_mqtt_client_works() {
    let python = packaged("venv/bin/python");
    let world = World::new("paho");
    let World { mqtt, mqtts, public, private, .. } = &world;
    for (port, authority, channel) in [(mqtt, "-", &public.channel), (mqtts, world.authority(), &private.channel)] {
        let arguments = ["tcp", "localhost", port, authority, channel];
        ran(Command::new(&python).arg(script("python_paho.py")).args(arguments).args(world.both_devices()));
    }
}

#[test]
#[ignore = "needs published clients; see ci/setup-clients"]
fn pythons_mqtt_client_works_over_websockets() {
    let python = packaged("venv/bin/python");
    let world = World::new("paho-websockets");
    let World { http, https, public, private, .. } = &world;
    for (address, authority, channel) in [(http, "-", &public.channel), (https, world.authority(), &private.channel)] {
        let port = address.rsplit_once(':').unwrap().1;
        let arguments = ["websockets", "localhost", port, authority, channel];
        ran(Command::new(&python).arg(script("python_paho.py")).args(arguments).args(world.both_devices()));
    }
}

#[test]
#[ignore = "needs published clients; see ci/setup-clients"]
fn npms_mqtt_client_works_over_websockets() {
    let node = program("node");
    let packages = packaged("node_modules");
    let world = World::new("npm-mqtt");
    let World { http, https, public, private, .. } = &world;
    for (address, authority, channel) in [(http, "-", &public.channel), (https, world.authority(), &private.channel)] {
        let address = format!("{}/mqtt", address.replacen("http", "ws", 1));
        let mut command = Command::new(&node);
        command.env("NODE_PATH", &packages).arg(script("npm_mqtt.js")).args([&address, authority, channel]);
        ran(command.args(world.both_devices()));
    }
}
