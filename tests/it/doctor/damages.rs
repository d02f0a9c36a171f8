//! Each way in which a database can be damaged, a table, column, key, index and sequence at a time.

use super::Client;

/// A damage, by what it is and the statements that do it.
#[derive(Debug)]
pub(super) struct Damage {
    pub(super) what: String,
    /// What the finding names.
    pub(super) object: String,
    pub(super) statements: Vec<String>,
}

impl Damage {
    fn new(what: String, object: &str, statements: Vec<String>) -> Self {
        Self { what, object: object.to_owned(), statements }
    }
}

/// All damages of a server's database.
pub(super) async fn of_server(client: &mut Client) -> Vec<Damage> {
    let mut damages = Vec::new();
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    for row in client.rows(tables).await {
        let [table] = &row[..] else { panic!("{row:?}") };
        let drop = format!("DROP TABLE {table} CASCADE");
        damages.push(Damage::new(drop.clone(), &format!("table {table}"), vec![drop]));
    }
    let columns = "SELECT c.relname::text, quote_ident(a.attname), format_type(a.atttypid, NULL), a.attnotnull::text, \
                   coalesce(pg_get_expr(d.adbin, d.adrelid), ''), \
                   EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey))::text \
                   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
                   LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
                   WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped \
                   ORDER BY 1, a.attnum";
    for row in client.rows(columns).await {
        damages.extend(of_column(&row));
    }
    let constraints = "SELECT k.conrelid::regclass::text, quote_ident(k.conname), k.contype::text FROM pg_constraint k \
                       WHERE k.connamespace = 'public'::regnamespace AND k.contype IN ('p', 'u', 'f') ORDER BY 1, 2";
    for row in client.rows(constraints).await {
        let [table, name, kind] = &row[..] else { panic!("{row:?}") };
        // Releases differ in whether it is there.
        if table == "asset_event_tags" && kind == "f" {
            continue;
        }
        let drop = format!("ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE");
        let object = match kind.as_str() {
            "p" => format!("primary key of {table}"),
            "u" => format!("unique key of {table}"),
            _ => format!("foreign key of {table}"),
        };
        damages.push(Damage::new(drop.clone(), &object, vec![drop]));
    }
    let indexes = "SELECT x.relname::text, c.relname::text, pg_get_indexdef(i.indexrelid), i.indisunique::text FROM pg_index i \
                   JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid \
                   WHERE c.relnamespace = 'public'::regnamespace AND NOT EXISTS \
                   (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid) ORDER BY 1";
    for row in client.rows(indexes).await {
        let [name, table, definition, is_unique] = &row[..] else { panic!("{row:?}") };
        let object = format!("index {name} on {table}");
        let drop = format!("DROP INDEX {name}");
        damages.push(Damage::new(drop.clone(), &object, vec![drop.clone()]));
        let broken =
            format!("UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass");
        damages.push(Damage::new(broken.clone(), &object, vec![broken]));
        let other = format!("CREATE INDEX {name} ON {table} ({})", twice(definition));
        damages.push(Damage::new(
            format!("{name} on other columns"),
            &object,
            vec![drop.clone(), other],
        ));
        if is_unique == "true" {
            let plain = definition.replace("UNIQUE ", "");
            damages.push(Damage::new(format!("{name} not unique"), &object, vec![drop, plain]));
        } else {
            let partial = match definition.split_once(" WHERE ") {
                Some((whole, _)) => whole.to_owned(),
                None => format!("{definition} WHERE id > 5"),
            };
            damages.push(Damage::new(
                format!("{name} of other rows"),
                &object,
                vec![drop, partial],
            ));
        }
    }
    let sequences = "SELECT s.oid::regclass::text, d.refobjid::regclass::text FROM pg_class s JOIN pg_depend d ON d.objid = s.oid \
                     AND d.deptype = 'a' WHERE s.relkind = 'S' AND s.relnamespace = 'public'::regnamespace ORDER BY 1";
    for row in client.rows(sequences).await {
        let [name, table] = &row[..] else { panic!("{row:?}") };
        let drop = format!("DROP SEQUENCE {name} CASCADE");
        damages.push(Damage::new(drop.clone(), &format!("sequence of {table}.id"), vec![drop]));
    }
    damages
}

fn of_column(row: &[String]) -> Vec<Damage> {
    let [table, name, kind, is_required, default, is_key] = row else { panic!("{row:?}") };
    let object = format!("{table}.{}", name.trim_matches('"'));
    let alter = |change: &str| format!("ALTER TABLE {table} ALTER COLUMN {name} {change}");
    let mut damages = Vec::new();
    let drop = format!("ALTER TABLE {table} DROP COLUMN {name} CASCADE");
    damages.push(Damage::new(drop.clone(), &object, vec![drop]));
    let other = match kind.as_str() {
        "text" | "character varying" => format!("varchar(20) USING left({name}::text, 20)"),
        "integer" | "bigint" => "smallint".to_owned(),
        "timestamp without time zone" => "date".to_owned(),
        "double precision" => "real".to_owned(),
        "boolean" => format!("text USING {name}::text"),
        "bytea" => format!("text USING encode({name}, 'hex')"),
        other => panic!("{table}.{name} is of the type {other}"),
    };
    let mut statements = vec![alter(&format!("TYPE {other}"))];
    if kind == "boolean" && !default.is_empty() {
        statements.insert(0, alter("DROP DEFAULT"));
    }
    damages.push(Damage::new(format!("{object} as {other}"), &object, statements));
    if is_key == "false" {
        let change = if is_required == "true" { "DROP NOT NULL" } else { "SET NOT NULL" };
        damages.push(Damage::new(alter(change), &object, vec![alter(change)]));
    }
    // Two releases made this one without, so that it is a note.
    if !default.is_empty() && name != "using_default_limit" {
        let change = alter("DROP DEFAULT");
        damages.push(Damage::new(change.clone(), &object, vec![change]));
    }
    damages
}

