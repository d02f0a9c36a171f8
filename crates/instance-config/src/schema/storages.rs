//! The section `storage`, and the configuration of classes that store runs, events and schedules.

use super::Slot;
use super::types::{Field, Type};

/// The kinds of storage that the section `storage` chooses from.
pub(super) const STORAGE: &[Field] = &[
    Field::optional("postgres", POSTGRES, "All stores in one Postgres database."),
    Field::required("mysql", MYSQL, "All stores in one MySQL database."),
    Field::required("sqlite", SQLITE, "All stores in SQLite files below a directory."),
    Field::required("custom", Type::Class(Slot::Storage), "All stores in a class of any package."),
];

/// How to reach a Postgres database.
pub(super) const POSTGRES: Type = Type::Shape(&[
    Field::optional(
        "postgres_url",
        Type::TEXT_SOURCE,
        "The URL of the database, in place of `postgres_db`.",
    )
    .url(),
    Field::optional("postgres_db", POSTGRES_DB, "Where the database is, part by part."),
    Field::optional(
        "auth_provider",
        AUTH_PROVIDER,
        "Which cloud gives the password of each connection.",
    ),
    Field::optional(
        "should_autocreate_tables",
        Type::BOOLEAN,
        "Whether missing tables are created.",
    )
    .filled("true"),
]);

const POSTGRES_DB: Type = Type::Shape(&[
    Field::required("username", Type::TEXT_SOURCE, "Who logs in."),
    Field::optional("password", Type::TEXT_SOURCE, "The password; empty for none.")
        .filled("\"\"")
        .secret(),
    Field::required("hostname", Type::TEXT_SOURCE, "The host of the server."),
    Field::required("db_name", Type::TEXT_SOURCE, "The name of the database."),
    Field::optional("port", Type::INTEGER_SOURCE, "The port of the server.").filled("5432"),
    Field::optional("params", Type::ANYTHING, "Parameters of the connection, such as `sslmode`.")
        .filled("{}")
        .secret(),
    Field::optional(
        "scheme",
        Type::TEXT_SOURCE,
        "How the URL begins, which chooses a driver in Python.",
    )
    .filled("\"postgresql\""),
]);

const AUTH_PROVIDER: Type = Type::Choice(&[
    Field::optional("azure_wif", AZURE_WIF, "A workload identity of Azure."),
    Field::optional("gcp_wif", Type::Shape(&[]), "A workload identity of Google Cloud."),
    Field::required("aws_wif", AWS_WIF, "A role of AWS."),
]);

const AZURE_WIF: Type =
    Type::Shape(&[Field::optional("scope", Type::TEXT_SOURCE, "What the token is for.")
        .filled("\"https://ossrdbms-aad.database.windows.net/.default\"")]);

const AWS_WIF: Type =
    Type::Shape(&[Field::required("region", Type::TEXT_SOURCE, "The region of the database.")]);

/// How to reach a MySQL database.
pub(super) const MYSQL: Type = Type::Choice(&[
    Field::required("mysql_url", Type::TEXT_SOURCE, "The URL of the database.").url(),
    Field::required("mysql_db", MYSQL_DB, "Where the database is, part by part."),
]);

const MYSQL_DB: Type = Type::Shape(&[
    Field::required("username", Type::TEXT_SOURCE, "Who logs in."),
    Field::required("password", Type::TEXT_SOURCE, "The password.").secret(),
    Field::required("hostname", Type::TEXT_SOURCE, "The host of the server."),
    Field::required("db_name", Type::TEXT_SOURCE, "The name of the database."),
    Field::optional("port", Type::INTEGER_SOURCE, "The port of the server.").filled("3306"),
]);

/// Where SQLite files are.
pub(super) const SQLITE: Type = Type::Shape(&[Field::required(
    "base_dir",
    Type::TEXT_SOURCE,
    "The directory of the files; a relative one begins at the working directory.",
)]);

/// A class within the configuration of another, with its own configuration as YAML text.
pub(super) const NESTED: Type = Type::Shape(NESTED_FIELDS);

const NESTED_FIELDS: &[Field] = &[
    Field::required("module_name", Type::TEXT, "The module of the class."),
    Field::required("class_name", Type::TEXT, "The name of the class."),
    Field::required("config_yaml", Type::TEXT, "The configuration of the class, as YAML text.")
        .secret(),
];

/// One class for each store.
pub(super) const COMPOSITE: Type = Type::Shape(&[
    Field::required("run_storage", NESTED, "The store of runs."),
    Field::required("event_log_storage", NESTED, "The store of events."),
    Field::required("schedule_storage", NESTED, "The store of schedules."),
]);
