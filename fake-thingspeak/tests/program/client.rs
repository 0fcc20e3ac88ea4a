//! What tests say to the program and hear of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::server::{PATIENCE, Server};

pub mod mqtt;
pub mod tls;

impl Server {
    /// Ctrl-C.
    pub fn stop(&mut self) {
        let interrupted = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(interrupted.success());
        assert_eq!(self.line("stopped"), "");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
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
