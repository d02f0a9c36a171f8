//! How keys of time windows are read: Python's `strptime`. Not here: how they are written.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;

use crate::PartitionsError;
use crate::key_format::{Piece, expanded, pieces, unknown};
use crate::ticks::instant_of;

/// Pieces that a format may have: reading goes one call deeper with each.
const MAX_PIECES: usize = 200;

const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// When a key says that its window begins.
///
/// An offset from UTC may stand after the format, as in the keys of hours that come twice.
pub(super) fn time_of_key(
    key: &str,
    zone: Tz,
    fmt: &str,
) -> Result<DateTime<Utc>, PartitionsError> {
    match read(key, zone, fmt)? {
        Some(time) => Some(time),
        None if fmt.contains("%z") => None,
        None => read(key, zone, &format!("{fmt}%z"))?,
    }
    .ok_or_else(|| PartitionsError::UnreadableKey { key: key.to_owned(), fmt: fmt.to_owned() })
}

/// The time that a text stands for; `None` if it does not follow the format.
fn read(text: &str, zone: Tz, fmt: &str) -> Result<Option<DateTime<Utc>>, PartitionsError> {
    let pieces = directives(fmt)?;
    let text: Vec<char> = text.chars().collect();
    let mut found = Found(Vec::new());
    if matched(&pieces, &text, &mut found) != Some(text.len()) {
        return Ok(None);
    }
    let Some(local) = local_time(&found) else {
        return Ok(None);
    };
    Ok(match found.text('z') {
        None => Some(instant_of(local, zone)),
        Some(offset) => offset_of(offset).map(|offset| (local - offset).and_utc()),
    })
}

/// The pieces of a format, each of which can be read.
fn directives(fmt: &str) -> Result<Vec<Piece>, PartitionsError> {
    let mut all = Vec::new();
    for piece in pieces(fmt)? {
        match piece {
            Piece::Unpadded(directive) => return Err(unknown(fmt, &format!("%-{directive}"))),
            Piece::Directive(directive) => match expanded(directive) {
                // The day of `%c` is read as any other day.
                Some(several) => all.extend(pieces(&several.replace("%e", "%d"))?),
                None => all.push(piece),
            },
            piece => all.push(piece),
        }
    }
    for (index, piece) in all.iter().enumerate() {
        let Piece::Directive(directive) = piece else { continue };
        if !"aAbBdfGHIjmMpSuUVwWyYzZ".contains(*directive) || all[..index].contains(piece) {
            return Err(unknown(fmt, &format!("%{directive}")));
        }
    }
    if all.len() > MAX_PIECES {
        return Err(unknown(fmt, &format!("more than {MAX_PIECES} parts")));
    }
    Ok(all)
}

/// The text that stands at each directive, the last directive first.
struct Found(Vec<(char, String)>);

impl Found {
    /// Several directives may say the same thing. The last one counts.
    fn last(&self, directives: &str) -> Option<(char, &str)> {
        let mut found = self.0.iter().filter(|(directive, _)| directives.contains(*directive));
        found.next().map(|(directive, text)| (*directive, text.as_str()))
    }

    fn text(&self, directive: char) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == directive).map(|(_, text)| text.as_str())
    }

    fn number(&self, directive: char) -> Option<u32> {
        number(self.text(directive)?)
    }
}

fn number(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}

/// Where the first match ends. As in a regular expression, the first way to read a directive counts that lets the
/// rest match, even if another way would read more of the text.
fn matched(pieces: &[Piece], text: &[char], found: &mut Found) -> Option<usize> {
    let Some((piece, later)) = pieces.split_first() else {
        return Some(0);
    };
    let lengths = match piece {
        Piece::Text(wanted) => {
            let len = wanted.chars().count();
            let is_there = text.len() >= len && is_same(wanted, &text[..len]);
            if is_there { vec![len] } else { Vec::new() }
        }
        Piece::Space(_) => {
            let spaces = text.iter().take_while(|letter| letter.is_whitespace()).count();
            (1..=spaces).rev().collect()
        }
        Piece::Directive(directive) | Piece::Unpadded(directive) => lengths(*directive, text),
    };
    for len in lengths {
        let (read, rest) = text.split_at(len);
        if let Some(end) = matched(later, rest, found) {
            if let Piece::Directive(directive) = piece {
                found.0.push((*directive, read.iter().collect()));
            }
            return Some(len + end);
        }
    }
    None
}

