//! Pages as a browser gets them: what they show, to which requests, and what cannot get into them.

use std::net::Ipv4Addr;

use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use time::Duration;
use time::macros::datetime;

use http::header::HOST;

use super::*;
use crate::injection::{TlsFaultKind, injections};
use fake_thingspeak::cloud::{Access, NewChannel};

const START: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
/// What must not become part of a page.
const MARKUP: &str = "\"'><script>alert(1)</script>\u{1}";

/// A cloud with a channel, and a visitor in front of it.
struct Site {
    cloud: Cloud,
    access: Access,
    now: OffsetDateTime,
}

impl Site {
    fn new(public: bool) -> Self {
        let mut cloud = Cloud::new([7; 32]);
        let name = |name: &str| Some(name.to_owned());
        let fields = [name("temperature"), name("humidity"), None, None, None, None, None, None];
        let about = NewChannel { name: "duck".to_owned(), fields, public };
        let access = cloud.create_channel(about, START);
        Self { cloud, access, now: START }
    }

    fn filled(&self, text: &str) -> String {
        let Access { channel, write_key, read_key } = &self.access;
        text.replace("WRITE", write_key).replace("READ", read_key).replace("ID", &channel.to_string())
    }

    /// A minute later, what the API answers.
    fn api(&mut self, method: &str, target: &str) -> String {
        self.now += Duration::MINUTE;
        let request = Request::builder().method(method).uri(self.filled(target)).body(Bytes::new()).unwrap();
        let response = self.cloud.handle(&request, self.now, ELSEWHERE).reply.response(&request);
        assert!(response.status().is_success(), "{target}: {response:?}");
        String::from_utf8(response.body().to_vec()).unwrap()
    }

    fn store(&mut self, values: &[&str]) {
        for value in values {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("field1", value).finish();
            let stored = self.api("GET", &format!("/update?api_key=WRITE&{query}"));
            assert_ne!(stored, "0");
        }
    }

    fn reply(&mut self, target: &str, host: &str, client: IpAddr) -> Option<Response<Bytes>> {
        let request = Request::get(self.filled(target)).header(HOST, host).header(ACCEPT, "text/html,*/*;q=0.8");
        respond(&mut self.cloud, &request.body(Bytes::new()).unwrap(), self.now, client, Control::ThisMachine)
    }

    /// The status of a page and the page, for a request from elsewhere.
    fn get(&mut self, target: &str) -> (u16, String) {
        let reply = self.reply(target, "thing.example", ELSEWHERE).unwrap();
        (reply.status().as_u16(), String::from_utf8(reply.body().to_vec()).unwrap())
    }

    fn chart(&mut self, query: &str) -> String {
        let (status, svg) = self.get(&format!("/channels/ID/charts/1.svg?{query}"));
        assert_eq!(status, 200, "{query}");
        svg
    }
}

/// The values that the pointer finds in a chart.
fn told(svg: &str) -> Vec<&str> {
    let titles = svg.split("<title>").skip(1).map(|rest| rest.split("</title>").next().unwrap());
    titles.filter_map(|title| Some(title.split_once(" · ")?.0)).collect()
}

/// The line of a chart.
fn line(svg: &str) -> &str {
    svg.split(" d=\"").nth(1).unwrap().split('"').next().unwrap()
}

#[test]
fn a_channels_page_shows_what_the_feed_has() {
    let mut site = Site::new(true);
    site.store(&["21.5", "21.75", "-3"]);
    let feed: serde_json::Value = serde_json::from_str(&site.api("GET", "/channels/ID/feeds.json")).unwrap();
    let fed: Vec<_> = feed["feeds"].as_array().unwrap().iter().map(|row| row["field1"].as_str().unwrap()).collect();
    let (status, page) = site.get("/channels/ID");
    assert_eq!(status, 200);
    assert_eq!(told(&page), fed);
    let rows: Vec<_> =
        page.split("<tr><td>").skip(1).map(|row| row.split("<td class=\"number\">").nth(1).unwrap()).collect();
    let newest_first = fed.iter().rev().map(|value| format!("{value}</td>"));
    assert!(rows.iter().zip(newest_first).all(|(row, value)| row.starts_with(&value)) && rows.len() == 3, "{rows:?}");
    assert!(page.contains("<p class=\"value\">-3</p>") && page.contains("2026-01-01 00:03:00"), "{page}");
    assert!(page.contains("last write <time") && page.contains("60 s ago"), "{page}");
}

