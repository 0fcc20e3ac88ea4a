//! Sessions in real time: what ends them, and what is said of them.

use std::sync::Arc;
use std::time::Duration;

use simulator_live::line::Line;
use simulator_live::session::{Ended, Session, SessionError};
use simulator_record::events::{Event, EventKind};
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_scenario::Scenario;
use simulator_world::device::esp8266::Contents;
use simulator_world::world::{Command, World};

use super::signals::{self, Interruption};
use super::{OK, bad_input, boot, closed, complain};
use crate::run::build;
use crate::run::watch::Stop;

/// What ends a session before its time.
pub(super) struct Signals {
    stop: Stop,
    interruption: Interruption,
}

impl Signals {
    /// Lets signals end what is run from now on.
    ///
    /// # Errors
    /// If the operating system does not hand them out.
    pub(super) fn heed() -> Result<Self, String> {
        let (stop, interruption) = (Stop::default(), Interruption::default());
        signals::heed(&stop, &interruption).map_err(|error| format!("could not heed signals: {error}"))?;
        Ok(Self { stop, interruption })
    }

    /// Lets a session go on to its end, and gives the exit code. `observe` is shown what happens.
    pub(super) fn run(&self, session: &mut Session, end: Instant, observe: impl FnMut(&Event, &mut World)) -> u8 {
        let ended = session.run(end, || self.stop.requested(), observe);
        match (ended, self.interruption.cause()) {
            (Err(SessionError::Line(error)), _) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                closed("the session was over")
            }
            (Err(error), _) => bad_input(error),
            (Ok(Ended::Asked), Some(cause)) => cause.code(),
            (Ok(_), _) => OK,
        }
    }
}

/// Whether an event is worth a line while a session goes on.
pub(super) fn is_told(kind: &EventKind) -> bool {
    !boot::is_frequent(kind) && !matches!(kind, EventKind::NotModelled(_))
}

/// Tells how much slower than real time it was, if it was.
pub(super) fn tell_lost(session: &Session) {
    let lost = session.lost();
    if lost >= Duration::from_millis(100) {
        complain(format_args!(
            "--- this computer did not keep up: the device's clock is {:.1} s late",
            lost.as_secs_f64()
        ));
    }
}

/// The device in real time at the terminal.
#[cfg(unix)]
pub(super) fn at_the_terminal(contents: &Arc<Contents>, around: &Scenario, seconds: Option<u32>) -> u8 {
    use std::io::IsTerminal;

    use simulator_live::terminal::{Raw, Screen, read_keys};

    let seconds = seconds.or_else(|| (!std::io::stdin().is_terminal()).then_some(boot::SECONDS));
    let signals = match Signals::heed() {
        Ok(signals) => signals,
        Err(wrong) => return bad_input(wrong),
    };
    let (mut world, port) = build::board(around, Seed(around.seed), contents);
    let device = port.device;
    world.schedule(Instant::START, Command::Power { device, on: true });
    let line = match Line::open(|events| read_keys(events, seconds.is_none()).map(|()| Screen)) {
        Ok(line) => line,
        Err(error) => return bad_input(format_args!("could not read standard input: {error}")),
    };
    let end = seconds.map_or(Instant::FAR_FUTURE, |seconds| Instant::START + Duration::from_secs(seconds.into()));
    let mut session = Session::new(world, device, port, line);
    let mut told = Vec::new();
    let code = {
        let _raw = std::io::stdin().is_terminal().then(Raw::new).and_then(Result::ok);
        signals.run(&mut session, end, |event, _| {
            if is_told(&event.kind) {
                told.push(format!("{} {}", event.at, event.kind));
            }
        })
    };
    complain(format_args!("\n--- what happened"));
    told.iter().for_each(|line| complain(format_args!("{line}")));
    tell_lost(&session);
    code
}

/// The device in real time at the terminal.
#[cfg(not(unix))]
pub(super) fn at_the_terminal(_: &Arc<Contents>, _: &Scenario, _: Option<u32>) -> u8 {
    bad_input("real time at the terminal needs a Unix system; `preflash board --serial tcp:PORT` works here")
}
