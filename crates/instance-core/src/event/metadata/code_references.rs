//! The values of metadata that say where something is defined.

use crate::serdes::Number;
use crate::{serdes_class, serdes_union};

serdes_class! {
    /// Where something is defined.
    #[derive(Debug, Clone, PartialEq)]
    pub struct CodeReferencesMetadataValue = "CodeReferencesMetadataValue" {
        /// The places.
        pub code_references: Vec<CodeReference> = "code_references",
    }
}

serdes_union! {
    /// A place in code.
    pub enum CodeReference {
        /// In a file.
        LocalFile(LocalFileCodeReference),
        /// Behind a URL.
        Url(UrlCodeReference),
    }
}

serdes_class! {
    /// A place in a file.
    #[derive(Debug, Clone, PartialEq)]
    pub struct LocalFileCodeReference = "LocalFileCodeReference" {
        /// The file.
        pub file_path: String = "file_path",
        /// The label.
        pub label: Option<String> = "label",
        /// The line.
        pub line_number: Option<Number> = "line_number",
    }
}

serdes_class! {
    /// A place behind a URL.
    #[derive(Debug, Clone, PartialEq)]
    pub struct UrlCodeReference = "UrlCodeReference" {
        /// The label.
        pub label: Option<String> = "label",
        /// The URL.
        pub url: String = "url",
    }
}
