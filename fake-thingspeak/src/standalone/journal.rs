//! Between the cloud, which does not wait, and the file, which takes its time: a queue, and a thread that empties it.
//!
//! The cloud's changes go into the queue in the order in which they were made. The thread takes all that are there and
//! commits them together; those that arrive meanwhile are the next commit. A reply waits until everything that was in the
//! queue when it was made is committed ([`Journal::settled`]), its own changes or not: it may tell of what others changed.
//!
//! A commit that fails ends the service. What it was to keep is in memory, and served from there it would be a lie.

use std::cell::Cell;
use std::future::{Future, pending};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use fake_thingspeak::cloud::Change;
use tokio::sync::watch;

use super::database::Database;

/// Changes that were made together.
type Batch = Vec<Change>;

/// A file that is written to from a thread of its own; what was queued is written before this is dropped.
pub(super) struct Journal {
    /// `None` only while dropped.
    queue: Option<Sender<Batch>>,
    /// How many batches went into the queue.
    queued: Cell<u64>,
    progress: watch::Receiver<Progress>,
    thread: Option<JoinHandle<()>>,
}

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
        Ok(Self { queue: Some(queue), queued: Cell::new(0), progress, thread: Some(thread) })
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

    /// Ends when all that is in the queue now is committed; never, if that fails.
    pub(super) fn settled(&self) -> impl Future<Output = ()> + use<> {
        let queued = self.queued.get();
        let mut progress = (self.progress.borrow().committed < queued).then(|| self.progress.clone());
        async move {
            let Some(progress) = &mut progress else { return };
            if progress.wait_for(|progress| progress.committed >= queued).await.is_err() {
                pending().await
            }
        }
    }

    /// Ends when a commit has failed, and says why.
    pub(super) fn failed(&self) -> impl Future<Output = String> + use<> {
        let mut progress = self.progress.clone();
        async move {
            match progress.wait_for(|progress| progress.failure.is_some()).await {
                Ok(progress) => progress.failure.clone().unwrap_or_default(),
                Err(_) => pending().await,
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
    while let Ok(first) = batches.recv() {
        let mut together = vec![first];
        together.extend(batches.try_iter().take(most - 1));
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

    #[tokio::test]
    async fn what_is_settled_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("duck.db");
        for most in [1, 3, 1_000] {
            let file = folder.path().join(format!("{most}.db"));
            let journal = Journal::new(Database::open(&file, [1; 32], None).unwrap(), most).unwrap();
            (1..=10).for_each(|id| journal.keep(batch(id)));
            journal.settled().await;
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
        let reason = journal.failed().await;
        assert!(reason.contains("readonly"), "{reason}");
        journal.keep(batch(2));
        let wait = std::time::Duration::from_millis(50);
        assert!(tokio::time::timeout(wait, journal.settled()).await.is_err());
    }
}
