//! The program, started and spoken to by tests and by the benchmark.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long something may take that should come at once.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running server, killed at the latest when the test ends.
pub struct Server {
    pub child: Child,
    /// Its output, line by line; `None` if the test does not read it.
    pub lines: Option<Receiver<String>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-thingspeak"));
    command.args(arguments).env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Server {
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = program(arguments).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut output = output;
            for line in output.by_ref().lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
            // The server must not wait for a reader.
            let _ = std::io::copy(&mut output, &mut std::io::sink());
        });
        Self { child, lines: Some(lines) }
    }

    pub fn next_line(&self) -> String {
        let lines = self.lines.as_ref().expect("nobody reads what the server says");
        lines.recv_timeout(PATIENCE).expect("the server has nothing more to say")
    }

    /// The rest of the next line that begins with `name`.
    pub fn line(&self, name: &str) -> String {
        loop {
            if let Some(rest) = self.next_line().strip_prefix(name) {
                return rest.trim().to_owned();
            }
        }
    }
}
