//! The configuration of the managers of captured output.

use super::types::{Field, Type};

/// Files of this machine.
pub(super) const LOCAL: Type = Type::Shape(&[
    Field::required(
        "base_dir",
        Type::TEXT_SOURCE,
        "The directory of the files; a relative one begins at the working directory.",
    ),
    Field::optional(
        "polling_timeout",
        Type::NUMBER,
        "How many seconds pass between two looks at a file.",
    )
    .implied("2.5"),
]);

/// A bucket of S3, or of a service that speaks its protocol.
pub(super) const S3: Type = Type::Shape(&[
    Field::required("bucket", Type::TEXT_SOURCE, "The bucket."),
    LOCAL_DIR,
    PREFIX,
    Field::optional("use_ssl", Type::BOOLEAN, "Whether the connection is encrypted.")
        .filled("true"),
    Field::optional("verify", Type::BOOLEAN, "Whether the server's certificate is checked.")
        .filled("true"),
    Field::optional(
        "verify_cert_path",
        Type::TEXT_SOURCE,
        "A file of certificates that are trusted.",
    ),
    Field::optional("endpoint_url", Type::TEXT_SOURCE, "The URL of a service other than AWS.")
        .url(),
    Field::optional(
        "skip_empty_files",
        Type::BOOLEAN,
        "Whether output without a byte is left out.",
    )
    .filled("false"),
    UPLOAD_INTERVAL,
    Field::optional("upload_extra_args", Type::ANYTHING, "More arguments of each upload.").secret(),
    SHOW_URL_ONLY,
    Field::optional("region", Type::TEXT_SOURCE, "The region of the bucket."),
]);

/// A bucket of Google Cloud Storage.
pub(super) const GCS: Type = Type::Shape(&[
    Field::required("bucket", Type::TEXT_SOURCE, "The bucket."),
    LOCAL_DIR,
    PREFIX,
    Field::optional(
        "json_credentials_envvar",
        Type::TEXT_SOURCE,
        "The environment variable that holds the credentials as JSON.",
    )
    .secret(),
    UPLOAD_INTERVAL,
    SHOW_URL_ONLY,
]);

/// A container of Azure's blob storage.
pub(super) const AZURE: Type = Type::Shape(&[
    Field::required("storage_account", Type::TEXT_SOURCE, "The storage account."),
    Field::required("container", Type::TEXT_SOURCE, "The container."),
    Field::optional("access_key_or_sas_token", Type::NULL_OR_TEXT_SOURCE, "The key that opens it.")
        .secret(),
    Field::optional(
        "secret_credential",
        Type::Nullable(&CREDENTIAL),
        "The application that opens it.",
    ),
    Field::optional(
        "default_azure_credential",
        Type::Nullable(&Type::ANYTHING),
        "Arguments for what Azure finds in the surroundings.",
    )
    .filled("null")
    .secret(),
    Field::optional(
        "local_dir",
        Type::NULL_OR_TEXT_SOURCE,
        "The directory of files before they are uploaded.",
    )
    .filled("null"),
    PREFIX,
    UPLOAD_INTERVAL,
    SHOW_URL_ONLY,
    Field::optional("endpoint_suffix", Type::TEXT_SOURCE, "How the names of the servers end.")
        .filled("\"core.windows.net\""),
]);

const CREDENTIAL: Type = Type::Shape(&[
    Field::required("client_id", Type::TEXT_SOURCE, "The application."),
    Field::required("client_secret", Type::TEXT_SOURCE, "Its secret.").secret(),
    Field::required("tenant_id", Type::TEXT_SOURCE, "The directory that it belongs to."),
]);

const LOCAL_DIR: Field = Field::optional(
    "local_dir",
    Type::TEXT_SOURCE,
    "The directory of files before they are uploaded.",
);

const PREFIX: Field =
    Field::optional("prefix", Type::TEXT_SOURCE, "How the keys begin.").filled("\"dagster\"");

const UPLOAD_INTERVAL: Field = Field::optional(
    "upload_interval",
    Type::Nullable(&Type::INTEGER),
    "How many seconds pass between two uploads while a step runs; null for one at the end.",
)
.filled("null");

const SHOW_URL_ONLY: Field = Field::optional(
    "show_url_only",
    Type::BOOLEAN,
    "Whether a link is shown in place of the output.",
)
.filled("false");
