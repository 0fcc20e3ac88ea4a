//! TalkBack: commands that wait in a queue until a device executes them.
//!
//! Not modelled: making a TalkBack over HTTP (the service has a web page for that), and writing the executed command
//! into a channel's status. Ours: of the executed commands the oldest are forgotten. The documentation's examples are
//! not known for these, so they are ours as well: the list in text (a line a command), and what a deletion shows.

use http::Method;

use super::call::Call;
use super::error::Failure;
use super::render::{Answer, Cell, Record, json, xml, xml_list, xml_of_nothing};
use super::route::Format;
use super::store::{Change, Command, Store, Talkback};

/// The most commands that wait in a TalkBack, and that are remembered of one.
const MOST: usize = 8_000;
/// The longest command in characters.
const LONGEST: usize = 255;

/// The TalkBack of that number, if the call may have it.
fn opened<'s>(store: &'s Store, talkback: u32, call: &Call<'_>) -> Result<&'s Talkback, Failure> {
    let talkback = store.talkback(talkback).ok_or(Failure::NotFound)?;
    if call.key() == Some(&talkback.key) { Ok(talkback) } else { Err(Failure::AuthorizationRequired) }
}

/// `/talkbacks/ID/commands`: shows, adds to or empties the queue.
pub(super) fn commands(store: &mut Store, number: u32, call: &Call<'_>) -> Result<Answer, Failure> {
    let talkback = opened(store, number, call)?;
    match call.method {
        Method::GET => Ok(list(&talkback.all(), call)),
        Method::POST => add(store, number, call),
        Method::DELETE => {
            store.apply(Change::CommandsCleared { talkback: number });
            Ok(list(&[], call))
        }
        _ => Err(Failure::MethodInvalid),
    }
}

fn list(commands: &[&Command], call: &Call<'_>) -> Answer {
    let records = || commands.iter().map(|command| record(command, call)).collect::<Vec<_>>();
    let body = match call.format {
        Format::Json => json(&records()),
        Format::Xml => xml_list("commands", "command", records()),
        Format::Text | Format::Csv | Format::Unspecified => {
            commands.iter().map(|command| format!("{}\n", command.text)).collect()
        }
    };
    Answer::ok(call.format, body)
}

fn add(store: &mut Store, number: u32, call: &Call<'_>) -> Result<Answer, Failure> {
    let talkback = opened(store, number, call)?;
    let waiting = talkback.waiting();
    if waiting.len() >= MOST {
        return Err(Failure::BadRequest);
    }
    let text = text(call)?.ok_or(Failure::BadRequest)?;
    let end = waiting.last().and_then(|command| command.position).unwrap_or_default() + 1;
    let position = call.parameters.number("position").map_or(end, |position| u64::from(position).max(1));
    let command =
        Command { id: store.next_command(), text, position: Some(position), created_at: call.now, executed_at: None };
    insert(store, number, command.clone());
    let body = match call.format {
        Format::Text | Format::Csv | Format::Unspecified => command.id.to_string(),
        Format::Json | Format::Xml => return Ok(one(&command, call)),
    };
    Ok(Answer::ok(call.format, body))
}

/// Puts a command into the queue; those at its place and after it move on, unless there is a gap.
fn insert(store: &mut Store, number: u32, command: Command) {
    let mut taken = command.position.unwrap_or_default();
    let waiting = store.talkback(number).map(Talkback::waiting).unwrap_or_default();
    let moved: Vec<Command> = waiting
        .into_iter()
        .filter(|other| other.id != command.id && other.position >= command.position)
        .map_while(|other| {
            let moves = other.position == Some(taken);
            taken += 1;
            moves.then(|| Command { position: Some(taken), ..other.clone() })
        })
        .collect();
    for command in moved.into_iter().chain([command]) {
        store.apply(Change::CommandSet { talkback: number, command });
    }
}

