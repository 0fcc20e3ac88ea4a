//! What ends a run before its time: signals, and standard output that nobody reads.
//!
//! Ctrl-C, a closed terminal and the request to terminate are heeded each by itself: whoever starts the command so that
//! it ignores one of them (`nohup`, `&` in a script) has their way with that one, and the others still count. The first
//! ends the run in order, with what was run until then kept; a second one ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::{CLOSED, HUNG_UP, INTERRUPTED, TERMINATED};
use crate::run::watch::Stop;

/// What ended a run before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal was closed.
    HangUp,
    /// Nobody reads standard output any more.
    Closed,
}

impl Cause {
    const ALL: [Self; 4] = [Self::Interrupt, Self::Terminate, Self::HangUp, Self::Closed];

    /// Its place among all, from 1; 0 is none.
    fn number(self) -> u8 {
        (1..).zip(Self::ALL).find(|(_, known)| *known == self).map_or(0, |(number, _)| number)
    }

    /// The exit code, as a shell has it for a program that the signal ended.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Interrupt => INTERRUPTED,
            Self::Terminate => TERMINATED,
            Self::HangUp => HUNG_UP,
            Self::Closed => CLOSED,
        }
    }
}

/// Whether anything ended the run before its time, shared by all who may see it do so.
#[derive(Clone, Debug, Default)]
pub(super) struct Interruption(Arc<AtomicU8>);

impl Interruption {
    /// What ended the run first.
    pub(super) fn cause(&self) -> Option<Cause> {
        Cause::ALL.get(usize::from(self.0.load(Ordering::Relaxed)).checked_sub(1)?).copied()
    }

    /// Notes that nobody reads standard output any more, unless a signal has ended the run before.
    pub(super) fn note_closed(&self) {
        // Whichever came first is told.
        let _ = self.0.compare_exchange(0, Cause::Closed.number(), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Notes a signal; `false` if it is the second. Ctrl-C ends whoever reads standard output as well, so that one
    /// signal may come behind its end.
    fn note_signal(&self, cause: Cause) -> bool {
        let before = self.0.swap(cause.number(), Ordering::Relaxed);
        [0, Cause::Closed.number()].contains(&before)
    }

    /// Ends the run for a signal: in order, or at once if it is the second.
    fn signalled(&self, cause: Cause, stop: &Stop) {
        if !self.note_signal(cause) {
            std::process::exit(cause.code().into());
        }
        stop.request();
    }
}

/// Lets the signals that the process does not ignore end the run.
///
/// # Errors
/// If the operating system does not hand them out.
#[cfg(unix)]
pub(super) fn heed(stop: &Stop, interruption: &Interruption) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let all = [(SIGINT, Cause::Interrupt), (SIGTERM, Cause::Terminate), (SIGHUP, Cause::HangUp)];
    let ignored = ignored();
    let heeded = all.map(|(signal, _)| signal).into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let mut signals = signal_hook::iterator::Signals::new(heeded)?;
    let (stop, interruption) = (stop.clone(), interruption.clone());
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if let Some((_, cause)) = all.iter().find(|(number, _)| *number == signal) {
                interruption.signalled(*cause, &stop);
            }
        }
    })?;
    Ok(())
}

/// Lets Ctrl-C end the run.
///
/// # Errors
/// If the operating system does not hand it out.
#[cfg(not(unix))]
pub(super) fn heed(stop: &Stop, interruption: &Interruption) -> std::io::Result<()> {
    let (stop, interruption) = (stop.clone(), interruption.clone());
    ctrlc::set_handler(move || interruption.signalled(Cause::Interrupt, &stop)).map_err(std::io::Error::other)
}

/// The signals that whoever started the process has it ignore, the first of them as the lowest bit. Linux tells;
/// elsewhere none is taken for ignored.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_is_one_too_many_and_closed_output_is_no_signal() {
        for cause in [Cause::Interrupt, Cause::Terminate, Cause::HangUp] {
            let interruption = Interruption::default();
            assert_eq!(interruption.cause(), None);
            interruption.note_closed();
            assert_eq!(interruption.cause(), Some(Cause::Closed));
            assert!(interruption.note_signal(cause));
            interruption.note_closed();
            assert_eq!(interruption.cause(), Some(cause));
            assert!(!interruption.note_signal(Cause::Interrupt));
        }
    }
}
