//! Where the server listens, and the addresses at which others reach it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Reads `127.0.0.1:8080`, `[::1]:8080` or `8080`, which is a port of this machine alone.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse() {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    text.parse().map_err(|_| "expected an address and a port like 127.0.0.1:8080, or a port like 8080".to_owned())
}

/// The addresses at which others reach this machine.
pub(crate) fn addresses_of_this_machine() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let of_a_link = |address: &IpAddr| matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
    let addresses = interfaces.into_iter().map(|interface| interface.ip());
    addresses.filter(|ip| !ip.is_loopback() && !of_a_link(ip)).collect()
}

/// The addresses at which others reach a server that listens on `address`, on a machine that has the addresses
/// `machine`.
pub(crate) fn reached_at(address: SocketAddr, machine: &[IpAddr]) -> Vec<IpAddr> {
    if address.ip().is_unspecified() {
        machine.iter().copied().filter(|ip| ip.is_ipv4() || address.is_ipv6()).collect()
    } else {
        vec![address.ip()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_a_port_of_this_machine() {
        assert_eq!(address("8080"), Ok(SocketAddr::from(([127, 0, 0, 1], 8080))));
        assert_eq!(address("0.0.0.0:80"), Ok(SocketAddr::from(([0, 0, 0, 0], 80))));
        assert_eq!(address("[::1]:80").map(|address| address.port()), Ok(80));
        for text in ["", "localhost:80", "127.0.0.1", "65536", "-1"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
