//! What flows once a connection is open, and what happens to bytes that are cut, changed or made up.

use std::string::String;
use std::vec;

use super::certificates::good;
use super::*;
use crate::http::{self, HttpError};

/// A transport that plays back what a server once sent.
struct Replay<'a> {
    bytes: &'a [u8],
    written: Vec<u8>,
}

impl ErrorType for Replay<'_> {
    type Error = ErrorKind;
}

impl Read for Replay<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let count = buf.len().min(self.bytes.len());
        buf[..count].copy_from_slice(&self.bytes[..count]);
        self.bytes = &self.bytes[count..];
        Ok(count)
    }
}

impl Write for Replay<'_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        self.written.extend_from_slice(buf);
        Ok(buf.len())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// Opens a connection to made-up bytes, asks, and reads to the end.
fn play(bytes: &[u8], trust: &TrustedIssuer) -> (Result<Vec<u8>, TlsError>, usize) {
    let mut transport = Replay { bytes, written: Vec::new() };
    let mut buffers = Box::new(Buffers::new());
    let outcome = block_on(async {
        let mut connection = Connection::new(&mut transport, &mut buffers);
        let mut session = connection.open(HOST, trust, NOW, &mut random(), &|| {}).await?;
        session.write_all(b"request").await?;
        session.flush().await?;
        let mut reply = Vec::new();
        let mut part = [0; 64];
        loop {
            match session.read(&mut part).await? {
                0 => return Ok(reply),
                count => reply.extend_from_slice(&part[..count]),
            }
        }
    });
    (outcome, encrypted_records(&transport.written))
}

const REQUEST: http::Request<'static> = http::Request {
    host: HOST,
    port: 443,
    path: "/update",
    write_key: None,
    content_type: "text/plain",
    body: b"the end",
};

fn exchange(server: &mut Server, trust: &TrustedIssuer) -> Result<(u16, Vec<u8>), HttpError<TlsError>> {
    let mut buffers = Box::new(Buffers::new());
    let mut buffer = vec![0; 1024];
    block_on(async {
        let mut connection = Connection::new(server, &mut buffers);
        let opened = connection.open(HOST, trust, NOW, &mut random(), &|| {}).await;
        let mut session = opened.map_err(HttpError::Stream)?;
        let reply = http::exchange(&mut session, &REQUEST, &mut buffer).await?;
        let outcome = (reply.status, reply.body.to_vec());
        session.close().await.map_err(HttpError::Stream)?;
        Ok(outcome)
    })
}

#[test]
fn a_request_is_answered() {
    let (identity, trust) = good();
    for step in [1, 3, 100, usize::MAX] {
        let mut server = Server::new(&identity);
        server.step = step;
        assert_eq!(exchange(&mut server, &trust), Ok((200, b"7".to_vec())), "in steps of {step}");
        assert!(server.requested.starts_with(b"POST /update HTTP/1.1\r\n"));
    }
}

#[test]
fn a_large_request_is_split_and_a_large_reply_read() {
    let (identity, trust) = good();
    let mut server = Server::new(&identity);
    let body = "x".repeat(30_000);
    server.reply = std::format!("HTTP/1.1 200 OK\r\n\r\n{body}").into_bytes();
    // Records as large as they come would not fit.
    server.connection.set_buffer_limit(None);
    let mut config = Server::config(&identity);
    config.max_fragment_size = Some(4096);
    server.connection = ServerConnection::new(Arc::new(config)).unwrap();

    let mut buffers = Box::new(Buffers::new());
    let mut buffer = vec![0; 1024];
    let long = "y".repeat(5_000) + "end";
    let request = http::Request { body: long.as_bytes(), ..REQUEST };
    let reply = block_on(async {
        let mut connection = Connection::new(&mut server, &mut buffers);
        let mut session = connection.open(HOST, &trust, NOW, &mut random(), &|| {}).await.unwrap();
        http::exchange(&mut session, &request, &mut buffer).await
    })
    .unwrap();
    assert_eq!(reply.body, &body.as_bytes()[..960]);
    assert!(server.requested.ends_with(b"yend."));
}

