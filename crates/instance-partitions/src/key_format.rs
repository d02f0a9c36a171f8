//! How keys of time windows are written: Python's `strftime`. Not here: how they are read.

use std::fmt::{Arguments, Write};

use chrono::format::{Item, StrftimeItems};
use chrono::{Datelike, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::{OffsetName, Tz};

use crate::PartitionsError;
use crate::ticks::Tick;

/// What a format is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// Characters that stand for themselves.
    Text(String),
    /// Any number of spaces and line breaks, but for reading only.
    Space(String),
    /// What the letter after a `%` stands for.
    Directive(char),
    /// The same without the zeros in front of it.
    Unpadded(char),
}

/// The directives that chrono writes as the C library does.
const SHARED: &str = "aAbBCdDeFhHIjmMpRSTuUVwWy";

/// The pieces of a format.
pub(super) fn pieces(fmt: &str) -> Result<Vec<Piece>, PartitionsError> {
    let mut pieces = Vec::new();
    let mut rest = fmt.chars();
    while let Some(letter) = rest.next() {
        let piece = match letter {
            '%' => match rest.next() {
                Some('-') => Piece::Unpadded(rest.next().ok_or_else(|| unknown(fmt, "%-"))?),
                Some('%') => Piece::Text("%".to_owned()),
                Some(directive) => Piece::Directive(directive),
                None => return Err(unknown(fmt, "%")),
            },
            space if space.is_whitespace() => Piece::Space(space.to_string()),
            text => Piece::Text(text.to_string()),
        };
        match (pieces.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text))
            | (Some(Piece::Space(before)), Piece::Space(text)) => before.push_str(&text),
            (_, piece) => pieces.push(piece),
        }
    }
    Ok(pieces)
}

/// The error for a directive.
pub(super) fn unknown(fmt: &str, directive: &str) -> PartitionsError {
    PartitionsError::UnknownDirective { fmt: fmt.to_owned(), directive: directive.to_owned() }
}

/// What a directive that stands for several stands for.
pub(super) fn expanded(directive: char) -> Option<&'static str> {
    match directive {
        'c' => Some("%a %b %e %H:%M:%S %Y"),
        'x' => Some("%m/%d/%y"),
        'X' => Some("%H:%M:%S"),
        _ => None,
    }
}

/// The time of a tick in a zone, as `strftime` writes it.
pub(super) fn written(tick: &Tick, zone: Tz, fmt: &str) -> Result<String, PartitionsError> {
    let mut text = String::new();
    for piece in pieces(fmt)? {
        match piece {
            Piece::Text(piece) | Piece::Space(piece) => text.push_str(&piece),
            Piece::Directive('f') => {
                let micros = tick.local.and_utc().timestamp_subsec_micros();
                push(&mut text, format_args!("{micros:06}"));
            }
            // The C library does not fill up years.
            Piece::Directive('Y') => push(&mut text, format_args!("{}", tick.local.year())),
            Piece::Directive('G') => {
                push(&mut text, format_args!("{}", tick.local.iso_week().year()));
            }
            Piece::Directive('z') => push_offset(&mut text, tick.local - tick.instant.naive_utc()),
            Piece::Directive('Z') => {
                let offset = zone.offset_from_utc_datetime(&tick.instant.naive_utc());
                text.push_str(offset.abbreviation().unwrap_or_default());
            }
            Piece::Directive(directive) => {
                let several = expanded(directive).map(str::to_owned);
                let alone = || SHARED.contains(directive).then(|| format!("%{directive}"));
                let of_chrono =
                    several.or_else(alone).ok_or_else(|| unknown(fmt, &format!("%{directive}")))?;
                push_by_chrono(&mut text, tick.local, &of_chrono, fmt)?;
            }
            Piece::Unpadded(directive) => {
                let directive = format!("%-{directive}");
                if !directive.ends_with(['d', 'e', 'H', 'I', 'j', 'm', 'M', 'S', 'y']) {
                    return Err(unknown(fmt, &directive));
                }
                push_by_chrono(&mut text, tick.local, &directive, fmt)?;
            }
        }
    }
    Ok(text)
}

fn push_by_chrono(
    text: &mut String,
    local: NaiveDateTime,
    directive: &str,
    fmt: &str,
) -> Result<(), PartitionsError> {
    let items: Vec<_> = StrftimeItems::new(directive).collect();
    let is_written = !items.contains(&Item::Error)
        && write!(text, "{}", local.format_with_items(items.iter())).is_ok();
    if is_written { Ok(()) } else { Err(unknown(fmt, directive)) }
}

fn push_offset(text: &mut String, offset: TimeDelta) {
    let seconds = offset.num_seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.abs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    push(text, format_args!("{sign}{hours:02}{minutes:02}"));
    if seconds != 0 {
        push(text, format_args!("{seconds:02}"));
    }
}

fn push(text: &mut String, more: Arguments<'_>) {
    // Nothing can go wrong: the text is in memory.
    let _ = text.write_fmt(more);
}
