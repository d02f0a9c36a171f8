//! Which texts stand without quotes, and which quotes the others get.
//!
//! Not here: what is between the quotes.

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As it is.
    Plain,
    /// Between single quotes.
    Single,
    /// Between double quotes, with escapes.
    Double,
}

/// How a text is written. If nothing but the start of a line speaks against single quotes, they are taken.
pub(super) fn style_of(text: &str) -> Style {
    let is_printable = |character| matches!(character, '\n' | ' '..='~');
    let has_blank_around_break = text.contains(" \n") || text.contains("\n ");
    if !text.chars().all(is_printable) || has_blank_around_break {
        return Style::Double;
    }
    let has_blank_at_end = text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']);
    let is_marked = begins_like_a_mark(text) || has_mark_inside(text);
    if has_blank_at_end || text.contains('\n') || is_marked || is_no_text(text) {
        return Style::Single;
    }
    Style::Plain
}

/// Whether the text begins like a part of YAML's own.
fn begins_like_a_mark(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next().unwrap_or(' ');
    let is_followed_by_blank = characters.next().is_none_or(|second| second == ' ');
    text.starts_with("---")
        || text.starts_with("...")
        || "#,[]{}&*!|>'\"%@`".contains(first)
        || ("?:-".contains(first) && is_followed_by_blank)
}

/// Whether the text has a mark of YAML's in it: a colon before a blank, or a hash behind one.
fn has_mark_inside(text: &str) -> bool {
    text.contains(": ") || text.ends_with(':') || text.contains(" #")
}

/// Whether the text would be read as something else than a text: a number, a boolean, a time, nothing.
fn is_no_text(text: &str) -> bool {
    const WORDS: [&str; 8] = ["yes", "no", "true", "false", "on", "off", "null", ""];

    let is_word = WORDS.iter().any(|word| {
        let title =
            word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default();
        text == *word || text == word.to_uppercase() || text == title
    });
    is_word
        || matches!(text, "~" | "<<" | "=")
        || is_integer(text)
        || is_float(text)
        || is_time(text)
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn is_all(text: &str, allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(allowed)
}

const fn is_digit_or_gap(character: char) -> bool {
    matches!(character, '0'..='9' | '_')
}

fn is_integer(text: &str) -> bool {
    let text = unsigned(text);
    if let Some(digits) = text.strip_prefix("0b") {
        return is_all(digits, |c| matches!(c, '0' | '1' | '_'));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return is_all(digits, |c| c.is_ascii_hexdigit() || c == '_');
    }
    if let Some(digits) = text.strip_prefix('0') {
        return digits.is_empty() || is_all(digits, |c| matches!(c, '0'..='7' | '_'));
    }
    let (first, parts) = text.split_once(':').unwrap_or((text, "0"));
    first.starts_with(|c: char| c.is_ascii_digit())
        && is_all(first, is_digit_or_gap)
        && parts.split(':').all(is_sixtieth)
}

/// Whether a part of a number of base 60 is one.
fn is_sixtieth(part: &str) -> bool {
    match part.as_bytes() {
        [digit] | [b'0'..=b'5', digit] => digit.is_ascii_digit(),
        _ => false,
    }
}

fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let number = unsigned(text);
    if matches!(number, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let Some((whole, behind)) = number.split_once('.') else { return false };
    let (digits, exponent) = match behind.find(['e', 'E']) {
        Some(at) => (&behind[..at], Some(&behind[at + 1..])),
        None => (behind, None),
    };
    let has_exponent = exponent.is_none_or(|exponent| {
        exponent
            .strip_prefix(['-', '+'])
            .is_some_and(|digits| is_all(digits, |c| c.is_ascii_digit()))
    });
    let is_fraction = digits.chars().all(is_digit_or_gap);
    if whole.is_empty() {
        // A point in front takes no sign, and needs a digit.
        let has_digit = digits.starts_with(|c: char| c.is_ascii_digit());
        return number == text && has_digit && is_fraction && has_exponent;
    }
    let begins = whole.starts_with(|c: char| c.is_ascii_digit());
    if let Some((first, parts)) = whole.split_once(':') {
        let is_whole =
            begins && is_all(first, is_digit_or_gap) && parts.split(':').all(is_sixtieth);
        return is_whole && is_fraction && exponent.is_none();
    }
    begins && is_all(whole, is_digit_or_gap) && is_fraction && has_exponent
}

/// Whether the text is a date, or a date with a time of day.
fn is_time(text: &str) -> bool {
    let digits = |part: &str, least: usize, most: usize| {
        (least..=most).contains(&part.len()) && is_all(part, |c| c.is_ascii_digit())
    };
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    if !digits(year, 4, 4) || !digits(month, 1, 2) {
        return false;
    }
    let Some(at) = rest.find(|c: char| !c.is_ascii_digit()) else {
        return digits(month, 2, 2) && digits(rest, 2, 2);
    };
    let (day, behind) = rest.split_at(at);
    let time = behind
        .strip_prefix(['T', 't'])
        .or_else(|| Some(behind.trim_start_matches(' ')).filter(|time| *time != behind));
    let Some(time) = time.filter(|_| digits(day, 1, 2)) else { return false };
    // The seconds end where their digits do, the fraction where its digits do, and the zone is behind.
    let mut clock = time.splitn(3, ':');
    let (Some(hour), Some(minute), Some(rest)) = (clock.next(), clock.next(), clock.next()) else {
        return false;
    };
    let (second, rest) = rest.split_at_checked(2).unwrap_or((rest, ""));
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    digits(hour, 1, 2)
        && digits(minute, 2, 2)
        && digits(second, 2, 2)
        && (rest.is_empty() || is_zone(rest.trim_start_matches(' '), &digits))
}

fn is_zone(zone: &str, digits: &impl Fn(&str, usize, usize) -> bool) -> bool {
    if zone == "Z" {
        return true;
    }
    let Some(offset) = zone.strip_prefix(['-', '+']) else { return false };
    match offset.split_once(':') {
        Some((hours, minutes)) => digits(hours, 1, 2) && digits(minutes, 2, 2),
        None => digits(offset, 1, 2),
    }
}
