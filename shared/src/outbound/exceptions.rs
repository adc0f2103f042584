//! The internal hosts and networks that the operator admits for every feature.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

/// An entry that names nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a host, an address nor a network such as 10.20.0.0/16")]
pub struct BadEntry(pub String);

/// What `OUTBOUND_ALLOW_PRIVATE_HOSTS` names. Link-local and reserved addresses stay out of reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exceptions {
    hosts: Vec<String>,
    networks: Vec<IpNet>,
}

impl Exceptions {
    /// Reads a list of hosts (`host` or `host:port`), addresses and networks, separated by commas.
    pub fn parse(list: &str) -> Result<Self, BadEntry> {
        let mut read = Self::default();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            if let Ok(network) = entry.parse::<IpNet>() {
                read.networks.push(network);
            } else if let Ok(address) = entry.parse::<IpAddr>() {
                read.networks.push(address.to_canonical().into());
            } else if is_host(entry) {
                read.hosts.push(entry.to_owned());
            } else {
                return Err(BadEntry(entry.to_owned()));
            }
        }
        Ok(read)
    }

    /// Whether the host of an address is named, or is itself an admitted address.
    pub fn name(&self, url: &Url) -> bool {
        let is_inside = match url.host() {
            Some(Host::Ipv4(address)) => self.contain(address.into()),
            Some(Host::Ipv6(address)) => self.contain(address.into()),
            _ => false,
        };
        is_inside || self.hosts.iter().any(|entry| super::names(entry, url))
    }

    /// Whether an address lies in an admitted network, however it is wrapped.
    pub(super) fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }
}

fn is_host(entry: &str) -> bool {
    let is_plain = entry.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:[]".contains(c));
    is_plain && Url::parse(&format!("http://{entry}/")).is_ok_and(|url| url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_addresses_and_networks_are_read() {
        let read = Exceptions::parse(" ollama.lan, ntfy.lan:8080,10.20.0.0/16 , ::1,, 192.168.1.5 ").unwrap();
        assert_eq!(read.hosts, ["ollama.lan", "ntfy.lan:8080"]);
        assert_eq!(read.networks.len(), 3);
        assert!(read.name(&Url::parse("https://OLLAMA.lan/x").unwrap()));
        assert!(!read.name(&Url::parse("http://ntfy.lan/").unwrap()), "the port is part of the entry");
        assert_eq!(Exceptions::parse("").unwrap(), Exceptions::default());
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for bad in ["10.0.0.0/33", "*", "*.lan", "http://ollama.lan", "a b", "host/path"] {
            assert_eq!(Exceptions::parse(bad), Err(BadEntry(bad.to_owned())));
        }
    }
}