#[test]
fn a_record_larger_than_the_buffer_is_refused() {
    let (identity, trust) = good();
    let mut server = Server::new(&identity);
    server.reply = vec![b'x'; 12_000];
    assert_eq!(exchange(&mut server, &trust), Err(HttpError::Stream(TlsError::RecordTooLarge(12_017))));
}

#[test]
fn a_record_that_fills_the_buffer_is_read() {
    let (identity, trust) = good();
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    // Content type and tag take 17 bytes.
    for (length, fits) in [(READ_BUFFER - 17, true), (READ_BUFFER - 16, false)] {
        let mut server = Server::new(&identity);
        server.reply = [head.as_bytes(), &vec![b'x'; length - head.len()]].concat();
        let too_large = TlsError::RecordTooLarge(u16::try_from(length + 17).unwrap());
        let expected = if fits { Ok(960) } else { Err(HttpError::Stream(too_large)) };
        assert_eq!(exchange(&mut server, &trust).map(|(_, body)| body.len()), expected);
    }
}

#[test]
fn goodbye_and_the_bare_end_both_end_a_reply() {
    let (identity, trust) = good();
    for close_notify in [true, false] {
        let mut server = Server::new(&identity);
        server.reply = b"HTTP/1.1 200 OK\r\n\r\nall of it".to_vec();
        server.close_notify = close_notify;
        assert_eq!(exchange(&mut server, &trust), Ok((200, b"all of it".to_vec())));

        let mut server = Server::new(&identity);
        server.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nall of it".to_vec();
        server.close_notify = close_notify;
        assert_eq!(exchange(&mut server, &trust), Err(HttpError::Truncated));
    }
}

#[test]
fn tickets_are_passed_over() {
    let (identity, trust) = good();
    let mut config = Server::config(&identity);
    config.ticketer = rustls::crypto::ring::Ticketer::new().unwrap();
    config.send_tls13_tickets = 4;
    assert_eq!(exchange(&mut Server::with_config(config), &trust), Ok((200, b"7".to_vec())));
}

/// What a server sends to [`play`]'s client, and whom that client trusts.
fn recording() -> (Vec<u8>, TrustedIssuer) {
    let (identity, trust) = good();
    let mut server = Server::new(&identity);
    server.reply = b"reply".to_vec();
    block_on(async {
        let mut buffers = Box::new(Buffers::new());
        let mut connection = Connection::new(&mut server, &mut buffers);
        let mut session = connection.open(HOST, &trust, NOW, &mut random(), &|| {}).await.unwrap();
        session.write_all(b"end").await.unwrap();
        session.flush().await.unwrap();
        while session.read(&mut [0; 9]).await.unwrap() > 0 {}
    });
    (server.sent, trust)
}

#[test]
fn a_recording_cut_anywhere_does_no_harm() {
    let (bytes, trust) = recording();
    assert_eq!(play(&bytes, &trust), (Ok(b"reply".to_vec()), 2));
    let mut opened = 0;
    for end in 0..bytes.len() {
        let (outcome, encrypted) = play(&bytes[..end], &trust);
        match outcome {
            // Cut between two records after the handshake: the end of the transport.
            Ok(reply) => {
                assert!(reply.is_empty() || reply == b"reply");
                opened += 1;
            }
            Err(error) => {
                assert_eq!(error, TlsError::Closed, "cut at {end}");
                assert!(encrypted == 0 || encrypted == 2, "cut at {end}");
            }
        }
    }
    assert!(opened >= 2, "{opened} whole numbers of records");
}

