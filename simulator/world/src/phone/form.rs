//! Forms in pages (HTML Living Standard §4.10), as far as a phone's browser needs them: found, filled in, and encoded
//! for sending, in the encoding of their page.
//!
//! The browser is one that does not check what is typed (`required`, `min`, `maxlength`): the device has to. Not
//! modelled: radio buttons, text areas, file uploads, `disabled` controls.

use std::borrow::Cow;
use std::collections::BTreeMap;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use html5gum::{DefaultEmitter, HtmlString, Spanned, StartTag, Token, Tokenizer};

/// In which encoding a form is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    Utf8,
    /// Latin-1, which browsers take for windows-1252 (WHATWG Encoding, section 4.2).
    Latin1,
}

impl Charset {
    /// Its word, and what that means.
    pub const fn row(self) -> (&'static str, Self, &'static str) {
        match self {
            Self::Utf8 => ("utf-8", self, "UTF-8: `é` is `%C3%A9`."),
            Self::Latin1 => (
                "latin-1",
                self,
                "Latin-1, as from a page that does not say its encoding: `é` is `%E9`. What it has not is sent as `&#…;`.",
            ),
        }
    }

    /// The encoding of a page, in which browsers send its forms (HTML, section 4.10.21.5): that of `Content-Type`, else
    /// that of the page's `<meta>`, else what browsers of Western Europe fall back on.
    pub(super) fn of_page(declared: Option<&str>, page: &str) -> Self {
        let label = declared.map(str::to_owned).or_else(|| in_page(page)).unwrap_or_default();
        if Encoding::for_label(label.as_bytes()) == Some(UTF_8) { Self::Utf8 } else { Self::Latin1 }
    }

    fn encode(self, text: &str) -> Cow<'_, [u8]> {
        match self {
            Self::Utf8 => Cow::Borrowed(text.as_bytes()),
            Self::Latin1 => WINDOWS_1252.encode(text).0,
        }
    }
}

/// What a page's `<meta charset=…>`, or the older `<meta http-equiv=…>`, says.
fn in_page(page: &str) -> Option<String> {
    for Ok(token) in Tokenizer::new(page) {
        let Token::StartTag(tag) = token else { continue };
        if &tag.name[..] != b"meta" {
            continue;
        }
        let attribute =
            |name: &[u8]| tag.attributes.get(name).map(|value: &Spanned<HtmlString, ()>| string(&value.value));
        if let Some(charset) = attribute(b"charset") {
            return Some(charset);
        }
        if let Some((_, charset)) = attribute(b"content").as_deref().and_then(|content| content.split_once("charset="))
        {
            return Some(charset.trim().to_owned());
        }
    }
    None
}

/// A page's form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Where it is sent, as the page says it.
    pub action: String,
    /// Whether it is sent by POST.
    pub is_post: bool,
    controls: Vec<Control>,
}

#[derive(Debug, PartialEq, Eq)]
struct Control {
    name: String,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Text(String),
    Checkbox { value: String, checked: bool },
    Select { options: Vec<String>, selected: usize },
}

/// Why a form could not be filled in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FillError {
    #[error("the form has no field `{0}`")]
    NoField(String),
    #[error("the form's field `{field}` does not offer `{value}`")]
    NoChoice { field: String, value: String },
}

impl Form {
    /// The first form of a page that has all of these fields, or if none has them the first.
    pub fn find(page: &str, fields: &BTreeMap<String, String>) -> Option<Self> {
        let has = |form: &Self, name: &String| form.controls.iter().any(|control| control.name == *name);
        let mut forms = Self::all(page);
        let place = forms.iter().position(|form| fields.keys().all(|name| has(form, name))).unwrap_or(0);
        (place < forms.len()).then(|| forms.swap_remove(place))
    }