/// Readings that were kept while there was no network come after newer ones.
#[test]
fn the_last_value_is_the_one_that_was_stored_last_wherever_it_is_shown() {
    let mut site = Site::new(true);
    site.store(&["21.5"]);
    let page = site.get("/channels/ID").1;
    assert!(!page.contains("stored last, of another time"), "{page}");
    site.api("GET", "/update?api_key=WRITE&field1=7&status=late&created_at=2025-12-31T22:00:00Z");
    for (path, expected) in [
        ("/channels/ID/fields/1/last", "7"),
        ("/channels/ID/fields/1/last.txt", "7"),
        ("/channels/ID/last_entry_id", "2"),
        ("/channels/ID/feeds/last_entry_id.txt", "2"),
        ("/channels/ID/status/last.txt", "late"),
    ] {
        assert_eq!(site.api("GET", path), expected, "{path}");
    }
    for path in ["/channels/ID/feeds/last.json", "/channels/ID/fields/1/last.json", "/channels/ID/status/last.json"] {
        let last: serde_json::Value = serde_json::from_str(&site.api("GET", path)).unwrap();
        assert_eq!((last["entry_id"].as_u64(), last["created_at"].as_str()), (Some(2), Some("2025-12-31T22:00:00Z")));
    }
    for path in ["/channels/ID/feeds/last_data_age.txt", "/channels/ID/fields/1/last_data_age.txt"] {
        let age: i64 = site.api("GET", path).parse().unwrap();
        assert_eq!(age, (site.now - datetime!(2025-12-31 22:00 UTC)).whole_seconds(), "{path}");
    }
    let feed: serde_json::Value = serde_json::from_str(&site.api("GET", "/channels/ID/feeds.json?results=9")).unwrap();
    assert_eq!(feed["channel"]["last_entry_id"], 2);
    assert_eq!(feed["feeds"][1]["field1"], "21.5", "a feed is in the order of time");
    assert_eq!(site.cloud.channels()[0].last_values[0].as_deref(), Some("7"));
    let (list, page) = (site.get("/").1, site.get("/channels/ID").1);
    assert!(list.contains("<dd>7</dd>") && page.contains("<p class=\"value\">7</p>"), "{list} {page}");
    assert!(page.contains("stored last, of another time: <time"), "{page}");
    assert_eq!(told(&page), ["7", "21.5"]);
}

#[test]
fn a_client_of_the_api_gets_no_page() {
    let mut site = Site::new(true);
    for (path, accept) in
        [("/channels/ID", "*/*"), ("/channels/public", "application/json"), ("/channels/ID.json", "text/html")]
    {
        let request = Request::get(site.filled(path)).header(ACCEPT, accept).body(Bytes::new()).unwrap();
        assert!(respond(&mut site.cloud, &request, START, HERE, Control::ThisMachine).is_none(), "{path}");
    }
    for path in
        ["/update?api_key=WRITE&field1=1", "/channels/ID/feeds.json", "/channels/ID/feeds", "/channels.json", "/x"]
    {
        assert!(site.reply(path, "localhost", HERE).is_none(), "{path}");
    }
    let request = Request::post("/").body(Bytes::new()).unwrap();
    assert!(respond(&mut site.cloud, &request, START, HERE, Control::ThisMachine).is_none());
    assert!(site.cloud.entries(site.access.channel).unwrap().is_empty());
}

