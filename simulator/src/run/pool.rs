//! Runs cases on several threads and hands out what came of them in the cases' order.
//!
//! Each case has a world of its own, built and dropped on the thread that runs it, so that no case can see another. The
//! order of the results does not depend on the number of threads.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::watch::Stop;

/// Runs `work` on each of `count` items with so many threads; calls `done` with each result, in order, on this thread.
///
/// Once somebody requests `stop`, no new item is begun. What was begun is finished and handed out, still in order, but
/// with gaps where items were not begun.
///
/// A panic in `work` is a bug of ours: it ends the whole pool and goes on in the caller.
pub fn run<R: Send>(
    count: usize,
    jobs: NonZeroUsize,
    stop: &Stop,
    work: impl Fn(usize) -> R + Sync,
    mut done: impl FnMut(usize, R),
) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (results, finished) = mpsc::channel();
        for _ in 0..jobs.get().min(count) {
            let results = results.clone();
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                while !stop.requested() {
                    let item = next.fetch_add(1, Ordering::Relaxed);
                    if item >= count || results.send((item, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(results);
        let mut early = BTreeMap::new();
        let mut expected = 0;
        for (item, result) in finished {
            early.insert(item, result);
            while let Some(result) = early.remove(&expected) {
                done(expected, result);
                expected += 1;
            }
        }
        for (item, result) in early {
            done(item, result);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_come_in_order_with_any_number_of_threads() {
        for threads in 1..=4 {
            let mut seen = Vec::new();
            run(20, jobs(threads), &Stop::default(), |item| item * item, |item, square| seen.push((item, square)));
            assert_eq!(seen, (0..20).map(|item| (item, item * item)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nothing_is_begun_after_the_wish_to_stop_and_nothing_begun_is_lost() {
        let (stop, begun) = (Stop::default(), AtomicUsize::new(0));
        let mut seen = Vec::new();
        let work = |item| {
            begun.fetch_add(1, Ordering::Relaxed);
            if item == 3 {
                stop.request();
            }
            item
        };
        run(1_000, jobs(2), &stop, work, |item, _| seen.push(item));
        assert_eq!(seen.len(), begun.load(Ordering::Relaxed));
        assert!(seen.is_sorted() && seen.contains(&3) && seen.len() < 1_000, "{seen:?}");
    }
}
