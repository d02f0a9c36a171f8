//! Texts of a file as people may see them: in one line, not too long, and without passwords.

/// How many characters of a text are shown.
const SHOWN: usize = 60;

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "***";

/// A text in one line, not too long, and without the password of a URL.
pub(crate) fn shown_text(text: &str) -> String {
    cut(&without_password(text))
}

/// A text of the file that may be no more than a key or the name of something: without what may be a value behind it.
pub(crate) fn name(text: &str) -> String {
    let end = text.find([':', '=', ' ', '\n', '@']).unwrap_or(text.len());
    if end == text.len() { cut(text) } else { format!("{}..", cut(&text[..end])) }
}

/// A text in one line, and not too long.
pub(crate) fn cut(text: &str) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == SHOWN {
            shown.push_str("..");
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A URL without its password and its parameters; any other text as it is.
pub(crate) fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let Some((login, place)) = rest.rsplit_once('@') else {
        return format!("{scheme}://{}", without_parameters(rest));
    };
    // It may be a password with a question mark, or a parameter with an `@`. What stands in the place of a port may be
    // a password behind an `@`.
    if login.contains('?') || !has_plain_port(place) {
        return format!("{scheme}://{MASK}");
    }
    let place = without_parameters(place);
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:{MASK}@{place}"),
        None if scheme.starts_with("http") => format!("{scheme}://{MASK}@{place}"),
        None => format!("{scheme}://{login}@{place}"),
    }
}

/// A value that is meant to be a URL. A text that is neither a URL nor a path may be a secret in the wrong place.
pub(crate) fn url(text: &str) -> String {
    if text.is_empty() || text.contains("://") || text.starts_with('/') {
        without_password(text)
    } else {
        MASK.to_owned()
    }
}

/// Whether somebody who writes a key of this name means its value to be secret.
pub(crate) fn names_secret(key: &str) -> bool {
    const PARTS: [&str; 14] = [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "credential",
        "apikey",
        "accesskey",
        "privatekey",
        "accountkey",
        "connectionstring",
        "dsn",
        "auth",
    ];
    let key: String = key.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    PARTS.iter().any(|part| key.contains(part))
}

fn without_parameters(place: &str) -> String {
    match place.split_once('?') {
        Some((place, _)) => format!("{place}?{MASK}"),
        None => place.to_owned(),
    }
}

/// Whether what follows the host of a URL is a number, if it is there.
fn has_plain_port(place: &str) -> bool {
    let host = place.split(['/', '?', ',']).next().unwrap_or_default();
    let behind = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
    behind.split_once(':').is_none_or(|(_, port)| port.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{name, names_secret, shown_text, url};

    #[test]
    fn no_password_of_a_url_is_shown() {
        for (text, expected) in [
            ("postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"),
            ("postgresql://u:se/c@re:t@h/d?sslpassword=secret", "postgresql://u:***@h/d?***"),
            ("postgresql://u:secret@[::1]:5432/d", "postgresql://u:***@[::1]:5432/d"),
            ("postgresql://u@h:secret/d", "postgresql://***"),
            ("amqp://h/d", "amqp://h/d"),
            ("https://token@h/", "https://***@h/"),
            ("postgresql://u@h/d", "postgresql://u@h/d"),
            ("postgresql://u:secret?@h/d", "postgresql://***"),
            ("postgresql://h/d?password=se@cret", "postgresql://***"),
            ("h/d?password=secret", "h/d?password=secret"),
            ("a\nb", "a\\nb"),
        ] {
            assert_eq!(shown_text(text), expected, "{text}");
        }
        assert_eq!(shown_text(&"a".repeat(61)), format!("{}..", "a".repeat(60)));
    }

    #[test]
    fn what_is_no_url_is_not_shown_as_one() {
        for (text, expected) in [
            ("", ""),
            ("/srv/states", "/srv/states"),
            ("rpc://", "rpc://"),
            ("secret", "***"),
            ("u:secret@h/d", "***"),
        ] {
            assert_eq!(url(text), expected, "{text}");
        }
    }

    #[test]
    fn a_key_that_swallowed_its_value_is_cut() {
        for (text, expected) in [
            ("port", "port"),
            ("password:secret", "password.."),
            ("password secret", "password.."),
            ("password=secret", "password.."),
        ] {
            assert_eq!(name(text), expected, "{text}");
        }
    }

    #[test]
    fn names_of_secrets_are_known() {
        for key in ["PASSWORD", "db_password", "api-key", "AWS_ACCESS_KEY_ID", "authToken"] {
            assert!(names_secret(key), "{key}");
        }
        for key in ["name", "key", "mount_path", "team"] {
            assert!(!names_secret(key), "{key}");
        }
    }
}
