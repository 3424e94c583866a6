use std::net::IpAddr;

/// A range of addresses.
///
/// An IPv4 address that is written as an IPv6 one (`::ffff:10.0.0.1`, as Windows logs it) is the IPv4 address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads `10.0.0.0/8` or a bare address; bits behind the prefix do not count.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
            None => (text.trim(), None),
        };
        let written: IpAddr = address.parse().ok()?;
        let prefix = prefix.unwrap_or(width(written));
        if prefix > width(written) {
            return None;
        }
        let address = written.to_canonical();
        let shorter = width(written) - width(address);
        // A range that reaches beyond the mapped addresses is one of IPv6.
        if prefix < shorter {
            return Some(Self { address: written, prefix });
        }
        Some(Self { address, prefix: prefix - shorter })
    }

    /// Whether an address lies in the range; a text that is none lies in none.
    pub(crate) fn contains(&self, text: &str) -> bool {
        let text = text.trim();
        let text = text.split_once('%').map_or(text, |(address, _zone)| address);
        let Ok(written) = text.parse::<IpAddr>() else { return false };
        match (self.address, written.to_canonical(), written) {
            (IpAddr::V4(network), IpAddr::V4(address), _) => {
                let same = u32::from(network) ^ u32::from(address);
                same.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(network), _, IpAddr::V6(address)) => {
                let same = u128::from(network) ^ u128::from(address);
                same.leading_zeros() >= self.prefix
            }
            _ => false,
        }
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}
