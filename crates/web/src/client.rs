//! Who sends a request, as far as sharing the server fairly is concerned.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A client: an IPv4 address, or the /64 network of an IPv6 address, as one host commonly has a whole /64 to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl Client {
    /// The client of requests that come without a socket.
    pub(crate) const LOCAL: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    pub(crate) fn of(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            IpAddr::V6(address) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                Self(IpAddr::V6(Ipv6Addr::from_bits(network)))
            }
            address => Self(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> Client {
        Client::of(text.parse().unwrap())
    }

    #[test]
    fn ipv4_clients_are_addresses_and_ipv6_clients_are_networks() {
        assert_ne!(client("127.0.0.1"), client("127.0.0.2"));
        assert_eq!(client("::ffff:192.0.2.7"), client("192.0.2.7"));
        assert_eq!(client("2001:db8:1:2::1"), client("2001:db8:1:2:ffff::9"));
        assert_ne!(client("2001:db8:1:2::1"), client("2001:db8:1:3::1"));
        assert_ne!(client("::1"), client("127.0.0.1"));
    }
}
