//! Between the cloud, which does not wait, and the file, which takes its time: a queue, and a thread that empties it.
//!
//! The cloud's changes go into the queue in the order in which they were made. The thread takes all that are there and
//! commits them together; those that arrive meanwhile are the next commit. A reply waits until everything that was in the
//! queue when it was made is committed ([`Journal::settled`]), its own changes or not: it may tell of what others changed.
//! Of a commit the thread tells one task alone ([`Journal::deliver`]), which knows whom it concerns: to wake each of them from
//! another thread would cost a system call for each.
//!
//! A commit that fails ends the service. What it was to keep is in memory, and served from there it would be a lie.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, pending};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use fake_thingspeak::cloud::Change;
use tokio::sync::{oneshot, watch};

use super::database::Database;

/// How many batches in a commit tell that many are writing at the same time.
const CROWD: usize = 4;

/// How long a commit waits for more of them then: each costs as much time as many entries, and a crowd gets more done with
/// fewer commits. (PostgreSQL has the same as `commit_siblings` and `commit_delay`.) Whoever writes alone does not wait.
const GATHERING: Duration = Duration::from_micros(300);

/// Changes that were made together.
type Batch = Vec<Change>;

/// A file that is written to from a thread of its own; what was queued is written before this is dropped.
pub(super) struct Journal {
    /// `None` only while dropped.
    queue: Option<Sender<Batch>>,
    /// How many batches went into the queue.
    queued: Cell<u64>,
    progress: watch::Receiver<Progress>,
    waiting: Rc<RefCell<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

/// Those who wait, each until so many batches are committed. Numbers only grow.
type Waiting = VecDeque<(u64, oneshot::Sender<()>)>;

#[derive(Default)]
struct Progress {
    /// How many batches are committed.
    committed: u64,
    /// Why no more will be.
    failure: Option<String>,
}

impl Journal {
    /// Begins to write to `database`, at most `most` batches in one commit.
    pub(super) fn new(database: Database, most: usize) -> std::io::Result<Self> {
        let (queue, batches) = channel();
        let (report, progress) = watch::channel(Progress::default());
        let work = move || write(database, &batches, most.max(1), &report);
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(work)?;
        let waiting = Rc::default();
        Ok(Self { queue: Some(queue), queued: Cell::new(0), progress, waiting, thread: Some(thread) })
    }

    /// Puts changes into the queue.
    pub(super) fn keep(&self, changes: Batch) {
        if changes.is_empty() {
            return;
        }
        self.queued.set(self.queued.get() + 1);
        if let Some(queue) = &self.queue {
            // The thread has ended after a failure; then nothing is ever settled again.
            let _ = queue.send(changes);
        }
    }

    /// Ends when all that is in the queue now is committed; never, if that fails. For those who have to wait, that is when
    /// [`deliver`](Self::deliver) has heard of it.
    pub(super) fn settled(&self) -> impl Future<Output = ()> + use<> {
        let queued = self.queued.get();
        let told = (self.progress.borrow().committed < queued).then(|| {
            let (tell, told) = oneshot::channel();
            self.waiting.borrow_mut().push_back((queued, tell));
            told
        });
        async move {
            if let Some(told) = told
                && told.await.is_err()
            {
                pending().await
            }
        }
    }

