//! What goes wrong on purpose while the server runs: rules that are set and cleared by hand, each for so many requests,
//! for so long, or until it is cleared.
//!
//! The words are those of a scenario's `inject.cloud` and `inject.man-in-the-middle`, and of its `[cloud]` and `route` where
//! a server on real sockets can do what they say. Of several rules that concern the same thing (a request, a connection,
//! whom it meets over TLS), the one that was set last counts, as in a scenario.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_thingspeak::attack::Attack;
use fake_thingspeak::certificates::Kind;
use fake_thingspeak::serve::{Fault, FaultNeeds};
use serde::ser::{Serialize, SerializeMap, Serializer};
use tokio::time::Instant;

/// The longest delay, and the longest that a rule may last.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// What a word asks for.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Request(FaultNeeds),
    Connection(ConnectionFault),
    Certificate,
    ManInTheMiddle,
}

/// What strikes before there is a request.
const BEFORE_REQUESTS: [(&str, Asked); 5] = [
    ("silent-connection", Asked::Connection(ConnectionFault::Silent)),
    ("reset-connection", Asked::Connection(ConnectionFault::Reset)),
    ("refused-connection", Asked::Connection(ConnectionFault::Refused)),
    ("certificate", Asked::Certificate),
    ("man-in-the-middle", Asked::ManInTheMiddle),
];

/// All that can be asked for, by its word.
fn offered() -> impl Iterator<Item = (&'static str, Asked)> {
    let requests = Fault::WORDS.iter().filter(|word| word.offer.is_some());
    requests.map(|word| (word.word, Asked::Request(word.needs))).chain(BEFORE_REQUESTS)
}

/// The words for faults.
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    offered().map(|(word, _)| word)
}

/// The words for bad certificates.
pub(crate) fn certificates() -> impl Iterator<Item = &'static str> + Clone {
    Kind::BAD.iter().map(|kind| kind.word())
}

/// The words for what a man in the middle does.
pub(crate) fn attacks() -> impl Iterator<Item = &'static str> + Clone {
    Attack::ALL.iter().map(|attack| attack.word())
}

/// Words in a message.
fn list(words: impl Iterator<Item = &'static str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
enum Effect {
    /// With a request.
    Request(Fault),
    /// With a new connection.
    Connection(ConnectionFault),
    /// With a new connection over TLS.
    Tls(TlsFault),
}

/// What happens to a new connection over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsFault {
    /// The cloud shows a bad certificate.
    Certificate(Kind),
    /// Somebody else answers.
    Attack(Attack),
}

/// What happens to a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionFault {
    /// It is accepted, and nothing comes of it.
    Silent,
    /// It is accepted, and then reset.
    Reset,
    /// Nobody listens.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Remaining {
    Always,
    Times(u32),
    Until(Instant),
}

/// A rule as it was asked for; the words of the request are kept to be shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    word: &'static str,
    parameter: Option<(&'static str, Parameter)>,
    path: Option<String>,
    effect: Effect,
    remaining: Remaining,
}

#[derive(Clone, Debug, PartialEq)]
enum Parameter {
    Number(f64),
    Word(&'static str),
}

impl Order {
    /// Whether it is of TLS, and strikes nobody without.
    pub(super) fn is_of_tls(&self) -> bool {
        matches!(self.effect, Effect::Tls(_))
    }

