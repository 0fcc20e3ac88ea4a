//! The page on which a person injects faults into the running server.
//!
//! It is a form over `/_preflash/faults`, which sets, lists and clears faults; `faults.js` speaks with it. The form
//! offers what [`injections`] lists.

use maud::{Markup, html};

use super::layout;
use super::reply::File;
use crate::injection::{ConnectionFault, InjectedEffect, Injection, injections};

/// Where this page is to be had.
pub(super) const WHERE: &str = "It is shown at the machine that the server runs on, under http://localhost.";

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
                            @for (index, injection) in injections().enumerate() {
                                div.choice {
                                    label {
                                        input type="radio" name="fault" value=(injection.word) checked[index == 0]
                                            data-limit=[lasts_seconds(&injection).then_some("seconds")];
                                        span { (about(&injection)) }
                                    }
                                    (parameter(&injection))
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

/// A refusal of connections must end by itself: no request to clear it reaches the server.
fn lasts_seconds(injection: &Injection) -> bool {
    matches!(injection.effect, InjectedEffect::Connection(ConnectionFault::Refused))
}

/// The sentence without its full stop, code as code.
fn about(injection: &Injection) -> Markup {
    let parts = injection.about.trim_end_matches('.').split('`').enumerate();
    html! {
        @for (index, part) in parts {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// The field for what has to be said with a fault.
fn parameter(injection: &Injection) -> Markup {
    match injection.effect {
        InjectedEffect::Request(_) | InjectedEffect::Connection(_) => html! {},
        InjectedEffect::RequestWithStatus(_) => number(injection, "status", "Status", Some(503), (200, 599)),
        InjectedEffect::Reply => html! {
            (number(injection, "status", "Status", Some(200), (200, 599)))
            (lines(injection, "headers", "Headers, each in a line", "Retry-After: 60"))
            (lines(injection, "body", "Body", ""))
            (field(injection, "The request is handled, and stores", |described| {
                html! {
                    select name="stores" data-of=(injection.word) aria-label=(described) {
                        option value="" { "no" }
                        option value="true" { "yes" }
                    }
                }
            }))
            (number(injection, "piece-bytes", "In pieces of so many bytes", None, (1, 1_000_000)))
            (field(injection, "Seconds between pieces", |described| {
                html! {
                    input type="number" name="pause" data-of=(injection.word) min="0.001" max="3600" step="any"
                        aria-label=(described);
                }
            }))
            (number(injection, "close-after-bytes", "Closed after so many bytes", None, (1, 1_000_000)))
        },
        InjectedEffect::RequestWithDelay(_) => number(injection, "delay", "Seconds", Some(10), (1, 3_600)),
        InjectedEffect::Tls(kind) => field(injection, "Which", |described| {
            html! {
                select name=(kind.parameter()) data-of=(injection.word) aria-label=(described) {
                    @for (word, _) in kind.choices() { option { (word) } }
                }
            }
        }),
    }
}

/// A field for a number: its name for the server, its label, and what stands there at first.
fn number(injection: &Injection, name: &str, label: &str, value: Option<u32>, (min, max): (u32, u32)) -> Markup {
    field(injection, label, |described| {
        html! {
            input type="number" name=(name) data-of=(injection.word) value=[value] min=(min) max=(max)
                aria-label=(described);
        }
    })
}

/// A field for lines of text, and what stands in it greyed.
fn lines(injection: &Injection, name: &str, label: &str, such_as: &str) -> Markup {
    field(injection, label, |described| {
        html! {
            textarea name=(name) data-of=(injection.word) rows="2" placeholder=(such_as) spellcheck="false"
                aria-label=(described) {}
        }
    })
}

/// A field with its label. Screen readers say what the fault does along with the label.
fn field(injection: &Injection, label: &str, input: impl FnOnce(&str) -> Markup) -> Markup {
    let about = injection.about.trim_end_matches('.').replace('`', "");
    let described = format!("{about}: {label}");
    html! { label.needs { (label) (input(&described)) } }
}
