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

/// Runs `work` on each of the items with so many threads, beginning them in this order, in which each item from 0 on
/// stands once; calls `done` with each result, in the items' own order, on this thread.
///
/// Once somebody requests `stop`, no new item is begun. What was begun is finished and handed out, still in order, but
/// with gaps where items were not begun.
///
/// A panic in `work` is a bug of ours: it ends the whole pool and goes on in the caller.
pub fn run<R: Send>(
    order: &[usize],
    jobs: NonZeroUsize,
    stop: &Stop,
    work: impl Fn(usize) -> R + Sync,
    mut done: impl FnMut(usize, R),
) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (results, finished) = mpsc::channel();
        for _ in 0..jobs.get().min(order.len()) {
            let results = results.clone();
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                while !stop.requested() {
                    let Some(&item) = order.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    if results.send((item, work(item))).is_err() {
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
    fn results_come_in_order_with_any_number_of_threads_and_begun_in_any_order() {
        let forth: Vec<usize> = (0..20).collect();
        let back: Vec<usize> = (0..20).rev().collect();
        for threads in 1..=4 {
            for order in [&forth, &back] {
                let mut seen = Vec::new();
                run(
                    order,
                    jobs(threads),
                    &Stop::default(),
                    |item| item * item,
                    |item, square| seen.push((item, square)),
                );
                assert_eq!(seen, (0..20).map(|item| (item, item * item)).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn one_thread_begins_the_items_in_the_order_asked_for() {
        let begun = std::sync::Mutex::new(Vec::new());
        run(&[2, 0, 1], jobs(1), &Stop::default(), |item| begun.lock().unwrap().push(item), |_, ()| {});
        assert_eq!(*begun.lock().unwrap(), [2, 0, 1]);
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
        let order: Vec<usize> = (0..1_000).collect();
        run(&order, jobs(2), &stop, work, |item, _| seen.push(item));
        assert_eq!(seen.len(), begun.load(Ordering::Relaxed));
        assert!(seen.is_sorted() && seen.contains(&3) && seen.len() < 1_000, "{seen:?}");
    }
}
