//! A person who does what only hands can do: asked on standard error, answered by Enter at standard input.

use std::io::{self, BufRead, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How often it is looked whether the run is given up while an answer is waited for.
const LOOK: Duration = Duration::from_millis(100);

/// Asks, and waits for answers.
#[derive(Debug, Default)]
pub(super) struct Prompter {
    answers: Option<Receiver<()>>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// Standard input has come to its end.
    NobodyThere,
    /// The run is given up.
    GivenUp,
}

impl Prompter {
    /// Asks for something to be done, and waits until it has been. `goes_on` says whether the run does.
    pub(super) fn ask(&mut self, what: &str, goes_on: impl Fn() -> bool) -> Result<(), Unanswered> {
        let answers = self.answers.get_or_insert_with(read_answers);
        // Who cannot read it does not answer either.
        let _ = writeln!(io::stderr(), ">>> {what}, then press Enter");
        loop {
            match answers.recv_timeout(LOOK) {
                Ok(()) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Unanswered::NobodyThere),
                Err(RecvTimeoutError::Timeout) if !goes_on() => return Err(Unanswered::GivenUp),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// Reads lines from standard input, each of which is an answer.
fn read_answers() -> Receiver<()> {
    let (sender, answers) = channel();
    let read = move || {
        for line in io::stdin().lock().lines() {
            if line.is_err() || sender.send(()).is_err() {
                return;
            }
        }
    };
    // Without a thread nobody is there.
    let _ = thread::Builder::new().name("answers".to_owned()).spawn(read);
    answers
}
