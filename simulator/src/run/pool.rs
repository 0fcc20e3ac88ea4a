//! Runs cases on several threads and hands out what came of them in the cases' order.
//!
//! Each case has a world of its own, built and dropped on the thread that runs it, so that no case can see another. The
//! order of the results does not depend on the number of threads.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Runs `work` on each of `count` items with so many threads; calls `done` with each result, in order, on this thread.
/// No new item is begun once `done` has answered `false`.
///
/// A panic in `work` is a bug of ours: it ends the whole pool and goes on in the caller.
pub fn run<R: Send>(
    count: usize,
    jobs: NonZeroUsize,
    work: impl Fn(usize) -> R + Sync,
    mut done: impl FnMut(usize, R) -> bool,
) {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (results, finished) = mpsc::channel();
        for _ in 0..jobs.get().min(count) {
            let results = results.clone();
            let (next, stop, work) = (&next, &stop, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
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
                if !done(expected, result) {
                    stop.store(true, Ordering::Relaxed);
                    return;
                }
                expected += 1;
            }
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
            run(
                20,
                jobs(threads),
                |item| item * item,
                |item, square| {
                    seen.push((item, square));
                    true
                },
            );
            assert_eq!(seen, (0..20).map(|item| (item, item * item)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn stops_when_told_to() {
        let mut seen = 0;
        run(
            1_000,
            jobs(2),
            |item| item,
            |item, _| {
                seen += 1;
                item < 3
            },
        );
        assert_eq!(seen, 4);
    }
}
