//! An error for people: its text with those of the errors behind it.

use std::error::Error;

/// The text of an error with those of the errors behind it. A text that ends the text so far is not repeated.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::chain;

    #[derive(Debug)]
    struct Step(&'static str, Option<Box<Step>>);

    impl std::fmt::Display for Step {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Step {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.1.as_deref().map(|step| step as _)
        }
    }

    #[test]
    fn causes_follow_and_are_not_repeated() {
        let last = Step("no such file", None);
        let middle = Step("cannot open x: no such file", Some(Box::new(last)));
        let first = Step("run r cannot be read", Some(Box::new(middle)));
        assert_eq!(chain(&first), "run r cannot be read: cannot open x: no such file");
    }
}
