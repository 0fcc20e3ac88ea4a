//! A limited supply, such as connections, that independent clients share: no client gets all of it.
//!
//! A client may have as much as is left for the others. One alone gets half of everything, a second one half of the
//! rest, and there is always something left for the next. (Choudhury and Hahne, "Dynamic queue length thresholds for
//! shared-memory packet switches", IEEE/ACM Transactions on Networking 6(2), 1998, with α = 1.) That holds for clients
//! on this machine too: half of the connections are far more than a bench or a simulated fleet needs.
//!
//! A client is an address. In IPv6 it is a network, as each network has 2⁶⁴ addresses (RFC 6177 §2).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A supply, and what of it each client has.
pub(crate) struct Shares {
    total: usize,
    taken: Cell<usize>,
    of: RefCell<BTreeMap<IpAddr, usize>>,
}

impl Shares {
    /// A supply of `total` (connections or bytes), of which nothing is taken yet.
    pub(crate) fn new(total: usize) -> Self {
        Self { total, taken: Cell::new(0), of: RefCell::default() }
    }

    /// Takes `much` for the client, unless less than the client then has would be left for others; whether it was
    /// taken. A client that is alone gets whatever it asks for: otherwise more than half could never be had.
    pub(crate) fn take(&self, client: IpAddr, much: usize) -> bool {
        let (taken, client) = (self.taken.get(), client_of(client));
        let mut of = self.of.borrow_mut();
        let own = of.get(&client).copied().unwrap_or_default();
        let left = self.total.checked_sub(taken.saturating_add(much));
        let fits = taken == 0 || left.is_some_and(|left| own + much <= left);
        if fits {
            self.taken.set(taken + much);
            of.insert(client, own + much);
        }
        fits
    }

    /// Takes `much` back from the client.
    pub(crate) fn give(&self, client: IpAddr, much: usize) {
        let client = client_of(client);
        self.taken.set(self.taken.get().saturating_sub(much));
        let mut of = self.of.borrow_mut();
        if let Some(own) = of.get_mut(&client) {
            *own = own.saturating_sub(much);
            if *own == 0 {
                of.remove(&client);
            }
        }
    }

    /// How much is taken, and how much of that the client has.
    pub(crate) fn taken(&self, client: IpAddr) -> (usize, usize) {
        (self.taken.get(), self.of.borrow().get(&client_of(client)).copied().unwrap_or_default())
    }
}

/// What counts as one client.
fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        // This machine has many addresses of its own.
        address if address.is_loopback() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn most(shares: &Shares, client: &str) -> usize {
        let client = client.parse().unwrap();
        (0..).take_while(|_| shares.take(client, 1)).count()
    }

    #[test]
    fn one_client_gets_half_and_leaves_something_for_each_other() {
        let shares = Shares::new(1_000);
        assert_eq!(most(&shares, "192.0.2.1"), 500);
        assert_eq!(most(&shares, "192.0.2.2"), 250);
        assert_eq!(most(&shares, "2001:db8::1"), 125);
        for other in 0..5 {
            assert!(most(&shares, &format!("192.0.2.{}", 10 + other)) > 0);
        }
        // What is given back can be had again.
        let first = "192.0.2.1".parse().unwrap();
        (0..500).for_each(|_| shares.give(first, 1));
        assert!(most(&shares, "192.0.2.1") > 100);
    }

    #[test]
    fn what_is_one_client_shares_one_share() {
        let shares = Shares::new(1_000);
        assert_eq!(most(&shares, "127.0.0.1"), 500);
        assert_eq!([most(&shares, "::1"), most(&shares, "127.9.9.9"), most(&shares, "::ffff:127.0.0.1")], [0; 3]);
        assert_eq!(most(&shares, "2001:db8:0:1::1"), 250);
        assert_eq!(most(&shares, "2001:db8:0:1:9::"), 0);
        assert!(most(&shares, "2001:db8:0:2::1") > 0);
    }

    #[test]
    fn who_is_alone_gets_more_than_there_is() {
        let shares = Shares::new(10);
        let (first, second) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert!(shares.take(first, 25));
        assert!(!shares.take(second, 1) && !shares.take(first, 1));
        shares.give(first, 25);
        assert_eq!(shares.taken(first), (0, 0));
        assert!(shares.take(second, 4) && !shares.take(second, 4) && shares.take(first, 1));
    }
}
