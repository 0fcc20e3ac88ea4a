//! Futures that are polled in a stack frame of their own.
//!
//! The compiler makes one function of a future and of those it awaits, with one stack frame that has room for all that
//! any of them ever puts there. Below a deep call, such as the check of a signature, lie the frames of all futures
//! around it: a chip has a few kilobytes of stack, so a future that does nothing at that moment must not keep its frame
//! there.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll};

/// Awaits `future`, keeping what its polls need of the stack out of the caller's frame. It comes pinned, because a
/// future that takes another by value holds it twice.
///
/// What is pinned in a block should give the block's value to a local that no later await has to keep: two locals that
/// are written and dropped in one expression get no common place in the future around them, although no await keeps
/// both.
pub(crate) fn in_own_frame<'a, F: Future>(mut future: Pin<&'a mut F>) -> impl Future<Output = F::Output> + use<'a, F> {
    poll_fn(move |context| poll(future.as_mut(), context))
}

/// Polls `future` in a stack frame of its own.
#[inline(never)]
pub(crate) fn poll<F: Future>(future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
    future.poll(context)
}
