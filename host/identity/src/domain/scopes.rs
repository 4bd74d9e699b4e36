use bitvault_platform::{Error, Scopes};

/// The scopes that a personal access token is to have: one or two of `read` and `write`.
pub(crate) fn scopes(names: &[String]) -> Result<Scopes, Error> {
    let mut scopes = Scopes {
        read: false,
        write: false,
    };
    for name in names {
        let scope = match name.as_str() {
            "read" => &mut scopes.read,
            "write" => &mut scopes.write,
            _ => return Err(refused()),
        };
        if std::mem::replace(scope, true) {
            return Err(refused());
        }
    }
    if names.is_empty() {
        Err(refused())
    } else {
        Ok(scopes)
    }
}

/// Their names.
pub(crate) fn scope_names(scopes: Scopes) -> Vec<String> {
    [(scopes.read, "read"), (scopes.write, "write")]
        .into_iter()
        .filter(|(has, _)| *has)
        .map(|(_, name)| name.to_owned())
        .collect()
}

fn refused() -> Error {
    Error::invalid_field(
        "scopes_invalid",
        "scopes",
        "name `read`, `write` or both, each once",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_named_once_each_and_nothing_else_is_one() {
        let of = |names: &[&str]| scopes(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        for good in [&["read"][..], &["write"], &["read", "write"]] {
            assert_eq!(scope_names(of(good).unwrap()), good);
        }
        for bad in [&[][..], &["admin"], &["read", "read"], &["Read"]] {
            assert_eq!(of(bad).unwrap_err().reason(), "scopes_invalid", "{bad:?}");
        }
    }
}