#[test]
fn keys_are_shown_on_the_servers_machine_alone() {
    let mut site = Site::new(true);
    let name = |name: &str| Some(name.to_owned());
    let fields = [name("secret"), None, None, None, None, None, None, None];
    let hidden = site.cloud.create_channel(NewChannel { name: "hidden".to_owned(), fields, public: false }, START);
    let talkback = site.cloud.create_talkback();
    let secrets = [
        site.access.write_key.clone(),
        site.access.read_key.clone(),
        hidden.write_key,
        hidden.read_key,
        talkback.key,
        site.cloud.user().key.clone(),
        "hidden".to_owned(),
    ];
    let shown = |site: &mut Site, target: &str, host: &str, client: IpAddr| {
        let reply = site.reply(target, host, client).unwrap();
        let page = String::from_utf8(reply.body().to_vec()).unwrap();
        assert!(page.contains("duck"), "{page}");
        secrets.iter().filter(|secret| page.contains(secret.as_str())).count()
    };
    let mapped: IpAddr = "::ffff:127.0.0.1".parse().unwrap();
    for (host, client) in
        [("localhost:8080", HERE), ("127.0.0.1:8080", HERE), ("[::1]:80", mapped), ("LOCALHOST", HERE)]
    {
        assert_eq!(shown(&mut site, "/", host, client), secrets.len(), "{host}");
    }
    // From elsewhere, by a name that points here, and without any name.
    for (host, client) in
        [("localhost", ELSEWHERE), ("evil.example:8080", HERE), ("localhost.evil.example", HERE), ("", HERE)]
    {
        assert_eq!(shown(&mut site, "/", host, client), 0, "{host}");
        assert_eq!(site.reply("/_preflash/", host, client).unwrap().status(), 403, "{host}");
    }
    assert_eq!(shown(&mut site, "/channels/public", "localhost", HERE), 0);
    assert_eq!(site.reply("/admin", "localhost", HERE).unwrap().status(), 200);
    let names = ["pond.local".to_owned()];
    for (host, expected) in [("pond.local", 200), ("192.0.2.1:8080", 200), ("evil.example", 403), ("", 403)] {
        let anywhere = Request::get("/_preflash/").header(HOST, host).body(Bytes::new()).unwrap();
        let reply = respond(&mut site.cloud, &anywhere, START, ELSEWHERE, Control::Anywhere(&names)).unwrap();
        assert_eq!(reply.status(), expected, "{host}");
    }
}

#[test]
fn a_private_channel_opens_with_its_key() {
    let mut site = Site::new(false);
    site.store(&["21.5"]);
    for path in ["/channels/ID", "/channels/ID/charts/1", "/channels/ID/charts/1.svg"] {
        let (status, page) = site.get(path);
        assert!(status == 403 && page.contains("not public") && !page.contains("21.5"), "{page}");
        assert_eq!(site.get(&format!("{path}?api_key=WRONG")).0, 403);
        for key in ["api_key=READ", "key=WRITE"] {
            let (status, page) = site.get(&format!("{path}?{key}"));
            assert!(status == 200 && page.contains("21.5"), "{page}");
        }
    }
    for path in ["/channels/1", "/channels/1/charts/1", "/channels/ID/charts/3?api_key=READ"] {
        assert_eq!(site.get(path).0, 404, "{path}");
    }
    assert!(site.reply("/channels/ID/charts/9", "x", HERE).is_none());
}

#[test]
fn what_others_write_stays_text() {
    let mut site = Site::new(true);
    let user = site.cloud.user().key.clone();
    let text = form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect::<String>();
    site.api("PUT", &format!(
        "/channels/ID.json?api_key={user}&name={text}&description={text}&field1={text}&tags={text}&url=javascript:alert(1)&\
         latitude={text}&longitude={text}&elevation={text}"
    ));
    site.api("GET", &format!("/update?api_key=WRITE&field1={text}&status={text}"));
    site.store(&["1"]);
    let in_chart = format!(
        "title={text}&xaxis={text}&yaxis={text}&color={text}&bgcolor={text}&type={text}&timezone={text}&api_key={text}"
    );
    let paths = [
        "/".to_owned(),
        "/channels/ID".to_owned(),
        format!("/channels/ID?{in_chart}"),
        format!("/channels/ID/charts/1?{in_chart}"),
        format!("/channels/ID/charts/1.svg?{in_chart}"),
    ];
    for path in paths {
        let (status, page) = site.get(&path);
        assert_eq!(status, 200, "{path}");
        assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>"), "{page}");
        assert!(!page.contains("javascript:") && !page.contains("onload="), "{page}");
        if page.starts_with("<svg") {
            assert!(!page.contains('\u{1}'), "no XML has such a character: {page}");
        }
    }
}

/// A name of a channel as an attacker chooses it, and the same in a query.
const SCRIPT: &str = "<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>";
const SCRIPT_IN_A_QUERY: &str =
    "%3Cscript%20xmlns%3D%27http%3A%2F%2Fwww.w3.org%2F1999%2Fxhtml%27%3Ealert(1)%3C%2Fscript%3E";