    /// Reads an order: `fault`, what that fault needs (`status`, `delay` in seconds, `certificate`, `attack`), and perhaps
    /// `count` or `seconds`, and `path`. The error says what would be right.
    pub(super) fn parse(mut given: BTreeMap<String, String>, now: Instant) -> Result<Self, String> {
        let mut take = |name: &str| given.remove(name).map(|value| value.trim().to_owned());
        let fault = take("fault").ok_or_else(|| format!("`fault` is missing: one of {}", list(words())))?;
        let found = offered().find(|(word, _)| *word == fault);
        let (word, asked) = found.ok_or_else(|| format!("`{fault}` is no fault; there are {}", list(words())))?;
        let mut parameter = None;
        let effect = match asked {
            Asked::Request(FaultNeeds::Nothing(fault)) => Effect::Request(fault),
            Asked::Request(FaultNeeds::Status(make)) => {
                let status = take("status").ok_or_else(|| format!("`{word}` needs a `status` like 503"))?;
                let number: Option<u16> = status.parse().ok().filter(|status| (200..=599).contains(status));
                let number = number.ok_or_else(|| format!("`{status}` is no status from 200 to 599"))?;
                parameter = Some(("status", Parameter::Number(number.into())));
                Effect::Request(make(number))
            }
            Asked::Request(FaultNeeds::Delay(make)) => {
                let given = take("delay").ok_or_else(|| format!("`{word}` needs `delay`, in seconds"))?;
                let delay = seconds("delay", &given)?;
                parameter = Some(("delay", Parameter::Number(delay.as_secs_f64())));
                Effect::Request(make(delay))
            }
            Asked::Request(FaultNeeds::Error(_)) => return Err(format!("`{word}` is for simulated worlds")),
            Asked::Connection(fault) => Effect::Connection(fault),
            Asked::Certificate => {
                let known = Kind::BAD.iter().map(|kind| (kind.word(), *kind));
                let (shown, kind) = choice(known, word, "certificate", take("certificate"))?;
                parameter = Some(("certificate", Parameter::Word(shown)));
                Effect::Tls(TlsFault::Certificate(kind))
            }
            Asked::ManInTheMiddle => {
                let known = Attack::ALL.iter().map(|attack| (attack.word(), *attack));
                let (shown, attack) = choice(known, word, "attack", take("attack"))?;
                parameter = Some(("attack", Parameter::Word(shown)));
                Effect::Tls(TlsFault::Attack(attack))
            }
        };
        let path = take("path");
        match &path {
            Some(_) if !matches!(effect, Effect::Request(_)) => {
                return Err(format!("`path` means nothing for `{word}`, which strikes before there is a request"));
            }
            Some(path) if !path.starts_with('/') => {
                return Err(format!("`path` is how the paths of requests begin, like /update, not `{path}`"));
            }
            _ => {}
        }
        let remaining = match (take("count"), take("seconds")) {
            (Some(_), Some(_)) => return Err("either `count` or `seconds`, not both".to_owned()),
            (Some(count), None) => {
                let number = count.parse().ok().filter(|count| *count > 0);
                Remaining::Times(number.ok_or_else(|| format!("`{count}` is no count from 1"))?)
            }
            (None, Some(text)) => Remaining::Until(now + seconds("seconds", &text)?),
            (None, None) => Remaining::Always,
        };
        let refuses = effect == Effect::Connection(ConnectionFault::Refused);
        if refuses && !matches!(remaining, Remaining::Until(_)) {
            return Err(format!(
                "`{word}` needs `seconds`: until they are over, nobody reaches the server to clear it"
            ));
        }
        match given.keys().next() {
            Some(name) => Err(format!("`{name}` means nothing for `{word}`")),
            None => Ok(Self { word, parameter, path, effect, remaining }),
        }
    }
}

/// What the word `given` for `name` stands for, which the fault `fault` needs.
fn choice<T>(
    known: impl Iterator<Item = (&'static str, T)> + Clone,
    fault: &str,
    name: &str,
    given: Option<String>,
) -> Result<(&'static str, T), String> {
    let all = list(known.clone().map(|(word, _)| word));
    let given = given.ok_or_else(|| format!("`{fault}` needs `{name}`: one of {all}"))?;
    let mut known = known;
    known.find(|(word, _)| *word == given).ok_or_else(|| format!("`{given}` is no {name}; there are {all}"))
}

/// A number of seconds, perhaps with decimals.
fn seconds(name: &str, text: &str) -> Result<Duration, String> {
    let number: Option<f64> = text.parse().ok().filter(|seconds| *seconds > 0.0);
    let duration = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| format!("`{name}` is a number of seconds above 0, of 366 days at most, not `{text}`"))
}

/// A rule that is set.
#[derive(Debug)]
struct Rule {
    id: u64,
    order: Order,
}

impl Rule {
    /// What it is called in the record.
    fn name(&self) -> String {
        let kind = match self.order.parameter {
            Some((_, Parameter::Word(kind))) => format!(" {kind}"),
            _ => String::new(),
        };
        format!("fault {}, {}{kind}", self.id, self.order.word)
    }
}

/// A rule as it is shown at some time.
pub(super) struct Shown<'a>(&'a Rule, Instant);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Rule { id, order }, now) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", id)?;
        map.serialize_entry("fault", order.word)?;
        match &order.parameter {
            Some((name, Parameter::Number(number))) if number.fract() == 0.0 => {
                map.serialize_entry(name, &(*number as u64))?;
            }
            Some((name, Parameter::Number(number))) => map.serialize_entry(name, number)?,
            Some((name, Parameter::Word(word))) => map.serialize_entry(name, word)?,
            None => {}
        }
        if let Some(path) = &order.path {
            map.serialize_entry("path", path)?;
        }
        match order.remaining {
            Remaining::Always => map.serialize_entry("remaining", &())?,
            Remaining::Times(count) => map.serialize_entry("remaining", &BTreeMap::from([("count", count)]))?,
            Remaining::Until(end) => {
                let seconds = end.saturating_duration_since(*now).as_millis().div_ceil(1_000) as u64;
                map.serialize_entry("remaining", &BTreeMap::from([("seconds", seconds)]))?;
            }
        }
        map.end()
    }
}

