//! The address a request came from, the same for sessions, limits, audit and the authentication log.
//!
//! Forwarding headers are believed only from configured proxies: anybody can send them.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

/// What stands where no address is known.
pub const UNKNOWN: &str = "unknown";

/// An entry of `TRUSTED_PROXIES` that is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("TRUSTED_PROXIES: {0:?} is neither an address nor a network such as 10.0.0.0/8")]
pub struct BadNetwork(pub String);

/// The networks whose forwarding headers are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads a list of addresses and networks, separated by commas or white space.
    pub fn parse(list: &str) -> Result<Self, BadNetwork> {
        list.split(|c: char| c == ',' || c.is_whitespace())
            .filter(|entry| !entry.is_empty())
            .map(network)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether the address belongs to a configured proxy.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(entry: &str) -> Result<IpNet, BadNetwork> {
    let bad = || BadNetwork(entry.to_owned());
    if entry.contains('/') {
        entry.parse().map_err(|_| bad())
    } else {
        let address: IpAddr = entry.parse().map_err(|_| bad())?;
        Ok(address.to_canonical().into())
    }
}

/// The client's address in canonical text: IPv6 compressed, IPv4-mapped as IPv4, else `unknown`.
pub fn client_ip(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &TrustedProxies) -> String {
    let Some(peer) = peer.map(|address| address.to_canonical()) else {
        return UNKNOWN.to_owned();
    };
    if !trusted.contains(peer) {
        return peer.to_string();
    }
    let client = forwarded(headers, trusted).or_else(|| cloudflare(headers));
    client.unwrap_or(peer).to_string()
}

/// Only where the list names nobody: a proxy that is not Cloudflare's passes a forged one on.
fn cloudflare(headers: &HeaderMap) -> Option<IpAddr> {
    address(headers.get("cf-connecting-ip")?.to_str().ok()?)
}

/// The rightmost address that is not one of ours: what stands left of it may be invented.
fn forwarded(headers: &HeaderMap, trusted: &TrustedProxies) -> Option<IpAddr> {
    let lines: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().map(|line| line.to_str().unwrap_or_default()).collect();
    lines
        .iter()
        .rev()
        .flat_map(|line| line.rsplit(','))
        .map(address)
        .find(|hop| !hop.is_some_and(|hop| trusted.contains(hop)))
        .flatten()
}

/// An address as proxies write it: also with a port, or an IPv6 address in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(socket.ip().to_canonical());
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse().ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXIES: &str = "10.0.0.0/8, 2001:db8:1::/48 192.0.2.1";

    fn ip(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let trusted = TrustedProxies::parse(PROXIES).unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        client_ip(peer.parse().ok(), &map, &trusted)
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        let forged = [("x-forwarded-for", "1.1.1.1"), ("cf-connecting-ip", "1.1.1.1")];
        assert_eq!(ip("203.0.113.9", &forged), "203.0.113.9");
        assert_eq!(ip("2001:DB8:2:0:0:0:0:1", &forged), "2001:db8:2::1");
    }

    #[test]
    fn the_rightmost_untrusted_hop_is_the_client() {
        for (header, client) in [
            ("203.0.113.10", "203.0.113.10"),
            ("1.1.1.1, 203.0.113.10", "203.0.113.10"),
            ("1.1.1.1, 203.0.113.10, 10.1.2.3", "203.0.113.10"),
            ("203.0.113.10 ,10.1.2.3,192.0.2.1", "203.0.113.10"),
            ("203.0.113.10:5123", "203.0.113.10"),
            ("2001:DB8:9::1", "2001:db8:9::1"),
            ("[2001:db8:9::1]", "2001:db8:9::1"),
            ("[2001:db8:9::1]:443", "2001:db8:9::1"),
            ("::ffff:203.0.113.10", "203.0.113.10"),
        ] {
            assert_eq!(ip("10.0.0.2", &[("x-forwarded-for", header)]), client, "{header}");
        }
    }

    #[test]
    fn several_header_lines_are_one_list() {
        let lines = [("x-forwarded-for", "203.0.113.10"), ("x-forwarded-for", "10.9.9.9")];
        assert_eq!(ip("10.0.0.2", &lines), "203.0.113.10");
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.10")];
        assert_eq!(ip("10.0.0.2", &lines), "203.0.113.10");
    }

    #[test]
    fn without_a_readable_hop_the_peer_counts() {
        for header in ["", "unknown", "203.0.113.10, nonsense", "10.1.2.3", "::1%eth0", "01.2.3.4"] {
            assert_eq!(ip("10.0.0.2", &[("x-forwarded-for", header)]), "10.0.0.2", "{header}");
        }
        assert_eq!(ip("10.0.0.2", &[]), "10.0.0.2");
        assert_eq!(ip("none", &[("x-forwarded-for", "203.0.113.10")]), "unknown");
    }

    #[test]
    fn the_single_address_header_counts_from_a_proxy_without_a_list() {
        let single = ("cf-connecting-ip", "203.0.113.7");
        assert_eq!(ip("10.0.0.2", &[single]), "203.0.113.7");
        assert_eq!(ip("10.0.0.2", &[single, ("x-forwarded-for", "203.0.113.10")]), "203.0.113.10");
        assert_eq!(ip("10.0.0.2", &[("cf-connecting-ip", "x")]), "10.0.0.2");
    }

    #[test]
    fn mapped_peers_are_ipv4() {
        assert_eq!(ip("::ffff:203.0.113.9", &[]), "203.0.113.9");
        let headers = [("x-forwarded-for", "203.0.113.10")];
        assert_eq!(ip("::ffff:10.0.0.2", &headers), "203.0.113.10");
    }

    #[test]
    fn lists_are_read_or_refused_as_a_whole() {
        assert_eq!(TrustedProxies::parse(" , ").unwrap(), TrustedProxies::default());
        assert_eq!(TrustedProxies::parse(PROXIES).unwrap().0.len(), 3);
        for bad in ["10.0.0.0/33", "proxy.example.com", "10.0.0.0/8;10.0.0.1", "10.0.0"] {
            let error = TrustedProxies::parse(bad).unwrap_err();
            assert!(error.to_string().contains(bad), "{error}");
        }
        assert!(!TrustedProxies::default().contains("127.0.0.1".parse().unwrap()));
    }
}
