//! What all pages have around them.

use maud::{DOCTYPE, Markup, html};

use time::OffsetDateTime;

use super::formatting::{ago, date_and_time};
use super::reply::File;

/// Where the server is unless it was told to be elsewhere; `live.js` writes where it is.
pub(super) const LOCAL: &str = "http://localhost:8080";

/// A page with the head of the website. `live`: it looks for news every so many seconds, and was made at that time.
pub(super) fn page(title: &str, live: Option<(u32, OffsetDateTime)>, main: &Markup) -> Markup {
    document(
        title,
        "site",
        &html! {
            header.site-head {
                a.brand href="/" { img src=(File::Icon.path()) alt="" width="28" height="28"; "fake ThingSpeak" }
                nav { a href="/" { "Channels" } a href="/_preflash/" { "Faults" } }
            }
            main data-update=[live.map(|(every, _)| every)] data-now=[live.map(|(_, now)| now.unix_timestamp())] { (main) }
            footer.site-foot { "A local stand-in for tests and for the desk, part of preflash. Not a service of MathWorks." }
        },
    )
}

/// A page with nothing around what it shows, for the frame of another page. `every`: it looks for news every so many
/// seconds.
pub(super) fn bare(title: &str, every: Option<u32>, body: &Markup) -> Markup {
    document(title, "framed", &html! { main data-update=[every] { (body) } })
}

fn document(title: &str, class: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href=(File::Icon.path()) type="image/svg+xml";
                link rel="stylesheet" href=(File::Style.path());
                script src=(File::Live.path()) defer {}
            }
            body class=(class) { (body) }
        }
    }
}

/// A page that says why there is none.
pub(super) fn refusal(reason: &str, advice: &str) -> Markup {
    page(
        reason,
        None,
        &html! {
            section.card.narrow {
                h1 { (reason) }
                @if !advice.is_empty() { p { (advice) } }
                p { a href="/" { "All channels" } }
            }
        },
    )
}

/// A page that asks for the key of a private channel, and goes to where it was asked for with it.
pub(super) fn key_wanted() -> Markup {
    page(
        "This channel is not public",
        None,
        &html! {
            section.card.narrow {
                h1 { "This channel is not public" }
                p { "Its read or write key opens it." }
                form method="get" {
                    label for="key" { "Key" }
                    div.row {
                        input #key name="api_key" autocomplete="off" spellcheck="false" required;
                        button { "Open" }
                    }
                }
            }
        },
    )
}

/// A time, and how long ago it was at `now`; scripts keep the age current.
pub(super) fn age(then: OffsetDateTime, now: OffsetDateTime) -> Markup {
    html! { time data-then=(then.unix_timestamp()) title=(format!("{} UTC", date_and_time(then))) { (ago(then, now)) } }
}
