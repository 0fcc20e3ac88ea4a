//! What the server has to say, on standard output: events of `tracing` as lines for people or, with `--log-format
//! json`, as JSON. `RUST_LOG` filters them by level and by target: `http`, `mqtt`, `connection`, `tls`, `faults`,
//! `server`.
//!
//! Writing must cost little, and a reader that stalls (a terminal scrolled back, a full pipe) must not hold the server
//! up. So a thread of `tracing-appender` writes, and up to [`MOST_BYTES`] in [`MOST_LINES`] wait for it. Lines beyond
//! that are dropped, and where they are missing the log says how many ([`Queue`]). `tracing-appender` itself counts
//! lines, which would let a few thousand long requests take as many times 16 KiB; bytes are counted here.
//!
//! A line is one line, whatever is in it, and nothing in it is an order to a terminal ([`printable`]).

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FromEnvError, LevelFilter};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::printable::{printable, printable_json};

#[cfg(test)]
mod tests;

/// Bytes that wait at most for the thread and in it.
const MOST_BYTES: usize = 1 << 20;

/// Lines that wait at most for the thread.
const MOST_LINES: usize = 8 << 10;

/// How long the thread lets lines gather before it looks for more: a wake-up and a write for each would cost more than
/// the request that the line is about.
const GATHERING: Duration = Duration::from_millis(20);

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people, with colours on a terminal
    Human,
    /// An object in JSON on each line
    Json,
}

/// Lets all events of the process go to `output` from now on. Dropping the result writes the rest, unless the reader
/// takes longer than a second.
///
/// # Errors
/// `RUST_LOG` is no filter.
pub(crate) fn start(
    format: LogFormat,
    colours: bool,
    output: impl Write + Send + 'static,
) -> Result<WorkerGuard, FromEnvError> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env()?;
    let (queue, guard) = Queue::new(format, output);
    let subscriber = subscriber(format, colours, queue, filter);
    // Only a test could have set another one.
    let _ = tracing::dispatcher::set_global_default(subscriber);
    Ok(guard)
}

fn subscriber(format: LogFormat, colours: bool, queue: Queue, filter: EnvFilter) -> tracing::Dispatch {
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(queue);
    match format {
        LogFormat::Human => builder.event_format(HumanFormat { colours }).finish().into(),
        LogFormat::Json => {
            builder.json().flatten_event(true).with_current_span(false).with_span_list(false).finish().into()
        }
    }
}

/// `23:42:21 127.0.0.1 GET /update?api_key=…: 200, stored 1`: the time in UTC, the client if it is about one, and the
/// message. Other fields are for machines; the message has what people want of them.
struct HumanFormat {
    colours: bool,
}

impl<S, N> FormatEvent<S, N> for HumanFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut text = Text::default();
        event.record(&mut text);
        let Text { client, message } = text;
        let now = TimeOfDay(OffsetDateTime::now_utc());
        let (dim, style) = match *event.metadata().level() {
            _ if !self.colours => (Style::new(), Style::new()),
            Level::ERROR => (Style::new().dimmed(), AnsiColor::Red.on_default()),
            Level::WARN => (Style::new().dimmed(), AnsiColor::Yellow.on_default()),
            _ => (Style::new().dimmed(), Style::new()),
        };
        write!(writer, "{dim}{now}{dim:#} ")?;
        if !client.is_empty() {
            write!(writer, "{} ", printable(&client))?;
        }
        writeln!(writer, "{style}{}{style:#}", printable(&message))
    }
}

/// What people see of an event.
#[derive(Default)]
struct Text {
    client: String,
    message: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = match field.name() {
            "client" => &mut self.client,
            "message" => &mut self.message,
            _ => return,
        };
        // A string takes whatever comes.
        let _ = write!(text, "{value:?}");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "client" {
            self.client.push_str(value);
        }
    }
}

/// Hours, minutes and seconds, such as `23:42:21`.
struct TimeOfDay(OffsetDateTime);

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

/// Lines on their way to the thread that writes them.
struct Queue {
    format: LogFormat,
    queue: Mutex<NonBlocking>,
    waiting: Arc<Waiting>,
}

/// What has not been written yet, counted.
#[derive(Default)]
struct Waiting {
    /// Bytes in the queue and with the thread.
    bytes: AtomicUsize,
    /// Lines in the queue.
    lines: AtomicUsize,
    /// Lines that were dropped, and that the log does not tell of yet.
    dropped: AtomicUsize,
}

