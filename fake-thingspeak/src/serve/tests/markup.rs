//! No reply is a page of this server with markup from elsewhere: all paths, formats, methods and options, with markup
//! in whatever can be stored and in whatever a request can say.

use http::header::{ACCEPT, HOST};

use super::*;
use crate::cloud::paths;

/// Markup as a device or a caller may write it, also as HTML in XML.
const MARKUP: &str = "<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>";
/// The same in a query.
const IN_A_QUERY: &str = "%3Cscript%20xmlns%3D%27http%3A%2F%2Fwww.w3.org%2F1999%2Fxhtml%27%3Ealert(1)%3C%2Fscript%3E";

const FORMATS: [&str; 6] = ["", ".json", ".xml", ".csv", ".txt", ".html"];
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"];

/// What a request may ask for; `M` stands for markup. Each is tried with the keys and without.
const OPTIONS: [&str; 14] = [
    "",
    "prepend=M&append=M",
    "callback=M",
    "callback=f",
    "status=true&location=true&metadata=true",
    "results=M&days=M&start=M&round=M",
    "timezone=M&offset=M",
    "average=10&min=-1&max=M",
    "title=M&xaxis=M&yaxis=M&color=M&bgcolor=M&type=M&width=M&height=M&update=M&dynamic=true",
    "_method=M",
    "name=M&description=M&field1=M&tags=M&url=M&latitude=M&public_flag=true",
    "field1=M&status=M&lat=M&created_at=M",
    "command_string=M",
    "M=M",
];

/// A service to ask, with what opens it.
struct Site {
    world: World,
    talkback: (u32, String),
    user: String,
}

impl Site {
    /// A service in which everything that can hold markup does.
    fn new(profile: Profile) -> Self {
        let world = World::new(&[]);
        let mut cloud = Cloud::new([3; 32]).with_profile(profile).with_write_interval(time::Duration::ZERO);
        let name = || Some(MARKUP.to_owned());
        let about = NewChannel { name: MARKUP.to_owned(), fields: std::array::from_fn(|_| name()), public: true };
        let access = cloud.create_channel(about, START);
        let talkback = cloud.create_talkback();
        let user = cloud.user().key.clone();
        let mut site = Self {
            world: World { access, cloud: RefCell::new(cloud), ..world },
            talkback: (talkback.talkback, talkback.key),
            user,
        };
        site.fill();
        site
    }

    /// Writes markup wherever it is taken.
    fn fill(&mut self) {
        let (channel, key) = (self.world.access.channel, self.world.access.write_key.clone());
        let fields: String = (1..=8).map(|field| format!("&field{field}={IN_A_QUERY}")).collect();
        let place = format!("&lat=1&long=2&elevation={IN_A_QUERY}&status={IN_A_QUERY}");
        let (talkback, talkback_key) = self.talkback.clone();
        let command = format!("/talkbacks/{talkback}/commands?api_key={talkback_key}&command_string={IN_A_QUERY}");
        let about = format!("description={IN_A_QUERY}&metadata={IN_A_QUERY}&tags={IN_A_QUERY}&elevation={IN_A_QUERY}");
        for (method, target) in [
            ("PUT", format!("/channels/{channel}?api_key={}&{about}", self.user)),
            ("GET", format!("/update?api_key={key}{fields}{place}")),
            ("POST", command.clone()),
            ("POST", command),
            ("GET", format!("/talkbacks/{talkback}/commands/execute?api_key={talkback_key}")),
        ] {
            let request = Request::builder().method(method).uri(&target).body(Bytes::new()).unwrap();
            let done = self.world.cloud.borrow_mut().handle(&request, START, CLIENT).reply.response(&request);
            assert_eq!(done.status(), StatusCode::OK, "{method} {target}");
        }
    }
}

impl Host for Site {
    fn now(&self) -> OffsetDateTime {
        START
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        self.world.sleep(duration)
    }

    fn verdict(&self, request: &Request<Bytes>) -> Verdict {
        self.world.verdict(request)
    }

    fn with_cloud<R>(&self, work: impl FnOnce(&mut Cloud) -> R) -> R {
        self.world.with_cloud(work)
    }

    fn stored(&self, _: &Stored) {}

    fn exchanged(&self, _: &Exchange) {}

    fn tls_finished(&self, _: TlsOutcome) {}
}

/// What a browser is told of a reply.
struct Told {
    body: String,
    content_type: Option<String>,
    policy: Option<String>,
    no_guessing: bool,
}

/// The replies to requests on one connection.
async fn replies<H: Host>(host: &H, requests: &[String]) -> Vec<Told> {
    let (client, io) = duplex(1 << 20);
    let (mut from, mut to) = tokio::io::split(client);
    let ask = async {
        for request in requests {
            to.write_all(request.as_bytes()).await.unwrap();
        }
        to.shutdown().await.unwrap();
    };
    let hear = async {
        let mut said = Vec::new();
        from.read_to_end(&mut said).await.unwrap();
        said
    };
    let (_, (), said) = tokio::join!(serve(io, None, CLIENT, host), ask, hear);
    let mut rest = &said[..];
    let mut replies = Vec::new();
    while !rest.is_empty() {
        let (reply, after) = parsed(rest, requests[replies.len()].starts_with("HEAD "));
        replies.push(reply);
        rest = after;
    }
    replies
}

