//! Hints as text. A daemon of another version may not know all of them: what can't be read is taken for nothing.

use super::{Hint, Whose};
use serde::{Deserialize, Serialize};

/// One message on the channel.
#[derive(Debug, Serialize, Deserialize)]
struct Message<'a> {
    /// The daemon that tells: nobody hears itself.
    from: &'a str,
    /// `changed` or `access`.
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

/// As text; `None` for what is never told.
pub(super) fn written(from: &str, hint: Hint) -> Option<String> {
    let (what, whose) = match hint {
        Hint::Changed(tenant) => ("changed", Whose::tenant(tenant)),
        Hint::Access(whose) => ("access", whose),
        Hint::Missed => return None,
    };
    let message = Message {
        from,
        what,
        tenant: whose.tenant.map(|tenant| tenant.to_string()),
        account: whose.account.map(|account| account.to_string()),
    };
    serde_json::to_string(&message).ok()
}

/// The hint of another daemon; `None` for one's own and for what can't be read.
pub(super) fn read(own: &str, text: &[u8]) -> Option<Hint> {
    let message: Message<'_> = serde_json::from_slice(text).ok()?;
    if message.from == own {
        return None;
    }
    let tenant = message.tenant.map(|tenant| tenant.parse()).transpose().ok()?;
    let account = message.account.map(|account| account.parse()).transpose().ok()?;
    match message.what {
        "changed" => tenant.map(Hint::Changed),
        "access" => Some(Hint::Access(Whose { tenant, account })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{AccountId, TenantId};

    #[test]
    fn what_is_written_is_read_by_others_only() {
        let (tenant, account) = (TenantId::new(), AccountId::new());
        for hint in [
            Hint::Changed(tenant),
            Hint::Access(Whose::tenant(tenant)),
            Hint::Access(Whose::member(tenant, account)),
            Hint::Access(Whose::account(account)),
        ] {
            let text = written("one", hint).unwrap();
            assert_eq!(read("two", text.as_bytes()), Some(hint), "{text}");
            assert_eq!(read("one", text.as_bytes()), None, "{text}");
        }
        assert_eq!(written("one", Hint::Missed), None);
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        for text in [
            "",
            "nonsense",
            r#"{"from":"two","what":"later"}"#,
            r#"{"from":"two","what":"changed"}"#,
            r#"{"from":"two","what":"changed","tenant":"ten_1"}"#,
        ] {
            assert_eq!(read("one", text.as_bytes()), None, "{text}");
        }
    }
}