/// All damages of a SQLite file.
pub(super) async fn of_file(client: &mut Client) -> Vec<Damage> {
    let mut damages = Vec::new();
    let tables = "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name";
    let indexes = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name";
    let indexes = client.rows(indexes).await;
    for row in client.rows(tables).await {
        let [table, text] = &row[..] else { panic!("{row:?}") };
        let drop = format!("DROP TABLE {table}");
        damages.push(Damage::new(drop.clone(), &format!("table {table}"), vec![drop.clone()]));
        // Alembic's own columns stand on a line with what follows them.
        let text = text.replace(", backfill_id", ", \n\tbackfill_id");
        let lines: Vec<&str> = text.lines().map(|line| line.trim().trim_end_matches(',')).collect();
        let body = &lines[1..lines.len() - 1];
        let made = |body: Vec<String>, without: Option<&str>| {
            let mut statements = vec![drop.clone()];
            statements.push(format!("CREATE TABLE {table} (\n\t{}\n)", body.join(",\n\t")));
            let of_table = indexes.iter().filter(|index| index[1] == *table);
            let kept = of_table
                .filter(|index| without.is_none_or(|name| !names(&index[2]).any(|it| it == name)));
            statements.extend(kept.map(|index| index[2].clone()));
            statements
        };
        let replaced = |at: usize, line: Option<String>| {
            let mut body: Vec<String> = body.iter().map(|&line| line.to_owned()).collect();
            match line {
                Some(line) => body[at] = line,
                None => drop_line(&mut body, at),
            }
            body
        };
        for (at, line) in body.iter().enumerate() {
            if line.starts_with("PRIMARY KEY") || line.contains(" PRIMARY KEY (") {
                let object = format!("primary key of {table}");
                damages.push(Damage::new(
                    format!("{table} without key"),
                    &object,
                    made(replaced(at, None), None),
                ));
            } else if line.starts_with("UNIQUE") {
                let object = format!("unique key of {table}");
                damages.push(Damage::new(
                    format!("{table} without {line}"),
                    &object,
                    made(replaced(at, None), None),
                ));
            } else if !line.contains("FOREIGN KEY") {
                let (name, _) = line.split_once(' ').expect("a type");
                let name = name.trim_matches('"');
                let object = format!("{table}.{name}");
                let mut without: Vec<String> = replaced(at, None);
                without.retain(|line| !(is_constraint(line) && names(line).any(|it| it == name)));
                if !without.is_empty() {
                    let statements = made(without, Some(name));
                    damages.push(Damage::new(format!("{object} dropped"), &object, statements));
                }
                if name != "id" {
                    let kind = line.split(' ').nth(1).expect("a type");
                    let other = line.replacen(&format!(" {kind}"), " DATE", 1);
                    damages.push(Damage::new(
                        format!("{object} as DATE"),
                        &object,
                        made(replaced(at, Some(other)), None),
                    ));
                    let turned = match line.strip_suffix(" NOT NULL") {
                        Some(rest) => rest.to_owned(),
                        None => format!("{line} NOT NULL"),
                    };
                    if !line.contains("version_num") {
                        damages.push(Damage::new(
                            format!("{object} or not"),
                            &object,
                            made(replaced(at, Some(turned)), None),
                        ));
                    }
                }
                if line.contains("DEFAULT CURRENT_TIMESTAMP") {
                    let other = line.replace(" DEFAULT CURRENT_TIMESTAMP", "");
                    damages.push(Damage::new(
                        format!("{object} without default"),
                        &object,
                        made(replaced(at, Some(other)), None),
                    ));
                }
            }
        }
    }
    for index in &indexes {
        let [name, table, text] = &index[..] else { panic!("{index:?}") };
        let object = format!("index {name} on {table}");
        let drop = format!("DROP INDEX {name}");
        damages.push(Damage::new(drop.clone(), &object, vec![drop.clone()]));
        let other = format!("CREATE INDEX {name} ON {table} ({})", twice(text));
        damages.push(Damage::new(
            format!("{name} on other columns"),
            &object,
            vec![drop.clone(), other],
        ));
        let turned = match text.strip_prefix("CREATE UNIQUE INDEX") {
            Some(rest) => format!("CREATE INDEX{rest}"),
            None => text.replacen("CREATE INDEX", "CREATE UNIQUE INDEX", 1),
        };
        damages.push(Damage::new(format!("{name} unique or not"), &object, vec![drop, turned]));
    }
    damages
}

/// The first column of an index, twice.
fn twice(definition: &str) -> String {
    let (_, columns) = definition.split_once('(').expect("columns");
    let first = columns.split([',', ')']).next().expect("a column");
    format!("{first}, {first}")
}

fn drop_line(body: &mut Vec<String>, at: usize) {
    body.remove(at);
}

fn is_constraint(line: &str) -> bool {
    ["PRIMARY KEY", "UNIQUE", "FOREIGN KEY", "CONSTRAINT"]
        .iter()
        .any(|begin| line.starts_with(begin))
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !sign.is_alphanumeric() && sign != '_')
}
