//! Which addresses the portal may talk to: the guard against requests to its own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// The public internet.
    Public,
    /// This machine or an internal network: only for hosts that an administrator has admitted.
    Internal,
    /// Never a partner: link-local (where clouds keep credentials), multicast, reserved, examples.
    Never,
}

/// Where an address lies, however it is wrapped.
pub(super) fn zone(address: IpAddr) -> Zone {
    match address {
        IpAddr::V4(address) => zone_v4(address),
        IpAddr::V6(address) => zone_v6(address),
    }
}

/// After the IANA registry of special-purpose IPv4 addresses.
fn zone_v4(address: Ipv4Addr) -> Zone {
    match address.octets() {
        // Private networks and this machine.
        [10 | 127, ..] | [192, 168, ..] => Zone::Internal,
        [172, second, ..] if second & 0xf0 == 16 => Zone::Internal,
        // Behind a provider's address translation.
        [100, second, ..] if second & 0xc0 == 64 => Zone::Internal,
        // Unspecified, multicast, reserved; link-local; protocols; benchmarks; examples.
        [0 | 224..=255, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Zone::Never,
        _ => Zone::Public,
    }
}

/// After the IANA registry for IPv6; whatever lies outside global unicast is refused.
fn zone_v6(address: Ipv6Addr) -> Zone {
    if address == Ipv6Addr::LOCALHOST {
        return Zone::Internal;
    }
    match address.segments() {
        // Mapped, compatible, the well-known prefix of NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            zone_v4(embedded(high, low))
        }
        // Teredo and the other protocol assignments; the two ranges of examples.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Zone::Never,
        [0x2000..=0x3fff, ..] => Zone::Public,
        [0xfc00..=0xfdff, ..] => Zone::Internal,
        _ => Zone::Never,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_range_is_known() {
        for (addresses, expected) in [
            (
                "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 128.0.0.1 169.253.0.1 172.15.0.1 \
                 172.32.0.1 192.0.1.1 192.167.1.1 198.17.0.1 198.20.0.1 203.0.112.1 223.255.255.255",
                Zone::Public,
            ),
            (
                "2606:4700:4700::1111 2a00:1450::1 2001:200::1 2001:4860:4860::8888 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 \
                 2002:808:808::1 2400::1",
                Zone::Public,
            ),
            (
                "127.0.0.1 127.255.255.254 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 100.64.0.1 \
                 100.127.255.255",
                Zone::Internal,
            ),
            (
                "::1 fc00::1 fd12:3456::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 ::10.0.0.1 64:ff9b::10.0.0.1 \
                 64:ff9b::7f00:1 2002:7f00:1::1 2002:a00:1:: 2002:c0a8:101::",
                Zone::Internal,
            ),
            (
                "0.0.0.0 0.1.2.3 169.254.169.254 169.254.0.1 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 198.18.0.1 \
                 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255",
                Zone::Never,
            ),
            (
                ":: fe80::1 febf::1 fec0::1 ff02::1 ff0e::1 2001:db8::1 3fff::1 2001::1 2001:0:4136:e378::1 2001:2::1 \
                 2001:10::1 2001:20::1 100::1 64:ff9b:1::1 5f00::1 4000::1 ::ffff:169.254.169.254 ::169.254.169.254 \
                 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe:: ::ffff:0.0.0.0 ::2 1::1",
                Zone::Never,
            ),
        ] {
            for address in addresses.split_whitespace() {
                assert_eq!(zone(address.parse().unwrap()), expected, "{address}");
            }
        }
    }
}
