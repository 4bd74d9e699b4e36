//! `bitvaultd config print`: the effective values, secrets masked.

use super::Config;

const MASK: &str = "[REDACTED]";

/// The configuration as text. Secrets print as `[REDACTED]`: their type never shows them, and what may hold one without
/// being of that type is masked here.
pub(crate) fn print(config: &Config) -> String {
    let mut config = config.clone();
    if let Some(database) = &mut config.database {
        mask_password(&mut database.url);
    }
    if let Some(redis) = &mut config.redis {
        mask_password(&mut redis.url);
    }
    if let Some(mail) = &mut config.identity.mail {
        mask_password(&mut mail.url);
    }
    if let Some(endpoint) = &mut config.telemetry.otlp_endpoint {
        mask_password(endpoint);
    }
    for value in config.telemetry.otlp_headers.values_mut() {
        MASK.clone_into(value);
    }
    format!("{config:#?}")
}

/// Masks the password of `scheme://user:password@host`.
fn mask_password(url: &mut String) {
    if let Some((scheme, rest)) = url.split_once("://")
        && let Some((user, host)) = rest.rsplit_once('@')
        && let Some((name, _)) = user.split_once(':')
    {
        *url = format!("{scheme}://{name}:{MASK}@{host}");
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load;

    #[test]
    fn secrets_are_masked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bitvault.toml");
        let text = "bootstrap_password = \"canary-1\"\n[rpc]\nsecret = \"canary-2\"\n\
                    [database]\nurl = \"postgres://me:canary-4@db/bitvault\"\nrole_secret = \"canary-3\"\n\
                    [redis]\nurl = \"rediss://me:canary-8@hints\"\npassword = \"canary-9\"\n\
                    [identity.mail]\nurl = \"smtps://me:canary-6@mail\"\nfrom = \"a@b\"\npassword = \"canary-7\"\n\
                    [telemetry.otlp_headers]\nauthorization = \"Bearer canary-5\"\n";
        std::fs::write(&file, text).unwrap();
        let printed = super::print(&load(Some(&file), None, None).unwrap());
        assert!(!printed.contains("canary"), "{printed}");
        assert!(printed.contains("postgres://me:[REDACTED]@db/bitvault"));
    }
}
