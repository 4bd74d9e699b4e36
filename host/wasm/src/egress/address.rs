//! Which addresses a connection may go to. The names of a grant say nothing about where they resolve to: that is looked at
//! here, each time a connection is made, and the connection goes to the addresses that were looked at.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;

/// Resolves host names.
pub trait Resolver: Send + Sync + std::fmt::Debug {
    /// The addresses of a name.
    fn resolve(&self, host: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The system's resolver.
#[derive(Debug)]
pub(super) struct System;

impl Resolver for System {
    fn resolve(&self, host: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// An address that the policy refuses.
#[derive(Debug, thiserror::Error)]
#[error("{host} resolves to {address}, which is {kind}{hint}")]
pub(super) struct Refused {
    host: String,
    address: IpAddr,
    kind: &'static str,
    hint: &'static str,
}

/// The same addresses, if the policy allows every one of them.
pub(super) fn check(
    host: &str,
    addresses: &[IpAddr],
    allow_private: bool,
) -> Result<Vec<SocketAddr>, Refused> {
    for &address in addresses {
        let (kind, private) = match kind(address) {
            Kind::Public => continue,
            Kind::Private(kind) => (kind, true),
            Kind::Never(kind) => (kind, false),
        };
        if private && allow_private {
            continue;
        }
        let hint = match private {
            true => "; `allow_private_addresses` in the backend's `grant` would allow it",
            false => " and never reached",
        };
        return Err(Refused {
            host: host.to_owned(),
            address,
            kind,
            hint,
        });
    }
    Ok(addresses
        .iter()
        .map(|&address| SocketAddr::new(address, 0))
        .collect())
}

enum Kind {
    Public,
    /// Reached when the operator allows private addresses.
    Private(&'static str),
    Never(&'static str),
}

fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Kind {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (127, ..) => Kind::Private("a loopback address"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Kind::Private("a private address"),
        (100, 64..=127, _) => Kind::Private("a shared (CGNAT) address"),
        (169, 254, _) => Kind::Never("link-local (clouds serve metadata there)"),
        (0, ..) => Kind::Never("not a host"),
        (192, 0, 0) => Kind::Never("reserved"),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Kind::Never("for documentation"),
        (198, 18..=19, _) => Kind::Never("for benchmarks"),
        (224.., ..) => Kind::Never("multicast or reserved"),
        _ => Kind::Public,
    }
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    if let Some(inner) = address.to_ipv4_mapped() {
        return kind_v4(inner);
    }
    if address == Ipv6Addr::LOCALHOST {
        return Kind::Private("a loopback address");
    }
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // NAT64 and 6to4 lead to a v4 address.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => kind_v4(embedded(high, low)),
        [0x64, 0xff9b, 1, ..] => Kind::Never("local NAT64"),
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254] => Kind::Never("where clouds serve metadata"),
        [0xfc00..=0xfdff, ..] => Kind::Private("a private address"),
        [0xfe80..=0xfeff, ..] => Kind::Never("link-local"),
        [0xff00..=0xffff, ..] => Kind::Never("multicast"),
        [0x2001, 0x0db8, ..] => Kind::Never("for documentation"),
        // Teredo carries a v4 address in disguise; `::/96` is unspecified or long deprecated.
        [0x2001, 0, ..] => Kind::Never("a Teredo address"),
        [0, 0, 0, 0, 0, 0, ..] => Kind::Never("not a host"),
        _ => Kind::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(address: &str, private: bool) -> bool {
        check("h", &[address.parse().unwrap()], private).is_ok()
    }

    #[test]
    fn public_addresses_pass() {
        for address in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "64:ff9b::808:808",
        ] {
            assert!(allowed(address, false), "{address}");
        }
    }

    #[test]
    fn private_addresses_need_the_operators_word() {
        for address in [
            "127.0.0.1",
            "127.8.9.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd12::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ] {
            assert!(!allowed(address, false), "{address}");
            assert!(allowed(address, true), "{address}");
        }
    }

    #[test]
    fn metadata_and_link_local_addresses_are_never_reached() {
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "fe80::1",
            "fd00:ec2::254",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "2001::1",
            "::7f00:1",
        ] {
            assert!(!allowed(address, true), "{address}");
        }
    }

    #[test]
    fn one_bad_address_among_good_ones_refuses_the_name() {
        let addresses = ["8.8.8.8".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        let refused = check("h", &addresses, false).unwrap_err().to_string();
        assert!(refused.contains("allow_private_addresses"), "{refused}");
    }
}
