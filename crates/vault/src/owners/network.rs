//! From where somebody signs in, as coarsely as guessing is counted.

use std::fmt;
use std::net::IpAddr;

/// A network of the size in which one person or one household has an address: an IPv4 /24, an IPv6 /56.
///
/// A /24 is the smallest block that is routed on its own, and an attacker who rents addresses gets them from few of them; a
/// /56 is what RIPE-690 (section 4.2) recommends for a household at least, so that one household is one network. `Debug`
/// prints no address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network([u8; 16]);

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_here() { "Network(here)" } else { "Network(…)" })
    }
}

impl Network {
    /// This machine: the command line, and what a proxy on it brings.
    pub const HERE: Self = Self([0; 16]);

    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        if address.is_loopback() {
            return Self::HERE;
        }
        let mut bytes = [0; 16];
        match address {
            IpAddr::V4(address) => {
                // As an IPv4-mapped address, so that the two families never meet.
                bytes[10..12].fill(0xff);
                bytes[12..15].copy_from_slice(&address.octets()[..3]);
            }
            IpAddr::V6(address) => bytes[..7].copy_from_slice(&address.octets()[..7]),
        }
        Self(bytes)
    }

    /// Whether it is this machine.
    pub fn is_here(self) -> bool {
        self == Self::HERE
    }

    /// The bytes that stand for it in messages, and under keyed hashes.
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_one_network() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        for (one, two, same) in [
            ("192.0.2.1", "192.0.2.254", true),
            ("192.0.2.1", "192.0.3.1", false),
            ("192.0.2.1", "::ffff:192.0.2.9", true),
            ("2001:db8:0:100::1", "2001:db8:0:1ff::1", true),
            ("2001:db8:0:100::1", "2001:db8:0:200::1", false),
            ("127.0.0.1", "::1", true),
            ("127.0.0.1", "192.0.2.1", false),
            ("::", "0.0.0.0", false),
        ] {
            assert_eq!(of(one) == of(two), same, "{one} {two}");
        }
        assert_eq!(format!("{:?}", of("192.0.2.1")), "Network(…)");
    }
}
