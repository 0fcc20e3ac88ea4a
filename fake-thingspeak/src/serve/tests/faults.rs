//! What each fault does to a reply, and that no reply comes before what it tells of is kept.

use super::*;

#[tokio::test(start_paused = true)]
async fn faults_do_what_they_say() {
    let second = Duration::from_secs(1);
    let one = |fault: Fault| async move {
        let world = World::new(&[fault]);
        let seen = talk(&world, &world.update().replace("Host: x", "Host: x\r\nConnection: close")).await;
        let exchange = world.exchanges.borrow()[0].clone();
        assert_eq!(exchange.rule.as_deref(), Some("bad day"));
        let stored = world.stored.borrow().clone();
        assert_eq!(exchange.stored.len(), stored.len());
        (seen, stored, exchange.status, world.begin.elapsed())
    };

    let (seen, stored, _, took) = one(Fault::DelayBeforeStoring(20 * second)).await;
    assert_eq!((parts(&seen.reply).1, &stored[..], took), ("1", &[(20 * second, 1)][..], 20 * second));
    assert!(seen.reply.contains("Date: Thu, 01 Jan 2026 00:00:20 GMT"), "{}", seen.reply);
    let (seen, stored, _, took) = one(Fault::DelayAfterStoring(200 * second)).await;
    assert_eq!((parts(&seen.reply).1, &stored[..], took), ("1", &[(Duration::ZERO, 1)][..], 200 * second));

    let (seen, stored, status, _) = one(Fault::DropBeforeStoring).await;
    assert_eq!((seen.reply.as_str(), seen.ending, seen.shut), ("", Ending::Dropped, true));
    assert_eq!((stored.len(), status), (0, None));
    let (seen, stored, status, _) = one(Fault::DropAfterStoring).await;
    assert_eq!((seen.reply.as_str(), seen.ending, seen.shut), ("", Ending::Dropped, true));
    assert_eq!((stored.len(), status), (1, None));
    let (seen, stored, status, _) = one(Fault::Reset).await;
    assert_eq!((seen.reply.as_str(), seen.ending, seen.shut), ("", Ending::Reset, false));
    assert_eq!((stored.len(), status), (0, None));

    let (seen, stored, status, _) = one(Fault::Status(503)).await;
    assert!(seen.reply.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{}", seen.reply);
    assert_eq!((stored.len(), status), (0, Some(503)));
    let (seen, stored, ..) = one(Fault::RetryAfter(Duration::from_millis(89_001))).await;
    assert!(
        seen.reply.starts_with("HTTP/1.1 429 ") && seen.reply.contains("\r\nRetry-After: 90\r\n"),
        "{}",
        seen.reply
    );
    assert_eq!(stored.len(), 0);
    let (seen, stored, ..) = one(Fault::RetryAfterDate(90 * second)).await;
    let date = "\r\nRetry-After: Thu, 01 Jan 2026 00:01:30 GMT\r\n";
    assert!(seen.reply.starts_with("HTTP/1.1 503 ") && seen.reply.contains(date), "{}", seen.reply);
    assert_eq!(stored.len(), 0);
    let (seen, stored, ..) = one(Fault::TooSoon).await;
    assert_eq!((parts(&seen.reply).1, stored.len()), ("0", 0));
    let (seen, stored, status, _) = one(Fault::RefuseKey).await;
    assert_eq!((parts(&seen.reply).1, stored.len(), status), ("error_auth_required", 0, Some(401)));

    let (seen, stored, ..) = one(Fault::Chunked).await;
    let (head, body) = parts(&seen.reply);
    assert!(head.contains("Transfer-Encoding: chunked") && !head.contains("Content-Length"), "{head}");
    assert_eq!((body, stored.len(), seen.ending), ("1\r\n1\r\n0\r\n\r\n", 1, Ending::Closed));
    let (seen, stored, ..) = one(Fault::Truncated).await;
    let (head, body) = parts(&seen.reply);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: ") && head.contains("Content-Length: 11\r\n"), "{head}");
    assert_eq!((body, stored.len(), seen.ending, seen.shut), ("1", 1, Ending::Dropped, true));
}

#[tokio::test(start_paused = true)]
async fn no_reply_tells_of_what_may_still_be_lost() {
    // Longer than a client may be silent: this is not the client's doing.
    let keeping = Duration::from_secs(100);
    for fault in [None, Some(Fault::Truncated), Some(Fault::DropAfterStoring)] {
        let world = World { keeping, ..World::new(fault.as_slice()) };
        let seen = talk(&world, &world.update().replace("Host: x", "Host: x\r\nConnection: close")).await;
        assert_eq!((seen.reply.is_empty(), world.begin.elapsed()), (fault == Some(Fault::DropAfterStoring), keeping));
        assert_eq!(*world.stored.borrow(), [(Duration::ZERO, 1)]);
    }
    // Reads tell of what others have stored.
    let world = World { keeping, ..World::new(&[]) };
    talk(&world, "GET /channels/public.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!(world.begin.elapsed(), keeping);
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_sent_as_it_is_written() {
    let one = |reply: WrittenReply| async move {
        let world = World { reply: Some(Arc::new(reply)), ..World::new(&[]) };
        let seen = talk(&world, &world.update()).await;
        let exchange = world.exchanges.borrow()[0].clone();
        assert_eq!((exchange.rule.as_deref(), seen.ending, seen.shut), (Some("bad day"), Ending::Dropped, true));
        let stored = world.stored.borrow().len();
        (seen.reply, stored, exchange, world.begin.elapsed())
    };
    let moved = WrittenReply {
        status: 302,
        headers: vec![("Location".to_owned(), "http://login.example/".to_owned())],
        body: "Please log in.".to_owned(),
        ..WrittenReply::default()
    };
    let whole = "HTTP/1.1 302 Found\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nLocation: http://login.example/\r\n\
                 Content-Length: 14\r\nConnection: close\r\n\r\nPlease log in.";
    let (reply, stored, exchange, _) = one(moved.clone()).await;
    assert_eq!((reply.as_str(), stored, exchange.status), (whole, 0, Some(302)));
    assert_eq!(exchange.response_body, "Please log in.");

    let pause = Duration::from_secs(7);
    let slow = WrittenReply { pieces: Some(Pieces { bytes: 50, pause }), stores: true, ..moved.clone() };
    let (reply, stored, _, took) = one(slow).await;
    let pauses = whole.len().div_ceil(50) - 1;
    assert_eq!((reply.as_str(), stored, took), (whole, 1, pause * u32::try_from(pauses).unwrap()));

    let (reply, stored, exchange, _) = one(WrittenReply { close_after: Some(20), ..moved }).await;
    assert_eq!((reply.as_str(), stored, exchange.response_body.len()), (&whole[..20], 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_while_it_is_idle() {
    let idle = Duration::from_secs(5);
    let world = World::new(&[Fault::CloseWhenIdle(idle)]);
    let again = world.update();
    let seen = talk_as(&world, async |client| {
        client.write_all(again.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
        client.write_all(again.replace("field1=1", "field1=2").as_bytes()).await.unwrap();
    })
    .await;
    assert_eq!((seen.reply.matches("200 OK").count(), seen.ending, seen.shut), (2, Ending::Dropped, true));
    assert!(!seen.reply.contains("Connection: close"), "{}", seen.reply);
    assert!((9..=14).contains(&world.begin.elapsed().as_secs()), "{:?}", world.begin.elapsed());
}
