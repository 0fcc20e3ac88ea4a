//! The record on standard output. It must cost little, and a reader that stalls (a terminal scrolled back, a pipe that
//! nobody reads) must not hold the server up.
//!
//! Lines gather in memory for a moment ([`Log`]), as a write for each would cost more than the request that it is about.
//! [`Writer`] hands them to a thread, which alone waits for the reader. Meanwhile up to [`MOST`] bytes gather; lines beyond
//! that are dropped, and where they are missing the record says how many. A line is one line, whatever is in it, and nothing
//! in it is an order to a terminal ([`printable`]).

use std::borrow::Cow;
use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::{self, Write as _};
use std::future::pending;
use std::io::{self, Write};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

use crate::printable::printable;

/// How long a line may wait to be written together with others.
const WRITTEN_AFTER: Duration = Duration::from_millis(20);

/// Bytes that are enough to be written at once.
const ENOUGH: usize = MOST / 16;

/// Bytes that gather at most while the thread waits; as many may be with the thread, and as many on their way to it.
const MOST: usize = 1 << 20;

/// How long the reader may take for the last lines.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Lines that are still to be written.
#[derive(Default)]
pub(crate) struct Log {
    lines: RefCell<Lines>,
    more: Notify,
    enough: Notify,
}

#[derive(Debug, Default)]
struct Lines {
    text: String,
    /// How many lines after those are lost.
    dropped: usize,
}

impl Log {
    /// Says a line soon.
    pub(crate) fn say(&self, line: fmt::Arguments<'_>) {
        self.line(|text| {
            let _ = text.write_fmt(line);
        });
    }

    /// Has `write` put a line behind those that are there, and says it soon.
    pub(crate) fn line(&self, write: impl FnOnce(&mut String)) {
        let mut lines = self.lines.borrow_mut();
        // Once a line is lost, those after it are too, so that the record says in the right place how many.
        if lines.dropped > 0 || lines.text.len() >= MOST {
            lines.dropped += 1;
        } else {
            let start = lines.text.len();
            write(&mut lines.text);
            // Most of a line is what others sent.
            if let Cow::Owned(shown) = printable(&lines.text[start..]) {
                lines.text.truncate(start);
                lines.text.push_str(&shown);
            }
            lines.text.push('\n');
        }
        if lines.text.len() >= ENOUGH {
            self.enough.notify_one();
        }
        self.more.notify_one();
    }
}

/// Carries lines to the thread that writes them.
pub(crate) struct Writer {
    queue: mpsc::Sender<Lines>,
    /// Resolves when the thread has ended.
    ended: oneshot::Receiver<()>,
}

impl Writer {
    /// Begins to write to `output`.
    pub(crate) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, lines) = mpsc::channel(1);
        let (alive, ended) = oneshot::channel::<()>();
        std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            write(lines, output);
            drop(alive);
        })?;
        Ok(Self { queue, ended })
    }

    /// Hands over what `log` gathers, for ever.
    pub(crate) async fn write(&self, log: &Log) -> Infallible {
        loop {
            log.more.notified().await;
            let _ = timeout(WRITTEN_AFTER, log.enough.notified()).await;
            match self.queue.reserve().await {
                Ok(place) => place.send(log.lines.take()),
                // The thread is gone. Nobody will hear of it.
                Err(_) => pending().await,
            }
        }
    }

    /// Writes the rest, unless the reader takes too long.
    pub(crate) async fn finish(self, log: &Log) {
        let Self { queue, ended } = self;
        let written = async {
            // A thread that is gone has ended, too.
            let _ = queue.send(log.lines.take()).await;
            drop(queue);
            let _ = ended.await;
        };
        let _ = timeout(LAST_WORDS, written).await;
    }
}

/// Writes lines as they come; what cannot be written is told as soon as something can.
fn write(mut queue: mpsc::Receiver<Lines>, mut output: impl Write) {
    let mut missing = 0;
    while let Some(Lines { text, dropped }) = queue.blocking_recv() {
        let written = notice(&mut output, missing)
            .and_then(|()| output.write_all(text.as_bytes()))
            .and_then(|()| notice(&mut output, dropped))
            .and_then(|()| output.flush());
        missing = match written {
            Ok(()) => 0,
            Err(_) => missing + text.lines().count() + dropped,
        };
    }
}

fn notice(output: &mut impl Write, missing: usize) -> io::Result<()> {
    match missing {
        0 => Ok(()),
        1 => writeln!(output, "1 line is missing here: it could not be written in time"),
        _ => writeln!(output, "{missing} lines are missing here: they could not be written in time"),
    }
}

