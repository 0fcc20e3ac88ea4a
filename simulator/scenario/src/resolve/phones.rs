//! People with phones and what they do.

use std::collections::BTreeMap;
use std::time::Duration;

use simulator_record::events::DeviceId;

use super::{OWN_NETWORK, Resolver};
use crate::diagnostics::Diagnostic;
use crate::grammar::phones::PhoneActionKind;
use crate::model::{Begin, Form, Habits, Phone, PhoneAction, PhoneKind, Request, RequestBody, Typed};
use crate::tree::{Chosen, Fields, Node, Value};

impl Resolver<'_, '_> {
    pub(super) fn phone(&mut self, node: &Node) -> Option<Phone> {
        let fields = node.table()?;
        let arrives = match fields.get("after") {
            Some(trigger) => self.trigger(trigger).map(|trigger| Begin::After(Box::new(trigger))),
            None if fields.get("arrives").is_some() => self.before_end(fields, "arrives", false).map(Begin::At),
            None => Some(Begin::At(Duration::ZERO)),
        };
        // An element that could not be read has been left out of the list, so look at the text.
        if let Some(node) = fields.get("does")
            && self.text.get(node.span.clone()).is_some_and(|text| text.trim_matches(['[', ']']).trim().is_empty())
        {
            self.report(Diagnostic::new("this phone does nothing", node.span.clone(), "empty"));
        }
        let does = fields.list("does").iter().map(|action| self.phone_action(action)).collect::<Vec<_>>();
        let habits = habits(fields);
        for node in fields.list("does") {
            if habits.kind.is_none()
                && let Some(Chosen { kind: PhoneActionKind::SignIn, name, .. }) = node.choice()
            {
                self.report(
                    Diagnostic::new("a phone without a `kind` finds no login page", node.span.clone(), name).help(
                        "say `kind = \"android\"`, \"ios\", \"windows\" or \"firefox\"; or `open` the page by its address",
                    ),
                );
            }
        }
        Some(Phone {
            place: self.place(node),
            name: fields.text("name")?.to_owned(),
            habits,
            device: fields.get("device").map_or(Some(DeviceId(0)), |_| self.any_device(fields))?,
            arrives: arrives?,
            does: does.into_iter().collect::<Option<_>>()?,
            require_effect: fields.boolean("require-effect").unwrap_or(false),
        })
    }

    fn phone_action(&mut self, node: &Node) -> Option<PhoneAction> {
        let Chosen { kind, name, node: details } = node.choice()?;
        match kind {
            PhoneActionKind::Join => {
                let fields = details.table()?;
                let network = fields.get("network")?;
                self.known("network", self.names.networks_and_own.clone(), network);
                let network = network.text()?.to_owned();
                let typed = fields.text("passphrase").map(str::to_owned);
                let passphrase = typed.or_else(|| (network != OWN_NETWORK).then(String::new));
                Some(PhoneAction::Join { network, passphrase })
            }
            PhoneActionKind::Open => Some(PhoneAction::Open { url: self.url(details)? }),
            PhoneActionKind::SignIn => Some(PhoneAction::SignIn),
            PhoneActionKind::Submit => self.form(details.table()?).map(PhoneAction::Submit),
            PhoneActionKind::Request => self.request(details.table()?).map(PhoneAction::Request),
            PhoneActionKind::Dribble => {
                let fields = details.table()?;
                let every =
                    fields.get("every").map_or(Some(Duration::from_secs(1)), |node| self.positive(node, "every"));
                Some(PhoneAction::Dribble { bytes: fields.text("bytes")?.to_owned(), every: every? })
            }
            PhoneActionKind::ConnectAndSayNothing => {
                self.positive(details, name).map(PhoneAction::ConnectAndSayNothing)
            }
            PhoneActionKind::Wait => self.positive(details, name).map(PhoneAction::Wait),
            PhoneActionKind::Leave => Some(PhoneAction::Leave),
        }
    }

