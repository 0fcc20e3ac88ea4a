//! The program as a user runs it: started, asked over real sockets on loopback, stopped.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConnection, StreamOwned};
use sha2::{Digest, Sha256};

use crate::client::tls::{Look, secured, secured_with, trusting};
use crate::client::{ask, connect};
use crate::server::{Server, program};

#[test]
fn it_serves_a_channel_until_it_is_stopped() {
    let mut server = Server::start(&["serve", "--listen", "0", "--tls-listen", "127.0.0.1:0", "--seed", "7"]);
    let channel = server.line("channel");
    let channel = channel.split(' ').next().unwrap();
    let (write_key, http) = (server.line("write key"), server.line("http "));
    let (https, fingerprint) = (server.line("https"), server.line("trust"));
    assert!(server.line("try").contains(&write_key));
    let http = http.strip_prefix("http://").unwrap();
    let https = https.strip_prefix("https://").unwrap().split(' ').next().unwrap();

    let update = format!(
        "\nPOST /update HTTP/1.1\nHost: x\nConnection: close\nX-THINGSPEAKAPIKEY: {write_key}\nContent-Length: 11\n\nfield1=21.5\n"
    );
    let reply = ask(connect(http), &update);
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("\r\n\r\n1"), "{reply}");
    server.line("stop ");
    let told = server.next_line();
    assert!(told.ends_with(" 127.0.0.1 POST /update: 200, stored 1"), "{told}");
    // The reply says no more than `0`; the record says why.
    assert!(ask(connect(http), &update).ends_with("\r\n\r\n0"));
    let told = server.next_line();
    assert!(told.ends_with(" POST /update: 200, refused: too soon after the last entry"), "{told}");

    // The entry is there over TLS, and the authority's certificate is the one that the server told of.
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let read = format!("GET /channels/{channel}/fields/1/last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let reply = ask(secured(https, Look { last: true, seen: Arc::clone(&seen) }), &read);
    assert!(reply.ends_with("\r\n\r\n21.5"), "{reply}");
    let root: String = seen.lock().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(root, fingerprint);

    server.stop();
}

#[test]
fn what_is_no_http_is_told_of() {
    let server = Server::start(&["serve", "--listen", "0"]);
    let http = server.place("http ", "http");
    server.line("stop ");
    // The beginning of a TLS handshake.
    let mut stream = connect(&http);
    stream.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, b'\n', b'\n']).unwrap();
    drop(stream);
    assert_eq!(server.told(), "connection ended: it broke, or what came could not be read as HTTP");
}

/// What the service says of itself at the start, but for where it listens.
fn told(server: &Server) -> Vec<String> {
    let lines = std::iter::from_fn(|| Some(server.next_line())).take_while(|line| !line.starts_with("stop "));
    lines.filter(|line| !line.contains("://")).collect()
}

