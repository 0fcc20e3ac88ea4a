//! TalkBacks: queues of commands that devices take and execute.

use std::collections::BTreeMap;

use time::OffsetDateTime;

/// A queue of commands.
#[derive(Clone, Debug, Default)]
pub(in crate::cloud) struct Talkback {
    pub(in crate::cloud) key: String,
    /// By number, executed ones among them.
    commands: BTreeMap<u64, Command>,
    /// The number of the command that was executed last, of those that there still are.
    last_executed: Option<u64>,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its number; counts from 1 over all TalkBacks.
    pub id: u64,
    /// What the device gets: at most 255 characters.
    pub text: String,
    /// Its place in the queue, from 1; `None` once it is executed.
    pub position: Option<u64>,
    /// When it was added.
    pub created_at: OffsetDateTime,
    /// When it was executed.
    pub executed_at: Option<OffsetDateTime>,
}

impl Talkback {
    pub(super) fn new(key: String) -> Self {
        Self { key, ..Self::default() }
    }

    pub(super) fn set(&mut self, command: Command) {
        let when = |command: &Command| command.executed_at.map(|executed_at| (executed_at, command.id));
        let last = self.last_executed().and_then(when);
        if when(&command).is_some_and(|this| last.is_none_or(|last| this >= last)) {
            self.last_executed = Some(command.id);
        }
        self.commands.insert(command.id, command);
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.commands.remove(&id);
        if self.last_executed == Some(id) {
            let executed = self.commands.values().filter(|command| command.executed_at.is_some());
            self.last_executed =
                executed.max_by_key(|command| (command.executed_at, command.id)).map(|command| command.id);
        }
    }

    pub(super) fn clear(&mut self) {
        self.commands.clear();
        self.last_executed = None;
    }

    pub(in crate::cloud) fn command(&self, id: u64) -> Option<&Command> {
        self.commands.get(&id)
    }

    pub(in crate::cloud) fn last_executed(&self) -> Option<&Command> {
        self.commands.get(&self.last_executed?)
    }

    /// The number of the oldest executed command, unless that is the last executed one.
    pub(in crate::cloud) fn oldest_executed(&self) -> Option<u64> {
        let executed = |command: &&Command| command.position.is_none() && Some(command.id) != self.last_executed;
        self.commands.values().find(executed).map(|command| command.id)
    }

    /// How many commands there are, executed or not.
    pub(in crate::cloud) fn len(&self) -> usize {
        self.commands.len()
    }

    /// The commands that wait, in the order in which they will be executed.
    pub(in crate::cloud) fn waiting(&self) -> Vec<&Command> {
        let mut waiting: Vec<_> = self.commands.values().filter(|command| command.position.is_some()).collect();
        waiting.sort_by_key(|command| (command.position, command.id));
        waiting
    }

    /// All commands: those that wait in their order, then the executed ones.
    pub(in crate::cloud) fn all(&self) -> Vec<&Command> {
        let mut all = self.waiting();
        all.extend(self.commands.values().filter(|command| command.position.is_none()));
        all
    }
}
