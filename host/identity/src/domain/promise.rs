use bitvault_api::NodeRole;
use bitvault_platform::Error;
use bitvault_platform::ids::{NodeId, PromiseId};

/// Most roles that an invitation carries.
pub(crate) const MOST: usize = 50;

/// A role on a node that an invitation carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Promise {
    pub(crate) id: PromiseId,
    pub(crate) node: NodeId,
    /// As it is called now; a home has no name.
    pub(crate) name: String,
    pub(crate) role: NodeRole,
}

/// The roles as they were asked for, by node as the caller named it: each node once, not too many.
pub(crate) fn promises<'a>(
    asked: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<(&'a str, NodeRole)>, Error> {
    let mut known: Vec<(&str, NodeRole)> = Vec::new();
    for (node, role) in asked {
        let role = role
            .parse()
            .map_err(|text: String| Error::invalid_field("role_invalid", "grants.role", text))?;
        if known.iter().any(|(other, _)| *other == node) {
            return Err(twice());
        }
        known.push((node, role));
        if known.len() > MOST {
            return Err(too_many());
        }
    }
    Ok(known)
}

/// A node that is named twice.
pub(crate) fn twice() -> Error {
    Error::invalid_field("grants_invalid", "grants", "name each node once")
}

/// More than an invitation carries.
pub(crate) fn too_many() -> Error {
    Error::invalid_field(
        "grants_invalid",
        "grants",
        format!("an invitation carries at most {MOST} grants: share a folder that holds them"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_is_named_once_with_a_role_that_there_is() {
        let many: Vec<String> = (0..=MOST).map(|n| format!("nod_{n}")).collect();
        let reason = |asked: &[(&str, &str)]| match promises(asked.iter().copied()) {
            Ok(_) => "none".to_owned(),
            Err(error) => error.reason().to_owned(),
        };
        assert_eq!(reason(&[("nod_1", "viewer"), ("nod_2", "owner")]), "none");
        assert_eq!(
            reason(&[("nod_1", "viewer"), ("nod_1", "owner")]),
            "grants_invalid"
        );
        assert_eq!(reason(&[("nod_1", "guest")]), "role_invalid");
        let all: Vec<(&str, &str)> = many.iter().map(|node| (node.as_str(), "viewer")).collect();
        assert_eq!(reason(&all[..MOST]), "none");
        assert_eq!(reason(&all), "grants_invalid");
    }
}
