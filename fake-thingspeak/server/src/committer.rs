//! Group commit: between the cloud, which does not wait, and the file, which takes its time, are a queue and a thread
//! that empties it.
//!
//! The cloud's changes go into the queue in the order in which they were made. The thread takes all that are there and
//! commits them together; those that arrive meanwhile are the next commit. A reply waits until everything that was in
//! the queue when it was made is committed ([`Committer::durable`]), its own changes or not: it may show what others
//! changed.
//!
//! After a commit the thread wakes a single task ([`Committer::deliver`]), which wakes the replies that waited for it.
//! Waking each of them from the other thread would cost a system call each.
//!
//! A commit that fails ends the service: what it was to keep is in memory, and must not be served as if it were kept.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, pending};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use fake_thingspeak::cloud::Change;
use tokio::sync::{oneshot, watch};

use crate::database::Database;

/// How many batches in a commit show that many clients are writing at the same time.
const COMMIT_SIBLINGS: usize = 4;

/// How long a commit then waits for more batches: a commit takes as long as many entries, so that many clients get more
/// done with fewer commits. A client that writes alone does not wait. The names are PostgreSQL's.
const COMMIT_DELAY: Duration = Duration::from_micros(300);

/// Changes that were made together.
type Batch = Vec<Change>;

/// A file that is written to from a thread of its own; what was queued is written before this is dropped.
pub(crate) struct Committer {
    /// `None` only while dropped.
    sender: Option<Sender<Batch>>,
    /// How many batches went into the queue.
    queued: Cell<u64>,
    progress: watch::Receiver<Progress>,
    waiting: Rc<RefCell<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

/// Replies that wait, each until so many batches are committed. Numbers only grow.
type Waiting = VecDeque<(u64, oneshot::Sender<()>)>;

#[derive(Default)]
struct Progress {
    /// How many batches are committed.
    committed: u64,
    /// Why no more will be.
    failure: Option<String>,
}

impl Committer {
    /// Begins to write to `database`, at most `most` batches in one commit.
    pub(crate) fn new(database: Database, most: usize) -> std::io::Result<Self> {
        let (sender, batches) = channel();
        let (report, progress) = watch::channel(Progress::default());
        let work = move || write(database, &batches, most.max(1), &report);
        let thread = std::thread::Builder::new().name("committer".to_owned()).spawn(work)?;
        let waiting = Rc::default();
        Ok(Self { sender: Some(sender), queued: Cell::new(0), progress, waiting, thread: Some(thread) })
    }

    /// Puts changes into the queue.
    pub(crate) fn queue(&self, changes: Batch) {
        if changes.is_empty() {
            return;
        }
        self.queued.set(self.queued.get() + 1);
        if let Some(sender) = &self.sender {
            // After a failure the thread has ended, and nothing is ever durable again.
            let _ = sender.send(changes);
        }
    }

    /// Ends when all that is in the queue now is committed; never, if that fails. A caller that has to wait is woken by
    /// [`deliver`](Self::deliver).
    pub(crate) fn durable(&self) -> impl Future<Output = ()> + use<> {
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

    /// Wakes the replies whose changes are committed. Ends when a commit has failed, and says why.
    pub(crate) fn deliver(&self) -> impl Future<Output = String> + use<> {
        let (mut progress, waiting) = (self.progress.clone(), Rc::clone(&self.waiting));
        async move {
            loop {
                {
                    let Progress { committed, failure } = &*progress.borrow_and_update();
                    while let Some((_, tell)) = waiting.borrow_mut().pop_front_if(|(number, _)| *number <= *committed) {
                        // A client that has gone need not be woken.
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

impl Drop for Committer {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has printed its own message.
            let _ = thread.join();
        }
    }
}

fn write(mut database: Database, batches: &Receiver<Batch>, most: usize, report: &watch::Sender<Progress>) {
    let mut last = 0;
    while let Ok(first) = batches.recv() {
        let mut together = vec![first];
        if most > 1 && last >= COMMIT_SIBLINGS {
            std::thread::sleep(COMMIT_DELAY);
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

    async fn settle(committer: &Committer) {
        tokio::select! {
            () = committer.durable() => {}
            reason = committer.deliver() => panic!("{reason}"),
        }
    }

    #[tokio::test]
    async fn what_is_durable_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("duck.db");
        for most in [1, 3, 1_000] {
            let file = folder.path().join(format!("{most}.db"));
            let committer = Committer::new(Database::open(&file, [1; 32], None).unwrap(), most).unwrap();
            (1..=10).for_each(|id| committer.queue(batch(id)));
            settle(&committer).await;
            assert_eq!(committer.progress.borrow().committed, 10);
            drop(committer);
            assert_eq!(commands(&mut Database::open(&file, [1; 32], None).unwrap()), (1..=10).collect::<Vec<_>>());
        }

        // A change is written also if no reply waits for it.
        let committer = Committer::new(Database::open(&path, [1; 32], None).unwrap(), 1_000).unwrap();
        committer.queue(batch(1));
        drop(committer);
        assert_eq!(commands(&mut Database::open(&path, [1; 32], None).unwrap()), [1]);
    }

    #[tokio::test]
    async fn after_a_failure_nothing_is_durable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("duck.db");
        let database = Database::open(&path, [1; 32], None).unwrap();
        database.refuse_writing();
        let committer = Committer::new(database, 1_000).unwrap();
        committer.queue(batch(1));
        let reason = committer.deliver().await;
        assert!(reason.contains("readonly"), "{reason}");
        committer.queue(batch(2));
        let wait = Duration::from_millis(50);
        assert!(tokio::time::timeout(wait, committer.durable()).await.is_err());
    }

    /// A committer whose commits the test reports.
    fn by_hand() -> (Committer, watch::Sender<Progress>) {
        let (report, progress) = watch::channel(Progress::default());
        let committer =
            Committer { sender: None, queued: Cell::new(0), progress, waiting: Rc::default(), thread: None };
        (committer, report)
    }

    fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_reply_goes_out_when_its_own_changes_are_committed() {
        let (committer, report) = by_hand();
        let mut waiting = Vec::new();
        for id in 1..=5 {
            committer.queue(batch(id));
            waiting.push((id, Box::pin(committer.durable())));
        }
        // A reply that does not wait to the end holds up no other.
        drop(committer.durable());
        let mut delivery = Box::pin(committer.deliver());
        for committed in [0, 2, 2, 4, 5] {
            report.send_modify(|progress| progress.committed = committed);
            assert!(poll(&mut delivery).is_pending());
            waiting.retain_mut(|(_, durable)| poll(durable).is_pending());
            assert!(waiting.iter().map(|(id, _)| *id).eq(committed + 1..=5), "{committed} committed");
        }
        // Nothing is outstanding.
        assert!(poll(&mut Box::pin(committer.durable())).is_ready());
        report.send_modify(|progress| progress.failure = Some("full".to_owned()));
        assert_eq!(poll(&mut delivery), Poll::Ready("full".to_owned()));
    }
}
