//! Tokens and what is kept of them: 256 random bits on their way to a client, their SHA-256 in the database.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Random bytes of a token, from the system's generator.
const TOKEN_BYTES: usize = 32;

/// What a token is for. The prefix lets people and secret scanners recognise it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Calls the API for a while.
    Access,
    /// Is traded for a new session.
    Refresh,
    /// Opens a public link.
    Link,
    /// A personal access token.
    Personal,
    /// What the link of an invitation holds.
    Invitation,
}

impl TokenKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Access => "bva_",
            Self::Refresh => "bvr_",
            Self::Link => "bvl_",
            Self::Personal => "bvp_",
            Self::Invitation => "bvi_",
        }
    }
}

/// A token in the clear: it exists on its way to the client and nowhere else.
pub struct Token(String);

impl Token {
    /// A fresh one, from the system's generator.
    pub fn new(kind: TokenKind) -> Self {
        let random: [u8; TOKEN_BYTES] = rand::random();
        Self(format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(random)))
    }

    /// A token as a client sent it, if it has the shape of one; anything else is nobody's.
    pub fn parse(kind: TokenKind, text: &str) -> Option<Self> {
        let random = URL_SAFE_NO_PAD.decode(text.strip_prefix(kind.prefix())?).ok()?;
        (random.len() == TOKEN_BYTES).then(|| Self(text.to_owned()))
    }

    /// What is stored.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// What the client keeps.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// SHA-256 of a token or a folded address: what is stored and looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of a text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Its 32 bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// For a setting that a policy compares with.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// As it stands in a column.
    pub fn from_row(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognised_by_its_shape() {
        let text = Token::new(TokenKind::Access).into_text();
        assert!(Token::parse(TokenKind::Access, &text).is_some());
        assert!(Token::parse(TokenKind::Refresh, &text).is_none());
        for bad in [
            "",
            "bva_",
            "bva_short",
            "bva_\0",
            &text[1..],
            &format!("{text}AA"),
        ] {
            assert!(Token::parse(TokenKind::Access, bad).is_none(), "{bad:?}");
        }
    }
}
