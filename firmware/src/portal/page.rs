//! Replies: the form, the confirmation, and short pages for everything else, as HTML 5 in HTTP/1.1.
//!
//! A reply is rendered as often as needed and of each rendering only a window is kept, so that a page of some kilobytes
//! goes out through a socket's buffer without ever being in memory as a whole. Rendering is pure: the same reply has
//! the same bytes each time.
//!
//! Whatever a visitor entered or flash holds is escaped. Secrets are not shown at all, not even the visitor's own.

use core::fmt::{self, Write};

use super::ADDRESS;
use super::form::Form;
use super::request::Refusal;
use crate::settings::{Field, FieldErrors, Fields, LONGEST_INTERVAL, SHORTEST_INTERVAL, Settings};

/// A reply to a request.
pub(super) struct Reply<'a> {
    /// What it says.
    pub(super) content: Content<'a>,
    /// Whether the configuration switch is on.
    pub(super) switch_on: bool,
    /// Whether the body is left out.
    pub(super) is_head: bool,
}

/// What a reply says.
pub(super) enum Content<'a> {
    /// The form with the settings that flash holds, or those of a new duck.
    Form(Option<&'a Settings>),
    /// The form with what was entered, and what is wrong with it.
    FormAgain(&'a Form<'a>, FieldErrors),
    /// The settings of this form are saved.
    Saved(&'a Form<'a>),
    /// The form is elsewhere.
    Redirect,
    /// No.
    Refused(Refusal),
}

impl Reply<'_> {
    /// Length of the whole reply, in bytes.
    pub(super) fn length(&self) -> usize {
        measure(|out| self.write(out))
    }

    /// Copies what lies behind the first `skip` bytes of the reply into `space`; how much was copied.
    pub(super) fn window(&self, skip: usize, space: &mut [u8]) -> usize {
        let mut window = Window { skip, space, filled: 0, seen: 0 };
        self.write(&mut window).expect("a window takes everything");
        window.filled
    }

    fn write(&self, out: &mut dyn Write) -> fmt::Result {
        out.write_str("HTTP/1.1 ")?;
        match &self.content {
            Content::Form(_) | Content::FormAgain(..) | Content::Saved(_) => out.write_str("200 OK")?,
            Content::Redirect => write!(out, "302 Found\r\nLocation: http://{ADDRESS}/")?,
            Content::Refused(refusal) => out.write_str(refusal.status())?,
        }
        if let Content::Refused(Refusal::Method) = self.content {
            out.write_str("\r\nAllow: GET, HEAD, POST")?;
        }
        write!(
            out,
            "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             Connection: close\r\n\r\n",
            measure(|out| self.body(out)),
        )?;
        if self.is_head { Ok(()) } else { self.body(out) }
    }

    fn body(&self, out: &mut dyn Write) -> fmt::Result {
        out.write_str(BEGIN)?;
        match &self.content {
            Content::Form(stored) => {
                if stored.is_some() {
                    out.write_str(STORED)?;
                }
                self.form(&stored.map_or(Values::Entered(&Fields::default()), Values::Stored), None, out)?;
            }
            Content::FormAgain(form, errors) => {
                out.write_str(NOT_RIGHT)?;
                self.form(&Values::Entered(&form.fields()), Some(errors), out)?;
            }
            Content::Saved(form) => {
                out.write_str("<p>Saved. The board is going to restart and to join <b>")?;
                Escaped(out).write_str(form.fields().network)?;
                out.write_str("</b>.</p>\n")?;
                if self.switch_on {
                    out.write_str(TURN_OFF_NOW)?;
                }
            }
            Content::Redirect => writeln!(out, "<p><a href=\"http://{ADDRESS}/\">To the configuration</a></p>")?,
            Content::Refused(Refusal::NotSaved) => out.write_str(NOT_SAVED)?,
            Content::Refused(Refusal::NotUtf8) => out.write_str(NOT_UTF8)?,
            Content::Refused(refusal) => writeln!(out, "<p>{}</p>", refusal.status())?,
        }
        out.write_str(END)
    }

    fn form(&self, values: &Values<'_>, errors: Option<&FieldErrors>, out: &mut dyn Write) -> fmt::Result {
        if self.switch_on {
            out.write_str(TURN_OFF)?;
        }
        out.write_str("<form method=\"post\" action=\"/\">\n")?;
        for field in Field::ALL {
            if field == Field::Host {
                let is_wrong = errors.is_some_and(|errors| errors.iter().any(|(wrong, _)| wrong >= Field::Host));
                writeln!(out, "<details{}><summary>Advanced</summary>", if is_wrong { " open" } else { "" })?;
            }
            let name = field.name();
            let error = errors.and_then(|errors| errors.get(field));
            writeln!(out, "<label for=\"{name}\">{}</label>", label(field))?;
            if let Some(error) = error {
                writeln!(out, "<p class=\"error\">{name} {error}</p>")?;
            }
            let mark = if error.is_some() { " aria-invalid=\"true\"" } else { "" };
            match options(field) {
                [] => {
                    write!(out, "<input id=\"{name}\" name=\"{name}\"{mark} {} value=\"", attributes(field))?;
                    values.write(field, &mut Escaped(out))?;
                    out.write_str("\">\n")?;
                }
                options => {
                    write!(out, "<select id=\"{name}\" name=\"{name}\"{mark}>")?;
                    for option in options {
                        let selected = if values.is(field, option) { " selected" } else { "" };
                        write!(out, "<option{selected}>{option}</option>")?;
                    }
                    out.write_str("</select>\n")?;
                }
            }
        }
        out.write_str("</details>\n<button>Save</button>\n</form>\n")
    }
}

