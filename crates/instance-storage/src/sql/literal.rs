//! Values as they stand in a statement for Postgres. They are for statements that go to the server as one text, together
//! with others: there, nothing can be bound.
//!
//! A text means the same whatever a server is told about backslashes. Numbers and times are written from their types, never
//! from texts.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _, NaiveDateTime, Utc};
use sea_query::{PostgresQueryBuilder, QueryBuilder, QueryStatementWriter, SqlWriter, Value};

/// There is no literal of a value: a text with the character of number zero ends every statement, and a time before the
/// year 1 or after 9999 has another form in every program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoLiteral;

/// Appends a text.
pub(crate) fn text(sql: &mut String, value: &str) -> Result<(), NoLiteral> {
    if value.contains('\0') {
        return Err(NoLiteral);
    }
    quote(sql, value);
    Ok(())
}

/// Appends a text that has no character of number zero.
pub(crate) fn quote(sql: &mut String, value: &str) {
    sql.push_str("E'");
    let mut rest = value;
    // Both are doubled. A quote has no backslash in front: a server may be told to refuse that.
    while let Some(at) = rest.find(['\\', '\'']) {
        let (before, from) = rest.split_at(at + 1);
        sql.push_str(before);
        sql.push_str(&before[at..]);
        rest = from;
    }
    sql.push_str(rest);
    sql.push('\'');
}

/// Appends texts as an array.
pub(crate) fn texts<'v>(
    sql: &mut String,
    values: impl IntoIterator<Item = Option<&'v str>>,
) -> Result<(), NoLiteral> {
    array(sql, "text", values, text)
}

/// Appends numbers as an array.
pub(crate) fn numbers(
    sql: &mut String,
    values: impl IntoIterator<Item = Option<usize>>,
) -> Result<(), NoLiteral> {
    array(sql, "int", values, |sql, value| {
        // Writing to a string does not fail.
        let _ = write!(sql, "{value}");
        Ok(())
    })
}

/// Appends times without a zone as an array, exact to the microsecond, as the server keeps them.
pub(crate) fn times(
    sql: &mut String,
    values: impl IntoIterator<Item = NaiveDateTime>,
) -> Result<(), NoLiteral> {
    array(sql, "timestamp", values.into_iter().map(Some), |sql, value| time(sql, value, ""))
}

/// Appends moments as an array, exact to the microsecond.
pub(crate) fn moments(
    sql: &mut String,
    values: impl IntoIterator<Item = DateTime<Utc>>,
) -> Result<(), NoLiteral> {
    array(sql, "timestamptz", values.into_iter().map(Some), |sql, value| {
        time(sql, value.naive_utc(), "+00")
    })
}

fn time(sql: &mut String, value: NaiveDateTime, zone: &str) -> Result<(), NoLiteral> {
    if !(1..=9_999).contains(&value.year()) {
        return Err(NoLiteral);
    }
    let _ = write!(sql, "'{}{zone}'", value.format("%Y-%m-%d %H:%M:%S%.6f"));
    Ok(())
}

fn array<T>(
    sql: &mut String,
    of: &str,
    values: impl IntoIterator<Item = Option<T>>,
    each: impl Fn(&mut String, T) -> Result<(), NoLiteral>,
) -> Result<(), NoLiteral> {
    sql.push_str("ARRAY[");
    for (place, value) in values.into_iter().enumerate() {
        if place > 0 {
            sql.push(',');
        }
        match value {
            Some(value) => each(sql, value)?,
            None => sql.push_str("NULL"),
        }
    }
    let _ = write!(sql, "]::{of}[]");
    Ok(())
}

/// A statement with its values in it.
pub(crate) fn inline(statement: &impl QueryStatementWriter) -> Result<String, NoLiteral> {
    let mut inline = Inline { sql: String::new(), refused: None };
    statement.build_collect_any_into(&PostgresQueryBuilder, &mut inline);
    inline.refused.map_or(Ok(inline.sql), Err)
}

/// A statement that is written.
struct Inline {
    sql: String,
    refused: Option<NoLiteral>,
}

impl std::fmt::Write for Inline {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.sql.write_str(text)
    }
}

impl std::fmt::Display for Inline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sql)
    }
}

impl SqlWriter for Inline {
    fn push_param<T: QueryBuilder>(&mut self, value: Value, _: &T) {
        if let Err(refused) = self::value(&mut self.sql, &value) {
            self.refused = Some(refused);
        }
    }

    fn as_writer(&mut self) -> &mut dyn std::fmt::Write {
        self
    }
}

/// Appends a value of one of the types that a message has.
fn value(sql: &mut String, value: &Value) -> Result<(), NoLiteral> {
    let type_name = match value {
        Value::String(Some(value)) => return text(sql, value),
        Value::Double(Some(value)) if value.is_finite() => {
            let _ = write!(sql, "'{value:?}'");
            "float8"
        }
        Value::ChronoDateTimeUtc(Some(value)) => {
            time(sql, value.naive_utc(), "+00")?;
            "timestamptz"
        }
        _ => return Err(NoLiteral),
    };
    let _ = write!(sql, "::{type_name}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDateTime};

    use super::{NoLiteral, moments, numbers, text, texts, times};

    fn written(
        write: impl FnOnce(&mut String) -> Result<(), NoLiteral>,
    ) -> Result<String, NoLiteral> {
        let mut sql = String::new();
        write(&mut sql).map(|()| sql)
    }

    #[test]
    fn a_text_has_its_quotes_and_backslashes_twice() {
        for (value, literal) in [
            ("", "E''"),
            ("a", "E'a'"),
            ("'", "E''''"),
            ("\\", r"E'\\'"),
            (r"é\'\n''", r"E'é\\''\\n'''''"),
            ("line\nbreak", "E'line\nbreak'"),
        ] {
            assert_eq!(written(|sql| text(sql, value)).as_deref(), Ok(literal), "{value:?}");
        }
    }

    #[test]
    fn arrays_say_their_type_and_what_is_not_there() {
        let mixed = [Some("a"), None, Some("NULL")];
        assert_eq!(
            written(|sql| texts(sql, mixed)).as_deref(),
            Ok("ARRAY[E'a',NULL,E'NULL']::text[]")
        );
        assert_eq!(written(|sql| texts(sql, [])).as_deref(), Ok("ARRAY[]::text[]"));
        assert_eq!(
            written(|sql| numbers(sql, [Some(1), None])).as_deref(),
            Ok("ARRAY[1,NULL]::int[]")
        );
        let moment = DateTime::from_timestamp(0, 1_999).unwrap();
        assert_eq!(
            written(|sql| times(sql, [moment.naive_utc()])).as_deref(),
            Ok("ARRAY['1970-01-01 00:00:00.000001']::timestamp[]")
        );
        assert_eq!(
            written(|sql| moments(sql, [moment])).as_deref(),
            Ok("ARRAY['1970-01-01 00:00:00.000001+00']::timestamptz[]")
        );
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        assert_eq!(written(|sql| text(sql, "a\0b")), Err(NoLiteral));
        assert_eq!(written(|sql| texts(sql, [Some("a"), Some("\0")])), Err(NoLiteral));
        for far in [NaiveDateTime::MIN, NaiveDateTime::MAX] {
            assert_eq!(written(|sql| times(sql, [far])), Err(NoLiteral), "{far}");
        }
    }
}
