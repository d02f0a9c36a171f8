//! Where the definition of a run's job lives: the code location that serves it, and its Python code.

use crate::selectors::{RepositorySelector, id_of};
use crate::serdes::{Opaque, UnknownFields};
use crate::{serdes_class, serdes_union};

serdes_class! {
    /// The job of a repository that a code location serves.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RemoteJobOrigin = "ExternalPipelineOrigin" {
        /// The repository.
        pub repository_origin: RemoteRepositoryOrigin = "external_repository_origin",
        /// The name of the job.
        pub job_name: String = "pipeline_name",
    }
}

serdes_class! {
    /// A repository that a code location serves.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RemoteRepositoryOrigin = "ExternalRepositoryOrigin" {
        /// How the code location is reached.
        pub code_location_origin: CodeLocationOrigin = "repository_location_origin",
        /// The name of the repository.
        pub repository_name: String = "repository_name",
    }
}

impl RemoteRepositoryOrigin {
    /// A repository of a code location.
    pub fn new(
        code_location_origin: impl Into<CodeLocationOrigin>,
        repository_name: impl Into<String>,
    ) -> Self {
        Self {
            code_location_origin: code_location_origin.into(),
            repository_name: repository_name.into(),
            unknown: UnknownFields::default(),
        }
    }

    /// The name of the code location; `None` for an origin that this version does not know.
    pub fn location_name(&self) -> Option<&str> {
        self.code_location_origin.location_name()
    }

    /// The hash of all that leads to the repository.
    pub fn id(&self) -> String {
        id_of(self)
    }

    /// What names the repository wherever its code is.
    pub fn selector(&self) -> RepositorySelector {
        RepositorySelector::new(self.location_name().unwrap_or_default(), &self.repository_name)
    }

    /// `repository@location`, the value of the tag by which runs are found.
    pub fn label(&self) -> String {
        format!("{}@{}", self.repository_name, self.location_name().unwrap_or_default())
    }
}

serdes_union! {
    /// How a code location is reached.
    pub enum CodeLocationOrigin {
        /// A server of its own.
        GrpcServer(GrpcServerCodeLocationOrigin),
        /// In the same process.
        InProcess(InProcessCodeLocationOrigin),
        /// A server that Dagster starts.
        ManagedGrpcPythonEnv(ManagedGrpcPythonEnvCodeLocationOrigin),
        /// By its name.
        Registered(RegisteredCodeLocationOrigin),
    }
}

impl CodeLocationOrigin {
    /// The name of the code location; `None` for an origin that this version does not know.
    pub fn location_name(&self) -> Option<&str> {
        match self {
            Self::GrpcServer(origin) => Some(&origin.location_name),
            Self::InProcess(origin) => Some(&origin.location_name),
            Self::ManagedGrpcPythonEnv(origin) => Some(&origin.location_name),
            Self::Registered(origin) => Some(&origin.location_name),
            Self::Opaque(_) => None,
        }
    }
}

serdes_class! {
    /// A code location with a server of its own.
    #[derive(Debug, Clone, PartialEq)]
    pub struct GrpcServerCodeLocationOrigin = "GrpcServerRepositoryLocationOrigin" {
        /// What the server is told with every call.
        pub additional_metadata: Option<Opaque> = "additional_metadata" [skip],
        /// The host.
        pub host: String = "host",
        /// The name.
        pub location_name: String = "location_name",
        /// The port, unless there is a socket.
        pub port: Option<i64> = "port",
        /// The socket, unless there is a port.
        pub socket: Option<String> = "socket",
        /// Whether the connection is encrypted.
        pub use_ssl: Option<bool> = "use_ssl" [skip],
    }
}

serdes_class! {
    /// A code location in the same process.
    #[derive(Debug, Clone, PartialEq)]
    pub struct InProcessCodeLocationOrigin = "InProcessRepositoryLocationOrigin" {
        /// The configuration of its container.
        pub container_context: Option<Opaque> = "container_context",
        /// The image of its container.
        pub container_image: Option<String> = "container_image",
        /// The command of its container.
        pub entry_point: Option<Vec<String>> = "entry_point",
        /// Where its definitions are.
        pub loadable_target_origin: LoadableTargetOrigin = "loadable_target_origin",
        /// The name.
        pub location_name: String = "location_name",
    }
}

serdes_class! {
    /// A code location with a server that Dagster starts.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ManagedGrpcPythonEnvCodeLocationOrigin = "ManagedGrpcPythonEnvRepositoryLocationOrigin" {
        /// Where its definitions are.
        pub loadable_target_origin: LoadableTargetOrigin = "loadable_target_origin",
        /// The name.
        pub location_name: String = "location_name",
    }
}

