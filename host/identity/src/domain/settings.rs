use bitvault_platform::Error;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Longest time in the trash, in days.
const TRASH_DAYS: std::ops::RangeInclusive<u32> = 1..=3650;

/// What a tenant has settled for itself. Stored is only what differs from the defaults; a field that an older release
/// does not know is left alone by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct TenantSettings {
    /// Who may create public links.
    pub(crate) public_links: PublicLinks,
    /// After how many days in the trash a node goes for good; when the server says, if the tenant doesn't.
    pub(crate) trash_retention_days: Option<u32>,
    /// Who may invite guests.
    pub(crate) guest_invitations: GuestInvitations,
}

/// Who may invite guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GuestInvitations {
    /// Admins and owners.
    Admins,
    /// Every member but guests.
    Members,
}

/// Who may create public links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PublicLinks {
    /// Every member but guests.
    Members,
    /// Admins and owners.
    Admins,
    /// Nobody.
    Nobody,
}

/// A change of settings: what is to change, validated.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct SettingsPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public_links: Option<PublicLinks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trash_retention_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) guest_invitations: Option<GuestInvitations>,
    /// What is left to the server again: names of fields.
    #[serde(skip)]
    pub(crate) unset: Vec<&'static str>,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            public_links: PublicLinks::Members,
            trash_retention_days: None,
            guest_invitations: GuestInvitations::Admins,
        }
    }
}

impl SettingsPatch {
    /// Refuses values that make no sense.
    pub(crate) fn new(
        public_links: Option<&str>,
        trash_retention_days: Option<u32>,
        guest_invitations: Option<&str>,
    ) -> Result<Self, Error> {
        let mut patch = Self {
            public_links: public_links.map(str::parse).transpose()?,
            guest_invitations: guest_invitations.map(str::parse).transpose()?,
            ..Self::default()
        };
        match trash_retention_days {
            None => {}
            Some(0) => patch.unset.push("trash_retention_days"),
            Some(days) if TRASH_DAYS.contains(&days) => patch.trash_retention_days = Some(days),
            Some(_) => {
                return Err(Error::invalid_field(
                    "settings_invalid",
                    "settings.trash_retention_days",
                    "use 1 to 3650 days, or 0 to leave it to the server",
                ));
            }
        }
        Ok(patch)
    }
}

impl PublicLinks {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Members => "members",
            Self::Admins => "admins",
            Self::Nobody => "nobody",
        }
    }
}

impl FromStr for PublicLinks {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        [Self::Members, Self::Admins, Self::Nobody]
            .into_iter()
            .find(|one| one.name() == text)
            .ok_or_else(|| {
                Error::invalid_field(
                    "settings_invalid",
                    "settings.public_links",
                    "use members, admins or nobody",
                )
            })
    }
}

impl GuestInvitations {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Admins => "admins",
            Self::Members => "members",
        }
    }
}

impl FromStr for GuestInvitations {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        [Self::Admins, Self::Members]
            .into_iter()
            .find(|one| one.name() == text)
            .ok_or_else(|| {
                Error::invalid_field(
                    "settings_invalid",
                    "settings.guest_invitations",
                    "use admins or members",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_stored_has_its_default_and_what_is_unknown_does_no_harm() {
        let read = |text: &str| serde_json::from_str::<TenantSettings>(text).unwrap();
        assert_eq!(read("{}"), TenantSettings::default());
        let stored = read(r#"{"public_links":"nobody","of_a_newer_release":1}"#);
        assert_eq!(stored.public_links, PublicLinks::Nobody);
        assert_eq!(stored.trash_retention_days, None);
    }

    #[test]
    fn a_patch_holds_what_is_to_change_only() {
        let patch = SettingsPatch::new(Some("admins"), None, None).unwrap();
        assert_eq!(
            serde_json::to_string(&patch).unwrap(),
            r#"{"public_links":"admins"}"#
        );
        let unset = SettingsPatch::new(None, Some(0), None).unwrap();
        assert_eq!(serde_json::to_string(&unset).unwrap(), "{}");
        assert_eq!(unset.unset, ["trash_retention_days"]);
        for (links, days) in [(Some("everybody"), None), (None, Some(3651))] {
            assert_eq!(
                SettingsPatch::new(links, days, None).unwrap_err().reason(),
                "settings_invalid"
            );
        }
        let unknown = SettingsPatch::new(None, None, Some("nobody")).unwrap_err();
        assert_eq!(unknown.reason(), "settings_invalid");
    }
}
