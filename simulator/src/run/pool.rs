//! Runs cases on several threads and hands out what came of them in the cases' order.
//!
//! Each case has a world of its own, built and dropped on the thread that runs it, so that no case can see another. The
//! order of the results does not depend on the number of threads. A panic is a bug of ours; it ends the rest as a wish
//! to stop does, and what was finished until then is not lost.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::watch::Stop;

/// The work on this item panicked, which is a bug of ours; the panic hook has said what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked(pub usize);

/// Runs `work` on each of the items with so many threads, or as many as the machine lets begin; begins them in this
/// order, in which each item from 0 on stands once, and calls `done` with each result, in the items' own order, on this
/// thread.
///
/// Once somebody requests `stop`, no new item is begun. What was begun is finished and handed out, still in order, but
/// with gaps where items were not begun.
///
/// # Errors
/// If the work on an item panicked: the first that did. It requests `stop`, and has no result itself.
pub fn run<R: Send>(
    order: &[usize],
    jobs: NonZeroUsize,
    stop: &Stop,
    work: impl Fn(usize) -> R + Sync,
    mut done: impl FnMut(usize, R),
) -> Result<(), Panicked> {
    let next = AtomicUsize::new(0);
    let mut panicked = None;
    thread::scope(|scope| {
        let (results, finished) = mpsc::channel();
        let worker = || {
            let (results, next, work) = (results.clone(), &next, &work);
            move || {
                while !stop.requested() {
                    let Some(&item) = order.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    // What a panic leaves is never looked at: the item has no result.
                    let result = catch_unwind(AssertUnwindSafe(|| work(item)));
                    if result.is_err() {
                        stop.request();
                    }
                    if results.send((item, result)).is_err() {
                        break;
                    }
                }
            }
        };
        let begun = (0..jobs.get().min(order.len()))
            .take_while(|_| thread::Builder::new().spawn_scoped(scope, worker()).is_ok())
            .count();
        if begun == 0 {
            worker()();
        }
        drop(results);
        let mut early = BTreeMap::new();
        let mut expected = 0;
        for (item, result) in finished {
            match result {
                Ok(result) => _ = early.insert(item, result),
                Err(_) => panicked = panicked.or(Some(Panicked(item))),
            }
            while let Some(result) = early.remove(&expected) {
                done(expected, result);
                expected += 1;
            }
        }
        for (item, result) in early {
            done(item, result);
        }
    });
    panicked.map_or(Ok(()), Err)
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
                )
                .unwrap();
                assert_eq!(seen, (0..20).map(|item| (item, item * item)).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn one_thread_begins_the_items_in_the_order_asked_for() {
        let begun = std::sync::Mutex::new(Vec::new());
        run(&[2, 0, 1], jobs(1), &Stop::default(), |item| begun.lock().unwrap().push(item), |_, ()| {}).unwrap();
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
        run(&order, jobs(2), &stop, work, |item, _| seen.push(item)).unwrap();
        assert_eq!(seen.len(), begun.load(Ordering::Relaxed));
        assert!(seen.is_sorted() && seen.contains(&3) && seen.len() < 1_000, "{seen:?}");
    }
    #[test]
    fn a_panic_ends_the_rest_and_says_in_which_item_and_keeps_what_was_finished() {
        for threads in 1..=3 {
            let mut seen = Vec::new();
            let work = |item| {
                assert_ne!(item, 3, "a bug");
                item
            };
            let order: Vec<usize> = (0..1_000).collect();
            let ended = run(&order, jobs(threads), &Stop::default(), work, |item, _| seen.push(item));
            assert_eq!(ended, Err(Panicked(3)));
            assert!(seen.starts_with(&[0, 1, 2]) && !seen.contains(&3) && seen.len() < 1_000, "{seen:?}");
            assert!(seen.is_sorted(), "{seen:?}");
        }
    }
}
