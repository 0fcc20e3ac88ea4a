use std::sync::mpsc::{Receiver, Sender, channel};

use tracing::dispatcher::with_default;

use super::*;

/// An output that others can look at.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<(String, State)>>);

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Free,
    /// Writing takes as long as this lasts.
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

    /// Waits until `seen` is on the paper.
    fn wait_for(&self, seen: &str) {
        for _ in 0..20_000 {
            if self.text().contains(seen) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("`{seen}` is not in {}", self.text());
    }

    /// The lines without their times.
    fn lines(&self) -> Vec<String> {
        let text = self.text();
        text.lines()
            .map(|line| line.split_once(' ').filter(|(time, _)| time.contains(':')).map_or(line, |(_, rest)| rest))
            .map(str::to_owned)
            .collect()
    }
}

/// Logs what `log` logs, as `RUST_LOG` says, and lets the log be written.
fn logged(format: LogFormat, colours: bool, filter: &str, log: impl FnOnce()) -> String {
    let paper = Paper::default();
    let (queue, guard) = Queue::new(format, paper.clone());
    let filter = EnvFilter::builder().parse(filter).unwrap();
    with_default(&subscriber(format, colours, queue, filter), log);
    drop(guard);
    paper.text()
}

fn say_something() {
    tracing::info!(target: "http", client = %"127.0.0.1", status = 200_u16, "GET /: {}", 200);
    tracing::warn!(target: "tls", client = "::1", "TLS handshake failed");
    tracing::debug!(target: "http", "unseen");
}

#[test]
fn a_line_has_time_client_and_message_and_colours_only_on_a_terminal() {
    let text = logged(LogFormat::Human, false, "info", say_something);
    let lines: Vec<_> = text.lines().map(|line| line.split_at(9)).collect();
    assert!(lines.iter().all(|(time, _)| time.ends_with(' ') && time.matches(':').count() == 2), "{text}");
    assert_eq!(
        lines.iter().map(|(_, rest)| *rest).collect::<Vec<_>>(),
        ["127.0.0.1 GET /: 200", "::1 TLS handshake failed"]
    );
    let text = logged(LogFormat::Human, true, "info", say_something);
    assert!(text.contains("::1 \u{1b}[33mTLS handshake failed\u{1b}[0m\n"), "{text:?}");
}

#[test]
fn json_has_every_field() {
    let text = logged(LogFormat::Json, false, "info", say_something);
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [request, handshake] = &lines[..] else { panic!("{text}") };
    assert_eq!((&request["target"], &request["status"]), (&"http".into(), &200.into()));
    assert_eq!((&request["client"], &request["message"]), (&"127.0.0.1".into(), &"GET /: 200".into()));
    assert_eq!((&handshake["level"], &handshake["client"]), (&"WARN".into(), &"::1".into()));
    assert!(request["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_filter_chooses_by_level_and_target() {
    assert_eq!(logged(LogFormat::Human, false, "warn", say_something).lines().count(), 1);
    assert_eq!(logged(LogFormat::Human, false, "info,tls=off", say_something).lines().count(), 1);
    assert_eq!(logged(LogFormat::Human, false, "http=debug", say_something).lines().count(), 2);
}

#[test]
fn a_line_is_one_line_and_gives_no_orders() {
    let attack =
        || tracing::info!(client = %"a\u{1b}", path = "\u{9b}\n", "GET /\u{9b}2J\u{1b}[31m\n12:00:00 stopped \u{202e}");
    let text = logged(LogFormat::Human, false, "info", attack);
    assert_eq!(&text[9..], "a\\u{1b} GET /\\u{9b}2J\\u{1b}[31m\\u{a}12:00:00 stopped \\u{202e}\n");
    let text = logged(LogFormat::Json, false, "info", attack);
    assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{text:?}");
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["message"], "GET /\u{9b}2J\u{1b}[31m\n12:00:00 stopped \u{202e}");
}

#[test]
fn a_reader_that_stalls_loses_lines_and_learns_how_many() {
    let paper = Paper::default();
    let (queue, guard) = Queue::new(LogFormat::Human, paper.clone());
    paper.set(State::Stalled);
    let long = "x".repeat(MOST_BYTES / 10);
    // All of this returns nevertheless.
    (0..100).for_each(|number| queue.send(&format!("{number} {long}\n")));
    assert!(queue.waiting.bytes.load(Ordering::Acquire) <= MOST_BYTES);
    paper.set(State::Free);
    paper.wait_for("91 lines are missing here: they could not be written in time\n");
    queue.send("next\n");
    drop(guard);
    let lines = paper.lines();
    let numbers: Vec<_> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(numbers, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "91", "next"]);
    assert_eq!(queue.waiting.bytes.load(Ordering::Acquire), 0);
}

#[test]
fn short_lines_are_counted_too() {
    let paper = Paper::default();
    let (queue, guard) = Queue::new(LogFormat::Json, paper.clone());
    paper.set(State::Stalled);
    (0..2 * MOST_LINES + 1).for_each(|_| queue.send("{}\n"));
    paper.set(State::Free);
    drop(guard);
    let text = paper.text();
    let mut lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let told = lines.find(|line| !line["missing"].is_null()).unwrap();
    assert!(told["timestamp"].as_str().unwrap().ends_with('Z'), "{told}");
    let missing = usize::try_from(told["missing"].as_u64().unwrap()).unwrap();
    assert!(missing > 0 && missing <= MOST_LINES + 1, "{missing}");
    assert_eq!(text.lines().count() - 1 + missing, 2 * MOST_LINES + 1);
}

#[test]
fn what_cannot_be_written_is_written_as_soon_as_it_can() {
    let paper = Paper::default();
    paper.set(State::Full);
    let (queue, guard) = Queue::new(LogFormat::Human, paper.clone());
    queue.send("kept\n");
    std::thread::sleep(2 * GATHERING);
    queue.send(&"x".repeat(MOST_BYTES));
    paper.set(State::Free);
    queue.send("more\n");
    drop(guard);
    assert_eq!(paper.lines(), ["kept", "1 line is missing here: it could not be written in time", "more"]);
}

#[test]
fn the_end_does_not_wait_for_ever() {
    let paper = Paper::default();
    let (queue, guard) = Queue::new(LogFormat::Human, paper.clone());
    paper.set(State::Stalled);
    (0..2 * MOST_LINES).for_each(|_| queue.send("lost\n"));
    let (ended, end): (Sender<()>, Receiver<()>) = channel();
    std::thread::spawn(move || {
        drop(guard);
        ended.send(())
    });
    end.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(paper.text(), "");
    paper.set(State::Free);
}