    /// An address that a phone can open.
    fn url(&mut self, node: &Node) -> Option<String> {
        let url = node.text()?;
        if url.strip_prefix("http://").is_none_or(str::is_empty) || url.contains(char::is_whitespace) {
            self.report(
                Diagnostic::new(format!("`{url}` cannot be opened"), node.span.clone(), "not an http address")
                    .help("the phone opens addresses that begin with http://; the device speaks no other"),
            );
        }
        Some(url.to_owned())
    }

    fn request(&mut self, fields: &Fields) -> Option<Request> {
        if let Some(node) = fields.get("method")
            && let Some(method) = node.text()
            && !is_token(method)
        {
            self.report(
                Diagnostic::new(format!("`{method}` is not a method"), node.span.clone(), "not a method")
                    .help("GET, POST, PUT, …: letters without spaces"),
            );
        }
        if let Some(node) = fields.get("path")
            && let Some(path) = node.text()
            && (!path.starts_with('/') || path.contains(|c: char| c.is_whitespace() || c.is_control()))
        {
            self.report(
                Diagnostic::new(format!("`{path}` is not a path"), node.span.clone(), "not a path")
                    .help("a path begins with / and has no spaces"),
            );
        }
        let mut headers = BTreeMap::new();
        if let Some(Value::TextMap(texts)) = fields.get("headers").map(|node| &node.value) {
            for (name, (span, value)) in texts {
                if !is_token(name) || value.contains(['\r', '\n']) {
                    self.report(Diagnostic::new(format!("`{name}` is not a header"), span.clone(), "not a header"));
                }
                headers.insert(name.clone(), value.clone());
            }
        }
        let body = match (fields.text("body"), fields.integer("body-bytes")) {
            (Some(text), _) => RequestBody::Text(text.to_owned()),
            (None, Some(length)) => RequestBody::Bytes(u32::try_from(length).ok()?),
            (None, None) => RequestBody::None,
        };
        Some(Request {
            method: fields.text("method").unwrap_or("GET").to_owned(),
            path: fields.text("path").unwrap_or("/").to_owned(),
            headers,
            body,
        })
    }

    fn form(&mut self, fields: &Fields) -> Option<Form> {
        let page = match fields.get("page") {
            Some(node) => Some(self.url(node)?),
            None => None,
        };
        let others = match fields.get("fields").map(|node| &node.value) {
            Some(Value::TextMap(texts)) => texts.iter().map(|(name, (_, text))| (name.clone(), text.clone())).collect(),
            _ => BTreeMap::new(),
        };
        let text = |key: &str| fields.text(key).map(str::to_owned);
        let typed = |key: &str, placeholder: &str| {
            fields
                .text(key)
                .map(|text| if text == placeholder { Typed::OfTheCloud } else { Typed::Text(text.to_owned()) })
        };
        Some(Form {
            network: text("network"),
            passphrase: text("passphrase"),
            write_key: typed("write-key", "channel"),
            host: text("host"),
            port: text("port"),
            tls: fields.boolean("tls"),
            trusted_issuer: typed("trusted-issuer", "cloud"),
            interval: text("interval"),
            sensor: text("sensor"),
            page,
            charset: fields.word("charset"),
            fields: others,
        })
    }
}

/// How long a person takes to type a network's name, its passphrase and a key of 16 characters on a phone.
const TYPING: Duration = Duration::from_secs(20);

/// What a phone is, and how it is used: what the file does not say, its kind does.
fn habits(fields: &Fields) -> Habits {
    let kind: Option<PhoneKind> = fields.word("kind");
    let spare = fields.integer("spare-connections").and_then(|spare| usize::try_from(spare).ok());
    let typing = fields.duration("typing");
    Habits {
        kind,
        spare_connections: spare.unwrap_or_else(|| kind.map_or(0, PhoneKind::spare_connections)),
        typing: typing.unwrap_or(if kind.is_some() { TYPING } else { Duration::ZERO }),
    }
}

/// Whether a text is a token of HTTP (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
