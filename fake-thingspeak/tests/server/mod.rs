//! The program, started and spoken to by tests and by the benchmark.
#![allow(dead_code, reason = "each of them needs a part of it")]
#![allow(clippy::allow_attributes, reason = "whether there is something to allow differs")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub mod tls;

const PATIENCE: Duration = Duration::from_secs(20);

/// A running server, killed at the latest when the test ends.
pub struct Server {
    child: Child,
    lines: Receiver<String>,
    ignored: Arc<AtomicBool>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-thingspeak"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Server {
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = program(arguments).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        let ignored = Arc::new(AtomicBool::new(false));
        let ignoring = Arc::clone(&ignored);
        std::thread::spawn(move || {
            let mut output = output;
            for line in output.by_ref().lines().map_while(Result::ok) {
                if ignoring.load(Ordering::Relaxed) || sender.send(line).is_err() {
                    break;
                }
            }
            // The server must not wait for a reader.
            let _ = std::io::copy(&mut output, &mut std::io::sink());
        });
        Self { child, lines, ignored }
    }

    pub fn next_line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the server has nothing more to say")
    }

    /// The rest of the next line that begins with `name`.
    pub fn line(&self, name: &str) -> String {
        loop {
            if let Some(rest) = self.next_line().strip_prefix(name) {
                return rest.trim().to_owned();
            }
        }
    }

    /// From now on nobody reads what the server says.
    pub fn ignore_lines(&self) {
        self.ignored.store(true, Ordering::Relaxed);
    }

    /// Bytes of memory that the server takes now (Linux).
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        kilobytes.unwrap().parse::<u64>().unwrap() * 1_024
    }

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