/// Hours, minutes and seconds, such as `23:42:21`.
pub(crate) struct TimeOfDay(pub(crate) OffsetDateTime);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) = self.0.to_hms();
        // Digit by digit, which takes less than `{hour:02}`: each line of the log has it.
        for (before, number) in [("", hour), (":", minute), (":", second)] {
            f.write_str(before)?;
            f.write_char((b'0' + number / 10).into())?;
            f.write_char((b'0' + number % 10).into())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::time::sleep;

    use super::*;

    /// Something to write on that others can look at.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<(String, State)>>);

    #[derive(Clone, Copy, Default, PartialEq)]
    enum State {
        #[default]
        Free,
        /// Who writes has to wait.
        Stalled,
        Full,
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            while self.0.lock().unwrap().1 == State::Stalled {
                std::thread::sleep(Duration::from_millis(1));
            }
            let (text, state) = &mut *self.0.lock().unwrap();
            if *state == State::Full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            text.push_str(str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Paper {
        fn text(&self) -> String {
            self.0.lock().unwrap().0.clone()
        }

        fn set(&self, state: State) {
            self.0.lock().unwrap().1 = state;
        }
    }

    /// Lets the log be written until `seen` is on the paper.
    async fn until(writer: &Writer, log: &Log, paper: &Paper, seen: &str) {
        let look = async {
            while !paper.text().contains(seen) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            never = writer.write(log) => match never {},
            found = timeout(Duration::from_secs(20), look) => found.unwrap(),
        }
    }

    #[tokio::test]
    async fn lines_are_written_in_order_and_the_last_ones_at_the_end() {
        let (log, paper) = (Log::default(), Paper::default());
        let writer = Writer::start(paper.clone()).unwrap();
        log.say(format_args!("a"));
        log.say(format_args!("b"));
        until(&writer, &log, &paper, "b").await;
        log.say(format_args!("c"));
        writer.finish(&log).await;
        assert_eq!(paper.text(), "a\nb\nc\n");
    }

    #[tokio::test]
    async fn a_line_is_one_line_and_gives_no_orders() {
        let (log, paper) = (Log::default(), Paper::default());
        let writer = Writer::start(paper.clone()).unwrap();
        log.say(format_args!("GET /\u{9b}2J\u{1b}[31m\n12:00:00 stopped"));
        writer.finish(&log).await;
        assert_eq!(paper.text(), "GET /\\u{9b}2J\\u{1b}[31m\\u{a}12:00:00 stopped\n");
    }

    #[tokio::test]
    async fn who_does_not_read_loses_lines_and_is_told_how_many() {
        let (log, paper) = (Log::default(), Paper::default());
        let writer = Writer::start(paper.clone()).unwrap();
        paper.set(State::Stalled);
        // All of this returns nevertheless.
        let saying = async {
            for number in 0..100 {
                log.line(|text| text.extend([&*number.to_string(), " ", &"x".repeat(MOST / 10)]));
                sleep(WRITTEN_AFTER / 10).await;
            }
        };
        tokio::select! {
            never = writer.write(&log) => match never {},
            () = saying => {}
        }
        assert!(log.lines.borrow().text.len() <= MOST + MOST / 9);
        paper.set(State::Free);
        until(&writer, &log, &paper, "missing").await;
        log.say(format_args!("after"));
        writer.finish(&log).await;
        let text = paper.text();
        let numbers: Vec<_> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
        let [kept @ .., missing, "after"] = &numbers[..] else { panic!("{numbers:?}") };
        assert!(text.contains(&format!("\n{missing} lines are missing here: ")));
        assert_eq!(*kept, (0..kept.len()).map(|number| number.to_string()).collect::<Vec<_>>());
        assert_eq!(kept.len() + missing.parse::<usize>().unwrap(), 100);
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_told_when_something_can() {
        let (log, paper) = (Log::default(), Paper::default());
        paper.set(State::Full);
        let writer = Writer::start(paper.clone()).unwrap();
        log.say(format_args!("lost"));
        let wait = timeout(Duration::from_millis(100), writer.write(&log));
        assert!(wait.await.is_err());
        paper.set(State::Free);
        log.say(format_args!("kept"));
        writer.finish(&log).await;
        assert_eq!(paper.text(), "1 line is missing here: it could not be written in time\nkept\n");
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_does_not_wait_for_ever() {
        let (log, paper) = (Log::default(), Paper::default());
        paper.set(State::Stalled);
        let writer = Writer::start(paper.clone()).unwrap();
        log.say(format_args!("lost"));
        writer.finish(&log).await;
        assert_eq!(paper.text(), "");
        paper.set(State::Free);
    }
}