/// The first reply of these, and what comes after it.
fn parsed(said: &[u8], has_no_body: bool) -> (Told, &[u8]) {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(said).unwrap() else { panic!("{said:?}") };
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8(header.value.to_vec()).unwrap())
    };
    let mut rest = &said[head..];
    let mut body = Vec::new();
    if !has_no_body && header("transfer-encoding").is_some() {
        loop {
            let httparse::Status::Complete((start, length)) = httparse::parse_chunk_size(rest).unwrap() else {
                panic!("{rest:?}")
            };
            let end = start + usize::try_from(length).unwrap();
            body.extend_from_slice(&rest[start..end]);
            rest = &rest[end + 2..];
            if length == 0 {
                break;
            }
        }
    } else if !has_no_body {
        let length = header("content-length").map_or(0, |length| length.parse().unwrap());
        body.extend_from_slice(&rest[..length]);
        rest = &rest[length..];
    }
    let told = Told {
        body: String::from_utf8(body).unwrap(),
        content_type: header("content-type"),
        policy: header("content-security-policy"),
        no_guessing: header("x-content-type-options").is_some_and(|value| value == "nosniff"),
    };
    (told, rest)
}

impl Told {
    /// Fails if a browser could make a page of it in which markup of others runs.
    fn check(&self, request: &str) {
        if !self.body.contains('<') {
            return;
        }
        let policy = self.policy.as_deref().unwrap_or_default();
        assert!(self.content_type.is_some() && self.no_guessing, "{request}: {}", self.body);
        let sealed = policy.split("; ").any(|word| word == "sandbox");
        // A page of ours: no script but files of this server, and nothing in it that was not escaped.
        let ours = policy.starts_with("default-src 'none'; ")
            && policy.contains("script-src 'self';")
            && !self.body.contains("<script xmlns");
        assert!(sealed || ours, "{request}: {policy}: {}", self.body);
    }

    /// Whether others wrote markup that a browser would show as a page if it were not told otherwise.
    fn is_dangerous(&self) -> bool {
        let kind = self.content_type.as_deref().unwrap_or_default();
        self.body.contains("<script xmlns") && (kind.starts_with("text/html") || kind.starts_with("text/plain"))
    }
}

#[tokio::test(start_paused = true)]
async fn no_reply_is_a_page_that_others_wrote() {
    let (mut seen, mut dangerous, mut bare) = (0, 0, 0);
    for profile in Profile::ALL {
        let site = Site::new(profile);
        let World { access, .. } = &site.world;
        let (talkback, talkback_key) = &site.talkback;
        let keys = [&access.write_key, &site.user, talkback_key, ""];
        let login = site.with_cloud(|cloud| cloud.user().login.clone());
        let mut targets = paths(access.channel, *talkback, &login);
        targets.push(format!("/nothing/{IN_A_QUERY}"));
        for path in targets {
            for format in FORMATS.iter().filter(|format| format.is_empty() || !path.contains('.')) {
                for method in METHODS {
                    let mut requests = Vec::new();
                    for key in keys {
                        for options in OPTIONS {
                            for headers in ["", "&headers=false", "&headers=FALSE&headers=false"] {
                                let query = options.replace('M', IN_A_QUERY);
                                requests.push(format!(
                                    "{method} {path}{format}?api_key={key}&{query}{headers} HTTP/1.1\r\n\
                                     {HOST}: localhost\r\n{ACCEPT}: text/html,*/*\r\n\r\n"
                                ));
                            }
                        }
                    }
                    // What is deleted is wanted again by the next.
                    let fresh = matches!(method, "DELETE" | "PUT" | "POST").then(|| Site::new(profile));
                    let replies = replies(fresh.as_ref().unwrap_or(&site), &requests).await;
                    assert_eq!(replies.len(), requests.len());
                    for (request, reply) in requests.iter().zip(replies) {
                        reply.check(request);
                        seen += 1;
                        dangerous += usize::from(reply.is_dangerous());
                        bare += usize::from(reply.is_dangerous() && request.contains("headers=false"));
                    }
                }
            }
        }
    }
    // Or there would have been nothing to see.
    assert!(seen > 100_000 && dangerous > 1_000 && bare > 500, "{seen} {dangerous} {bare}");
}

#[tokio::test(start_paused = true)]
async fn neither_faults_nor_refusals_let_markup_out() {
    for fault in [Fault::Chunked, Fault::TooSoon, Fault::RefuseKey].into_iter().chain((200..600).map(Fault::Status)) {
        let mut site = Site::new(Profile::Docs);
        site.world.faults = vec![fault];
        for target in paths(site.world.access.channel, site.talkback.0, "x") {
            for format in [".json", ".xml", ""].iter().filter(|format| format.is_empty() || !target.contains('.')) {
                let request =
                    format!("GET {target}{format}?headers=false&prepend={IN_A_QUERY} HTTP/1.1\r\nHost: x\r\n\r\n");
                for reply in replies(&site, std::slice::from_ref(&request)).await {
                    reply.check(&format!("{fault:?} {request}"));
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hosts_own_reply_is_no_page_of_others_either() {
    let world = World::new(&[]);
    let request = format!("POST /own HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{MARKUP}", MARKUP.len());
    let [reply] = &replies(&world, std::slice::from_ref(&request)).await[..] else { panic!() };
    assert_eq!((reply.body.as_str(), reply.content_type.as_deref()), (MARKUP, Some("text/plain; charset=utf-8")));
    reply.check(&request);
}