serdes_class! {
    /// A code location that is known by its name.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RegisteredCodeLocationOrigin = "RegisteredRepositoryLocationOrigin" {
        /// The name.
        pub location_name: String = "location_name",
    }
}

impl RegisteredCodeLocationOrigin {
    /// The code location of this name.
    pub fn new(location_name: impl Into<String>) -> Self {
        Self { location_name: location_name.into(), unknown: UnknownFields::default() }
    }
}

serdes_class! {
    /// Where definitions are.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct LoadableTargetOrigin = "LoadableTargetOrigin" {
        /// The name within the module or file.
        pub attribute: Option<String> = "attribute",
        /// The module whose parts are all loaded.
        pub autoload_defs_module_name: Option<String> = "autoload_defs_module_name" [skip],
        /// The Python interpreter.
        pub executable_path: Option<String> = "executable_path",
        /// The module.
        pub module_name: Option<String> = "module_name",
        /// The package.
        pub package_name: Option<String> = "package_name",
        /// The file.
        pub python_file: Option<String> = "python_file",
        /// The directory from which it is loaded.
        pub working_directory: Option<String> = "working_directory",
    }
}

impl LoadableTargetOrigin {
    /// The name of a code location with these definitions that nobody has named: that of the package, of the module or of
    /// the file, and of the attribute behind it. `None` if no definitions are named.
    pub fn default_location_name(&self) -> Option<String> {
        let named = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
        let file = named(&self.python_file);
        let place = named(&self.package_name)
            .or_else(|| named(&self.module_name))
            .or_else(|| named(&self.autoload_defs_module_name))
            .or_else(|| file.map(|file| file.rsplit('/').next().unwrap_or_default().to_owned()))?;
        Some(match named(&self.attribute) {
            Some(attribute) => format!("{place}:{attribute}"),
            None => place,
        })
    }
}

serdes_class! {
    /// The Python code of a job.
    #[derive(Debug, Clone, PartialEq)]
    pub struct JobPythonOrigin = "PipelinePythonOrigin" {
        /// The name of the job.
        pub job_name: String = "pipeline_name",
        /// The repository.
        pub repository_origin: RepositoryPythonOrigin = "repository_origin",
    }
}

serdes_class! {
    /// The Python code of a repository.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RepositoryPythonOrigin = "RepositoryPythonOrigin" {
        /// Where the code is.
        pub code_pointer: CodePointer = "code_pointer",
        /// The configuration of its container.
        pub container_context: Option<Opaque> = "container_context",
        /// The image of its container.
        pub container_image: Option<String> = "container_image",
        /// The command of its container.
        pub entry_point: Option<Vec<String>> = "entry_point",
        /// The Python interpreter.
        pub executable_path: String = "executable_path",
    }
}

serdes_union! {
    /// Where code is.
    pub enum CodePointer {
        /// All parts of a module.
        AutoloadDefsModule(AutoloadDefsModuleCodePointer),
        /// What a function returns.
        Custom(CustomPointer),
        /// In a file.
        File(FileCodePointer),
        /// In a module.
        Module(ModuleCodePointer),
        /// In a package.
        Package(PackageCodePointer),
    }
}

serdes_class! {
    /// All parts of a module.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AutoloadDefsModuleCodePointer = "AutoloadDefsModuleCodePointer" {
        /// The module.
        pub module: String = "module",
        /// The directory from which it is loaded.
        pub working_directory: Option<String> = "working_directory",
    }
}

serdes_class! {
    /// What a function returns.
    #[derive(Debug, Clone, PartialEq)]
    pub struct CustomPointer = "CustomPointer" {
        /// The arguments of the function.
        pub reconstructable_args: Opaque = "reconstructable_args",
        /// The named arguments of the function.
        pub reconstructable_kwargs: Opaque = "reconstructable_kwargs",
        /// The function.
        pub reconstructor_pointer: ModuleCodePointer = "reconstructor_pointer",
    }
}

serdes_class! {
    /// Code in a file.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FileCodePointer = "FileCodePointer" {
        /// The name within the file.
        pub fn_name: String = "fn_name",
        /// The file.
        pub python_file: String = "python_file",
        /// The directory from which it is loaded.
        pub working_directory: Option<String> = "working_directory",
    }
}

serdes_class! {
    /// Code in a module.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ModuleCodePointer = "ModuleCodePointer" {
        /// The name within the module.
        pub fn_name: String = "fn_name",
        /// The module.
        pub module: String = "module",
        /// The directory from which it is loaded.
        pub working_directory: Option<String> = "working_directory",
    }
}

serdes_class! {
    /// Code in a package.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PackageCodePointer = "PackageCodePointer" {
        /// The name within the package.
        pub attribute: String = "attribute",
        /// The package.
        pub module: String = "module",
        /// The directory from which it is loaded.
        pub working_directory: Option<String> = "working_directory",
    }
}
