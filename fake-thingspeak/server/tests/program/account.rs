//! The limits of an account, as the command line sets them.

use crate::client::{ask, connect};
use crate::server::{Server, program};

/// A server with `limits`, and what is to be known of it: its address, the write key and the user's key.
fn served(limits: &[&str]) -> (Server, [String; 3]) {
    let server = Server::start(&[&["serve", "--listen", "0", "--write-interval", "0"], limits].concat());
    let (write_key, user_key) = (server.word("write key "), server.word("user key "));
    let http = server.place("http ", "http");
    (server, [http, write_key, user_key])
}

/// Status and body of the reply.
fn asked(http: &str, request: &str) -> (u16, String) {
    let reply =
        ask(connect(http), &format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn a_channel_beyond_max_channels_is_refused_until_one_is_deleted() {
    let (_server, [http, _, user_key]) = served(&["--max-channels", "2"]);
    let make = |name: &str| asked(&http, &format!("POST /channels.json?api_key={user_key}&name={name}"));
    let (status, made) = make("a");
    assert_eq!(status, 200, "{made}");
    let (status, refused) = make("b");
    assert!(status == 402 && refused.contains(r#""error_code":"error_payment_required""#), "{status} {refused}");
    let number: String = made.split("\"id\":").nth(1).unwrap().chars().take_while(char::is_ascii_digit).collect();
    assert_eq!(asked(&http, &format!("DELETE /channels/{number}.json?api_key={user_key}")).0, 200);
    assert_eq!(make("b").0, 200);
}

#[test]
fn channels_of_the_command_line_do_not_ask() {
    let (_server, [http, _, user_key]) = served(&["--max-channels", "1", "--channel", "A:x", "--channel", "B:x"]);
    let (status, channels) = asked(&http, &format!("GET /channels.json?api_key={user_key}"));
    assert_eq!((status, channels.matches("\"id\":").count()), (200, 2), "{channels}");
    assert_eq!(asked(&http, &format!("POST /channels.json?api_key={user_key}")).0, 402);
}

#[test]
fn messages_beyond_the_quota_are_refused_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("duck.db");
    let file = path.to_str().unwrap();
    let update = |limit: &str, times: usize| {
        let (server, [http, write_key, _]) = served(&["--message-quota", limit, "--data", file]);
        let answers = (0..times).map(|_| asked(&http, &format!("GET /update?api_key={write_key}&field1=1"))).collect();
        drop(server);
        answers
    };
    let refused = || (402, "error_payment_required".to_owned());
    let stored = |number: u32| (200, number.to_string());
    let first: Vec<_> = update("2", 3);
    assert_eq!(first, [stored(1), stored(2), refused()]);
    assert_eq!(update("2", 1), [refused()]);
    assert_eq!(update("3", 2), [stored(3), refused()]);
}

#[test]
fn an_emptied_channel_is_no_message_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("duck.db");
    let limits = ["--message-quota", "1", "--data", path.to_str().unwrap()];
    let (server, [http, write_key, user_key]) = served(&limits);
    let update = |http: &str| asked(http, &format!("GET /update?api_key={write_key}&field1=1"));
    assert_eq!(update(&http), (200, "1".to_owned()));
    let channels = asked(&http, &format!("GET /channels.json?api_key={user_key}")).1;
    let number: String = channels.split("\"id\":").nth(1).unwrap().chars().take_while(char::is_ascii_digit).collect();
    assert_eq!(asked(&http, &format!("DELETE /channels/{number}/feeds.json?api_key={user_key}")).0, 200);
    assert_eq!(update(&http).0, 402);
    drop(server);
    let (_server, [http, ..]) = served(&limits);
    assert_eq!(update(&http), (200, "1".to_owned()));
    assert_eq!(update(&http).0, 402);
}

#[test]
fn what_is_no_number_is_refused_with_its_option() {
    for (option, value) in [("--max-channels", "-1"), ("--max-channels", "4294967296"), ("--message-quota", "many")] {
        let output = program(&["serve", "--listen", "0", &format!("{option}={value}")]).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(option) && text.contains(value), "{text}");
    }
}
