//! Requests whose bytes have gone wrong on their way.

use proptest::prelude::*;

use super::*;

/// A runtime as `start_paused` makes it, for each case of a property.
fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(work)
}

/// How bytes of a request go wrong on their way.
#[derive(Clone, Debug)]
enum Slip {
    Change(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Cut(prop::sample::Index),
}

fn slip() -> impl Strategy<Value = Slip> {
    use prop::sample::Index;
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..5),
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"Transfer-Encoding: chunked\n".to_vec()),
        Just(b"Expect: 100-continue\n".to_vec()),
        Just(b"Content-Length: 99999999999999999999\n".to_vec()),
    ];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Slip::Change(at, byte)),
        (any::<Index>(), piece).prop_map(|(at, piece)| Slip::Insert(at, piece)),
        any::<Index>().prop_map(Slip::Cut),
    ]
}

proptest! {
    #[test]
    fn whatever_bytes_come_the_connection_ends_without_a_500(slips in prop::collection::vec(slip(), 0..4), closes: bool) {
        let (seen, elapsed, exchanges, stored) = run(async {
            let world = World::new(&[]);
            let mut bytes = world.original_request().into_bytes();
            for slip in &slips {
                match slip {
                    Slip::Change(at, byte) if !bytes.is_empty() => {
                        let at = at.index(bytes.len());
                        bytes[at] = *byte;
                    }
                    Slip::Change(..) => {}
                    Slip::Insert(at, piece) => {
                        let at = at.index(bytes.len() + 1);
                        bytes.splice(at..at, piece.iter().copied());
                    }
                    Slip::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
                }
            }
            let (mut client, io) = duplex(1 << 16);
            let device = async {
                client.write_all(&bytes).await.unwrap();
                if closes {
                    client.shutdown().await.unwrap();
                }
                let mut reply = Vec::new();
                client.read_to_end(&mut reply).await.unwrap();
                String::from_utf8(reply).unwrap()
            };
            let (_, reply) = tokio::join!(serve(io, None, CLIENT, &world), device);
            let stored = world.cloud.borrow().entries(world.access.channel).unwrap().len();
            (reply, world.begin.elapsed(), world.exchanges.take(), stored)
        });
        prop_assert!(seen.is_empty() || seen.starts_with("HTTP/1."), "{}", seen);
        prop_assert!(!seen.contains("HTTP/1.1 5"), "{}", seen);
        prop_assert!(elapsed <= Duration::from_secs(125), "{elapsed:?}");
        prop_assert_eq!(exchanges.iter().map(|exchange| exchange.stored.len()).sum::<usize>(), stored);
        if slips.is_empty() {
            prop_assert_eq!(stored, 1);
        }
    }
}
