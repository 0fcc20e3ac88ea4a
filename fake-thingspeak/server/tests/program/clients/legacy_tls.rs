//! Clients of others that speak the TLS of old devices: OpenSSL's, by its command and by Python.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::server::Server;

/// A server on real sockets, the address of its HTTPS, and the key to write with.
fn server(arguments: &[&str]) -> (Server, String, String) {
    let server = Server::start(&[&["serve", "--listen", "0", "--tls-listen", "127.0.0.1:0"], arguments].concat());
    let write_key = server.line("write key");
    let https = server.line("https");
    let address = https.strip_prefix("https://").unwrap().split(' ').next().unwrap().to_owned();
    (server, address, write_key)
}

/// What `openssl s_client` prints that sends one update.
fn s_client(address: &str, key: &str, arguments: &[&str]) -> String {
    let mut child = Command::new("openssl")
        .args(["s_client", "-quiet", "-ign_eof", "-connect", address])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is openssl");
    let request = format!("GET /update?api_key={key}&field1=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let _ = child.stdin.take().unwrap().write_all(request.as_bytes());
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

const WITH_RSA: [(&str, &str); 6] = [
    ("-tls1", "AES128-SHA"),
    ("-tls1", "AES256-SHA"),
    ("-tls1_1", "AES128-SHA"),
    ("-tls1_2", "AES256-SHA"),
    ("-tls1_2", "AES128-SHA256"),
    ("-tls1_2", "AES256-SHA256"),
];

#[test]
#[ignore = "needs openssl; see ci/setup-clients"]
fn openssl_speaks_each_version_and_each_suite() {
    let (_server, address, key) = server(&["--write-interval", "0"]);
    for (entry, (version, suite)) in (1..).zip(WITH_RSA) {
        let said = s_client(&address, &key, &[version, "-cipher", &format!("{suite}:@SECLEVEL=0")]);
        assert!(said.contains(&format!("\r\n\r\n{entry}")), "{version} {suite}: {said}");
    }
}

#[test]
#[ignore = "needs openssl; see ci/setup-clients"]
fn the_log_tells_once_who_needed_it_and_a_server_can_do_without() {
    let weak = ["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"];
    let (server_, address, key) = server(&["--write-interval", "0"]);
    for entry in 1..3 {
        assert!(s_client(&address, &key, &weak).contains(&format!("\r\n\r\n{entry}")));
    }
    let (mut told, mut served) = (0, 0);
    while served < 2 {
        let line = server_.next_line();
        told += u32::from(line.contains("TLS 1.2 with TLS_RSA_WITH_AES_128_CBC_SHA, which is weak"));
        served += u32::from(line.contains(": 200, stored "));
    }
    assert_eq!(told, 1);

    let (_server, address, key) = server(&["--legacy-tls", "off"]);
    let said = s_client(&address, &key, &weak);
    assert!(said.contains("alert handshake failure") && !said.contains("HTTP/1.1"), "{said}");

    let (_server, address, key) = server(&["--legacy-tls", "only"]);
    assert!(!s_client(&address, &key, &["-tls1_3"]).contains("HTTP/1.1"));
    assert!(s_client(&address, &key, &["-cipher", "ALL:@SECLEVEL=0"]).contains("\r\n\r\n1"));
}

/// An update by Python with what it is given, and the certificate checked.
const CHECKED: &str = "
import socket, ssl, sys
address, key, authority = sys.argv[1:]
host, port = address.rsplit(':', 1)
context = ssl.create_default_context(cafile=authority)
context.maximum_version = ssl.TLSVersion.TLSv1_2
context.set_ciphers('AES256-SHA256:AES128-SHA')
with socket.create_connection((host, int(port))) as plain, context.wrap_socket(plain, server_hostname=host) as stream:
    body = b'field1=' + b'x' * 200
    stream.sendall(b'POST /update HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nX-THINGSPEAKAPIKEY: ' + key.encode()
        + b'\\r\\nContent-Length: ' + str(len(body)).encode() + b'\\r\\n\\r\\n' + body)
    reply = b''
    while part := stream.recv(4096):
        reply += part
    print(stream.cipher()[0], stream.version(), reply.decode().split('\\r\\n\\r\\n')[1])
";

#[test]
#[ignore = "needs openssl; see ci/setup-clients"]
fn python_believes_the_authority() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    let (_server, address, key) = server(&["--authority-out", authority.to_str().unwrap()]);
    let output = Command::new("python3")
        .args(["-c", CHECKED, &address, &key])
        .arg(&authority)
        .output()
        .expect("there is python3");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "AES256-SHA256 TLSv1.2 1\n");
}
