//! SQL stands in one place: below `instance-storage/src/sql/` and in that crate's schema files.
//!
//! This scans the text for string literals that begin like a statement. It is no parser: it finds what people write
//! by habit, not what they hide. Not here: whether the statements are right.

use super::{Finding, SourceFile};

/// How a statement begins; each is followed by white space.
const STATEMENTS: [&str; 12] = [
    "ALTER TABLE",
    "CREATE INDEX",
    "CREATE TABLE",
    "CREATE UNIQUE INDEX",
    "DELETE FROM",
    "DROP INDEX",
    "DROP TABLE",
    "INSERT INTO",
    "INSERT OR",
    "PRAGMA",
    "SELECT",
    "UPDATE",
];
const PLACE: &str = "crates/instance-storage/src/sql/";
const EXCEPTION: &str = "// tidy: allow-sql";

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    if !file.is_rust() || file.in_crate_src().is_none_or(|(name, path)| may_hold_sql(name, path)) {
        return Vec::new();
    }
    let lines: Vec<&str> = file.text.lines().collect();
    statements(&file.text)
        .into_iter()
        .filter_map(|(line, statement)| {
            // On the line of the literal or on the line above: a literal that begins with a line break has no room
            // for it.
            let above = line.checked_sub(2).and_then(|above| lines.get(above));
            let around = [lines.get(line - 1), above];
            let reason = around.into_iter().flatten().find_map(|line| line.split_once(EXCEPTION));
            let message = match reason {
                Some((_, reason)) if !reason.trim().is_empty() => return None,
                Some(_) => format!("`{EXCEPTION}` needs a reason behind it"),
                None => format!("a literal with `{statement}`: SQL belongs below {PLACE}"),
            };
            Some(Finding::new(&file.path, line, message))
        })
        .collect()
}

/// Whether the file, at `path` inside a crate's `src/`, is one of those for SQL.
fn may_hold_sql(crate_name: &str, path: &str) -> bool {
    crate_name == "instance-storage"
        && (path.starts_with("sql/")
            || path.split('/').any(|part| part == "schema" || part == "schema.rs"))
}

/// The line of each literal that begins like a statement, and the statement.
fn statements(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    for (quote, _) in text.match_indices('"') {
        let (before, literal) = (&text[..quote], &text[quote + 1..]);
        let line_start = before.rfind('\n').map_or(0, |line_break| line_break + 1);
        if before[line_start..].trim_start().starts_with("//") {
            continue;
        }
        if let Some(statement) = statement(literal) {
            found.push((before.matches('\n').count() + 1, statement));
        }
    }
    found
}

fn statement(literal: &str) -> Option<&'static str> {
    let mut literal = literal.trim_start();
    while let Some(rest) = literal.strip_prefix("\\\n").or_else(|| literal.strip_prefix("\\n")) {
        literal = rest.trim_start();
    }
    STATEMENTS.into_iter().find(|statement| {
        literal
            .strip_prefix(statement)
            .is_some_and(|rest| rest.starts_with([' ', '\t', '\n', '\r', '\\']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expect: &[(usize, &str)]) {
        let found = super::check(&SourceFile { path: path.to_owned(), text: text.to_owned() });
        let found: Vec<_> =
            found.iter().map(|finding| (finding.line, finding.message.as_str())).collect();
        assert_eq!(found.len(), expect.len(), "{path} {text:?}: {found:?}");
        for ((line, message), (expected, part)) in found.iter().zip(expect) {
            assert_eq!(line, expected, "{text:?}");
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_statement_is_found_however_the_literal_begins() {
        let path = "crates/instance-runs/src/run.rs";
        for text in [
            "let x = \"SELECT 1\";\n",
            "let x = r#\"SELECT 1\"#;\n",
            "let x = format!(\"  SELECT {column}\");\n",
            "let x = \"\n    SELECT\n 1\";\n",
            "let x = \"\\\n    SELECT 1\";\n",
            "let x = \"\\nSELECT 1\";\n",
        ] {
            check(path, text, &[(1, "`SELECT`")]);
        }
        for statement in STATEMENTS {
            check(path, &format!("//! x\n\nf(\"{statement} x\");\n"), &[(3, statement)]);
        }
    }

    #[test]
    fn other_literals_and_comments_are_not() {
        for text in [
            "let x = \"select something\";\n",
            "let x = \"SELECTED rows\";\n",
            "let x = \"UPDATE\";\n",
            "let x = \"a SELECT b\";\n",
            "/// As in `\"SELECT 1\"`.\n",
            "let x = (\"a\", SELECT, \"b\");\n",
        ] {
            check("crates/instance-runs/src/run.rs", text, &[]);
        }
    }

    #[test]
    fn sql_has_its_place() {
        let text = "const X: &str = \"PRAGMA user_version\";\n";
        for path in [
            "crates/instance-storage/src/sql/run.rs",
            "crates/instance-storage/src/sqlite/schema.rs",
            "crates/instance-storage/src/schema/sqlite.rs",
            "crates/instance-storage/tests/it/main.rs",
            "tests/tests/it.rs",
            "crates/instance-runs/src/notes.md",
        ] {
            check(path, text, &[]);
        }
        for path in [
            "crates/instance-storage/src/memory/run.rs",
            "crates/instance-runs/src/sql/run.rs",
            "crates/instance-runs/src/schema.rs",
        ] {
            check(path, text, &[(1, "PRAGMA")]);
        }
    }

    #[test]
    fn an_exception_has_a_reason() {
        let path = "crates/instance-runs/src/run.rs";
        check(path, "f(\"SELECT 1\"); // tidy: allow-sql an error message\n", &[]);
        check(path, "// tidy: allow-sql an error message\nf(\"\n SELECT 1\");\n", &[]);
        check(path, "f(\"SELECT 1\"); // tidy: allow-sql\n", &[(1, "needs a reason")]);
        check(path, "// tidy: allow-sql too far\n\nf(\"SELECT 1\");\n", &[(3, "`SELECT`")]);
    }
}
