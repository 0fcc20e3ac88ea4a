//! What tests say to the program and hear of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::server::{PATIENCE, Server, program};

pub mod mqtt;
pub mod tls;

impl Server {
    /// The first word behind `name` in the next line that begins with it.
    pub fn word(&self, name: &str) -> String {
        self.line(name).split(' ').next().unwrap().to_owned()
    }

    /// The host and port of the URL behind `name` in the next line that begins with it, which is one of `scheme`.
    pub fn place(&self, name: &str, scheme: &str) -> String {
        self.word(name).strip_prefix(scheme).unwrap().strip_prefix("://").unwrap().to_owned()
    }

    /// The next line of the log, without the time of day and the client.
    pub fn told(&self) -> String {
        self.next_line().split_once(" 127.0.0.1 ").unwrap().1.to_owned()
    }

    /// Ctrl-C.
    pub fn stop(&mut self) {
        let interrupted = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(interrupted.success());
        while !self.next_line().ends_with(" stopped") {}
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

/// What the program says when it is to see to the faults of the server at this address.
pub fn fault(server: &str, arguments: &[&str]) -> String {
    let output = program(&[&["fault", "--server", server], arguments].concat()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

pub fn ask(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}