/// What stands in the fields.
enum Values<'a> {
    Entered(&'a Fields<'a>),
    Stored(&'a Settings),
}

impl Values<'_> {
    /// Writes a field's value; nothing for a secret one.
    fn write(&self, field: Field, out: &mut dyn Write) -> fmt::Result {
        match self {
            _ if matches!(field, Field::Passphrase | Field::WriteKey) => Ok(()),
            Self::Entered(fields) => out.write_str(fields.get(field)),
            Self::Stored(settings) => settings.write_field(field, out),
        }
    }

    fn is(&self, field: Field, option: &str) -> bool {
        let mut unequal = Unequal(option);
        self.write(field, &mut unequal).is_ok() && unequal.0.is_empty()
    }
}

fn label(field: Field) -> &'static str {
    match field {
        Field::Network => "Network name",
        Field::Passphrase => "Passphrase (empty for an open network)",
        Field::WriteKey => "ThingSpeak write key",
        Field::Host => "Server",
        Field::Port => "Port",
        Field::Tls => "Encrypted connection (TLS)",
        Field::TrustedIssuer => "Trusted issuer (digicert, or SHA-256 of its certificate)",
        Field::Interval => "Seconds between readings",
        Field::Sensor => "Sensor",
    }
}

fn attributes(field: Field) -> impl fmt::Display {
    fmt::from_fn(move |f| match field {
        Field::Passphrase => f.write_str("type=\"password\" maxlength=\"64\" autocomplete=\"off\""),
        Field::WriteKey => f.write_str("maxlength=\"32\" autocomplete=\"off\" autocapitalize=\"characters\""),
        Field::Network => f.write_str("maxlength=\"32\" autocomplete=\"off\" autocapitalize=\"none\" required"),
        Field::Port => f.write_str("type=\"number\" min=\"1\" max=\"65535\""),
        Field::Interval => write!(f, "type=\"number\" min=\"{SHORTEST_INTERVAL}\" max=\"{LONGEST_INTERVAL}\""),
        _ => f.write_str("maxlength=\"95\" autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\""),
    })
}

/// The values to choose from; none if the field is free.
fn options(field: Field) -> &'static [&'static str] {
    match field {
        Field::Tls => &["on", "off"],
        Field::Sensor => &["DHT22", "DHT11"],
        _ => &[],
    }
}

