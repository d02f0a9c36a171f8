//! What S3 or the way to it answered, in a text that holds no secret.
//!
//! S3 repeats the request in some of its answers, with tokens and keys of encryption. So the client's own errors go
//! no further than to here: of an answer, its status, its code and its message are taken.

use std::error::Error;
use std::fmt;

use instance_core::error::StorageError;

/// Why a request to S3 did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    text: String,
    /// S3's name for it, if S3 has answered with one.
    pub(super) code: Option<String>,
}

impl Failure {
    /// A failure in our own words.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: None }
    }

    /// The failure of an action at a place.
    pub(super) fn of(self, action: &'static str, place: impl Into<String>) -> StorageError {
        StorageError::Io { action, path: place.into(), source: std::io::Error::other(self) }
    }

    /// The same with more to say.
    pub(super) fn and(mut self, more: &str) -> Self {
        self.text = format!("{}; {more}", self.text);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Failure {}

impl From<object_store::Error> for Failure {
    fn from(error: object_store::Error) -> Self {
        let mut innermost = String::new();
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(this) = cause {
            if let Some(ours) = this.downcast_ref::<Self>() {
                return ours.clone();
            }
            innermost = this.to_string();
            cause = this.source();
        }
        Self::told(&error.to_string(), &innermost)
    }
}

impl Failure {
    /// Makes sense of what the client tells, and of the innermost reason for it.
    fn told(text: &str, innermost: &str) -> Self {
        // Before an answer's body there is its status.
        let status = between(text, "status code: ", ":");
        let code = between(text, "<Code>", "</Code>").map(unescaped);
        let message = between(text, "<Message>", "</Message>").map(unescaped);
        let text = match (status, &code, message) {
            (status, Some(code), message) => {
                let status = status.map(|status| format!("{status}, ")).unwrap_or_default();
                let message = message.map(|message| format!(": {message}")).unwrap_or_default();
                format!("S3 answers {status}{code}{message}")
            }
            (Some(status), None, _) => format!("S3 answers {status}"),
            (None, None, _) if text.contains("incorrectly configured region") => {
                "the bucket is in another region; name it by `region`".to_owned()
            }
            (None, None, _) => {
                let text = text.split('<').next().unwrap_or_default();
                let text = text.strip_prefix("Generic S3 error: ").unwrap_or(text).trim_end();
                let innermost = innermost.split('<').next().unwrap_or_default().trim_end();
                if innermost.is_empty() || text.contains(innermost) {
                    text.to_owned()
                } else {
                    format!("{text}: {innermost}")
                }
            }
        };
        Self { text, code }
    }
}

/// The text between two others.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// A text of XML.
fn unescaped(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, innermost: &str, expect: &str, code: Option<&str>) {
        let failure = Failure::told(text, innermost);
        assert_eq!(failure.to_string(), expect);
        assert_eq!(failure.code.as_deref(), code);
    }

    #[test]
    fn of_an_answer_the_code_and_the_message_are_told_and_no_more() {
        check(
            "Object at location k: Error performing PUT http://s3/b/k in 2ms - Server returned non-2xx status code: \
             403 Forbidden: <?xml version=\"1.0\"?><Error><Code>InvalidToken</Code><Message>The \
             &quot;token&quot; is not valid.</Message><Token-0>SECRET</Token-0></Error>",
            "Server returned ... SECRET",
            "S3 answers 403 Forbidden, InvalidToken: The \"token\" is not valid.",
            Some("InvalidToken"),
        );
        check(
            "Error performing HEAD http://s3/b/k in 2ms - Server returned non-2xx status code: 404 Not Found: ",
            "",
            "S3 answers 404 Not Found",
            None,
        );
        check(
            "Server returned non-2xx status code: 500 Internal Server Error: token=SECRET",
            "token=SECRET",
            "S3 answers 500 Internal Server Error",
            None,
        );
        check(
            "Server returned error response: <Error><Code>InternalError</Code></Error>",
            "",
            "S3 answers InternalError",
            Some("InternalError"),
        );
    }

    #[test]
    fn without_an_answer_the_reason_is_told() {
        check(
            "Generic S3 error: Error performing PUT http://127.0.0.1:1/b/k in 1.5s - HTTP error: error sending request",
            "Connection refused (os error 111)",
            "Error performing PUT http://127.0.0.1:1/b/k in 1.5s - HTTP error: error sending request: Connection \
             refused (os error 111)",
            None,
        );
        check(
            "Generic S3 error: .. Received redirect without LOCATION, this normally indicates an incorrectly configured \
             region",
            "",
            "the bucket is in another region; name it by `region`",
            None,
        );
    }

    #[test]
    fn our_own_words_come_through_the_client() {
        let ours = Failure::new("no credentials");
        let source = Box::new(ours.clone());
        let error = object_store::Error::Generic { store: "S3", source };
        assert_eq!(Failure::from(error), ours);
    }
}
