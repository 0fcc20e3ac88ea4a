//! Questions of one kind and their answers, and the faults that they tell of.

use std::collections::BTreeMap;

use super::super::evidence::{Fault, Origin, SECOND, Time};

/// What a client asks that is no answer within this has none.
const PATIENCE: Time = 5 * SECOND;

/// One kind of question: those without an answer yet, and the trouble that is under way.
#[derive(Default)]
pub(super) struct Asked {
    open: BTreeMap<u64, (Time, u64)>,
    /// What became of each question: when it was asked, in which packet, and what was wrong with the answer.
    done: Vec<(Time, u64, Option<String>)>,
}

impl Asked {
    /// When the question of a number was asked, if it has no answer yet.
    pub(super) fn since(&self, id: u64) -> Option<Time> {
        self.open.get(&id).map(|(asked, _)| *asked)
    }

    pub(super) fn ask(&mut self, id: u64, at: Time, number: u64) {
        self.open.entry(id).or_insert((at, number));
    }

    pub(super) fn answer(&mut self, id: u64, at: Time, trouble: impl FnOnce(Time) -> Option<String>) {
        if let Some((asked, number)) = self.open.remove(&id) {
            self.done.push((asked, number, trouble(at - asked)));
        }
    }

    /// Troubles in a row as one fault each: from behind the last question that met none, for nobody knows more, until
    /// the next that did not.
    pub(super) fn faults(mut self, file: &str, what: &str, silent: &str, end: Time) -> Vec<Fault> {
        for (asked, number) in std::mem::take(&mut self.open).into_values().filter(|(asked, _)| end - asked > PATIENCE)
        {
            self.done.push((asked, number, Some(silent.to_owned())));
        }
        self.done.sort_by_key(|(asked, number, _)| (*asked, *number));
        let mut faults: Vec<Fault> = Vec::new();
        let mut under_way: Option<String> = None;
        let mut since = Time::MIN;
        for (asked, number, trouble) in self.done {
            if trouble == under_way {
                if trouble.is_none() {
                    since = asked + SECOND / 100;
                }
                continue;
            }
            if under_way.is_some()
                && let Some(last) = faults.last_mut()
            {
                last.until = Some(asked - SECOND / 100);
            }
            if let Some(inject) = &trouble {
                let origin = Origin::at(file, format!("packet {number}"));
                let from = if under_way.is_some() { asked - SECOND / 100 } else { since };
                faults.push(Fault {
                    what: what.to_owned(),
                    from,
                    until: None,
                    count: None,
                    inject: inject.clone(),
                    origin,
                });
            }
            since = asked + SECOND / 100;
            under_way = trouble;
        }
        faults
    }
}
