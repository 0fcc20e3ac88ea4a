//! So many events in a window.

use std::rc::Rc;

use simulator_record::events::{Event, Kind};
use simulator_record::time::Instant;
use simulator_scenario::matcher::Matcher;
use simulator_scenario::model::{Quantity, Window};
use simulator_scenario::words::times;

use super::nearest::Nearest;
use super::window::{Side, Span};
use super::{Budget, Failure, Few, Judge};

/// Counts what a matcher means.
pub(super) struct Count<'s> {
    matcher: &'s Matcher,
    quantity: Quantity,
    span: Span<'s>,
    inside: Few,
    /// The first that is one too many.
    excess: Option<Instant>,
    /// Outside the window: the first after it, and the last of all.
    first_after: Option<Rc<Event>>,
    last_before: Option<Rc<Event>>,
    /// The first at the moment of the last one: it lies at the window's first moment if the window opens now.
    first_of_moment: Option<Rc<Event>>,
    /// What came nearest within the window.
    nearest: Nearest<'s>,
}

impl<'s> Count<'s> {
    pub(super) fn new(matcher: &'s Matcher, quantity: Quantity, window: &'s Window, budget: &Budget) -> Self {
        Self {
            matcher,
            quantity,
            span: Span::new(window, budget),
            inside: Few::default(),
            excess: None,
            first_after: None,
            last_before: None,
            first_of_moment: None,
            nearest: Nearest::new(matcher, budget),
        }
    }

    /// The most that are allowed.
    fn most(&self) -> Option<u64> {
        match self.quantity {
            Quantity::Exactly(most) | Quantity::AtMost(most) | Quantity::Between(_, most) => Some(most),
            Quantity::AtLeast(_) => None,
        }
    }

    fn outside(&mut self, event: &Rc<Event>, side: Side) {
        if side == Side::After {
            self.first_after.get_or_insert_with(|| Rc::clone(event));
            return;
        }
        if self.first_of_moment.as_ref().is_none_or(|first| first.at < event.at) {
            self.first_of_moment = Some(Rc::clone(event));
        }
        self.last_before = Some(Rc::clone(event));
    }

    /// What lies nearest outside the window: what comes after it has opened, or else the last before.
    fn nearest_outside(&self, open: Instant) -> Option<&Rc<Event>> {
        let at_the_opening = self.first_of_moment.as_ref().filter(|event| event.at >= open);
        at_the_opening.or(self.first_after.as_ref()).or(self.last_before.as_ref())
    }
}

impl Judge for Count<'_> {
    fn kinds(&self) -> Vec<Kind> {
        let trigger = self.span.trigger().map(|trigger| trigger.matcher.kind());
        [self.matcher.kind()].into_iter().chain(trigger).collect()
    }

    fn see(&mut self, event: &Rc<Event>) {
        let side = self.span.place(event);
        if event.kind.kind() != self.matcher.kind() {
            return;
        }
        if self.matcher.matches(event) {
            if side != Side::Inside {
                self.outside(event, side);
                return;
            }
            self.inside.add(event);
            if self.excess.is_none() && self.most().is_some_and(|most| self.inside.count > most) {
                self.excess = Some(event.at);
            }
        } else if side == Side::Inside && self.inside.count == 0 && self.quantity.least() > 0 {
            self.nearest.see(event);
        }
    }

    fn judge(&self, end: Instant, early: bool) -> Result<(), Failure> {
        let closed = self.span.closed(end, early)?;
        let seen = self.inside.count;
        if self.quantity.allows(seen) {
            return if self.quantity.is_final() { Ok(()) } else { closed.is_over() };
        }
        if self.excess.is_some() {
            return Err(Failure::new(format!("it happened {}: {}", times(seen), self.inside), self.excess));
        }
        if seen > 0 {
            return Err(Failure::new(format!("it happened only {}: {}", times(seen), self.inside), closed.close));
        }
        if let Some(event) = self.nearest_outside(closed.open) {
            let side = if event.at > closed.close {
                format!("{} s too late", Instant::START + event.at.saturating_since(closed.close))
            } else {
                "before the window opened".to_owned()
            };
            let seen = format!("it happened at {} s, {side}: {}", event.at, event);
            return Err(Failure::new(seen, event.at));
        }
        let mut failure = self.nearest.failure();
        failure.at = failure.at.or(Some(closed.close));
        Err(failure)
    }
}
