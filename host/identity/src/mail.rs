//! Invitations by mail, over SMTP. Each mail is a connection of its own: there are few.

use crate::MailConfig;
use crate::domain::Promise;
use bitvault_platform::{Code, Error, config};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use secrecy::ExposeSecret as _;
use std::fmt;
use std::time::Duration;

/// Longest wait for each answer of the SMTP server.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Sends mail.
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailer")
    }
}

/// What an invitation says.
#[derive(Debug)]
pub(crate) struct InvitationMail<'a> {
    pub(crate) to: &'a str,
    pub(crate) tenant: &'a str,
    pub(crate) inviter: &'a str,
    pub(crate) url: &'a str,
    pub(crate) days: u64,
    /// What it shares.
    pub(crate) shared: &'a [Promise],
}

impl Mailer {
    pub(crate) fn new(config: &MailConfig) -> Result<Self, Error> {
        let wrong = |text: String| Error::new(Code::Invalid, "config_invalid", text);
        let password = config::secret("identity.mail.password", &config.password, &config.password_file)?;
        let encrypted = config.url.starts_with("smtps://") || config.url.contains("tls=required");
        if password.is_some() && !encrypted {
            return Err(wrong(
                "identity.mail.url: a password must not travel in the clear; use smtps:// or ?tls=required"
                    .to_owned(),
            ));
        }
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&config.url)
            .map_err(|cause| wrong(format!("identity.mail.url: {cause}")))?
            .timeout(Some(ANSWER_WITHIN));
        match (&config.username, password) {
            (Some(user), Some(password)) => {
                let secret = password.expose_secret().to_owned();
                transport = transport.credentials(Credentials::new(user.clone(), secret));
            }
            (None, None) => {}
            _ => {
                return Err(wrong(
                    "identity.mail: give username and password together, or neither".to_owned(),
                ));
            }
        }
        Ok(Self {
            transport: transport.build(),
            from: config
                .from
                .parse()
                .map_err(|cause| wrong(format!("identity.mail.from: {cause}")))?,
        })
    }

    /// Hands an invitation over to the SMTP server.
    pub(crate) async fn invite(&self, mail: InvitationMail<'_>) -> Result<(), Error> {
        let to = mail.to.parse().map_err(|_| {
            Error::invalid_field("email_invalid", "email", "no mail can be sent to this address")
        })?;
        let body = format!(
            "{} invites you to {} on BitVault{}.\n\n{}\
             Open this link to set your password and sign in:\n\n{}\n\n\
             It is good once, within {} days. If you did not expect it, do nothing.\n",
            mail.inviter,
            mail.tenant,
            if mail.shared.is_empty() {
                ""
            } else {
                ", and shares with you"
            },
            listed(mail.shared),
            mail.url,
            mail.days
        );
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(format!("Invitation to {}", mail.tenant))
            .header(ContentType::TEXT_PLAIN)
            .body(body)
            .map_err(|cause| Error::internal("write an invitation", cause))?;
        self.transport
            .send(message)
            .await
            .map_err(|cause| Error::unavailable("mail", cause))?;
        Ok(())
    }
}

/// What is shared, a line each.
fn listed(shared: &[Promise]) -> String {
    if shared.is_empty() {
        return String::new();
    }
    let lines = shared.iter().map(|promise| {
        let name = match promise.name.as_str() {
            "" => "all of their files",
            name => name,
        };
        format!("  {name} (as {})\n", promise.role.name())
    });
    lines.chain(["\n".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut MailConfig)) -> Option<String> {
        let mut config = MailConfig {
            url: "smtps://mail.example.org".to_owned(),
            from: "BitVault <vault@example.org>".to_owned(),
            username: Some("vault".to_owned()),
            password: Some("secret of the mail server".into()),
            password_file: None,
        };
        change(&mut config);
        Mailer::new(&config).err().map(|error| error.message().to_owned())
    }

    #[test]
    fn a_configuration_that_would_leak_or_fail_is_refused() {
        assert_eq!(refusal(|_| {}), None);
        assert_eq!(
            refusal(|config| config.url = "smtp://h:25?tls=required".to_owned()),
            None
        );
        let told = |change: fn(&mut MailConfig)| refusal(change).unwrap_or_default();
        assert!(told(|config| config.url = "smtp://h:25".to_owned()).contains("in the clear"));
        assert!(told(|config| config.url = "http://h".to_owned()).contains("identity.mail.url"));
        assert!(told(|config| config.from = "nobody".to_owned()).contains("identity.mail.from"));
        assert!(told(|config| config.username = None).contains("together"));
    }
}
