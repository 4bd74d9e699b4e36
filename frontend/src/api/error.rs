//! What can go wrong with a call, and how it is told.

use bitvault_api::{Code, Problem};

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// The server refused, with its reasons.
    Problem(Box<Problem>),
    /// No answer: network down, server down, timed out.
    Unreachable,
    /// An answer that this page does not understand.
    Odd {
        /// HTTP status.
        status: u16,
    },
}

impl ApiError {
    /// What happened and what to do next.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Problem(problem) => {
                let fields = problem.fields.iter().map(|field| field.detail.as_str());
                // What is wrong with a field says more than that something is wrong.
                let said = fields
                    .chain([problem.detail.as_str()])
                    .find(|text| !text.is_empty());
                sentence(said.unwrap_or(&problem.title))
            }
            Self::Unreachable => {
                "The server can't be reached. Check your connection and try again.".to_owned()
            }
            Self::Odd { status } => {
                format!(
                    "The server gave an answer ({status}) that this page does not understand. Reload the page; it may be older than the server."
                )
            }
        }
    }

    /// The trace id to quote, when the mistake is the server's.
    pub(crate) fn trace_id(&self) -> Option<String> {
        match self {
            Self::Problem(problem) if problem.status >= 500 => problem.trace_id.clone(),
            _ => None,
        }
    }

    /// The error's code, if the server gave one.
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            _ => None,
        }
    }

    /// The stable reason, if the server gave one.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Problem(problem) => &problem.reason,
            _ => "",
        }
    }

    /// Whether the name is taken in the folder.
    pub(crate) fn is_name_taken(&self) -> bool {
        self.code() == Some(Code::Conflict) && self.reason() == "name_taken"
    }

    /// Whether the same call may work a little later. Waiting makes no room where a limit is used up.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Problem(problem) if problem.reason == "quota_exceeded" => false,
            Self::Problem(problem) => matches!(problem.code, Code::Unavailable | Code::Exhausted),
            Self::Unreachable => true,
            Self::Odd { status } => matches!(status, 502..=504),
        }
    }

    /// Reads the body of an answer that is not a success.
    pub(super) fn read(status: u16, body: &str) -> Self {
        serde_json::from_str(body).map_or(Self::Odd { status }, |problem| Self::Problem(Box::new(problem)))
    }
}

/// The server speaks in phrases; a person reads sentences.
fn sentence(phrase: &str) -> String {
    let phrase = phrase.trim();
    let mut letters = phrase.chars();
    let begin: String = letters
        .next()
        .map(|letter| letter.to_uppercase().collect())
        .unwrap_or_default();
    let end = if phrase.ends_with(['.', '!', '?', ':']) {
        ""
    } else {
        "."
    };
    format!("{begin}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKEN: &str = r#"{"type":"about:blank","title":"Conflict","status":409,
        "detail":"There is a file of this name already.","code":"conflict","reason":"name_taken","trace_id":"ab"}"#;

    #[test]
    fn a_problem_is_told_in_the_servers_words() {
        let error = ApiError::read(409, TAKEN);
        assert!(error.is_name_taken());
        assert_eq!(error.message(), "There is a file of this name already.");
        assert_eq!(error.trace_id(), None, "only our own mistakes need a trace id");
    }

    #[test]
    fn a_phrase_becomes_a_sentence_and_a_field_comes_first() {
        let body = TAKEN.replace(
            r#""code""#,
            r#""fields":[{"field":"tenant","detail":"this account belongs to several tenants; name one"}],"code""#,
        );
        assert_eq!(
            ApiError::read(400, &body).message(),
            "This account belongs to several tenants; name one."
        );
        assert_eq!(sentence("Done already."), "Done already.");
    }

    #[test]
    fn a_trace_id_is_shown_for_the_servers_own_mistakes() {
        let body = TAKEN
            .replace("409", "500")
            .replace(r#""code":"conflict""#, r#""code":"internal""#);
        assert_eq!(ApiError::read(500, &body).trace_id().as_deref(), Some("ab"));
    }

    #[test]
    fn an_answer_from_something_else_is_told_as_such() {
        let error = ApiError::read(502, "<html>Bad gateway</html>");
        assert_eq!(error, ApiError::Odd { status: 502 });
        assert!(error.may_pass());
        assert!(!ApiError::read(404, "nothing").may_pass());
    }
}
