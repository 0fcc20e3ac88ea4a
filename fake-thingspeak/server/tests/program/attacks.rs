//! What attackers try: on the network, on this machine, and with what they store.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::client::{ask, connect};
use crate::server::{PATIENCE, Server, program};

/// A reply to a request for which the connection is closed.
fn reply(server: &str, request: &str) -> String {
    ask(connect(server), request)
}

fn status(server: &str, request: &str) -> String {
    reply(server, request)[9..12].to_owned()
}

#[test]
fn markup_in_a_reply_is_no_page_even_without_headers() {
    let server = Server::start(&["serve", "--listen", "0", "--write-interval", "0"]);
    let (channel, key) = (server.word("channel "), server.word("write key "));
    let place = server.place("http ", "http");
    let get =
        |target: &str| reply(&place, &format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    assert!(get(&format!("/update?api_key={key}&field1=5")).ends_with("\r\n\r\n1"));
    let script = "%3Cscript%3Efetch(%22/%22)%3C/script%3E";
    for headers in ["", "&headers=false"] {
        let reply = get(&format!("/channels/{channel}/fields/1/last?prepend={script}{headers}"));
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "<script>fetch(\"/\")</script>5");
        for line in ["X-Content-Type-Options: nosniff", "Content-Security-Policy: default-src 'none'; sandbox"] {
            assert!(head.split("\r\n").any(|found| found == line), "{head}");
        }
        assert!(head.contains("\r\nContent-Type: text/"), "{head}");
    }
    // The program's own replies, with what was said to them.
    let body = "fault=status&status=503&count=9&path=/%3Cscript%3E";
    let length = body.len();
    let set = reply(
        &place,
        &format!(
            "POST /_preflash/faults HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    );
    assert!(set.contains("<script>") && set.contains("\r\nX-Content-Type-Options: nosniff\r\n"), "{set}");
    assert!(set.contains("\r\nContent-Security-Policy: default-src 'none'; sandbox\r\n"), "{set}");
    for path in ["/mqtt", "/_preflash/faults", "/_preflash/faults/9", "/_preflash/x"] {
        let reply = get(&format!("{path}?%3Cb%3E"));
        assert!(!reply.contains('<') || reply.contains("nosniff"), "{reply}");
    }
}

#[test]
fn the_log_gives_a_terminal_no_orders() {
    let server = Server::start(&["serve", "--listen", "0"]);
    let place = server.place("http ", "http");
    server.line("stop ");
    let mut stream = connect(&place);
    // U+009B is CSI in one character; a path may have it in UTF-8.
    stream.write_all(b"GET /\xc2\x9b31mred HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let told = server.told();
    assert!(told.starts_with(r"GET /\u{9b}31mred: 404"), "{told}");
}

#[test]
fn a_request_through_a_proxy_or_by_another_name_is_not_from_this_machine() {
    let anywhere: [&[&str]; 2] = [&[], &["--control-from-anywhere", "--host", "pond.local"]];
    for (more, by_name, by_proxy) in [(anywhere[0], "403", "403"), (anywhere[1], "200", "200")] {
        let server = Server::start(&[&["serve", "--listen", "0"], more].concat());
        let key = server.word("write key ");
        let place = server.place("http ", "http");
        let get = |path: &str, headers: &str| format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        assert!(reply(&place, &get("/", "Host: localhost\r\n")).contains(&key));
        assert_eq!(status(&place, &get("/_preflash/faults", "Host: 127.0.0.1\r\n")), "200");
        assert_eq!(status(&place, &get("/_preflash/faults", "Host: pond.local\r\n")), by_name);
        assert_eq!(status(&place, &get("/_preflash/faults", "Host: evil.example\r\n")), "403");
        assert!(!reply(&place, &get("/", "Host: evil.example\r\n")).contains(&key));
        for mark in ["Forwarded: for=192.0.2.7", "X-Forwarded-For: 192.0.2.7", "X-Real-IP: 192.0.2.7", "Via: 1.1 nginx"]
        {
            let headers = format!("Host: localhost\r\n{mark}\r\n");
            assert_eq!(status(&place, &get("/_preflash/faults", &headers)), by_proxy, "{mark}");
            let page = reply(&place, &get("/", &headers));
            assert!(page.starts_with("HTTP/1.1 200 ") && !page.contains(&key), "{mark}");
        }
        let old = "GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
        assert!(!reply(&place, old).contains(&key), "nginx asks like this");
    }
}

/// Bytes of memory that a process has.
fn resident(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// 60 clients, each of which has all of a body of 4 MiB sent but its last byte.
#[cfg(target_os = "linux")]
#[test]
fn bodies_that_never_end_take_little_of_the_machine() {
    let server = Server::start(&["serve", "--listen", "0"]);
    let key = server.word("write key ");
    let place = server.place("http ", "http");
    let before = resident(server.child.id());
    let size = 4 << 20;
    let begin = || {
        let place = place.clone();
        std::thread::spawn(move || -> TcpStream {
            let mut stream = connect(&place);
            stream.set_write_timeout(Some(PATIENCE)).unwrap();
            let head =
                format!("POST /channels/1/bulk_update.json HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            // A client that is refused cannot send all of it.
            let _ = stream.write_all(&vec![b' '; size - 1]);
            stream
        })
    };
    let clients: Vec<_> = (0..60).map(|_| begin()).collect();
    let mut clients: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    let taken = resident(server.child.id()).saturating_sub(before);
    assert!(taken < 80 << 20, "{taken} bytes");
    // Devices get through meanwhile.
    let body = format!("api_key={key}&field1=1");
    let length = body.len();
    let update =
        format!("POST /update HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    assert!(reply(&place, &update).ends_with("\r\n\r\n1"));
    let mut refused = 0;
    for client in &mut clients {
        client.set_read_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
        let mut start = [0; 12];
        refused += usize::from(client.read_exact(&mut start).is_ok() && start.ends_with(b"503"));
    }
    assert!(refused > 40, "{refused}");
}

#[test]
fn files_with_keys_that_others_can_get_at_are_refused_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let set = |path: &str, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let mode = |path: &str| Path::new(path).metadata().unwrap().permissions().mode() & 0o777;
    let (key, data) = (path("authority.key"), path("duck.db"));
    let refused = |arguments: &[&str]| {
        let output = program(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };

    assert!(program(&["ca", &key]).output().unwrap().status.success());
    assert_eq!(mode(&key), 0o600);
    set(&key, 0o644);
    let told = refused(&["serve", "--listen", "0", "--tls-listen", "0", "--authority", &key]);
    assert!(
        told.contains("others on this machine can read it") && told.contains(&format!("chmod 600 {key}")),
        "{told}"
    );
    assert!(refused(&["ca", &key]).contains("chmod 600"));

    let serve = ["serve", "--listen", "0", "--data", &data];
    let mut server = Server::start(&serve);
    server.line("stop ");
    assert_eq!((mode(&data), mode(&format!("{data}-wal"))), (0o600, 0o600));
    server.stop();
    set(&data, 0o640);
    let mut server = Server::start(&serve);
    let told = server.line("careful ");
    assert!(told.contains("can read it") && told.ends_with(&format!("chmod 600 '{data}'")), "{told}");
    server.stop();
    set(&data, 0o660);
    let told = refused(&serve);
    assert!(told.contains("can write to") && told.contains(&format!("chmod 600 {data}")), "{told}");
}