fn is_same(wanted: &str, text: &[char]) -> bool {
    let lower = |letter: char| letter.to_lowercase().collect::<String>();
    wanted
        .chars()
        .zip(text)
        .all(|(wanted, letter)| wanted == *letter || lower(wanted) == lower(*letter))
}

/// How much of a text a directive may take, best first.
fn lengths(directive: char, text: &[char]) -> Vec<usize> {
    let number = |len: usize, range: std::ops::RangeInclusive<u32>| {
        let digits = text.get(..len).filter(|text| text.iter().all(char::is_ascii_digit));
        let value = digits.and_then(|text| text.iter().collect::<String>().parse().ok());
        value.is_some_and(|value| range.contains(&value)).then_some(len)
    };
    let one_of = |names: &[&str]| {
        let mut names: Vec<_> =
            names.iter().copied().filter(|name| text.len() >= name.len()).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let fits = |name: &&str| is_same(name, &text[..name.len()]);
        names.into_iter().filter(fits).map(str::len).collect::<Vec<_>>()
    };
    let short = |names: &[&'static str]| names.iter().map(|name| &name[..3]).collect::<Vec<_>>();
    let lengths = match directive {
        'a' => return one_of(&short(&WEEKDAYS)),
        'A' => return one_of(&WEEKDAYS),
        'b' => return one_of(&short(&MONTHS)),
        'B' => return one_of(&MONTHS),
        'p' => return one_of(&["am", "pm"]),
        // Python also takes the names of the zone of the process that reads, which no key may depend on.
        'Z' => return one_of(&["utc", "gmt"]),
        'z' => return offset_lengths(text),
        'f' => {
            let digits = text.iter().take(6).take_while(|letter| letter.is_ascii_digit()).count();
            return (1..=digits).rev().collect();
        }
        'd' => {
            let spaced = text.first() == Some(&' ')
                && text.get(1).is_some_and(|digit| ('1'..='9').contains(digit));
            [number(2, 1..=31), number(1, 1..=9), spaced.then_some(2)]
        }
        'H' => [number(2, 0..=23), number(1, 0..=9), None],
        'I' | 'm' => [number(2, 1..=12), number(1, 1..=9), None],
        'j' => [number(3, 1..=366), number(2, 1..=99), number(1, 1..=9)],
        'M' => [number(2, 0..=59), number(1, 0..=9), None],
        'S' => [number(2, 0..=61), number(1, 0..=9), None],
        'U' | 'W' => [number(2, 0..=53), number(1, 0..=9), None],
        'V' => [number(2, 1..=53), number(1, 0..=9), None],
        'w' => [number(1, 0..=6), None, None],
        'u' => [number(1, 1..=7), None, None],
        'y' => [number(2, 0..=99), None, None],
        'G' | 'Y' => [number(4, 0..=9999), None, None],
        _ => [None; 3],
    };
    lengths.into_iter().flatten().collect()
}

/// Ends of an offset such as `+0100`, `+01:00` or `-05:30:15.5`, the longest first.
fn offset_lengths(text: &[char]) -> Vec<usize> {
    let is_digit = |at: usize| text.get(at).is_some_and(char::is_ascii_digit);
    let is_below_60 = |at: usize| {
        text.get(at).is_some_and(|digit| ('0'..='5').contains(digit)) && is_digit(at + 1)
    };
    let behind_colon = |at: usize| at + usize::from(text.get(at) == Some(&':'));
    let mut ends = Vec::new();
    match text.first() {
        Some('Z') => return vec![1],
        Some('+' | '-') if is_digit(1) && is_digit(2) && is_below_60(behind_colon(3)) => {}
        _ => return ends,
    }
    let minutes = behind_colon(3) + 2;
    ends.push(minutes);
    let seconds = behind_colon(minutes);
    if is_below_60(seconds) {
        ends.push(seconds + 2);
        if text.get(seconds + 2) == Some(&'.') {
            let digits = (0..6).take_while(|digit| is_digit(seconds + 3 + digit)).count();
            ends.extend((1..=digits).map(|digits| seconds + 3 + digits));
        }
    }
    ends.reverse();
    ends
}

fn offset_of(text: &str) -> Option<TimeDelta> {
    if text == "Z" {
        return Some(TimeDelta::zero());
    }
    // Either all parts are set off by colons or none is.
    let parts = text.bytes().filter(u8::is_ascii_digit).count().min(6) / 2;
    let colons = text.bytes().filter(|byte| *byte == b':').count();
    if colons != 0 && colons + 1 != parts {
        return None;
    }
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), |part| part.parse::<i64>().ok());
    let seconds = part(0)? * 3600 + part(2)? * 60 + part(4)?;
    let offset = TimeDelta::seconds(seconds) + TimeDelta::microseconds(micros(fraction)?);
    let offset = if text.starts_with('-') { -offset } else { offset };
    (offset.abs() < TimeDelta::days(1)).then_some(offset)
}