const BEGIN: &str = "<!DOCTYPE html>
<html lang=\"en\"><head><meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Yellow Duck configuration</title>
<style>
:root{color-scheme:light dark}
body{font:1.1rem/1.4 system-ui,sans-serif;max-width:30rem;margin:0 auto;padding:1rem}
label{display:block;margin-top:1rem}
input,select,button{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}
button{margin-top:1.5rem;background:#fc0;color:#000;border:0;border-radius:.4rem}
details{margin-top:1rem}
.error{color:#c00;margin:.2rem 0}
.note{border-left:.3rem solid #fc0;padding-left:.7rem}
@media(prefers-color-scheme:dark){.error{color:#f88}}
</style></head><body>
<h1>Yellow Duck configuration</h1>
";
const END: &str = "</body></html>\n";
const STORED: &str =
    "<p class=\"note\">The board has settings. To change any of them, enter passphrase and key again.</p>\n";
const TURN_OFF: &str = "<p class=\"note\">The configuration switch is on. Turn it off, or the board comes back to this \
                        page after its restart.</p>\n";
const TURN_OFF_NOW: &str = "<p class=\"note\">The configuration switch is still on. Turn it off now, or the board comes \
                            back to its configuration.</p>\n";
const NOT_RIGHT: &str = "<p class=\"error\">Nothing was saved: please correct what is marked, and enter passphrase \
                         and key again.</p>\n";
const NOT_SAVED: &str = "<p class=\"error\">The settings could not be written to the board's memory. The old ones are \
                         still there.</p>\n";

const NOT_UTF8: &str = "<p class=\"error\">Nothing was saved: the form did not come in UTF-8. Load <a href=\"/\">the \
                        page</a> anew, and send it from there.</p>\n";

fn measure(write: impl FnOnce(&mut dyn Write) -> fmt::Result) -> usize {
    let mut window = Window { skip: 0, space: &mut [], filled: 0, seen: 0 };
    write(&mut window).expect("a window takes everything");
    window.seen
}

/// Keeps a part of what is written: what lies behind `skip` bytes, as far as there is space.
struct Window<'s> {
    skip: usize,
    space: &'s mut [u8],
    filled: usize,
    seen: usize,
}

impl Write for Window<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let skipped = self.skip.saturating_sub(self.seen).min(text.len());
        self.seen += text.len();
        let wanted = &text.as_bytes()[skipped..];
        let space = &mut self.space[self.filled..];
        let kept = wanted.len().min(space.len());
        space[..kept].copy_from_slice(&wanted[..kept]);
        self.filled += kept;
        Ok(())
    }
}

/// Escapes text for HTML, in an element or in an attribute between either kind of quotes.
struct Escaped<'w>(&'w mut dyn Write);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(['&', '<', '>', '"', '\'']) {
            let mut characters = piece.chars();
            let escape = match characters.next_back() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('"') => "&quot;",
                Some('\'') => "&#39;",
                _ => {
                    self.0.write_str(piece)?;
                    continue;
                }
            };
            self.0.write_str(characters.as_str())?;
            self.0.write_str(escape)?;
        }
        Ok(())
    }
}

/// What is left of the expected text; fails where it differs from what is written.
struct Unequal<'t>(&'t str);

