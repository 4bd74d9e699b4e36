//! The demo account that `up` makes on first start, kept in the data folder so that the next `up` tells the same. Until it
//! has signed in once, the next `up` may ask for another: the daemon may have refused to start with this one.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rand::Rng as _;

/// Where it is kept, readable by its owner only.
const FILE: &str = "demo.json";

/// What the account is called when nothing is asked for.
const DEFAULT_EMAIL: &str = "demo@example.com";

/// The tenant that the account owns.
const TENANT: &str = "demo";

/// Letters of a made password: none that are mistaken for one another.
const PASSWORD_LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// Length of a made password: 20 letters of 31 are 99 bits.
const PASSWORD_LENGTH: usize = 20;

/// How one signs in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Account {
    pub(super) email: String,
    pub(super) password: String,
    pub(super) tenant: String,
}

/// What the file holds.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    #[serde(flatten)]
    account: Account,
    /// Whether it has signed in. Earlier versions did not say so.
    #[serde(default = "yes")]
    accepted: bool,
    /// What was asked for before, and has not signed in either: the daemon may have made one of these and been stopped then.
    #[serde(default)]
    earlier: Vec<Account>,
}

fn yes() -> bool {
    true
}

impl Kept {
    fn read(data_dir: &Path) -> Result<Option<Self>> {
        let path = data_dir.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .with_context(|| format!("read {}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
        }
    }

    fn write(&self, data_dir: &Path) -> Result<()> {
        let path = data_dir.join(FILE);
        let fresh = path.with_extension("new");
        let text = serde_json::to_string_pretty(self).context("write the demo account")?;
        std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| std::fs::rename(&fresh, &path))
            .with_context(|| format!("write {}", path.display()))
    }
}

impl Account {
    /// The account kept in this data folder.
    pub(super) fn read(data_dir: &Path) -> Result<Option<Self>> {
        Ok(Kept::read(data_dir)?.map(|kept| kept.account))
    }

    /// The account kept in this data folder, or a new one with what was asked for; and whether it is new, so that it has
    /// yet to be accepted.
    pub(super) fn read_or_make(
        data_dir: &Path,
        email: Option<&str>,
        password: Option<&str>,
    ) -> Result<(Self, bool)> {
        let kept = Kept::read(data_dir)?;
        if let Some(Kept {
            account: kept,
            accepted: true,
            ..
        }) = kept
        {
            if email.is_some_and(|email| email != kept.email)
                || password.is_some_and(|word| word != kept.password)
            {
                bail!(
                    "{} belongs to {} already; leave out --email and --password, or name another --data-dir",
                    data_dir.display(),
                    kept.email
                );
            }
            return Ok((kept, false));
        }
        let first = || Self {
            email: DEFAULT_EMAIL.to_owned(),
            password: make_password(),
            tenant: TENANT.to_owned(),
        };
        let mut earlier = Vec::new();
        let mut account = kept.map_or_else(first, |kept| {
            earlier = kept.earlier;
            earlier.push(kept.account.clone());
            kept.account
        });
        if let Some(email) = email {
            email.clone_into(&mut account.email);
        }
        if let Some(password) = password {
            password.clone_into(&mut account.password);
        }
        earlier.retain(|one| *one != account);
        let kept = Kept {
            account: account.clone(),
            accepted: false,
            earlier,
        };
        kept.write(data_dir)?;
        Ok((account, true))
    }

    /// The one that signs in, of all that were asked for, the last one first: from now on the data folder belongs to it. None,
    /// and the folder has others' accounts, so that what is kept is forgotten.
    pub(super) fn accept(data_dir: &Path, signs_in: impl Fn(&Self) -> Result<bool>) -> Result<Option<Self>> {
        let Some(kept) = Kept::read(data_dir)? else {
            return Ok(None);
        };
        for account in std::iter::once(kept.account).chain(kept.earlier.into_iter().rev()) {
            if signs_in(&account)? {
                let kept = Kept {
                    account: account.clone(),
                    accepted: true,
                    earlier: Vec::new(),
                };
                kept.write(data_dir)?;
                return Ok(Some(account));
            }
        }
        let path = data_dir.join(FILE);
        std::fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
        Ok(None)
    }
}

fn make_password() -> String {
    let mut random = rand::rng();
    (0..PASSWORD_LENGTH)
        .map(|_| char::from(PASSWORD_LETTERS[random.random_range(0..PASSWORD_LETTERS.len())]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_second_up_tells_the_same_account_and_only_the_owner_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let (made, new) = Account::read_or_make(dir.path(), None, None).unwrap();
        assert!(
            new && made.password.len() == PASSWORD_LENGTH,
            "{}",
            made.password.len()
        );
        let accepted = Account::accept(dir.path(), |_| Ok(true)).unwrap();
        assert_eq!(accepted.as_ref(), Some(&made));
        assert_eq!(
            Account::read_or_make(dir.path(), None, None).unwrap(),
            (made, false)
        );
        let mode = std::fs::metadata(dir.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn an_account_that_never_signed_in_gives_way_to_what_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let ask = |email, password| Account::read_or_make(dir.path(), email, password).unwrap();
        ask(Some("no address"), Some("short"));
        let (account, new) = ask(Some("a@example.com"), None);
        assert_eq!((account.email.as_str(), new), ("a@example.com", true));
        assert_eq!(account.password, "short", "what is not asked for stays");
        assert_eq!(ask(None, Some("a long one")).0.password, "a long one");
    }

    #[test]
    fn an_account_that_was_made_before_up_ended_is_found_again_whatever_was_asked_for_since() {
        let dir = tempfile::tempdir().unwrap();
        let (made, _) = Account::read_or_make(dir.path(), None, None).unwrap();
        Account::read_or_make(dir.path(), None, Some("another one")).unwrap();
        Account::read_or_make(dir.path(), None, Some("a third one")).unwrap();
        let accepted = Account::accept(dir.path(), |account| Ok(*account == made)).unwrap();
        assert_eq!(accepted.as_ref(), Some(&made));
        assert_eq!(
            Account::read_or_make(dir.path(), None, None).unwrap(),
            (made, false)
        );
    }

    #[test]
    fn what_never_signs_in_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        Account::read_or_make(dir.path(), None, None).unwrap();
        assert_eq!(Account::accept(dir.path(), |_| Ok(false)).unwrap(), None);
        assert_eq!(Account::read(dir.path()).unwrap(), None);
    }

    #[test]
    fn an_account_of_an_earlier_version_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let text = r#"{"email":"a@example.com","password":"a password","tenant":"demo"}"#;
        std::fs::write(dir.path().join(FILE), text).unwrap();
        assert!(Account::read_or_make(dir.path(), None, Some("another")).is_err());
    }

    #[test]
    fn another_account_for_a_used_data_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Account::read_or_make(dir.path(), Some("a@example.com"), Some("a password")).unwrap();
        Account::accept(dir.path(), |_| Ok(true)).unwrap();
        assert!(Account::read_or_make(dir.path(), Some("a@example.com"), Some("a password")).is_ok());
        let error = Account::read_or_make(dir.path(), Some("b@example.com"), None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("a@example.com") && error.contains("--data-dir"),
            "{error}"
        );
    }
}