    /// Lets those go on whose changes are committed. Ends when a commit has failed, and says why.
    pub(super) fn deliver(&self) -> impl Future<Output = String> + use<> {
        let (mut progress, waiting) = (self.progress.clone(), Rc::clone(&self.waiting));
        async move {
            loop {
                {
                    let Progress { committed, failure } = &*progress.borrow_and_update();
                    while let Some((_, tell)) = waiting.borrow_mut().pop_front_if(|(number, _)| *number <= *committed) {
                        // Who does not listen any more has gone, and need not be told.
                        let _ = tell.send(());
                    }
                    if let Some(reason) = failure {
                        return reason.clone();
                    }
                }
                if progress.changed().await.is_err() {
                    return pending().await;
                }
            }
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has said its own words.
            let _ = thread.join();
        }
    }
}

fn write(mut database: Database, batches: &Receiver<Batch>, most: usize, report: &watch::Sender<Progress>) {
    let mut last = 0;
    while let Ok(first) = batches.recv() {
        let mut together = vec![first];
        if most > 1 && last >= CROWD {
            std::thread::sleep(GATHERING);
        }
        together.extend(batches.try_iter().take(most - 1));
        last = together.len();
        let outcome = database.commit(together.iter().flatten());
        let failed = outcome.is_err();
        report.send_modify(|progress| match outcome {
            Ok(()) => progress.committed += together.len() as u64,
            Err(error) => progress.failure = Some(error.to_string()),
        });
        if failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use fake_thingspeak::cloud::Command;
    use time::OffsetDateTime;

    use super::*;

    fn batch(id: u64) -> Batch {
        let created_at = OffsetDateTime::UNIX_EPOCH;
        let command = Command { id, text: "swim".to_owned(), position: Some(id), created_at, executed_at: None };
        vec![Change::CommandSet { talkback: 1, command }]
    }

    fn commands(database: &mut Database) -> Vec<u64> {
        let mut found = Vec::new();
        let look = |change| {
            if let Change::CommandSet { command, .. } = change {
                found.push(command.id);
            }
        };
        database.load(look).unwrap();
        found
    }

    async fn settle(journal: &Journal) {
        tokio::select! {
            () = journal.settled() => {}
            reason = journal.deliver() => panic!("{reason}"),
        }
    }

    #[tokio::test]
    async fn what_is_settled_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("duck.db");
        for most in [1, 3, 1_000] {
            let file = folder.path().join(format!("{most}.db"));
            let journal = Journal::new(Database::open(&file, [1; 32], None).unwrap(), most).unwrap();
            (1..=10).for_each(|id| journal.keep(batch(id)));
            settle(&journal).await;
            assert_eq!(journal.progress.borrow().committed, 10);
            drop(journal);
            assert_eq!(commands(&mut Database::open(&file, [1; 32], None).unwrap()), (1..=10).collect::<Vec<_>>());
        }

        // What nobody waits for is written as well.
        let journal = Journal::new(Database::open(&path, [1; 32], None).unwrap(), 1_000).unwrap();
        journal.keep(batch(1));
        drop(journal);
        assert_eq!(commands(&mut Database::open(&path, [1; 32], None).unwrap()), [1]);
    }

    #[tokio::test]
    async fn after_a_failure_nothing_is_settled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("duck.db");
        let database = Database::open(&path, [1; 32], None).unwrap();
        database.refuse_writing();
        let journal = Journal::new(database, 1_000).unwrap();
        journal.keep(batch(1));
        let reason = journal.deliver().await;
        assert!(reason.contains("readonly"), "{reason}");
        journal.keep(batch(2));
        let wait = Duration::from_millis(50);
        assert!(tokio::time::timeout(wait, journal.settled()).await.is_err());
    }

    /// A journal whose commits are told by hand.
    fn by_hand() -> (Journal, watch::Sender<Progress>) {
        let (report, progress) = watch::channel(Progress::default());
        let journal = Journal { queue: None, queued: Cell::new(0), progress, waiting: Rc::default(), thread: None };
        (journal, report)
    }

    fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn who_waits_goes_on_when_its_own_changes_are_committed() {
        let (journal, report) = by_hand();
        let mut waiting = Vec::new();
        for id in 1..=5 {
            journal.keep(batch(id));
            waiting.push((id, Box::pin(journal.settled())));
        }
        // Somebody who does not wait to the end is in nobody's way.
        drop(journal.settled());
        let mut delivery = Box::pin(journal.deliver());
        for committed in [0, 2, 2, 4, 5] {
            report.send_modify(|progress| progress.committed = committed);
            assert!(poll(&mut delivery).is_pending());
            waiting.retain_mut(|(_, settled)| poll(settled).is_pending());
            assert!(waiting.iter().map(|(id, _)| *id).eq(committed + 1..=5), "{committed} committed");
        }
        // Nothing is outstanding.
        assert!(poll(&mut Box::pin(journal.settled())).is_ready());
        report.send_modify(|progress| progress.failure = Some("full".to_owned()));
        assert_eq!(poll(&mut delivery), Poll::Ready("full".to_owned()));
    }
}