impl Write for Unequal<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(text).ok_or(fmt::Error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::settings::FieldError;

    fn rendered(content: Content<'_>, switch_on: bool) -> String {
        let reply = Reply { content, switch_on, is_head: false };
        let mut bytes = std::vec![0; reply.length()];
        assert_eq!(reply.window(0, &mut bytes), bytes.len());
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&std::format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
        text
    }

    fn form(fields: Fields<'_>) -> Form<'_> {
        Form { values: Field::ALL.map(|field| Some(fields.get(field))) }
    }

    fn entered() -> Fields<'static> {
        Fields {
            network: "Tom & \"Jerry's\" <net>",
            passphrase: "very secret",
            write_key: "0123456789ABCDEF",
            sensor: "DHT11",
            ..Fields::default()
        }
    }

    #[test]
    fn the_form_has_every_field_and_needs_nothing_else() {
        let page = rendered(Content::Form(None), false);
        assert!(page.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"));
        for field in Field::ALL {
            assert_eq!(page.matches(&std::format!(" name=\"{}\"", field.name())).count(), 1, "{field:?}");
        }
        for value in ["value=\"api.thingspeak.com\"", "value=\"443\"", "value=\"300\"", "<option selected>DHT22"] {
            assert!(page.contains(value), "{value}");
        }
        assert!(!page.contains("src=") && !page.contains("href=") && !page.contains("url("));
        assert!(!page.contains("switch is on") && page.len() < 6_000, "{} bytes", page.len());
    }

    #[test]
    fn stored_settings_fill_the_form_but_secrets_stay() {
        let settings = Settings::parse(&entered()).unwrap();
        let page = rendered(Content::Form(Some(&settings)), true);
        assert!(page.contains("value=\"Tom &amp; &quot;Jerry&#39;s&quot; &lt;net&gt;\""), "{page}");
        assert!(page.contains("<option selected>DHT11") && page.contains("switch is on"));
        assert!(!page.contains("secret") && !page.contains("0123456789ABCDEF"));
    }

    #[test]
    fn wrong_fields_are_named_where_they_stand() {
        let mut errors = FieldErrors::default();
        errors.set(Field::Passphrase, FieldError::Passphrase);
        errors.set(Field::Port, FieldError::Port);
        let page = rendered(Content::FormAgain(&form(entered()), errors), false);
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not in {page}"));
        assert!(at("for=\"passphrase\"") < at("passphrase must be 8 to 63 characters"));
        assert!(at("passphrase must be") < at("id=\"passphrase\""));
        assert!(at("port must be a number from 1 to 65535") < at("id=\"port\""));
        assert!(
            page.contains("<details open>")
                && page.contains("Nothing was saved")
                && page.contains("enter passphrase and key again")
        );
        assert!(!page.contains("secret") && !page.contains("0123456789ABCDEF"));
        assert!(page.contains("Tom &amp; "));
    }

    #[test]
    fn the_confirmation_says_to_turn_the_switch_off_if_it_is_on() {
        let form = form(Fields { network: "<b>", ..entered() });
        assert!(rendered(Content::Saved(&form), true).contains("join <b>&lt;b&gt;</b>"));
        assert!(rendered(Content::Saved(&form), true).contains("Turn it off now"));
        assert!(!rendered(Content::Saved(&form), false).contains("Turn it off"));
    }

    #[test]
    fn heads_say_where_to_go_and_what_is_allowed() {
        let redirect = rendered(Content::Redirect, false);
        assert!(redirect.starts_with("HTTP/1.1 302 Found\r\nLocation: http://192.168.4.1/\r\n"));
        let refused = rendered(Content::Refused(Refusal::Method), false);
        assert!(refused.starts_with("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD, POST\r\n"));
        let head = Reply { content: Content::Form(None), switch_on: false, is_head: true };
        let mut bytes = [0; 1024];
        let length = head.window(0, &mut bytes);
        assert!(length == head.length() && bytes[..length].ends_with(b"\r\n\r\n"));
    }

    proptest! {
        #[test]
        fn windows_make_up_the_whole(size in 1usize..1500, network in "\\PC{0,40}") {
            let form = form(Fields { network: &network, ..entered() });
            let reply =
                Reply { content: Content::FormAgain(&form, FieldErrors::default()), switch_on: true, is_head: false };
            let mut whole = std::vec![0; reply.length()];
            reply.window(0, &mut whole);
            let mut pieces = Vec::new();
            let mut space = std::vec![0; size];
            while pieces.len() < whole.len() {
                let copied = reply.window(pieces.len(), &mut space);
                prop_assert!(copied > 0);
                pieces.extend_from_slice(&space[..copied]);
            }
            prop_assert!(pieces == whole);
        }

        #[test]
        fn escaped_text_closes_nothing(text in "[&<>\"'a-z;é]{0,40}") {
            let mut escaped = String::new();
            Escaped(&mut escaped).write_str(&text).unwrap();
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let back = escaped
                .replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'")
                .replace("&amp;", "&");
            prop_assert_eq!(back, text);
        }
    }
}
