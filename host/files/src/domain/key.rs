//! Physical keys: `{tenant}/{batch}/{number}`, ids as 32 hex digits. Objects that are started together share a prefix,
//! so that one listing can tell about all of them.

use bitvault_platform::ids::{ObjectId, TenantId};
use uuid::Uuid;

/// The key of item `number` of a batch. `batch` is fresh, so that no key is ever used twice.
pub(crate) fn of(tenant: TenantId, batch: ObjectId, number: usize) -> String {
    format!("{}/{}/{number}", tenant.0.simple(), batch.0.simple())
}

/// The tenant that a key names, if it is one of ours.
pub(crate) fn tenant(key: &str) -> Option<Uuid> {
    let mut parts = key.split('/');
    let mut hex = || {
        parts
            .next()
            .filter(|part| part.len() == 32 && !part.contains('-'))
    };
    let tenant = Uuid::try_parse(hex()?).ok()?;
    Uuid::try_parse(hex()?).ok()?;
    let number = parts.next()?.parse::<usize>().ok()?;
    (parts.next().is_none() && key.ends_with(&format!("/{number}"))).then_some(tenant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_tenant_and_strangers_name_none() {
        let id = TenantId::new();
        assert_eq!(tenant(&of(id, ObjectId::new(), 7)), Some(id.0));
        let stray = format!("{}/x/7", id.0.simple());
        let dashed = format!("{}/{}/7", id.0, id.0);
        for key in [
            "",
            "/",
            "a/b/c",
            &stray,
            &dashed,
            &format!("{}/1", of(id, ObjectId::new(), 1)),
        ] {
            assert_eq!(tenant(key), None, "{key}");
        }
    }
}
