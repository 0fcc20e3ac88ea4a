//! Requests that two readers may read differently: which host they are for, and where they end (RFC 9112 §3.2, §6.1 to
//! §6.3).

use super::*;

/// The statuses of the replies to what is sent on one connection, and how many requests the host heard of.
async fn statuses(requests: &str) -> (Vec<String>, usize) {
    let world = World::new(&[]);
    let seen = talk(&world, requests).await;
    let statuses = seen.reply.split("HTTP/1.").skip(1).map(|reply| reply[2..5].to_owned()).collect();
    (statuses, world.exchanges.borrow().len())
}

#[tokio::test(start_paused = true)]
async fn a_request_names_one_host_or_is_refused() {
    let last = "GET /update HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for hosts in [
        "",
        "Host: x\r\nHost: x\r\n",
        "Host: x\r\nhost: y\r\n",
        "Host: user@x\r\n",
        "Host: x/y\r\n",
        "Host: a b\r\n",
        "Host: <script>\r\n",
        "Host: [::1\r\n",
    ] {
        for (method, body) in [("GET", ""), ("POST", "Content-Length: 3\r\n")] {
            let sent = if body.is_empty() { "" } else { "a=b" };
            let request = format!("{method} /update.json HTTP/1.1\r\n{hosts}{body}\r\n{sent}{last}");
            // Nothing is heard of what comes after it.
            assert_eq!(statuses(&request).await, (vec!["400".to_owned()], 1), "{request}");
            // Nor has it reached the pages.
            let request = request.replace("/update.json", "/own");
            assert_eq!(statuses(&request).await.0, ["400"], "{request}");
        }
    }
    for hosts in ["Host: x\r\n", "Host:\r\n", "Host: [::1]:80\r\n", "hOST: x:8080\r\n"] {
        let request = format!("GET /update HTTP/1.1\r\n{hosts}\r\n{last}");
        assert_eq!(statuses(&request).await, (vec!["401".to_owned(), "401".to_owned()], 2), "{request}");
    }
    assert_eq!(statuses("GET /update HTTP/1.0\r\n\r\n").await.0, ["401"]);
    let world = World::new(&[]);
    let seen = talk(&world, "GET /channels/1/feeds.json HTTP/1.1\r\n\r\n").await;
    assert!(parts(&seen.reply).1.contains("error_bad_request"), "{}", seen.reply);
    assert_eq!(world.exchanges.borrow()[0].refused, Some("it does not name one host"));
}

#[tokio::test(start_paused = true)]
async fn a_body_has_one_length_or_the_connection_ends() {
    let after = "GET /update HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for (lengths, body, expected) in [
        ("Content-Length: 3\r\nContent-Length: 4\r\n", "a=b", "400"),
        ("Content-Length: 3, 4\r\n", "a=b", "400"),
        ("Content-Length: -1\r\n", "", "400"),
        ("Content-Length: +3\r\n", "a=b", "400"),
        ("Content-Length: 99999999999999999999\r\n", "", "400"),
        ("Transfer-Encoding: gzip\r\n", "", "400"),
        ("Transfer-Encoding: chunked, gzip\r\n", "", "400"),
        // Both: the chunks count, and nothing is read as a request that may be none.
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", "401"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n", "401"),
    ] {
        let request = format!("POST /update HTTP/1.1\r\nHost: x\r\n{lengths}\r\n{body}{after}");
        assert_eq!(statuses(&request).await.0, [expected], "{request}");
    }
    let old = format!("POST /update HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{after}");
    assert_eq!(statuses(&old).await.0, ["400"]);
    // The same length twice is one.
    let twice = format!("POST /update HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\na=b{after}");
    assert_eq!(statuses(&twice).await.0, ["401", "401"]);
}
