//! `bitvaultd config print`: the effective values, secrets masked.

use super::Config;

/// The configuration as text. Secrets print as `[REDACTED]`: their type never shows them.
pub(crate) fn print(config: &Config) -> String {
    format!("{config:#?}")
}

#[cfg(test)]
mod tests {
    use crate::config::load;

    #[test]
    fn secrets_are_masked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bitvault.toml");
        let text = "bootstrap_password = \"canary-1\"\n[rpc]\nsecret = \"canary-2\"\n\
                    [database]\nurl = \"postgres://db/bitvault\"\nrole_secret = \"canary-3\"\n";
        std::fs::write(&file, text).unwrap();
        let printed = super::print(&load(Some(&file), None, None).unwrap());
        assert!(!printed.contains("canary"), "{printed}");
        assert!(printed.contains("postgres://db/bitvault"));
    }
}
