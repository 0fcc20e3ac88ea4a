//! The page on which a person at the desk makes the cloud have a bad day.
//!
//! It is a form over `/_preflash/faults`, which sets, lists and clears faults; `faults.js` speaks with it. What stands in
//! the form is what [`kinds`] says.

use maud::{Markup, html};

use super::layout;
use super::reply::File;
use crate::attack::Attack;
use crate::certificates;
use crate::serve::{Fault, FaultNeeds};

/// Where this page is to be had.
pub(super) const WHERE: &str = "It is shown at the machine that the server runs on, under http://localhost.";

/// A fault: its name for `/_preflash/faults`, what it does, and what has to be said with it.
struct Kind {
    name: &'static str,
    about: &'static str,
    needs: Option<Needs>,
}

/// What a fault needs to be told.
enum Needs {
    /// A number: its name, what it is called on the page, what stands there, and its bounds.
    Number { name: &'static str, label: &'static str, value: u32, min: u32, max: u32 },
    /// A bad certificate.
    Certificate,
    /// An attack.
    Attack,
}

const DELAY: Needs = Needs::Number { name: "delay", label: "Seconds", value: 10, min: 1, max: 3_600 };
const STATUS: Needs = Needs::Number { name: "status", label: "Status", value: 503, min: 200, max: 599 };

/// What strikes before there is a request.
const BEFORE_REQUESTS: [Kind; 5] = [
    Kind { name: "silent-connection", about: "Accept a connection, and do nothing", needs: None },
    Kind { name: "reset-connection", about: "Accept a connection, and reset it", needs: None },
    Kind { name: "refused-connection", about: "Refuse connections", needs: None },
    Kind { name: "certificate", about: "Show a bad certificate over TLS", needs: Some(Needs::Certificate) },
    Kind { name: "man-in-the-middle", about: "Let somebody else answer over TLS", needs: Some(Needs::Attack) },
];

/// What the form offers.
fn kinds() -> impl Iterator<Item = Kind> {
    let requests = Fault::WORDS.iter().filter_map(|word| {
        let needs = match word.needs {
            FaultNeeds::Nothing(_) => None,
            FaultNeeds::Status(_) => Some(STATUS),
            FaultNeeds::Delay(_) => Some(DELAY),
            // Nobody is asked for one.
            FaultNeeds::Error(_) => return None,
        };
        Some(Kind { name: word.word, about: word.offer?, needs })
    });
    requests.chain(BEFORE_REQUESTS)
}

/// The page.
pub(super) fn page() -> Markup {
    layout::page(
        "Faults",
        None,
        &html! {
            h1 { "Faults" }
            p {
                "What goes wrong with the cloud's answers to devices, which leaves these pages alone, and with connections, "
                "over which the pages come, too. This page can always be reached over HTTP, unless connections are refused."
            }
            noscript { p.notice { "This page needs scripts; `fake-thingspeak fault` does the same on a command line." } }
            p #message.notice role="status" hidden {}
            div.cards.wide {
                section.card {
                    h2 { "Now" }
                    p #none.muted { "Everything works." }
                    ul #active.faults {}
                    button #clear type="button" hidden { "Clear all" }
                }
                section.card {
                    h2 { "Inject" }
                    form #inject {
                        fieldset {
                            legend { "What" }
                            @for (index, kind) in kinds().enumerate() {
                                div.choice {
                                    label {
                                        input type="radio" name="fault" value=(kind.name) checked[index == 0]
                                            data-limit=[(kind.name == "refused-connection").then_some("seconds")];
                                        span { (kind.about) }
                                    }
                                    @if let Some(needs) = &kind.needs { (asked(&kind, needs)) }
                                }
                            }
                        }
                        fieldset {
                            legend { "How long" }
                            div.choice {
                                label { input type="radio" name="limit" value="count" checked; span { "For so many times" } }
                                input type="number" name="count" value="1" min="1" max="1000000" aria-label="Times";
                            }
                            div.choice {
                                label { input type="radio" name="limit" value="seconds"; span { "For so many seconds" } }
                                input type="number" name="seconds" value="60" min="1" max="86400" aria-label="Seconds";
                            }
                            div.choice {
                                label { input type="radio" name="limit" value=""; span { "Until it is cleared" } }
                            }
                        }
                        label.row {
                            span { "Only for requests whose path begins with" }
                            input name="path" placeholder="/update" autocomplete="off" spellcheck="false";
                        }
                        button.primary { "Inject" }
                    }
                }
            }
            script src=(File::Faults.path()) defer {}
        },
    )
}

/// The field for what a fault needs.
fn asked(kind: &Kind, needs: &Needs) -> Markup {
    match needs {
        Needs::Number { name, label, value, min, max } => field(kind, label, |described| {
            html! {
                input type="number" name=(name) data-of=(kind.name) value=(value) min=(min) max=(max)
                    aria-label=(described);
            }
        }),
        Needs::Certificate => {
            let bad = certificates::Kind::BAD.iter().map(|bad| bad.word());
            field(kind, "Which", |described| words(kind, "certificate", described, bad))
        }
        Needs::Attack => {
            let attacks = Attack::ALL.iter().map(|attack| attack.word());
            field(kind, "How", |described| words(kind, "attack", described, attacks))
        }
    }
}

/// A field with its label, which is told with what the fault does to those who cannot see it.
fn field(kind: &Kind, label: &str, input: impl FnOnce(&str) -> Markup) -> Markup {
    let described = format!("{}: {label}", kind.about);
    html! { label.needs { (label) (input(&described)) } }
}

/// One of some words.
fn words(kind: &Kind, name: &str, described: &str, words: impl Iterator<Item = &'static str>) -> Markup {
    html! {
        select name=(name) data-of=(kind.name) aria-label=(described) {
            @for word in words { option { (word) } }
        }
    }
}
