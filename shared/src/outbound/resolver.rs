//! Names to addresses, each of them checked before anything connects: a name that changes its
//! address between check and connection gains nothing.

use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::OutboundError;
use super::address::{Zone, zone};

/// How far a client may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The public internet only.
    Public,
    /// Internal networks too, for hosts that were admitted.
    Internal,
}

impl Reach {
    /// Refuses an address out of reach.
    pub(super) fn check(self, address: IpAddr) -> Result<(), OutboundError> {
        match (zone(address), self) {
            (Zone::Public, _) | (Zone::Internal, Self::Internal) => Ok(()),
            _ => Err(OutboundError::Refused(address.to_canonical())),
        }
    }

    /// One address out of reach spoils the whole answer.
    fn admit(self, name: &str, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, OutboundError> {
        if addresses.is_empty() {
            return Err(OutboundError::Dns(name.to_owned()));
        }
        addresses.iter().try_for_each(|address| self.check(address.ip()))?;
        Ok(addresses)
    }
}

/// The system's resolver with the check behind it.
pub(super) struct Resolver(pub(super) Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let name = name.as_str();
            let found = tokio::net::lookup_host((name, 0)).await;
            let found = found.map_err(|_| OutboundError::Dns(name.to_owned()))?.collect();
            let admitted: Addrs = Box::new(reach.admit(name, found)?.into_iter());
            Ok(admitted)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(reach: Reach, addresses: &[&str]) -> Result<Vec<SocketAddr>, OutboundError> {
        reach.admit("host", addresses.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect())
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
    fn a_name_without_addresses_was_not_found() {
        assert_eq!(admitted(Reach::Public, &[]), Err(OutboundError::Dns("host".to_owned())));
    }
}
