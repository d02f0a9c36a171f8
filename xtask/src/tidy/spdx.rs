//! SPDX licence expressions: is there a choice among the offered licences that the project permits?
//!
//! Here: the expression and its evaluation. Not here: which licences are permitted.

/// Whether `expression` can be satisfied with licences that `permitted` accepts.
///
/// `permitted` is asked about single terms, such as `"MIT"` or `"Apache-2.0 WITH LLVM-exception"`. An expression
/// that is not well formed permits nothing: it is an error with its reason.
pub(super) fn satisfied(
    expression: &str,
    permitted: impl Fn(&str) -> bool,
) -> Result<bool, String> {
    // Older crates write `MIT/Apache-2.0`, and cargo documents the slash as `OR`.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut parser = Parser { words: spaced.split_whitespace().peekable(), permitted };
    let result = parser.any()?;
    match parser.words.next() {
        None => Ok(result),
        Some(word) => Err(format!("unexpected `{word}`")),
    }
}

struct Parser<'a, F> {
    words: std::iter::Peekable<std::str::SplitWhitespace<'a>>,
    permitted: F,
}

impl<F: Fn(&str) -> bool> Parser<'_, F> {
    /// `all (OR all)*`: `OR` binds less than `AND`.
    fn any(&mut self) -> Result<bool, String> {
        let mut result = self.all()?;
        while self.words.next_if_eq(&"OR").is_some() {
            // The right side is read even if the left one is enough, to find what is not well formed in it.
            result |= self.all()?;
        }
        Ok(result)
    }

    /// `term (AND term)*`
    fn all(&mut self) -> Result<bool, String> {
        let mut result = self.term()?;
        while self.words.next_if_eq(&"AND").is_some() {
            result &= self.term()?;
        }
        Ok(result)
    }

    /// `( any )`, or a licence with an optional exception.
    fn term(&mut self) -> Result<bool, String> {
        let word = self.words.next().ok_or("a licence is missing at the end")?;
        match word {
            "(" => {
                let result = self.any()?;
                if self.words.next_if_eq(&")").is_none() {
                    return Err("a `)` is missing".to_owned());
                }
                Ok(result)
            }
            ")" | "AND" | "OR" | "WITH" => Err(format!("`{word}` where a licence is expected")),
            licence => self.licence(licence),
        }
    }

    fn licence(&mut self, licence: &str) -> Result<bool, String> {
        if self.words.next_if_eq(&"WITH").is_some() {
            let exception = self.words.next().ok_or("an exception is missing after `WITH`")?;
            return Ok((self.permitted)(&format!("{licence} WITH {exception}")));
        }
        // `X+` is "X or any later version", so X itself may be chosen.
        let this_version = licence.strip_suffix('+');
        Ok((self.permitted)(licence) || this_version.is_some_and(&self.permitted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, expect: Result<bool, &str>) {
        let allow = ["Apache-2.0", "Apache-2.0 WITH LLVM-exception", "ISC", "MIT", "Unicode-3.0"];
        let found = satisfied(expression, |term| allow.contains(&term));
        assert_eq!(found, expect.map_err(str::to_owned), "{expression}");
    }

    #[test]
    fn one_licence() {
        check("MIT", Ok(true));
        check("GPL-3.0-only", Ok(false));
        check("Apache-2.0+", Ok(true));
        check("MPL-2.0+", Ok(false));
    }

    #[test]
    fn one_permitted_choice_is_enough() {
        check("MIT OR Apache-2.0", Ok(true));
        check("MIT/Apache-2.0", Ok(true));
        check("Unlicense/MIT", Ok(true));
        check("GPL-3.0-only OR MIT", Ok(true));
        check("GPL-3.0-only OR MPL-2.0", Ok(false));
    }

    #[test]
    fn every_part_of_a_conjunction_counts() {
        check("(MIT OR Apache-2.0) AND Unicode-3.0", Ok(true));
        check("(MIT OR Apache-2.0) AND OpenSSL", Ok(false));
        check("Apache-2.0 AND ISC", Ok(true));
        check("ISC AND (Apache-2.0 OR ISC) AND OpenSSL", Ok(false));
    }

    #[test]
    fn and_binds_closer_than_or() {
        check("MIT OR GPL-3.0-only AND MPL-2.0", Ok(true));
        check("GPL-3.0-only AND MPL-2.0 OR MIT", Ok(true));
        check("(MIT OR GPL-3.0-only) AND MPL-2.0", Ok(false));
    }

    #[test]
    fn an_exception_is_part_of_the_licence() {
        check("Apache-2.0 WITH LLVM-exception", Ok(true));
        check("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only", Ok(true));
        check("MIT WITH LLVM-exception", Ok(false));
    }

    #[test]
    fn what_is_not_well_formed_permits_nothing() {
        check("", Err("a licence is missing at the end"));
        check("MIT OR", Err("a licence is missing at the end"));
        check("(MIT", Err("a `)` is missing"));
        check("MIT)", Err("unexpected `)`"));
        check("MIT Apache-2.0", Err("unexpected `Apache-2.0`"));
        check("OR MIT", Err("`OR` where a licence is expected"));
        check("MIT WITH", Err("an exception is missing after `WITH`"));
        check("MIT OR (GPL-3.0-only AND)", Err("`)` where a licence is expected"));
    }
}
