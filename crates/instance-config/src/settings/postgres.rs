//! The configuration of a Postgres database, which stands in several sections.

use instance_core::config_problems::ConfigProblems;
use instance_core::error::StorageError;
use instance_core::settings::{PostgresAuthProvider, PostgresSettings, Secret};
use serde_json::Value;

use crate::fields::Fields;

/// For what a token of Azure is, unless the configuration says it.
const AZURE_SCOPE: &str = "https://ossrdbms-aad.database.windows.net/.default";

pub(super) fn postgres(fields: &Fields<'_>) -> Result<PostgresSettings, ConfigProblems> {
    fields.only(&["postgres_url", "postgres_db", "auth_provider", "should_autocreate_tables"])?;
    // An empty URL is none, as in Dagster.
    let url = fields.text("postgres_url")?.filter(|url| !url.is_empty());
    let database = fields.section("postgres_db")?;
    let auth_provider = auth_provider(fields)?;
    let settings = match (url, database) {
        (Some(_), Some(_)) => {
            let reason = "`postgres_url` is there, too; remove one of both";
            return Err(fields.problem("postgres_db", reason));
        }
        (Some(_), None) if auth_provider.is_some() => {
            let reason = "it gives out the password, so it cannot stand beside `postgres_url`; write `postgres_db`";
            return Err(fields.problem("auth_provider", reason));
        }
        (Some(url), None) if !is_known_scheme(url.split("://").next().unwrap_or_default()) => {
            return Err(fields.problem("postgres_url", "it has to begin with postgresql://"));
        }
        (Some(url), None) => PostgresSettings::from_url(&url)
            .map_err(|error| fields.problem("postgres_url", reason_of(&error)))?,
        (None, Some(database)) => of_fields(&database)?,
        (None, None) => {
            let reason = "neither it nor `postgres_db` is there; write one of both";
            return Err(fields.problem("postgres_url", reason));
        }
    };
    let creates = fields.plain_boolean("should_autocreate_tables")?.unwrap_or(true);
    Ok(settings.with_auth_provider(auth_provider).with_should_autocreate_tables(creates))
}

/// Whether SQLAlchemy has Postgres behind a scheme. It does not know the short name that libpq takes, too.
fn is_known_scheme(scheme: &str) -> bool {
    scheme.split('+').next() == Some("postgresql")
}

fn of_fields(fields: &Fields<'_>) -> Result<PostgresSettings, ConfigProblems> {
    fields.only(&["username", "password", "hostname", "db_name", "port", "params", "scheme"])?;
    let non_empty = |text: String| Some(text).filter(|text| !text.is_empty());
    if let Some(scheme) = fields.text("scheme")?
        && !is_known_scheme(&scheme)
    {
        return Err(fields.problem("scheme", "it has to be postgresql, or postgresql+DRIVER"));
    }
    let port = fields.integer("port")?.unwrap_or(5432);
    let port = u16::try_from(port)
        .map_err(|_| fields.problem("port", format!("{port} is no port; there are 0 to 65535")))?;
    let host = fields.required_text("hostname")?;
    // Dagster's own URL needs brackets around an address of IPv6.
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = address.map_or_else(|| host.clone(), str::to_owned);
    let password = fields.text("password")?.and_then(non_empty);
    PostgresSettings::new()
        .with_host(non_empty(host))
        .with_port(port)
        .with_username(non_empty(fields.required_text("username")?))
        .with_password(password.map(Secret::from))
        .with_params(params(fields)?)
        .with_database_of_url(&fields.required_text("db_name")?)
        .map_err(|error| fields.problem("db_name", reason_of(&error)))
}

/// The parameters, as Dagster writes them into a URL: numbers and booleans as Python prints them.
fn params(fields: &Fields<'_>) -> Result<Vec<(String, Secret)>, ConfigProblems> {
    let (Some(map), Some(section)) = (fields.map("params")?, fields.section("params")?) else {
        return Ok(Vec::new());
    };
    let mut params = Vec::new();
    for (name, value) in map {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                let reason = "it has to be a text or a number; Dagster takes no variables here";
                return Err(section.problem(name, reason));
            }
        };
        params.push((name.clone(), text.into()));
    }
    Ok(params)
}

fn auth_provider(fields: &Fields<'_>) -> Result<Option<PostgresAuthProvider>, ConfigProblems> {
    let Some(section) = fields.section("auth_provider")? else { return Ok(None) };
    section.only(&["azure_wif", "gcp_wif", "aws_wif"])?;
    if section.value("azure_wif") == Some(&Value::Null) {
        return Ok(Some(PostgresAuthProvider::AzureWif { scope: AZURE_SCOPE.to_owned() }));
    }
    if let Some(azure) = section.section("azure_wif")? {
        azure.only(&["scope"])?;
        let scope = azure.text("scope")?.unwrap_or_else(|| AZURE_SCOPE.to_owned());
        return Ok(Some(PostgresAuthProvider::AzureWif { scope }));
    }
    if let Some(aws) = section.section("aws_wif")? {
        aws.only(&["region"])?;
        return Ok(Some(PostgresAuthProvider::AwsWif { region: aws.required_text("region")? }));
    }
    match section.value("gcp_wif") {
        Some(_) => Ok(Some(PostgresAuthProvider::GcpWif)),
        None => Err(section.place().problem("it has to name azure_wif, gcp_wif or aws_wif")),
    }
}

/// What is wrong, without the name of the thing, which the place tells.
fn reason_of(error: &StorageError) -> String {
    match error {
        StorageError::Unsupported { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}