impl Queue {
    /// A queue to `output`, with the thread that writes.
    fn new(format: LogFormat, output: impl Write + Send + 'static) -> (Self, WorkerGuard) {
        let waiting = Arc::<Waiting>::default();
        let output = Output { format, output, unwritten: Vec::new(), waiting: Arc::clone(&waiting) };
        // One place more, so that the sign to stop always finds one.
        let builder = NonBlockingBuilder::default().buffered_lines_limit(MOST_LINES + 1).thread_name("log");
        let (queue, guard) = builder.finish(output);
        (Self { format, queue: Mutex::new(queue), waiting }, guard)
    }

    fn send(&self, line: &str) {
        let Waiting { bytes, lines, dropped } = &*self.waiting;
        if bytes.load(Ordering::Acquire) + line.len() > MOST_BYTES || lines.load(Ordering::Acquire) >= MOST_LINES {
            dropped.fetch_add(1, Ordering::AcqRel);
            return;
        }
        let notice = notice(self.format, dropped.swap(0, Ordering::AcqRel));
        let line = format!("{notice}{line}");
        bytes.fetch_add(line.len(), Ordering::AcqRel);
        lines.fetch_add(1, Ordering::AcqRel);
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        // It has a place for each line that is counted.
        let _ = queue.write_all(line.as_bytes());
    }
}

impl Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        match self.format {
            LogFormat::Human => self.send(&text),
            LogFormat::Json => self.send(&printable_json(&text)),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'q> MakeWriter<'q> for Queue {
    type Writer = &'q Queue;

    fn make_writer(&'q self) -> Self::Writer {
        self
    }
}

/// What the thread writes to. While it cannot, lines stay here, and count as waiting.
struct Output<W: Write> {
    format: LogFormat,
    output: W,
    unwritten: Vec<u8>,
    waiting: Arc<Waiting>,
}

impl<W: Write> Output<W> {
    fn write_out(&mut self) -> io::Result<()> {
        while !self.unwritten.is_empty() {
            match self.output.write(&self.unwritten) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.unwritten.drain(..written);
                    self.waiting.bytes.fetch_sub(written, Ordering::AcqRel);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.output.flush()
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.waiting.lines.fetch_sub(1, Ordering::AcqRel);
        self.unwritten.extend_from_slice(line);
        Ok(line.len())
    }

    /// Called when the queue was empty. It may have got lines since, or the thread has taken only some of those before
    /// the missing ones: then it is called again, and only then their place has come.
    fn flush(&mut self) -> io::Result<()> {
        if self.write_out().is_ok() && self.waiting.lines.load(Ordering::Acquire) == 0 {
            self.tell_missing();
        }
        std::thread::sleep(GATHERING);
        Ok(())
    }
}

impl<W: Write> Output<W> {
    fn tell_missing(&mut self) {
        let notice = notice(self.format, self.waiting.dropped.swap(0, Ordering::AcqRel));
        self.waiting.bytes.fetch_add(notice.len(), Ordering::AcqRel);
        self.unwritten.extend_from_slice(notice.as_bytes());
        // What cannot be written stays.
        let _ = self.write_out();
    }
}

/// The log ends: nothing comes any more, so that what is missing is told now. At a reader that still stalls the thread
/// waits, and nobody waits for it.
impl<W: Write> Drop for Output<W> {
    fn drop(&mut self) {
        if self.unwritten.is_empty() {
            self.tell_missing();
        }
    }
}

/// The line that says how many are missing; nothing if none are. Its time is as in the other lines of the format.
fn notice(format: LogFormat, missing: usize) -> String {
    let text = match missing {
        0 => return String::new(),
        1 => "1 line is missing here: it could not be written in time".to_owned(),
        _ => format!("{missing} lines are missing here: they could not be written in time"),
    };
    match format {
        LogFormat::Human => format!("{} {text}\n", TimeOfDay(OffsetDateTime::now_utc())),
        LogFormat::Json => {
            let mut now = String::new();
            // A string takes whatever comes.
            let _ = SystemTime.format_time(&mut Writer::new(&mut now));
            let line = serde_json::json!({
                "timestamp": now, "level": "WARN", "message": text, "missing": missing, "target": "server"
            });
            format!("{line}\n")
        }
    }
}