#[test]
fn no_page_or_file_lets_markup_in() {
    let mut site = Site::new(true);
    let name = || Some(SCRIPT.to_owned());
    let about = NewChannel { name: SCRIPT.to_owned(), fields: std::array::from_fn(|_| name()), public: true };
    let channel = site.cloud.create_channel(about, START);
    let key = channel.write_key;
    let fields: String = (1..=8).map(|field| format!("&field{field}={SCRIPT_IN_A_QUERY}")).collect();
    site.api("GET", &format!("/update?api_key={key}{fields}&status={SCRIPT_IN_A_QUERY}"));
    let mut pages = 0;
    for path in paths(channel.channel) {
        for (host, client) in [("localhost", HERE), ("thing.example", ELSEWHERE)] {
            for query in [
                "",
                "api_key=M",
                "results=M&days=M&start=M&round=M&timezone=M&average=10&min=-1&max=M",
                "title=M&xaxis=M&yaxis=M&color=M&bgcolor=M&type=M&width=M&height=M&update=M&dynamic=true",
                "M=M",
            ] {
                let target = format!("{path}?{}", query.replace('M', SCRIPT_IN_A_QUERY));
                let reply = site.reply(&target, host, client).unwrap();
                let header = |name| reply.headers()[name].to_str().unwrap().to_owned();
                let policy = header(CONTENT_SECURITY_POLICY);
                let sealed = policy == "default-src 'none'; sandbox";
                let body = String::from_utf8(reply.body().to_vec()).unwrap();
                assert!(sealed || policy.contains("script-src 'self';"), "{target}: {policy}");
                assert!(!body.contains("<script xmlns"), "{target}: {body}");
                assert_eq!(header(X_CONTENT_TYPE_OPTIONS), "nosniff", "{target}");
                pages += usize::from(body.contains("&lt;script"));
            }
        }
    }
    assert!(pages > 20, "{pages} pages showed the markup as text");
}

#[test]
fn replies_say_what_a_page_may_do() {
    let mut site = Site::new(true);
    let mut policy = |path: &str| {
        let reply = site.reply(path, "localhost", HERE).unwrap();
        assert!(!reply.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "{path}");
        let header = |name| reply.headers()[name].to_str().unwrap().to_owned();
        assert!(header(CONTENT_SECURITY_POLICY).starts_with("default-src 'none'"), "{path}");
        (header(CONTENT_SECURITY_POLICY), header(CONTENT_TYPE))
    };
    for path in ["/", "/channels/ID", "/channels/1", "/_preflash/"] {
        let (policy, kind) = policy(path);
        assert!(policy.ends_with("frame-ancestors 'none'") && kind == "text/html; charset=utf-8", "{path} {policy}");
    }
    assert!(!policy("/channels/ID/charts/1").0.contains("frame-ancestors"));
    assert_eq!(policy("/channels/ID/charts/1.svg").1, "image/svg+xml");
    for file in reply::File::ALL {
        assert_eq!(policy(file.path()).0, "default-src 'none'; sandbox");
    }
}

#[test]
fn any_values_make_a_chart() {
    let mut site = Site::new(true);
    let values = ["21.5", "NaN", "1e308", "-1e308", "x", "1e-300", "21,5", "inf", "0", "9999999999999999999999"];
    site.store(&values);
    for query in
        ["", "results=1", "results=2", "results=0", "start=2030-01-01", "average=10", "min=0&max=1", "width=1&height=1"]
    {
        for kind in ["line", "bar", "column", "spline", "step"] {
            let svg = site.chart(&format!("{query}&type={kind}"));
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"), "{svg}");
            // Neither may stand where a number belongs.
            assert!(
                !svg.contains("=\"NaN") && !svg.contains("inf\"") && !svg.contains("NaN "),
                "{query} {kind}: {svg}"
            );
        }
    }
    let numbers = ["21.5", "1e308", "-1e308", "1e-300", "21,5", "0", "9999999999999999999999"];
    assert_eq!(told(&site.chart("")), numbers);
    assert!(site.chart("").contains("7 of 10 values; the others are no numbers"));
}

#[test]
fn a_line_breaks_where_a_value_is_no_number_and_where_nothing_was_written() {
    let breaks = |svg: &str| line(svg).matches('M').count();
    let mut site = Site::new(true);
    site.store(&["1", "2", "error", "3"]);
    assert_eq!(breaks(&site.chart("")), 2);
    // An entry of another field says nothing of this one.
    site.api("GET", "/update?api_key=WRITE&field2=50");
    site.store(&["4"]);
    assert_eq!(breaks(&site.chart("")), 2);
    assert_eq!(breaks(&site.chart("results=3")), 1);
    site.now += Duration::minutes(30);
    site.store(&["5"]);
    assert_eq!(breaks(&site.chart("average=10")), 2);
    // What stands alone is seen all the same.
    assert!(line(&site.chart("average=10")).ends_with("h0"));
}

