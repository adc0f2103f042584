//! Names to addresses, each of them checked before anything connects: a name that changes its
//! address between check and connection gains nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{Zone, zone};
use super::{Exceptions, OutboundError};

/// How far a client may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The public internet only.
    Public,
    /// Internal networks too, for hosts that were admitted.
    Internal,
}

/// What a client may reach, and the networks that the operator admits beyond it.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    pub(super) reach: Reach,
    pub(super) exceptions: Arc<Exceptions>,
}

impl Guard {
    /// Refuses an address out of reach.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), OutboundError> {
        match (zone(address), self.reach) {
            (Zone::Public, _) | (Zone::Internal, Reach::Internal) => Ok(()),
            (Zone::Internal, Reach::Public) if self.exceptions.contain(address) => Ok(()),
            _ => Err(OutboundError::Refused(address.to_canonical())),
        }
    }

    /// One address out of reach spoils the whole answer.
    fn admit(&self, name: &str, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, OutboundError> {
        if addresses.is_empty() {
            return Err(OutboundError::Dns(name.to_owned()));
        }
        addresses.iter().try_for_each(|address| self.check(address.ip()))?;
        Ok(addresses)
    }
}

/// The system's resolver with the check behind it.
pub(super) struct Resolver(pub(super) Guard);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let name = name.as_str();
            let found = tokio::net::lookup_host((name, 0)).await;
            let found = found.map_err(|_| OutboundError::Dns(name.to_owned()))?.collect();
            let admitted: Addrs = Box::new(guard.admit(name, found)?.into_iter());
            Ok(admitted)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(reach: Reach, addresses: &[&str]) -> Result<Vec<SocketAddr>, OutboundError> {
        admitted_with("", reach, addresses)
    }

    fn admitted_with(list: &str, reach: Reach, addresses: &[&str]) -> Result<Vec<SocketAddr>, OutboundError> {
        let guard = Guard { reach, exceptions: Arc::new(Exceptions::parse(list).unwrap()) };
        guard.admit("host", addresses.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect())
    }

    #[test]
    fn one_address_out_of_reach_spoils_the_answer() {
        assert!(admitted(Reach::Public, &["8.8.8.8", "2606:4700::1"]).is_ok());
        let refused = OutboundError::Refused("10.0.0.1".parse().unwrap());
        assert_eq!(admitted(Reach::Public, &["8.8.8.8", "10.0.0.1"]), Err(refused.clone()));
        assert_eq!(admitted(Reach::Public, &["::ffff:10.0.0.1"]), Err(refused));
        assert!(admitted(Reach::Internal, &["8.8.8.8", "10.0.0.1", "::1"]).is_ok());
    }

    #[test]
    fn an_admitted_host_does_not_lead_to_a_cloud_s_credentials() {
        for address in ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0"] {
            assert!(matches!(admitted(Reach::Internal, &[address]), Err(OutboundError::Refused(_))), "{address}");
        }
    }

    #[test]
    fn a_network_of_the_operator_is_admitted_and_no_other() {
        let list = "10.20.0.0/16, fd00:20::/32, 192.168.7.7, 169.254.0.0/16";
        for good in ["10.20.3.4", "::ffff:10.20.3.4", "fd00:20::9", "192.168.7.7", "8.8.8.8"] {
            assert!(admitted_with(list, Reach::Public, &[good]).is_ok(), "{good}");
        }
        for bad in ["10.21.0.1", "192.168.7.8", "fd00:21::1", "127.0.0.1", "169.254.169.254"] {
            assert!(admitted_with(list, Reach::Public, &[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_without_addresses_was_not_found() {
        assert_eq!(admitted(Reach::Public, &[]), Err(OutboundError::Dns("host".to_owned())));
    }
}