/// The rules that are set.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<Rule>,
    last_id: u64,
}

impl Faults {
    /// Sets a rule; its number.
    pub(super) fn set(&mut self, order: Order) -> u64 {
        self.last_id += 1;
        self.rules.push(Rule { id: self.last_id, order });
        self.last_id
    }

    /// Clears a rule; whether there was one.
    pub(super) fn clear(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        self.rules.len() < before
    }

    /// Clears all rules.
    pub(super) fn clear_all(&mut self) {
        self.rules.clear();
    }

    /// The rules that are still in force, in the order in which they were set.
    pub(super) fn list(&mut self, now: Instant) -> Vec<Shown<'_>> {
        self.expire(now);
        self.rules.iter().map(|rule| Shown(rule, now)).collect()
    }

    /// What happens to a request for `path`, counted, with the rule's name for the record.
    pub(super) fn request(&mut self, path: &str, now: Instant) -> Option<(String, Fault)> {
        self.apply(now, |order| match &order.effect {
            Effect::Request(fault) if order.path.as_ref().is_none_or(|begin| path.starts_with(begin)) => Some(*fault),
            _ => None,
        })
    }

    /// What happens to a new connection, counted.
    pub(super) fn connection(&mut self, now: Instant) -> Option<(String, ConnectionFault)> {
        self.apply(now, |order| if let Effect::Connection(fault) = order.effect { Some(fault) } else { None })
    }

    /// What happens to a new connection over TLS, counted.
    pub(super) fn tls(&mut self, now: Instant) -> Option<(String, TlsFault)> {
        self.apply(now, |order| if let Effect::Tls(fault) = order.effect { Some(fault) } else { None })
    }

    /// Whether there is a rule for connections.
    pub(super) fn has_connection_faults(&mut self, now: Instant) -> bool {
        self.expire(now);
        self.rules.iter().any(|rule| matches!(rule.order.effect, Effect::Connection(_)))
    }

    /// Whether connections are refused: the rule's name for the record, and until when.
    pub(super) fn refusal(&mut self, now: Instant) -> Option<(String, Instant)> {
        self.expire(now);
        let rule = self.rules.iter().rev().find(|rule| matches!(rule.order.effect, Effect::Connection(_)))?;
        match (&rule.order.effect, rule.order.remaining) {
            (Effect::Connection(ConnectionFault::Refused), Remaining::Until(end)) => Some((rule.name(), end)),
            _ => None,
        }
    }

    fn expire(&mut self, now: Instant) {
        self.rules.retain(|rule| match rule.order.remaining {
            Remaining::Always => true,
            Remaining::Times(count) => count > 0,
            Remaining::Until(end) => end > now,
        });
    }

    fn apply<F>(&mut self, now: Instant, select: impl Fn(&Order) -> Option<F>) -> Option<(String, F)> {
        if self.rules.is_empty() {
            return None;
        }
        self.expire(now);
        self.rules.iter_mut().rev().find_map(|rule| {
            let fault = select(&rule.order)?;
            if let Remaining::Times(count) = &mut rule.order.remaining {
                *count -= 1;
            }
            Some((rule.name(), fault))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(given: &[(&str, &str)]) -> Result<Order, String> {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Order::parse(given, Instant::now())
    }

    #[test]
    fn every_word_is_a_fault() {
        for word in words() {
            let needs = match word {
                "status" => ("status", "503"),
                "certificate" => ("certificate", "expired"),
                "man-in-the-middle" => ("attack", "empty-record"),
                "refused-connection" => ("seconds", "1"),
                word if word.starts_with("delay") || word.starts_with("retry-after") => ("delay", "2.5"),
                _ => ("count", "1"),
            };
            let order = order(&[("fault", word), needs]).unwrap();
            assert_eq!(order.word, word);
        }
        let delay = order(&[("fault", "delay-after-storing"), ("delay", "0.25")]).unwrap();
        assert_eq!(delay.effect, Effect::Request(Fault::DelayAfterStoring(Duration::from_millis(250))));
    }

    #[test]
    fn an_order_that_makes_no_sense_is_told_what_would() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "`fault` is missing: one of status, "),
            (&[("fault", "nap")], "`nap` is no fault; there are status, "),
            (&[("fault", "status")], "needs a `status` like 503"),
            (&[("fault", "status"), ("status", "199")], "from 200 to 599"),
            (&[("fault", "delay-before-storing")], "needs `delay`, in seconds"),
            (&[("fault", "delay-before-storing"), ("delay", "NaN")], "not `NaN`"),
            (&[("fault", "delay-before-storing"), ("delay", "1e300")], "is a number of seconds"),
            (&[("fault", "reset"), ("seconds", "-1")], "not `-1`"),
            (&[("fault", "refused-connection")], "needs `seconds`"),
            (&[("fault", "refused-connection"), ("count", "1")], "needs `seconds`"),
            (&[("fault", "reset"), ("count", "0")], "`0` is no count from 1"),
            (&[("fault", "reset"), ("count", "1"), ("seconds", "1")], "not both"),
            (&[("fault", "reset"), ("delay", "1")], "`delay` means nothing for `reset`"),
            (&[("fault", "reset"), ("path", "update")], "like /update"),
            (&[("fault", "certificate"), ("certificate", "nice")], "`nice` is no certificate; there are expired, "),
            (&[("fault", "man-in-the-middle")], "`man-in-the-middle` needs `attack`: one of forged-certificate, "),
            (
                &[("fault", "man-in-the-middle"), ("attack", "nap")],
                "`nap` is no attack; there are forged-certificate, ",
            ),
            (&[("fault", "certificate"), ("certificate", "expired"), ("attack", "empty-record")], "means nothing for"),
            (
                &[("fault", "man-in-the-middle"), ("attack", "empty-record"), ("path", "/update")],
                "`path` means nothing for `man-in-the-middle`",
            ),
        ];
        for (given, expected) in cases {
            let message = order(given).unwrap_err();
            assert!(message.contains(expected), "{given:?}: {message}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rule_lasts_as_long_as_it_should_and_the_last_one_counts() {
        let mut faults = Faults::default();
        let now = Instant::now();
        let set = |faults: &mut Faults, given: &[(&str, &str)]| faults.set(order(given).unwrap());
        set(&mut faults, &[("fault", "chunked")]);
        set(&mut faults, &[("fault", "reset"), ("seconds", "10")]);
        set(&mut faults, &[("fault", "status"), ("status", "503"), ("count", "2"), ("path", "/update")]);
        set(&mut faults, &[("fault", "silent-connection"), ("count", "1")]);
        let shown = serde_json::to_string(&faults.list(now)).unwrap();
        let expected = concat!(
            r#"[{"id":1,"fault":"chunked","remaining":null},{"id":2,"fault":"reset","remaining":{"seconds":10}},"#,
            r#"{"id":3,"fault":"status","status":503,"path":"/update","remaining":{"count":2}},"#,
            r#"{"id":4,"fault":"silent-connection","remaining":{"count":1}}]"#,
        );
        assert_eq!(shown, expected);
        let mut next = |path: &str, now| faults.request(path, now).map(|(rule, _)| rule);
        assert_eq!(next("/update", now).as_deref(), Some("fault 3, status"));
        assert_eq!(next("/channels", now).as_deref(), Some("fault 2, reset"));
        assert_eq!(next("/update.json", now).as_deref(), Some("fault 3, status"));
        assert_eq!(next("/update", now).as_deref(), Some("fault 2, reset"));
        assert_eq!(next("/update", now + Duration::from_secs(10)).as_deref(), Some("fault 1, chunked"));
        let now = now + Duration::from_secs(10);
        assert_eq!(faults.connection(now), Some(("fault 4, silent-connection".to_owned(), ConnectionFault::Silent)));
        assert_eq!((faults.connection(now), faults.tls(now)), (None, None));
        assert_eq!(faults.list(now).len(), 1);
        assert!(faults.clear(1) && !faults.clear(1) && !faults.clear(3));
        assert_eq!(faults.request("/update", now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_certificate_and_an_attack_the_last_one_counts() {
        let mut faults = Faults::default();
        let now = Instant::now();
        faults.set(order(&[("fault", "certificate"), ("certificate", "expired")]).unwrap());
        faults.set(order(&[("fault", "man-in-the-middle"), ("attack", "no-certificate"), ("count", "1")]).unwrap());
        let shown = serde_json::to_value(faults.list(now)).unwrap();
        assert_eq!((&shown[1]["fault"], &shown[1]["attack"]), (&"man-in-the-middle".into(), &"no-certificate".into()));
        let attack = TlsFault::Attack(Attack::NoCertificate);
        assert_eq!(faults.tls(now), Some(("fault 2, man-in-the-middle no-certificate".to_owned(), attack)));
        let certificate = TlsFault::Certificate(Kind::Expired);
        assert_eq!(faults.tls(now), Some(("fault 1, certificate expired".to_owned(), certificate)));
        assert_eq!(faults.request("/", now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_refused_until_the_time_is_over_or_another_fault_counts() {
        let mut faults = Faults::default();
        let now = Instant::now();
        assert_eq!(faults.refusal(now), None);
        faults.set(order(&[("fault", "refused-connection"), ("seconds", "10")]).unwrap());
        let end = now + Duration::from_secs(10);
        assert_eq!(faults.refusal(now), Some(("fault 1, refused-connection".to_owned(), end)));
        let other = faults.set(order(&[("fault", "silent-connection")]).unwrap());
        assert_eq!(faults.refusal(now), None);
        faults.clear(other);
        assert!(faults.refusal(now).is_some());
        assert_eq!(faults.refusal(end), None);
    }

    /// All words and the names of all values that a part of the scenarios' schema has.
    fn said(schema: &serde_json::Value) -> std::collections::BTreeSet<String> {
        let inside: Vec<_> = match schema {
            serde_json::Value::Object(object) => object.values().collect(),
            serde_json::Value::Array(list) => list.iter().collect(),
            _ => Vec::new(),
        };
        let mut said: std::collections::BTreeSet<String> = inside.into_iter().flat_map(said).collect();
        said.extend(schema["const"].as_str().map(str::to_owned));
        said.extend(schema["properties"].as_object().into_iter().flat_map(|all| all.keys().cloned()));
        said
    }

    #[test]
    fn what_a_scenario_says_of_the_cloud_can_be_set() {
        let schema = include_str!("../../../simulator/schema/scenario.schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let inject = &schema["properties"]["faults"]["items"]["properties"]["inject"]["properties"];
        let mut faults = said(&inject["cloud"]);
        faults.extend(said(&inject["route"]["properties"]["reply"]).iter().map(|word| format!("{word}-connection")));
        faults.extend(["certificate", "man-in-the-middle"].map(str::to_owned));
        // A server on real sockets tells the machine's time: a wrong one is for simulated worlds.
        assert!(faults.remove("date-wrong-by"));
        assert_eq!(faults, words().map(str::to_owned).collect());
        assert_eq!(said(&inject["man-in-the-middle"]), attacks().map(str::to_owned).collect());
        let mut certificates = said(&schema["properties"]["cloud"]["properties"]["certificate"]);
        assert!(certificates.remove("good"));
        // The others are what a man in the middle shows.
        let known = super::certificates().map(str::to_owned).collect();
        assert!(!certificates.is_empty() && certificates.is_subset(&known), "{certificates:?}");
    }

    /// What a page offers and what can be set are told in two places.
    #[test]
    fn the_page_offers_every_fault() {
        let request = http::Request::get("/_preflash/").header("host", "localhost").body(hyper::body::Bytes::new());
        let mut cloud = fake_thingspeak::cloud::Cloud::new([7; 32]);
        let (now, here) = (time::OffsetDateTime::UNIX_EPOCH, [127, 0, 0, 1].into());
        let control = fake_thingspeak::visitor::Control::AtDesk;
        let page = fake_thingspeak::pages::respond(&mut cloud, &request.unwrap(), now, here, control).unwrap();
        let page = String::from_utf8(page.into_body().to_vec()).unwrap();
        for word in words() {
            assert!(page.contains(&format!(r#"name="fault" value="{word}""#)), "{word}");
        }
        assert_eq!(page.matches(r#"name="fault""#).count(), words().count());
        let options = certificates().chain(attacks());
        options.clone().for_each(|word| assert!(page.contains(&format!("<option>{word}</option>")), "{word}"));
        assert_eq!(page.matches("<option>").count(), options.count());
    }
}
