//! Brings readings into the cloud, each exactly once.
//!
//! One request at a time: [`policy`] says what and when, [`request`] writes it, [`exchange`] carries it there and
//! brings the reply back, and [`policy`] says what the reply means. A reading leaves the queue only when the cloud has
//! said that it is stored. Its `created_at` is fixed when it is sent for the first time; if the reply is lost, the
//! reading is sent again with the same `created_at`, and the cloud's 409 tells that it was stored already. A 409 for a
//! reading of which no request can have been stored means that another entry has its `created_at` (the clock was moved
//! back), and the reading goes again as of a second later.
//!
//! Before the time is known, or when the server's certificate makes it doubtful, the cloud is first asked for it
//! ([`time_question`]).

mod batch;
mod exchange;
mod policy;
pub(crate) mod request;
mod time_question;

use core::cell::{Cell, RefCell};
use core::pin::pin;

use embassy_futures::select::{Either, select};
use embassy_net::Stack;
use embassy_time::{Duration, Instant, Timer};
use embedded_storage_async::nor_flash::NorFlash;
use log::{error, info, warn};
use rand_core::{CryptoRng, RngCore};

use crate::board::Watchdog;
use crate::floor::Floor;
use crate::http::Reply;
use crate::own_frame::in_own_frame;
use crate::resources::UploadBuffers;
use crate::settings::Settings;
use crate::shared::{Online, Shared, SharedRandom};
use crate::tls::Validity;
use crate::wall_clock::{Heard, Iso8601, WallClock};
use batch::{Batch, Settled};
use exchange::{Exchanged, Failure, Memory, Stage, Surroundings};
use policy::{Pace, Plan, Verdict};
use time_question::TimeQuestion;

/// After so long without a connection the router is asked again what leads out.
const CUT_OFF: Duration = Duration::from_secs(20 * 60);

/// Uploads for ever.
pub(crate) async fn run<R: RngCore + CryptoRng, W: Watchdog, F: NorFlash>(
    shared: &Shared<'_>,
    stack: Stack<'_>,
    settings: &Settings,
    random: SharedRandom<'_, R>,
    watchdog: &RefCell<W>,
    floor: &mut Floor<'_, F>,
    buffers: &mut UploadBuffers<'_>,
) -> ! {
    // By reference, like what the exchange is given: a future holds an argument that it takes apart a second time.
    let UploadBuffers { receive, send, body, reply, tls } = buffers;
    let authenticated = settings.tls();
    let (pace, question) = (Pace::new(), TimeQuestion::default());
    let mut uploader = Uploader { shared, authenticated, pace, question, unreached_since: None, random };
    let mut episode = 0;
    loop {
        let online = shared.online();
        if online.up && online.episode != episode {
            episode = online.episode;
            uploader.pace.network_returned();
        }
        if !due(shared) {
            shared.until(due).await;
            continue;
        }
        if uploader.pace.earliest() > Instant::now() {
            select(Timer::at(uploader.pace.earliest()), changed(shared, online)).await;
            continue;
        }
        let clock = shared.clock();
        let plan = uploader.pace.plan(uploader.question.is_due(clock), shared.waiting());
        let packed = shared.with_readings(|readings| Batch::pack(plan, settings, clock, readings, body));
        let Some(batch) = &packed else {
            // Cannot happen while readings wait and the time is known; if it does, it must not spin.
            Timer::after(policy::RATE_LIMIT).await;
            continue;
        };
        let stage = Cell::new(Stage::Resolving);
        let judgement = uploader.question.judgement(plan, clock, Instant::now());
        if plan == Plan::AskTime && authenticated {
            info!(target: "time", "asking the cloud, whose certificate is judged as of {}", Iso8601(judgement));
        }
        let surroundings = Surroundings { stack, settings, random, watchdog, judgement };
        let memory = Memory { receive: &mut receive[..], send: &mut send[..], reply: &mut reply[..], tls: &mut *tls };
        let outgoing = batch.outgoing(settings, body);
        let exchanged = {
            let exchange = pin!(exchange::exchange(&surroundings, memory, &outgoing, &stage));
            select(in_own_frame(exchange), changed(shared, online)).await
        };
        if stage.get() >= Stage::Exchanging {
            shared.with_readings(|readings| batch.sent(readings));
        }
        match exchanged {
            Either::First(Ok(exchanged)) => uploader.answered(batch, &exchanged),
            Either::First(Err(failure)) => uploader.failed(batch, failure, stage.get()),
            Either::Second(()) => uploader.failed(batch, Failure::Offline, stage.get()),
        }
        // Here, where the memory of an exchange is free.
        let keeping = pin!(floor.keep(shared.clock()));
        in_own_frame(keeping).await;
    }
}