#[test]
fn a_chart_looks_as_it_is_told_to() {
    let mut site = Site::new(true);
    site.store(&["1", "2", "3"]);
    let svg = site.chart("");
    assert!(svg.contains("viewBox=\"0 0 450 250\"") && svg.contains("stroke=\"#d62020\""), "{svg}");
    for text in [">duck</text>", ">Date (UTC)</text>", ">temperature</text>", "class=\"chart themed\""] {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    let svg = site.chart(
        "title=Pond&xaxis=When&yaxis=Warmth&color=%230000ff&bgcolor=black&width=600&height=300&timezone=Asia%2FTokyo&\
         yaxismin=-10&yaxismax=10",
    );
    assert!(svg.contains("viewBox=\"0 0 600 300\"") && svg.contains("stroke=\"#0000ff\""), "{svg}");
    for text in
        [">Pond</text>", ">When</text>", ">Warmth</text>", "fill=\"#000000\"", ">\u{2212}10</text>", ">10</text>"]
    {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    assert!(!svg.contains("themed") && svg.contains("1 · 2026-01-01 09:01:00"), "{svg}");
    assert!(!site.chart("title=&xaxis=&yaxis=").contains("class=\"label\""));
    assert_eq!(site.chart("type=column").matches("<rect").count(), 4);
    for (query, commands) in [("", "MLL"), ("type=step", "MHVHV"), ("step=true", "MHVHV"), ("type=spline", "MCC")] {
        let svg = site.chart(query);
        let drawn: String = line(&svg).chars().filter(char::is_ascii_alphabetic).collect();
        assert_eq!(drawn, commands, "{query}");
    }
    assert_eq!(told(&site.chart("results=2")), ["2", "3"]);
    assert_eq!(told(&site.chart("sum=10")), ["6.0"]);
}

#[test]
fn thousands_of_values_are_a_line_without_dots() {
    let mut site = Site::new(true);
    let updates: Vec<_> =
        (0..8_000).map(|at| format!(r#"{{"delta_t":{},"field1":"{}"}}"#, at.min(1) * 15, at % 70)).collect();
    let updates: Vec<_> = updates.chunks(900).map(|chunk| chunk.join(",")).collect();
    for chunk in updates {
        let body = site.filled(&format!(r#"{{"write_api_key":"WRITE","updates":[{chunk}]}}"#));
        site.now += Duration::hours(5);
        let request =
            Request::post(site.filled("/channels/ID/bulk_update.json")).header(CONTENT_TYPE, "application/json");
        let request = request.body(Bytes::from(body)).unwrap();
        let reply = site.cloud.handle(&request, site.now, ELSEWHERE).reply.response(&request);
        assert_eq!(reply.status(), 202, "{reply:?}");
    }
    let svg = site.chart("results=8000&width=1000");
    assert_eq!(svg.matches("<circle").count(), 0);
    assert!(svg.contains("8000 values") && svg.len() < 200_000, "{}", svg.len());
}

#[test]
fn the_page_offers_every_injection() {
    let page = Site::new(true).reply("/_preflash/", "localhost", HERE).unwrap();
    let page = String::from_utf8(page.body().to_vec()).unwrap();
    for injection in injections() {
        assert!(page.contains(&format!(r#"name="fault" value="{}""#, injection.word)), "{}", injection.word);
    }
    assert_eq!(page.matches(r#"name="fault""#).count(), injections().count());
    let choices: Vec<_> = TlsFaultKind::ALL.iter().flat_map(|kind| kind.choices()).collect();
    choices.iter().for_each(|(word, _)| assert!(page.contains(&format!("<option>{word}</option>")), "{word}"));
    assert_eq!(page.matches("<option>").count(), choices.len());
    assert!(page.contains("with <code>Retry-After</code> in seconds"));
    // All that a reply can be told, with pauses below a second.
    for parameter in ["status", "headers", "body", "stores", "piece-bytes", "pause", "close-after-bytes"] {
        assert!(page.contains(&format!(r#"name="{parameter}" data-of="reply""#)), "{parameter}");
    }
    assert!(page.contains(r#"min="0.001" max="3600" step="any""#));
}
