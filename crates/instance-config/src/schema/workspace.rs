//! What `workspace.yaml` may say.

use super::Scalar;
use super::types::{Field, Type};

/// The keys of the file.
pub(crate) const WORKSPACE: &[Field] = &[Field::required(
    "load_from",
    Type::List(&Type::Choice(LOCATIONS)),
    "The code locations, one for each item of the list.",
)];

/// What a code location may be; each is exactly one of these.
pub(crate) const LOCATIONS: &[Field] = &[
    Field::optional(
        "python_file",
        Type::Either(Scalar::Text, &Type::Shape(PYTHON_FILE)),
        "A file of Python. Its path is relative to the directory of this file.",
    ),
    Field::optional(
        "python_module",
        Type::Either(Scalar::Text, &Type::Shape(PYTHON_MODULE)),
        "A module of Python.",
    ),
    Field::optional(
        "python_package",
        Type::Either(Scalar::Text, &Type::Shape(PYTHON_PACKAGE)),
        "A package of Python.",
    ),
    Field::optional(
        "autoload_defs_module",
        Type::Either(Scalar::Text, &Type::Shape(AUTOLOAD_DEFS_MODULE)),
        "A module of Python, in all of which definitions are looked for.",
    ),
    Field::optional(
        "grpc_server",
        Type::Shape(GRPC_SERVER),
        "A code server that somebody else starts.",
    ),
];

const ATTRIBUTE: Field = Field::optional(
    "attribute",
    Type::TEXT_SOURCE,
    "The name of the definitions, if there are others, too.",
);
const LOCATION_NAME: Field =
    Field::optional("location_name", Type::TEXT_SOURCE, "The name of the code location.");
const EXECUTABLE_PATH: Field = Field::optional(
    "executable_path",
    Type::TEXT_SOURCE,
    "The Python interpreter that loads the code. `~` is a home directory.",
);
const WORKING_DIRECTORY: Field = Field::optional(
    "working_directory",
    Type::TEXT_SOURCE,
    "The directory in which the code is loaded.",
);

const PYTHON_FILE: &[Field] = &[
    Field::required(
        "relative_path",
        Type::TEXT_SOURCE,
        "The path of the file, relative to the directory of this file.",
    ),
    ATTRIBUTE,
    LOCATION_NAME,
    Field::optional(
        "working_directory",
        Type::TEXT_SOURCE,
        "The directory in which the code is loaded, relative to that of this file, which is the default.",
    ),
    EXECUTABLE_PATH,
];

const PYTHON_MODULE: &[Field] = &[
    Field::required("module_name", Type::TEXT_SOURCE, "The name of the module."),
    ATTRIBUTE,
    WORKING_DIRECTORY,
    LOCATION_NAME,
    EXECUTABLE_PATH,
];

const PYTHON_PACKAGE: &[Field] = &[
    Field::required("package_name", Type::TEXT_SOURCE, "The name of the package."),
    ATTRIBUTE,
    WORKING_DIRECTORY,
    LOCATION_NAME,
    EXECUTABLE_PATH,
];

const AUTOLOAD_DEFS_MODULE: &[Field] = &[
    Field::required("module_name", Type::TEXT_SOURCE, "The name of the module."),
    WORKING_DIRECTORY,
    LOCATION_NAME,
    EXECUTABLE_PATH,
];

const GRPC_SERVER: &[Field] = &[
    Field::optional("host", Type::TEXT_SOURCE, "The host of the server.").implied("\"localhost\""),
    Field::optional(
        "socket",
        Type::TEXT_SOURCE,
        "The path of the socket of the server, in place of a port.",
    ),
    Field::optional("port", Type::INTEGER_SOURCE, "The port of the server."),
    LOCATION_NAME,
    Field::optional("ssl", Type::BOOLEAN, "Whether the connection is encrypted.").implied("false"),
    Field::optional(
        "additional_metadata",
        Type::ANYTHING,
        "What Dagster's web page shows beside the location.",
    )
    .secret(),
];