/// Whether there is something to upload and the means to do it. Without the time, readings wait until the time servers
/// have had their chance; then the cloud is asked for it.
fn due(shared: &Shared<'_>) -> bool {
    shared.online().up && shared.waiting() > 0 && (shared.clock().is_known() || shared.sntp_is_silent())
}

/// Waits until the network is not what it was.
async fn changed(shared: &Shared<'_>, before: Online) {
    shared.until(|shared| shared.online() != before).await;
}

struct Uploader<'a, 'q, R> {
    shared: &'a Shared<'q>,
    /// Whether replies come under a checked certificate.
    authenticated: bool,
    pace: Pace,
    question: TimeQuestion,
    /// When the cloud could not be reached for the first time since it was last.
    unreached_since: Option<Instant>,
    random: SharedRandom<'a, R>,
}

impl<R: RngCore> Uploader<'_, '_, R> {
    /// There is a reply. In a frame of its own, which is gone while the next exchange runs.
    #[inline(never)]
    fn answered(&mut self, batch: &Batch, exchanged: &Exchanged<'_>) {
        let now = Instant::now();
        let reply = &exchanged.reply;
        self.hear_date(batch.plan, reply.date, exchanged.certificates, now);
        self.question.answered();
        self.unreached_since = None;
        let clock = self.shared.clock();
        let asked_to_wait = self.asked_to_wait(reply, clock, now);
        let is_told = if self.authenticated { clock.is_authenticated() } else { clock.is_known() };
        if batch.plan == Plan::AskTime && !is_told {
            let wait = self.pace.failed(false, now, &mut self.random).max(asked_to_wait).as_secs();
            warn!(target: "time", "the cloud does not tell the time (status {}); again in {wait} s", reply.status);
            return;
        }
        let verdict = policy::judge(batch.plan, reply.status, reply.body);
        let settled = self.shared.with_readings(|readings| batch.settle(verdict, readings));
        let gone = settled == Settled::Gone;
        let wait = self.pace.answered(batch.plan, batch.rows, verdict, gone, now, &mut self.random);
        self.log_verdict(batch, verdict, settled, reply.status, wait.max(asked_to_wait));
    }

    /// Obeys a reply that says when to ask again; one of success has nothing to ask for. Says how long that is.
    fn asked_to_wait(&mut self, reply: &Reply<'_>, clock: WallClock, now: Instant) -> Duration {
        let unix_time = clock.unix_time(now).and_then(|seconds| u64::try_from(seconds).ok());
        let asked = reply.asks_to_wait(unix_time).filter(|_| reply.status >= 300);
        asked.map_or(Duration::MIN, |asked| self.pace.asked_to_wait(asked, now))
    }