fn micros(digits: &str) -> Option<i64> {
    format!("{digits:0<6}").parse().ok()
}

/// The time that the directives say; `None` if there is none, or if they do not go together.
fn local_time(found: &Found) -> Option<NaiveDateTime> {
    let hour = match found.last("HI") {
        None => 0,
        Some(('H', hour)) => number(hour)?,
        Some((_, hour)) => {
            let is_afternoon = found.text('p').is_some_and(|text| text.eq_ignore_ascii_case("pm"));
            number(hour)? % 12 + if is_afternoon { 12 } else { 0 }
        }
    };
    let micro = match found.text('f') {
        Some(digits) => u32::try_from(micros(digits)?).ok()?,
        None => 0,
    };
    let minute = found.number('M').unwrap_or(0);
    date(found)?.and_hms_micro_opt(hour, minute, found.number('S').unwrap_or(0), micro)
}

fn date(found: &Found) -> Option<NaiveDate> {
    let index = |names: &[&str], text: &str| {
        let is_named = |name: &&str| name.get(..text.len()) == Some(&*text.to_lowercase());
        names.iter().position(is_named).and_then(|index| u32::try_from(index).ok())
    };
    let year = match found.last("Yy") {
        None => None,
        Some(('Y', year)) => Some(number(year)?),
        Some((_, year)) => {
            number(year).map(|year| if year <= 68 { 2000 + year } else { 1900 + year })
        }
    };
    // Days from Monday.
    let weekday = match found.last("aAuw") {
        None => None,
        Some(('u', day)) => Some(number(day)? - 1),
        Some(('w', day)) => Some((number(day)? + 6) % 7),
        Some((_, name)) => Some(index(&WEEKDAYS, name)?),
    };
    let week = found.last("UW").map(|(directive, week)| (directive == 'W', week));
    let iso_week = found.number('V');
    if let (None, Some(iso_year)) = (year, found.number('G')) {
        if found.number('j').is_some() {
            return None;
        }
        let (iso_week, weekday) = (iso_week?, weekday?);
        if week.is_none() {
            let monday =
                NaiveDate::from_isoywd_opt(i32::try_from(iso_year).ok()?, 1, Weekday::Mon)?;
            let days = (i64::from(iso_week) - 1) * 7 + i64::from(weekday);
            return monday.checked_add_signed(TimeDelta::days(days));
        }
    } else if week.is_none() && iso_week.is_some() {
        return None;
    }
    let year = i32::try_from(year.unwrap_or(1900)).ok().filter(|year| *year >= 1)?;
    let first = NaiveDate::from_ymd_opt(year, 1, 1)?;
    if let Some(day_of_year) = found.number('j') {
        return first.checked_add_signed(TimeDelta::days(i64::from(day_of_year) - 1));
    }
    if let (Some((monday_first, week)), Some(weekday)) = (week, weekday) {
        let (begins, weekday) = if monday_first {
            (first.weekday().num_days_from_monday(), weekday)
        } else {
            (first.weekday().num_days_from_sunday(), (weekday + 1) % 7)
        };
        let (begins, weekday, week) =
            (i64::from(begins), i64::from(weekday), i64::from(number(week)?));
        // Week one begins with the first day that begins a week; what lies before it is week nought.
        let week_one = (7 - begins) % 7;
        let days = if week == 0 { weekday - begins } else { week_one + 7 * (week - 1) + weekday };
        return first.checked_add_signed(TimeDelta::days(days));
    }
    let month = match found.last("bBm") {
        None => 1,
        Some(('m', month)) => number(month)?,
        Some((_, name)) => index(&MONTHS, name)? + 1,
    };
    NaiveDate::from_ymd_opt(year, month, found.number('d').unwrap_or(1))
}