#[test]
fn a_file_keeps_everything_from_one_start_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("duck.db");
    let file = path.to_str().unwrap();
    let start = |more: &[&str]| Server::start(&[&["serve", "--listen", "0", "--data", file], more].concat());
    let mut server = start(&["--tls-listen", "0", "--channel", "Pond:temperature,,level", "--channel", "Nest:eggs"]);
    let before = told(&server);
    assert!(before[0].ends_with("(Pond, public; field1 temperature, field3 level)"), "{before:?}");
    assert!(before[3].ends_with("(Nest, public; field1 eggs)"), "{before:?}");
    server.stop();

    let mut server = start(&["--tls-listen", "0"]);
    let (number, write_key) = (server.line("channel"), server.line("write key"));
    let number = number.split(' ').next().unwrap();
    let http = server.line("http ");
    let http = http.strip_prefix("http://").unwrap();
    let get =
        |target: &str| ask(connect(http), &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    assert!(get(&format!("/update?api_key={write_key}&field3=7")).ends_with("\r\n\r\n1"));
    let other = program(&["serve", "--listen", "0", "--data", file]).output().unwrap();
    let expected = format!(
        "could not use {file}: another program has it open; stop that one, or choose another file with --data\n"
    );
    assert_eq!((other.status.code(), String::from_utf8(other.stderr).unwrap()), (Some(2), expected));
    server.stop();

    // A channel that is there already stays as it is, and a new one comes to it.
    let mut server = start(&["--tls-listen", "0", "--channel", "Pond:depth", "--channel", "Sky:light"]);
    let after = told(&server);
    assert_eq!(after[0], before[0].replace(')', "; entry 1)"));
    assert_eq!(after[1..6], before[1..6]);
    assert!(after[6].ends_with("(Sky, public; field1 light)"), "{after:?}");
    assert_eq!(after[9..], before[6..]);
    server.stop();

    let mut server = start(&["--profile", "recorded-2019"]);
    let http = server.line("http ");
    let read = format!("GET /channels/{number}/fields/3/last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let reply = ask(connect(http.strip_prefix("http://").unwrap()), &read);
    assert!(reply.contains("Transfer-Encoding: chunked") && reply.ends_with("\r\n1\r\n7\r\n0\r\n\r\n"), "{reply}");
    server.stop();

    let other = program(&["serve", "--listen", "0", "--data", file, "--seed", "7"]).output().unwrap();
    assert!(String::from_utf8(other.stderr).unwrap().contains("its keys come from another seed; leave out --seed"));
}

#[test]
fn the_authoritys_certificate_can_be_had() {
    let path = std::env::temp_dir().join(format!("fake-thingspeak-authority-{}.pem", std::process::id()));
    let file = path.to_str().unwrap();
    let server = Server::start(&["serve", "--listen", "0", "--tls-listen", "0", "--authority-out", file]);
    let fingerprint = server.line("trust");
    let curl = loop {
        let line = server.next_line();
        if line.contains("--cacert") {
            break line;
        }
    };
    assert!(curl.contains(&format!("curl --cacert '{file}' 'https://127.0.0.1:")), "{curl}");
    let certificate = CertificateDer::from_pem_file(&path).unwrap();
    let digest: String = Sha256::digest(&certificate).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, fingerprint);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_failed_handshake_is_told_with_its_time_and_the_client() {
    let server = Server::start(&["serve", "--listen", "0", "--tls-listen", "0", "--seed", "7"]);
    let https = server.line("https");
    let https = https.strip_prefix("https://").unwrap().split(' ').next().unwrap();
    server.line("stop ");
    connect(https).write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let told = server.next_line();
    let (time, told) = told.split_once(' ').unwrap();
    assert!(time.len() == 8 && time.matches(':').count() == 2, "{time}");
    assert!(told.starts_with("127.0.0.1 TLS handshake failed: "), "{told}");
}

#[test]
fn a_seed_makes_the_same_server_again_and_none_another() {
    let told = |arguments: &[&str]| {
        let server = Server::start(&[&["serve", "--listen", "0", "--tls-listen", "0"], arguments].concat());
        ["channel", "write key", "read key", "trust"].map(|name| server.line(name))
    };
    assert_eq!(told(&["--seed", "7"]), told(&["--seed", "7"]));
    assert_ne!(told(&["--seed", "7"]), told(&["--seed", "8"]));
    assert_ne!(told(&[]), told(&[]));
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let failed = |arguments: &[&str]| {
        let output = program(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let expected = format!(
        "could not listen on {address}: the port is taken by another program; choose another address with --listen\n"
    );
    assert_eq!(failed(&["serve", "--listen", &address]), expected);
    let expected = expected.replace("--listen", "--tls-listen");
    assert_eq!(failed(&["serve", "--listen", "0", "--tls-listen", &address]), expected);
    let host = failed(&["serve", "--listen", "0", "--host", "a b"]);
    assert_eq!(host, "could not make a certificate: `a b` is neither a host name nor an address; see --host\n");
    let file = failed(&["serve", "--listen", "0", "--tls-listen", "0", "--authority-out", "/"]);
    assert!(file.starts_with("could not write /: ") && file.ends_with("; choose another file with --authority-out\n"));
    let data = failed(&["serve", "--listen", "0", "--data", "/"]);
    assert!(data.starts_with("could not use /: "), "{data}");
    let profile = failed(&["serve", "--listen", "0", "--profile", "2019"]);
    assert!(profile.contains("there are docs, recorded-2019 and open-source-2015"), "{profile}");
    let channel = failed(&["serve", "--listen", "0", "--channel", "Pond"]);
    assert!(channel.contains("like Pond:temperature,level"), "{channel}");
    assert!(failed(&["serve", "--listen", "nowhere"]).contains("expected an address and a port like 127.0.0.1:8080"));
}

#[test]
fn help_shows_examples() {
    let output = program(&["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && help.contains("Examples:") && help.contains("--tls-listen <ADDR>"), "{help}");
}

#[test]
fn faults_are_set_and_cleared_while_it_runs() {
    let mut server = Server::start(&["serve", "--listen", "0", "--tls-listen", "0", "--write-interval", "0"]);
    let write_key = server.line("write key");
    let http = server.line("http ").strip_prefix("http://").unwrap().to_owned();
    let https = server.line("https").strip_prefix("https://").unwrap().split(' ').next().unwrap().to_owned();
    server.line("stop ");
    let update = || {
        ask(
            connect(&http),
            &format!("GET /update?api_key={write_key} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        )
    };
    let fault = |arguments: &[&str]| {
        let output = program(&[&["fault", "--server", &http], arguments].concat()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let set = fault(&["set", "status", "--status", "503", "--count", "1", "--path", "/update"]);
    assert_eq!(set, (Some(0), "1   status 503 on /update, once more\n".to_owned()));
    assert!(update().starts_with("HTTP/1.1 503 "));
    assert!(update().ends_with("\r\n\r\n1"));
    fault(&["set", "drop-after-storing"]);
    assert_eq!(update(), "");
    let told: Vec<_> = (0..4).map(|_| server.next_line().split_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(told[0], "127.0.0.1 POST /_preflash/faults: 200");
    assert!(told[1].ends_with(": 503 (fault 1, status)") && told[2].ends_with(": 200, stored 1"), "{told:?}");
    assert_eq!(fault(&["list"]), (Some(0), "2   drop-after-storing, until it is cleared\n".to_owned()));
    assert_eq!(fault(&["clear", "2"]), (Some(0), "no faults are set\n".to_owned()));
    assert!(update().ends_with("\r\n\r\n3"));

    // Faults of connections do not keep requests away that set faults.
    fault(&["set", "reset-connection"]);
    let mut stream = connect(&http);
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let reset = std::io::Read::read(&mut stream, &mut [0]).unwrap_err();
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(fault(&["clear"]), (Some(0), "no faults are set\n".to_owned()));

    // The server does not listen for a while, and then at the same ports again.
    let refused = fault(&["set", "refused-connection"]);
    assert!(refused.0 == Some(2) && refused.1.contains("`refused-connection` needs `seconds`"), "{refused:?}");
    fault(&["set", "refused-connection", "--seconds", "2"]);
    let both_say = |what: &str| {
        let mut missing: Vec<_> = [&http, &https].map(|address| format!("{address}: {what}")).into();
        while !missing.is_empty() {
            let line = server.next_line();
            missing.retain(|expected| !line.contains(expected.as_str()));
        }
    };
    both_say("refuses connections (fault ");
    for address in [&http, &https] {
        let error = std::net::TcpStream::connect(address).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    both_say("takes connections again");
    assert_eq!(fault(&["list"]), (Some(0), "no faults are set\n".to_owned()));

    // A certificate that is expired, and good again.
    fault(&["set", "certificate", "--certificate", "expired", "--count", "1"]);
    let shown = || {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let look = Look { last: false, seen: Arc::clone(&seen) };
        ask(secured(&https, look), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let seen = seen.lock().unwrap();
        seen.clone()
    };
    let (expired, good) = (shown(), shown());
    assert_ne!(expired, good);
    assert_eq!(shown(), good);

    assert_eq!(fault(&["clear", "77"]), (Some(2), "could not do that: There is no fault of this number.\n".to_owned()));
    assert!(fault(&["set", "status"]).1.contains("`status` needs a `status` like 503"));
    assert!(fault(&["set", "nap"]).1.contains("possible values: status, "));
    server.stop();
    let (code, gone) = fault(&["list"]);
    assert!(code == Some(2) && gone.starts_with(&format!("could not reach the server at {http}: ")), "{gone}");
}

#[test]
fn both_versions_of_tls_are_spoken() {
    let server = Server::start(&["serve", "--listen", "0", "--tls-listen", "0"]);
    let https = server.line("https").strip_prefix("https://").unwrap().split(' ').next().unwrap().to_owned();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut connection = secured_with(&https, Look { last: true, seen: Arc::default() }, &[version]);
        let reply = ask(&mut connection, "GET /channels/public.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(reply.contains("\"total_entries\":1"), "{reply}");
        assert_eq!(connection.conn.protocol_version(), Some(version.version));
    }
}

#[test]
fn an_authority_lasts_from_one_server_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let (key, pem) = (folder.path().join("pond.key"), folder.path().join("pond.pem"));
    let file = key.to_str().unwrap();
    let made = || {
        let output = program(&["ca", file]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = made();
    assert!(text.contains("made now") && text.contains(&format!("curl --cacert '{}'", pem.display())), "{text}");
    let fingerprint = text.lines().find_map(|line| line.strip_prefix("trust")).unwrap().trim().to_owned();
    let again = made();
    assert!(again.contains("the one that was there") && again.contains(&fingerprint), "{again}");
    let certificate = CertificateDer::from_pem_file(&pem).unwrap();
    let digest: String = Sha256::digest(&certificate).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, fingerprint);

    for _ in 0..2 {
        let listen = ["--listen", "0", "--tls-listen", "0.0.0.0:0"];
        let server = Server::start(&[&["serve", "--authority", file, "--host", "pond.local"][..], &listen].concat());
        let https =
            server.line("https").strip_prefix("https://pond.local:").unwrap().split(' ').next().unwrap().to_owned();
        let https = format!("127.0.0.1:{https}");
        assert_eq!(server.line("trust"), fingerprint);
        // A client that trusts it believes the server, at each address that it has and by all of its names.
        let config = trusting(&certificate);
        let mut names =
            ["pond.local", "api.thingspeak.com", "localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        names.extend(
            if_addrs::get_if_addrs()
                .unwrap()
                .into_iter()
                .map(|it| it.ip())
                .filter(|ip| ip.is_ipv4())
                .map(|ip| ip.to_string()),
        );
        for name in names {
            let session = ClientConnection::new(Arc::clone(&config), ServerName::try_from(name).unwrap()).unwrap();
            let request = "GET /channels/public.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            assert!(ask(StreamOwned::new(session, connect(&https)), request).contains("total_entries"));
        }
    }

    let failed = |arguments: &[&str]| String::from_utf8(program(arguments).output().unwrap().stderr).unwrap();
    let pem = pem.to_str().unwrap();
    assert!(failed(&["ca", pem]).starts_with("could not keep the secret in "));
    let foreign = failed(&["serve", "--listen", "0", "--tls-listen", "0", "--authority", pem]);
    assert_eq!(foreign, format!("could not use {pem}: it holds no authority that `fake-thingspeak ca` made\n"));
    assert!(
        failed(&["serve", "--listen", "0", "--tls-listen", "0", "--authority", "/nowhere"]).contains("No such file")
    );
}

#[test]
fn bad_input_is_told_in_the_services_manner() {
    let server = Server::start(&["serve", "--listen", "0", "--write-interval", "0", "--profile", "docs"]);
    let first = |text: String| text.split(' ').next().unwrap().to_owned();
    let (channel, key, http) = (first(server.line("channel")), server.line("write key"), first(server.line("http ")));
    let http = http.strip_prefix("http://").unwrap();
    let post = |path: &str, content_type: &str, body: &[u8]| {
        let mut stream = connect(http);
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {content_type}\r\n");
        stream.write_all(format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut reply = String::new();
        std::io::Read::read_to_string(&mut stream, &mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        (head[9..12].to_owned(), body.to_owned())
    };
    let form = "application/x-www-form-urlencoded";
    let update = |values: String| post("/update", form, format!("api_key={key}&{values}").as_bytes());
    let cases = [
        (update("field1=x".repeat(400)), "413", "error_request_too_large"),
        (update(format!("field1={}", "x".repeat(256))), "400", "error_bad_request"),
        (update("field1=%FF".to_owned()), "422", "error_invalid_byte_sequence"),
        (post("/update", form, b"field1=\xff"), "422", "error_invalid_byte_sequence"),
        (post("/update", "application/json", b"{\"field1\":"), "400", "error_bad_request"),
        (post("/update", "application/json", "[".repeat(2_000).as_bytes()), "400", "error_bad_request"),
        (post(&format!("/channels/{channel}/bulk_update.json"), "application/json", b"7"), "400", ""),
        (post("/nowhere", form, b""), "404", "error_resource_not_found"),
    ];
    for ((status, body), expected, code) in cases {
        assert!(status == expected && body.contains(code), "{status} {body}");
    }
    // What is no number is a text, as good as any other.
    assert_eq!(update(format!("field1=NaN&field2={}", "x".repeat(255))), ("200".to_owned(), "1".to_owned()));
    let get =
        |target: &str| ask(connect(http), &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    for results in ["99999999999999999999", "-1", "NaN", "0", "1e9", ""] {
        let reply = get(&format!("/channels/{channel}/feeds.json?results={results}&average=10&round=999"));
        assert!(reply.starts_with("HTTP/1.1 200 ") && reply.contains("\"feeds\":["), "{results}: {reply}");
    }
    let long = get(&format!("/{}", "x".repeat(70_000)));
    assert!(long.starts_with("HTTP/1.1 431 ") && long.ends_with("error_request_too_large"), "{long}");
    let headers = format!("GET / HTTP/1.1\r\n{}\r\n", "X-Long: x\r\n".repeat(10_000));
    assert!(ask(connect(http), &headers).starts_with("HTTP/1.1 431 "));
    assert!(ask(connect(http), "what is this?\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn next_line(output: &mut impl BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn a_log_that_nobody_reads_stops_neither_requests_nor_the_end() {
    let mut running = Running(program(&["serve", "--listen", "0", "--seed", "7"]).spawn().unwrap());
    let child = &mut running.0;
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut http = String::new();
    loop {
        let line = next_line(&mut output);
        match line.strip_prefix("http ") {
            Some(address) => http = address.trim().strip_prefix("http://").unwrap().to_owned(),
            None if line.starts_with("stop ") => break,
            None => {}
        }
    }
    const REFUSED: &str = ", refused: there is no such thing";
    // Far more than a pipe and the server hold.
    let get = |target: &str| {
        let reply = ask(connect(&http), &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        assert!(reply.starts_with("HTTP/1.1 404 "), "{reply}");
    };
    let long = format!("/{}", "x".repeat(12_000));
    let count = 500;
    (0..count).for_each(|_| get(&long));

    // A reader that goes on learns how many lines are missing, and has the others.
    let (sender, lines) = channel();
    let reader = std::thread::spawn(move || {
        loop {
            let line = next_line(&mut output);
            let is_last = line.contains(" GET /short: ");
            sender.send(line).unwrap();
            if is_last {
                return output;
            }
        }
    });
    let line = || lines.recv_timeout(Duration::from_secs(20)).unwrap();
    let (mut whole, mut missing) = (0, 0);
    while whole + missing < count {
        let line = line();
        match line.split_once(" lines are missing here: ") {
            Some((start, _)) => missing += start.rsplit(' ').next().unwrap().parse::<i32>().unwrap(),
            None if line.ends_with(&format!(" 127.0.0.1 GET {long}: 404{REFUSED}")) => whole += 1,
            None => panic!("{line}"),
        }
    }
    assert!(missing > 0 && whole + missing == count, "{whole} and {missing}");
    get("/short");
    assert!(line().ends_with(&format!(" GET /short: 404{REFUSED}")));
    let _output = reader.join().unwrap();

    // The log is not read again, and the server ends nevertheless.
    (0..count).for_each(|_| get(&long));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_log_in_json_has_standard_output_for_itself() {
    let mut running = Running(
        program(&["serve", "--listen", "0", "--seed", "7", "--log-format", "json"])
            .env("RUST_LOG", "info,faults=off")
            .spawn()
            .unwrap(),
    );
    let mut banner = BufReader::new(running.0.stderr.take().unwrap());
    let mut output = BufReader::new(running.0.stdout.take().unwrap());
    let http = loop {
        if let Some(address) = next_line(&mut banner).strip_prefix("http ") {
            break address.trim().strip_prefix("http://").unwrap().to_owned();
        }
    };
    crate::client::fault(&http, &["set", "reset", "--count", "1", "--path", "/none"]);
    ask(connect(&http), "GET /no%9b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let line: serde_json::Value = serde_json::from_str(&next_line(&mut output)).unwrap();
    assert_eq!(
        (&line["target"], &line["level"], &line["client"]),
        (&"http".into(), &"INFO".into(), &"127.0.0.1".into())
    );
    assert_eq!((&line["path"], &line["status"], &line["method"]), (&"/no%9b".into(), &404.into(), &"GET".into()));
    assert_eq!(line["message"], "GET /no%9b: 404, refused: there is no such thing");
    assert!(Command::new("kill").args(["-INT", &running.0.id().to_string()]).status().unwrap().success());
    let line: serde_json::Value = serde_json::from_str(&next_line(&mut output)).unwrap();
    assert_eq!((&line["target"], &line["message"]), (&"server".into(), &"stopped".into()));
}

#[test]
fn a_filter_that_is_none_is_refused() {
    let output = program(&["serve", "--listen", "0"]).env("RUST_LOG", "http=loud").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.starts_with("could not use RUST_LOG: "), "{said}");
}
