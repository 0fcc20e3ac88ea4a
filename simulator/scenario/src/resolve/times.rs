//! Times: that they lie within the run, that intervals end after they begin, and that they last at all.

use std::time::Duration;

use humantime::format_duration;

use super::Resolver;
use crate::diagnostics::Diagnostic;
use crate::tree::{Fields, Node};

impl Resolver<'_, '_> {
    /// Reports a time that lies after the run's end, or at it if nothing could come of it then.
    pub(super) fn before_end(&mut self, fields: &Fields, key: &str, may_be_end: bool) -> Option<Duration> {
        let node = fields.get(key)?;
        let time = node.duration()?;
        if let Some((end, end_span)) = self.end.clone() {
            let (message, label) = match time.cmp(&end) {
                std::cmp::Ordering::Less => return Some(time),
                std::cmp::Ordering::Equal if may_be_end => return Some(time),
                std::cmp::Ordering::Equal => {
                    (format!("`{key}` is the end of the run"), "nothing can come of it any more")
                }
                std::cmp::Ordering::Greater => (format!("`{key}` lies after the end of the run"), "after the end"),
            };
            self.report(
                Diagnostic::new(message, node.span.clone(), label)
                    .related(end_span, "the run ends then")
                    .help(format!("the run lasts {}: make `duration` longer or `{key}` earlier", format_duration(end))),
            );
            return None;
        }
        Some(time)
    }

    /// Reports an interval that ends before it begins, or as it begins.
    pub(super) fn ordered(&mut self, fields: &Fields, from: &str, until: &str) {
        if let (Some(first), Some(last)) = (fields.get(from), fields.get(until))
            && let (Some(first_time), Some(last_time)) = (first.duration(), last.duration())
            && last_time <= first_time
        {
            let message = if last_time == first_time {
                format!("`{until}` is the same as `{from}`")
            } else {
                format!("`{until}` lies before `{from}`")
            };
            self.report(
                Diagnostic::new(message, last.span.clone(), "not later").related(first.span.clone(), "it begins then"),
            );
        }
    }

    /// A duration that must be more than nothing.
    pub(super) fn positive(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let time = node.duration()?;
        if time.is_zero() {
            self.report(Diagnostic::new(format!("`{what}` is nothing"), node.span.clone(), "more than 0 is needed"));
        }
        Some(time)
    }
}