    /// There is none. In a frame of its own, too.
    #[inline(never)]
    fn failed(&mut self, batch: &Batch, failure: Failure, stage: Stage) {
        let may_have_arrived = stage >= Stage::Exchanging;
        if may_have_arrived {
            self.shared.with_readings(|readings| batch.doubt(readings));
        }
        self.question.failed(batch.plan, failure);
        self.heed_reach(failure, stage);
        if failure.doubts_clock() {
            if self.shared.tell_clock(WallClock::doubt) {
                warn!(target: "time", "the time servers contradict the cloud's clock, which is doubted now");
            }
            self.shared.doubt_clock();
        }
        let wait = self.pace.failed(may_have_arrived, Instant::now(), &mut self.random).as_secs();
        let waiting = self.shared.waiting();
        if failure.is_suspicious() {
            error!(target: "cloud", "nothing sent: {failure}; {waiting} waiting, again in {wait} s");
        } else {
            warn!(target: "cloud", "could not upload: {failure}; {waiting} waiting, again in {wait} s");
        }
    }

    /// Has the address asked for anew if nothing answers for long: the network's way out may be another one since.
    fn heed_reach(&mut self, failure: Failure, stage: Stage) {
        if matches!(failure, Failure::Offline | Failure::Refused) || stage > Stage::Connecting {
            self.unreached_since = None;
            return;
        }
        let now = Instant::now();
        let since = *self.unreached_since.get_or_insert(now);
        if now - since >= CUT_OFF {
            self.unreached_since = Some(now);
            self.shared.tell_cut_off();
        }
    }

    fn hear_date(&self, plan: Plan, date: Option<u64>, certificates: Option<Validity>, now: Instant) {
        let Some(date) = date.and_then(|date| i64::try_from(date).ok()) else { return };
        let source = if self.authenticated { "the cloud's clock" } else { "the cloud's clock, not authenticated" };
        match self.shared.tell_clock(|clock| clock.hear_server(date, now, certificates)) {
            Heard::Set => info!(target: "time", "it is {} ({source})", Iso8601(date)),
            Heard::Moved(millis) => warn!(target: "time", "the clock is moved by {} s ({source})", millis / 1_000),
            Heard::Contradicted(secs) => warn!(target: "time", "{source} is {secs} s away; not believed"),
            Heard::Absurd => warn!(target: "time", "{source} says {}, which cannot be", Iso8601(date)),
            Heard::OutsideCertificate => warn!(
                target: "time",
                "{source} says {}, when its certificate is not valid; not believed",
                Iso8601(date)
            ),
            Heard::Agreed if plan == Plan::AskTime => info!(target: "time", "the clock is right ({source})"),
            Heard::Agreed => {}
        }
    }

    fn log_verdict(&self, batch: &Batch, verdict: Verdict, settled: Settled, status: u16, wait: Duration) {
        let (waiting, wait) = (self.shared.waiting(), wait.as_secs());
        let what = batch.what();
        match (verdict, settled) {
            _ if batch.plan == Plan::AskTime => {}
            (Verdict::Stored { entry: Some(entry), .. }, _) => {
                info!(target: "cloud", "{what} stored as entry {entry}, {waiting} waiting");
            }
            (Verdict::Stored { .. }, _) => info!(target: "cloud", "{what} stored, {waiting} waiting"),
            (Verdict::Conflict, Settled::Moved) => {
                warn!(target: "cloud", "another entry is as old as {what}; again as of a second later in {wait} s");
            }
            (Verdict::Conflict, _) => info!(target: "cloud", "{what} was stored already, {waiting} waiting"),
            (Verdict::TooSoon, _) => {
                warn!(target: "cloud", "{what} refused for now (rate limit), {waiting} waiting, again in {wait} s");
            }
            (Verdict::KeyRefused, _) => error!(
                target: "cloud",
                "the write key is refused; check it in configuration mode (status {status}); {waiting} waiting, again in {} min",
                wait / 60
            ),
            (Verdict::BulkRefused, _) => {
                warn!(target: "cloud", "{what} refused in one request ({status}), next one by one, in {wait} s");
            }
            (Verdict::Trouble, _) => {
                warn!(target: "cloud", "the server answers {status}; {waiting} waiting, again in {wait} s");
            }
        }
    }
}