#[test]
fn a_recording_changed_anywhere_does_no_harm() {
    let (bytes, trust) = recording();
    let hello = 5 + usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
    assert_eq!(bytes[hello], 20, "a change cipher spec follows the hello");
    for position in 0..bytes.len() {
        for bit in [0x01, 0x80] {
            let mut changed = bytes.clone();
            changed[position] ^= bit;
            let (outcome, _) = play(&changed, &trust);
            // The minor version of plaintext records says nothing (RFC 8446 §5.1).
            if [2, hello + 2].contains(&position) {
                assert_eq!(outcome, Ok(b"reply".to_vec()));
            } else {
                assert!(outcome.is_err(), "bit {bit:#x} of byte {position} of {}", bytes.len());
            }
        }
    }
}

#[test]
fn bytes_that_are_not_tls_are_named() {
    let play = |bytes: &[u8]| play(bytes, &TrustedIssuer::DigiCert).0;
    assert_eq!(play(b""), Err(TlsError::Closed));
    assert_eq!(play(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Err(TlsError::NotTls));
    assert_eq!(play(&[22, 3, 3, 0]), Err(TlsError::Closed));
    assert_eq!(play(&[21, 3, 3, 0, 2, 2, 40]), Err(TlsError::Alert(Some(40))));
    assert_eq!(play(&[21, 3, 3, 0, 2, 2, 70]), Err(TlsError::Alert(Some(70))));
    assert_eq!(play(&[20, 3, 3, 0, 1, 1]), Err(TlsError::Closed));
    assert_eq!(play(&[23, 3, 3, 0, 20]), Err(TlsError::UnexpectedRecord(23)));
    assert_eq!(play(&[22, 3, 3, 0xff, 0xff]), Err(TlsError::RecordTooLarge(0xffff)));
    assert_eq!(play(&[22, 3, 3, 0, 0]), Err(TlsError::UnexpectedRecord(22)));
}

#[test]
fn random_bytes_in_records_never_panic() {
    use rand_core::RngCore;
    let (recorded, trust) = recording();
    let mut source = ChaCha20Rng::seed_from_u64(7);
    let hello = 5 + usize::from(u16::from_be_bytes([recorded[3], recorded[4]]));
    for _ in 0..400 {
        let mut bytes = recorded[..if source.next_u32() % 2 == 0 { hello } else { 0 }].to_vec();
        for _ in 0..4 {
            let length = source.next_u32() % 80;
            let kind = 20 + u8::try_from(source.next_u32() % 4).unwrap();
            bytes.extend([kind, 3, 3, 0, u8::try_from(length).unwrap()]);
            let mut content = vec![0; usize::try_from(length).unwrap()];
            source.fill_bytes(&mut content);
            // Often enough something that looks like a hello.
            if let [first, second, ..] = &mut content[..]
                && source.next_u32() % 2 == 0
            {
                (*first, *second) = (2, 0);
            }
            bytes.extend(content);
        }
        let (outcome, encrypted) = play(&bytes, &trust);
        assert!(outcome.is_err() && encrypted == 0);
    }
}

#[test]
fn messages_read_well() {
    let line = |error: TlsError| std::format!("could not store the reading: {}", HttpError::Stream(error));
    let lines: Vec<String> =
        [TlsError::NoCertificate, TlsError::WrongHost, TlsError::RecordTooLarge(9000)].into_iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "could not store the reading: the server sent no certificate",
            "could not store the reading: certificate is for another host",
            "could not store the reading: record of 9000 bytes is larger than the buffer of 8192",
        ]
    );
}

#[test]
fn memory_stays_within_its_limits() {
    let (mut server, mut buffers) = (Server::new(&good().0), Box::new(Buffers::new()));
    assert!(size_of::<Buffers>() <= READ_BUFFER + WRITE_BUFFER + 32, "{}", size_of::<Buffers>());
    let mut random = random();
    let trust = TrustedIssuer::DigiCert;
    let mut connection = Connection::new(&mut server, &mut buffers);
    let size = size_of_val(&connection);
    let opening = size_of_val(&connection.open(HOST, &trust, NOW, &mut random, &|| {}));
    std::println!("a connection: {size} bytes, open: {opening} bytes");
    assert!(size <= 1500, "a connection has {size} bytes");
    assert!(opening <= 3800, "the future of open() has {opening} bytes");
}
