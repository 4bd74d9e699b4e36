//! Who may have public links: what the tenant has settled, and what somebody is in it.

use crate::error::Refusal;
use bitvault_platform::{Error, Result, Role};

/// Who may make public links in a tenant. What an account may not make, it may not have: the rule holds at each use of a
/// link, for the account that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkMakers {
    /// Every member but guests.
    Members,
    /// Admins and owners.
    Admins,
    /// Nobody.
    Nobody,
}

/// Somebody who belongs to a tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) role: Role,
    /// Who may make links in the tenant.
    pub(crate) makers: LinkMakers,
}

impl LinkMakers {
    /// As identity names them; nothing is what an older release answers.
    pub(crate) fn parse(name: &str) -> Result<Self> {
        match name {
            "members" | "" => Ok(Self::Members),
            "admins" => Ok(Self::Admins),
            "nobody" => Ok(Self::Nobody),
            _ => Err(Error::internal("read who may make links", name)),
        }
    }
}

impl Member {
    /// Refuses who may not have public links.
    pub(crate) fn may_link(self) -> Result<(), Refusal> {
        let least = match self.makers {
            LinkMakers::Members => Role::Member,
            LinkMakers::Admins => Role::Admin,
            LinkMakers::Nobody => return Err(Refusal::LinksDenied(self.makers)),
        };
        if self.role >= least {
            return Ok(());
        }
        Err(Refusal::LinksDenied(self.makers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_have_no_links_and_the_tenant_says_who_else_has_none() {
        let all = [Role::Guest, Role::Member, Role::Admin, Role::Owner];
        for (name, may) in [
            ("members", [false, true, true, true]),
            ("", [false, true, true, true]),
            ("admins", [false, false, true, true]),
            ("nobody", [false, false, false, false]),
        ] {
            let makers = LinkMakers::parse(name).unwrap();
            let found = all.map(|role| Member { role, makers }.may_link().is_ok());
            assert_eq!(found, may, "{name}");
        }
        assert!(LinkMakers::parse("everybody").is_err());
    }
}
