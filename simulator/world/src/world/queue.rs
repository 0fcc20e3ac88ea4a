//! The event queue: what is to happen, ordered by `(time, sequence)`.
//!
//! Entries of one moment come out in the order in which they were scheduled, so that the order never depends on how a
//! heap happens to break ties. Nothing is ever removed: who schedules something that may be overtaken by events gives
//! it an epoch and ignores it when it comes out stale.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use simulator_record::time::Instant;

/// What is to happen, in order.
#[derive(Debug)]
pub struct Queue<T> {
    order: BinaryHeap<Reverse<(Instant, u64)>>,
    entries: BTreeMap<u64, T>,
    scheduled: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { order: BinaryHeap::new(), entries: BTreeMap::new(), scheduled: 0 }
    }
}

impl<T> Queue<T> {
    /// Schedules `entry` for `at`, behind all that is already scheduled for that moment.
    pub fn push(&mut self, at: Instant, entry: T) {
        let sequence = self.scheduled;
        self.scheduled += 1;
        self.order.push(Reverse((at, sequence)));
        self.entries.insert(sequence, entry);
    }

    /// When the next entry is due.
    pub fn next_at(&self) -> Option<Instant> {
        self.order.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the next entry.
    pub fn pop(&mut self) -> Option<(Instant, T)> {
        let Reverse((at, sequence)) = self.order.pop()?;
        let entry = self.entries.remove(&sequence).expect("each sequence number in the order has its entry");
        Some((at, entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_by_time_and_then_by_scheduling() {
        let mut queue = Queue::default();
        queue.push(Instant::from_secs(2), "later");
        for name in ["first", "second", "third"] {
            queue.push(Instant::from_secs(1), name);
        }
        assert_eq!(queue.next_at(), Some(Instant::from_secs(1)));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(_, name)| name).collect();
        assert_eq!(order, ["first", "second", "third", "later"]);
    }
}