/// The command that the call brings along.
fn text(call: &Call<'_>) -> Result<Option<String>, Failure> {
    let text = call.parameters.first(&["command_string"]);
    match text {
        Some(text) if text.chars().count() > LONGEST => Err(Failure::TooLong),
        Some("") => Err(Failure::BadRequest),
        _ => Ok(text.map(str::to_owned)),
    }
}

/// `/talkbacks/ID/commands/COMMAND`: shows, changes or takes away a command.
pub(super) fn command(store: &mut Store, number: u32, command: u64, call: &Call<'_>) -> Result<Answer, Failure> {
    let talkback = opened(store, number, call)?;
    let mut found = talkback.command(command).cloned().ok_or(Failure::NotFound)?;
    match call.method {
        Method::GET => {}
        Method::PUT => {
            if let Some(text) = text(call)? {
                found.text = text;
            }
            // An executed command has no place any more.
            if let (Some(position), Some(_)) = (call.parameters.number("position"), found.position) {
                found.position = Some(u64::from(position).max(1));
            }
            insert(store, number, found.clone());
        }
        Method::DELETE => store.apply(Change::CommandDeleted { talkback: number, command }),
        _ => return Err(Failure::MethodInvalid),
    }
    Ok(one(&found, call))
}

/// `/talkbacks/ID/commands/execute`: takes the next command out of the queue.
pub(super) fn execute(store: &mut Store, number: u32, call: &Call<'_>) -> Result<Answer, Failure> {
    if call.method != Method::GET && call.method != Method::POST {
        return Err(Failure::MethodInvalid);
    }
    opened(store, number, call)?;
    Ok(executed(store, number, call))
}

/// The same as part of an update, with the key that it names.
pub(super) fn execute_beside_an_update(store: &mut Store, key: &str, call: &Call<'_>) -> Answer {
    match store.talkback_of(key) {
        Some(talkback) => executed(store, talkback, call),
        None => nothing(call),
    }
}

fn executed(store: &mut Store, number: u32, call: &Call<'_>) -> Answer {
    let next = store.talkback(number).and_then(|talkback| talkback.waiting().first().copied().cloned());
    let Some(next) = next else { return nothing(call) };
    let command = Command { position: None, executed_at: Some(call.now), ..next };
    let answer = one(&command, call);
    store.apply(Change::CommandSet { talkback: number, command });
    let forgotten = store.talkback(number).filter(|talkback| talkback.len() > MOST).and_then(Talkback::oldest_executed);
    if let Some(command) = forgotten {
        store.apply(Change::CommandDeleted { talkback: number, command });
    }
    answer
}

/// `/talkbacks/ID/commands/last`: the command that was executed last.
pub(super) fn last(store: &Store, number: u32, call: &Call<'_>) -> Result<Answer, Failure> {
    let command = opened(store, number, call)?.last_executed().ok_or(Failure::NotFound)?;
    Ok(one(command, call))
}

fn one(command: &Command, call: &Call<'_>) -> Answer {
    let body = match call.format {
        Format::Json => json(&record(command, call)),
        Format::Xml => xml("command", &record(command, call)),
        Format::Text | Format::Csv | Format::Unspecified => command.text.clone(),
    };
    Answer::ok(call.format, body)
}

/// What there is to say when there is no command.
fn nothing(call: &Call<'_>) -> Answer {
    let body = match call.format {
        Format::Json => "{}".to_owned(),
        Format::Xml => xml_of_nothing(),
        Format::Text | Format::Csv | Format::Unspecified => String::new(),
    };
    Answer::ok(call.format, body)
}

fn record(command: &Command, call: &Call<'_>) -> Record {
    Record::new([
        ("command_string", Cell::text(&command.text)),
        ("created_at", Cell::Time(Some(call.shown(command.created_at)))),
        ("executed_at", Cell::Time(command.executed_at.map(|time| call.shown(time)))),
        ("id", Cell::Integer(Some(command.id))),
        ("position", Cell::Integer(command.position)),
    ])
}
