//! The page on which a person at the desk makes the cloud have a bad day.
//!
//! It is a form over `/_preflash/faults`, which sets, lists and clears faults; `faults.js` speaks with it. What stands in
//! the form is what [`KINDS`] says.

use maud::{Markup, html};

use super::layout;
use super::reply::File;

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
    /// One of some words.
    Word { name: &'static str, label: &'static str, words: &'static [&'static str] },
}

const DELAY: Needs = Needs::Number { name: "delay", label: "Seconds", value: 10, min: 1, max: 3_600 };
const STATUS: Needs = Needs::Number { name: "status", label: "Status", value: 503, min: 200, max: 599 };
const CERTIFICATE: Needs = Needs::Word {
    name: "certificate",
    label: "Which",
    words: &["expired", "not-yet-valid", "wrong-host", "unknown-issuer", "self-signed", "forged", "leaf-signed-leaf"],
};

const ATTACK: Needs = Needs::Word {
    name: "attack",
    label: "How",
    words: &[
        "forged-certificate",
        "no-certificate",
        "no-certificate-verify",
        "leaf-signed-leaf",
        "empty-record",
        "split-message",
        "oversized-record",
    ],
};

const KINDS: [Kind; 17] = [
    Kind { name: "status", about: "Store nothing, and answer with a status", needs: Some(STATUS) },
    Kind { name: "retry-after", about: "Answer 429, with the seconds to wait", needs: Some(DELAY) },
    Kind { name: "retry-after-date", about: "Answer 503, with a date to wait for", needs: Some(DELAY) },
    Kind { name: "delay-before-storing", about: "Wait, then store and answer", needs: Some(DELAY) },
    Kind { name: "delay-after-storing", about: "Store, then wait and answer", needs: Some(DELAY) },
    Kind { name: "drop-before-storing", about: "Close the connection without storing", needs: None },
    Kind { name: "drop-after-storing", about: "Store, then close the connection without an answer", needs: None },
    Kind { name: "reset", about: "Reset the connection without storing", needs: None },
    Kind { name: "chunked", about: "Answer in chunks", needs: None },
    Kind { name: "truncated", about: "Store, and close in the middle of the answer", needs: None },
    Kind { name: "too-soon", about: "Answer 0, as if the last entry were too young", needs: None },
    Kind { name: "refuse-key", about: "Refuse the key", needs: None },
    Kind { name: "silent-connection", about: "Accept a connection, and do nothing", needs: None },
    Kind { name: "reset-connection", about: "Accept a connection, and reset it", needs: None },
    Kind { name: "refused-connection", about: "Refuse connections", needs: None },
    Kind { name: "certificate", about: "Show a bad certificate over TLS", needs: Some(CERTIFICATE) },
    Kind { name: "man-in-the-middle", about: "Let somebody else answer over TLS", needs: Some(ATTACK) },
];

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
                            @for (index, kind) in KINDS.iter().enumerate() {
                                div.choice {
                                    label {
                                        input type="radio" name="fault" value=(kind.name) checked[index == 0]
                                            data-limit=[(kind.name == "refused-connection").then_some("seconds")];
                                        span { (kind.about) }
                                    }
                                    @if let Some(needs) = &kind.needs { (asked(kind, needs)) }
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
    let (Needs::Number { label, .. } | Needs::Word { label, .. }) = needs;
    let described = format!("{}: {label}", kind.about);
    html! {
        label.needs {
            (label)
            @match needs {
                Needs::Number { name, value, min, max, .. } => {
                    input type="number" name=(name) data-of=(kind.name) value=(value) min=(min) max=(max)
                        aria-label=(described);
                }
                Needs::Word { name, words, .. } => {
                    select name=(name) data-of=(kind.name) aria-label=(described) {
                        @for word in *words { option { (word) } }
                    }
                }
            }
        }
    }
}
