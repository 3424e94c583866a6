use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// A range of addresses.
///
/// An IPv4 address that is written as an IPv6 one (`::ffff:10.0.0.1`, as Windows logs it) is the IPv4 address.
#[derive(Clone, Copy, Debug)]
pub struct Network(IpNet);

/// Bits of an IPv6 address before the IPv4 address that it is written for.
const MAPPED: u8 = 96;

impl Network {
    /// Reads `10.0.0.0/8` or a bare address; bits behind the prefix do not count.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let written: IpNet = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
        // A range that reaches beyond the mapped addresses is one of IPv6.
        let mapped = match written {
            IpNet::V6(network) if network.prefix_len() >= MAPPED => network.addr().to_ipv4_mapped(),
            _ => None,
        };
        let ipv4 = mapped.and_then(|address| Ipv4Net::new(address, written.prefix_len() - MAPPED).ok());
        Some(Self(ipv4.map_or(written, IpNet::V4)))
    }

    /// Whether an address lies in the range; a text that is none lies in none.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        let text = text.trim();
        let text = text.split_once('%').map_or(text, |(address, _zone)| address);
        let Ok(written) = text.parse::<IpAddr>() else { return false };
        let address = if matches!(self.0, IpNet::V4(_)) { written.to_canonical() } else { written };
        self.0.contains(&address)
    }

    /// Whether every address of `other` lies in this range.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }

    /// The first address of the range.
    #[must_use]
    pub fn first(&self) -> IpAddr {
        self.0.network()
    }

    /// The last address of the range.
    #[must_use]
    pub fn last(&self) -> IpAddr {
        self.0.broadcast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::read(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_network_knows_its_ends_and_what_it_covers() {
        for (text, first, last) in [
            ("10.1.2.3/8", "10.0.0.0", "10.255.255.255"),
            ("0.0.0.0/0", "0.0.0.0", "255.255.255.255"),
            ("192.168.1.7", "192.168.1.7", "192.168.1.7"),
            ("fe80::/10", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            assert_eq!(network(text).first().to_string(), first, "{text}");
            assert_eq!(network(text).last().to_string(), last, "{text}");
        }
        assert!(network("10.0.0.0/8").covers(&network("10.2.0.0/16")));
        assert!(!network("10.2.0.0/16").covers(&network("10.0.0.0/8")));
        assert!(!network("::/0").covers(&network("10.0.0.0/8")));
    }
}