    /// The forms of a page.
    fn all(page: &str) -> Vec<Self> {
        let mut emitter = DefaultEmitter::<()>::default();
        emitter.naively_switch_states(true);
        let mut forms = Vec::new();
        let mut form: Option<Self> = None;
        let mut options: Option<Options> = None;
        for Ok(token) in Tokenizer::new_with_emitter(page, emitter) {
            match token {
                Token::StartTag(tag) => form = begin(&tag, form, &mut options),
                Token::String(text) => {
                    if let Some(option) = options.as_mut().and_then(|options| options.open.as_mut()) {
                        option.push_str(&string(&text.value));
                    }
                }
                Token::EndTag(tag) => match &tag.name[..] {
                    b"form" => forms.extend(form.take()),
                    b"option" => options.iter_mut().for_each(Options::close),
                    b"select" => {
                        if let (Some(form), Some(options)) = (form.as_mut(), options.take()) {
                            form.controls.extend(options.into_control());
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        // What is never closed ends with the page.
        forms.extend(form);
        forms
    }

    /// Types into the fields; those that are not mentioned stay as the page shows them. For a checkbox, `on` and `off`
    /// tick and untick it; of a selection, the choice of that value is taken.
    ///
    /// # Errors
    /// [`FillError`] if the page does not let anybody do that.
    pub fn fill(&mut self, fields: &BTreeMap<String, String>) -> Result<(), FillError> {
        for (name, typed) in fields {
            let control = self.controls.iter_mut().find(|control| control.name == *name);
            let no_choice = || FillError::NoChoice { field: name.clone(), value: typed.clone() };
            match &mut control.ok_or_else(|| FillError::NoField(name.clone()))?.kind {
                Kind::Text(value) => value.clone_from(typed),
                Kind::Checkbox { checked, .. } => {
                    *checked = match typed.as_str() {
                        "on" => true,
                        "off" => false,
                        _ => return Err(no_choice()),
                    }
                }
                Kind::Select { options, selected } => {
                    *selected = options.iter().position(|option| option == typed).ok_or_else(no_choice)?;
                }
            }
        }
        Ok(())
    }

    /// The fields as `application/x-www-form-urlencoded`.
    pub fn encode(&self, charset: Charset) -> String {
        let encoding: &dyn Fn(&str) -> Cow<'_, [u8]> = &|text| charset.encode(text);
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        encoded.encoding_override(Some(encoding));
        for Control { name, kind } in &self.controls {
            match kind {
                Kind::Text(value) | Kind::Checkbox { value, checked: true } => {
                    encoded.append_pair(name, value);
                }
                Kind::Select { options, selected } => {
                    encoded.append_pair(name, &options[*selected]);
                }
                Kind::Checkbox { checked: false, .. } => {}
            }
        }
        encoded.finish()
    }
}

/// A selection whose end has not come yet.
struct Options {
    name: String,
    options: Vec<String>,
    selected: usize,
    /// The text of an option without a value.
    open: Option<String>,
}

impl Options {
    fn close(&mut self) {
        if let Some(text) = self.open.take() {
            self.options.push(text.trim().to_owned());
        }
    }

    fn into_control(mut self) -> Option<Control> {
        self.close();
        let kind = Kind::Select { selected: self.selected, options: self.options };
        matches!(&kind, Kind::Select { options, .. } if !options.is_empty())
            .then_some(Control { name: self.name, kind })
    }
}

fn begin(tag: &StartTag<()>, form: Option<Form>, options: &mut Option<Options>) -> Option<Form> {
    let attribute = |name: &[u8]| tag.attributes.get(name).map(|value: &Spanned<HtmlString, ()>| string(&value.value));
    let Some(mut form) = form else {
        return (&tag.name[..] == b"form").then(|| Form {
            action: attribute(b"action").unwrap_or_default(),
            is_post: attribute(b"method").is_some_and(|method| method.eq_ignore_ascii_case("post")),
            controls: Vec::new(),
        });
    };
    let name = attribute(b"name").unwrap_or_default();
    match &tag.name[..] {
        b"input" if !name.is_empty() => {
            let kind = attribute(b"type").unwrap_or_default().to_ascii_lowercase();
            let value = attribute(b"value");
            match kind.as_str() {
                "submit" | "button" | "reset" | "image" | "file" | "radio" => {}
                "checkbox" => {
                    let kind = Kind::Checkbox {
                        value: value.unwrap_or_else(|| "on".to_owned()),
                        checked: attribute(b"checked").is_some(),
                    };
                    form.controls.push(Control { name, kind });
                }
                _ => form.controls.push(Control { name, kind: Kind::Text(value.unwrap_or_default()) }),
            }
        }
        b"select" if !name.is_empty() => {
            *options = Some(Options { name, options: Vec::new(), selected: 0, open: None });
        }
        b"option" => {
            if let Some(options) = options {
                options.close();
                if attribute(b"selected").is_some() {
                    options.selected = options.options.len();
                }
                match attribute(b"value") {
                    Some(value) => options.options.push(value),
                    None => options.open = Some(String::new()),
                }
            }
        }
        _ => {}
    }
    Some(form)
}

fn string(bytes: &HtmlString) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!DOCTYPE html><style>p > form { color: red }</style>
        <form method="post" action="/save"><input name="network" value="ol&amp;d &quot;net&quot;">
        <input type=password name=passphrase><input type="hidden" name="token" value="7">
        <select name="sensor"><option>DHT22</option><option selected>DHT11</option></select>
        <select name=tls><option value=on>yes<option value=off>no</select>
        <input type=checkbox name=advanced checked><input type=submit name=go value=Save></form>
        <form action="/other"><input name="late"></form>"#;

    fn filled(fields: &[(&str, &str)]) -> Result<String, FillError> {
        let fields = fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut form = Form::find(PAGE, &fields).unwrap();
        form.fill(&fields)?;
        Ok(form.encode(Charset::Utf8))
    }

    #[test]
    fn what_nobody_touches_is_sent_as_the_page_shows_it() {
        let form = Form::find(PAGE, &BTreeMap::new()).unwrap();
        assert_eq!((form.action.as_str(), form.is_post), ("/save", true));
        assert_eq!(
            form.encode(Charset::Utf8),
            "network=ol%26d+%22net%22&passphrase=&token=7&sensor=DHT11&tls=on&advanced=on"
        );
    }

    #[test]
    fn special_characters_are_encoded_as_a_browser_does() {
        let encoded = filled(&[("passphrase", "a+b & c%2F=ü~*-._"), ("sensor", "DHT22"), ("advanced", "off")]).unwrap();
        assert_eq!(
            encoded,
            "network=ol%26d+%22net%22&passphrase=a%2Bb+%26+c%252F%3D%C3%BC%7E*-._&token=7&sensor=DHT22&tls=on"
        );
    }

    #[test]
    fn a_form_has_the_encoding_of_its_page() {
        let send = |declared: Option<&str>, page: &str, typed: &str| {
            let page = format!("{page}<form><input name=network></form>");
            let fields = BTreeMap::from([("network".to_owned(), typed.to_owned())]);
            let mut form = Form::find(&page, &fields).unwrap();
            form.fill(&fields).unwrap();
            form.encode(Charset::of_page(declared, &page))
        };
        assert_eq!(send(None, "", "René €"), "network=Ren%E9+%80");
        assert_eq!(send(None, "", "Łódź"), "network=%26%23321%3B%F3d%26%23378%3B");
        assert_eq!(send(None, "<meta charset=utf-8>", "René"), "network=Ren%C3%A9");
        assert_eq!(send(Some("UTF-8"), "<meta charset=latin1>", "René"), "network=Ren%C3%A9");
        let old = "<meta http-equiv='Content-Type' content='text/html; charset=utf-8'>";
        assert_eq!(send(None, old, "René"), "network=Ren%C3%A9");
    }

    #[test]
    fn of_several_forms_that_is_taken_which_has_the_fields() {
        assert_eq!(filled(&[("late", "1")]), Ok("late=1".to_owned()));
        assert_eq!(filled(&[("late", "1"), ("network", "home")]), Err(FillError::NoField("late".to_owned())));
    }

    #[test]
    fn what_the_page_does_not_offer_cannot_be_entered() {
        assert_eq!(filled(&[("never", "1")]), Err(FillError::NoField("never".to_owned())));
        assert!(matches!(filled(&[("sensor", "DHT12")]), Err(FillError::NoChoice { .. })));
        assert_eq!(Form::find("<p>No form here.", &BTreeMap::new()), None);
    }
}
