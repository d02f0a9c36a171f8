//! The parameter `options` of libpq: settings of the server, as its command line has them.

/// A setting of the server and its value.
pub(super) type Setting = (String, String);

/// The settings of a text such as `-c search_path=dagster -cstatement_timeout=5s --geqo=off`. `None` if there is something
/// else in it. A backslash takes the next character as it is.
pub(super) fn parse(text: &str) -> Option<Vec<Setting>> {
    let mut words = words(text).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let assignment = if word == "-c" || word == "--" {
            words.next()?
        } else {
            word.strip_prefix("-c").or_else(|| word.strip_prefix("--"))?.to_owned()
        };
        let (name, value) = assignment.split_once('=').filter(|(name, _)| !name.is_empty())?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Some(settings)
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character.is_ascii_whitespace() {
            words.extend(word.take());
            continue;
        }
        let taken = if character == '\\' { characters.next() } else { Some(character) };
        word.get_or_insert_default().extend(taken);
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn settings_are_read_as_the_server_reads_them() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let expected = expected.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            assert_eq!(parse(text), Some(expected.collect::<Vec<_>>()), "{text}");
        };
        check("", &[]);
        check("-csearch_path=x", &[("search_path", "x")]);
        check("  -c search_path=a,b  -c a.b=c=d", &[("search_path", "a,b"), ("a.b", "c=d")]);
        check("--statement-timeout=5s", &[("statement_timeout", "5s")]);
        check(r"-c search_path=a,\ b\\c", &[("search_path", r"a, b\c")]);
        check("-c a=", &[("a", "")]);
    }

    #[test]
    fn what_is_no_setting_is_none() {
        for text in ["-c", "-e", "search_path=x", "-c x", "-c =x", "-d 5"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
