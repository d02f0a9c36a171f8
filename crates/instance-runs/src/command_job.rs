//! The job of a run that executes one command: its snapshot and its plan.
//!
//! Dagster makes the same snapshots for a job with one op named `command` or, if there are assets, for a job with one
//! multi-asset of that name whose outputs carry no values. Its checks are those of the multi-asset.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::command::{COMMAND_OP, CommandSpec};
use instance_core::error::InstanceError;
use instance_core::event::{NodeHandle, StepHandle};
use instance_core::serdes::UnknownFields;
use instance_core::snap::{
    ConfigField, ConfigScalarKind, ConfigSchemaBuilder, ConfigSchemaSnapshot, ConfigType,
    DagsterTypeKind, DagsterTypeNamespaceSnapshot, DagsterTypeSnap, DependencyStructureSnapshot,
    ExecutionPlanSnapshot, ExecutionStepOutputSnap, ExecutionStepSnap, JobSnap,
    KnownExecutionState, LoggerDefSnap, ModeDefSnap, NodeDefsSnapshot, NodeInvocationSnap,
    OpDefSnap, OutputDefSnap, ResourceDefSnap, StepKind, StepOutputProperties,
};
use serde_json::json;

use crate::create::CreateRun;

const CONSOLE_LOGGER: &str = "The default colored console logger.";
const IO_MANAGER: &str = "Built-in IO manager that stores and retrieves values in memory.";

/// A job of one step, which executes a command and, if that succeeds, has materialised some assets.
#[derive(Debug, Clone)]
pub struct CommandJob {
    job_name: String,
    outputs: Vec<(String, StepOutputProperties)>,
}

/// The snapshots of a [`CommandJob`].
#[derive(Debug, Clone)]
pub struct CommandJobSnapshots {
    /// The snapshot of the job.
    pub job: JobSnap,
    /// The execution plan of a run of the job.
    pub execution_plan: ExecutionPlanSnapshot,
}

impl CommandJob {
    /// A job of this name, whose command materialises these assets. `partitioned` says whether the assets have
    /// partitions.
    ///
    /// Empty `asset_keys` mean a job that materialises nothing. A key that is given twice counts once.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if Dagster would not accept the name of the job or of an asset, or if two assets
    /// would have outputs of the same name.
    pub fn new(
        job_name: impl Into<String>,
        asset_keys: &[AssetKey],
        partitioned: bool,
    ) -> Result<Self, InstanceError> {
        let job_name = job_name.into();
        check_name("job name", &job_name)?;
        let mut outputs = BTreeMap::new();
        for asset_key in asset_keys.iter().collect::<BTreeSet<_>>() {
            let name = asset_key.to_python_identifier();
            check_name("asset key", &name)?;
            let properties = StepOutputProperties::materializes(asset_key.clone(), partitioned);
            if outputs.insert(name.clone(), properties).is_some() {
                return Err(InstanceError::Invalid {
                    what: "asset key",
                    value: asset_key.to_user_string(),
                    reason: format!(
                        "another asset of the same run has the output name {name}, too"
                    ),
                });
            }
        }
        if outputs.is_empty() {
            outputs.insert("result".to_owned(), StepOutputProperties::plain());
        }
        Ok(Self { job_name, outputs: outputs.into_iter().collect() })
    }

    /// The same job, whose command also evaluates these checks of its assets. A check that is given twice counts once.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if the asset of a check is none of the job's, if Dagster would not accept the name of the
    /// check, or if its output would have the name of another one.
    pub fn with_checks(mut self, check_keys: &[AssetCheckKey]) -> Result<Self, InstanceError> {
        for check_key in check_keys.iter().collect::<BTreeSet<_>>() {
            let AssetCheckKey { asset_key, name, .. } = check_key;
            let shown = || format!("{}:{name}", asset_key.to_user_string());
            let is_of_it = |(_, properties): &(String, StepOutputProperties)| {
                properties.asset_key.as_ref() == Some(asset_key)
            };
            if !self.outputs.iter().any(is_of_it) {
                let reason = "the command does not materialise its asset; name that, too";
                return Err(InstanceError::invalid("asset check", shown(), reason));
            }
            check_name("check name", name)?;
            let output = format!("{}_{name}", asset_key.to_python_identifier());
            if self.outputs.iter().any(|(other, _)| *other == output) {
                let reason = format!("another output of the same run has the name {output}, too");
                return Err(InstanceError::invalid("asset check", shown(), reason));
            }
            self.outputs.push((output, StepOutputProperties::evaluates(check_key.clone())));
        }
        self.outputs.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(self)
    }

    /// The snapshots of the job and of its execution plan.
    pub fn snapshots(&self) -> CommandJobSnapshots {
        let job = self.job_snapshot();
        let execution_plan = self.execution_plan_snapshot(&job);
        CommandJobSnapshots { job, execution_plan }
    }

    /// The request for a run of the job that executes this command. [`create_run`](crate::create_run) stores it.
    pub fn create_run(&self, command: &CommandSpec) -> CreateRun {
        let CommandJobSnapshots { job, execution_plan } = self.snapshots();
        CreateRun {
            run_config: Some(command.to_run_config()),
            job_snapshot: Some(job),
            execution_plan_snapshot: Some(execution_plan),
            ..CreateRun::new(&self.job_name)
        }
    }

    fn job_snapshot(&self) -> JobSnap {
        let config = CommandConfig::build();
        JobSnap {
            automation_condition: None,
            config_schema_snapshot: config.schema,
            dagster_type_namespace_snapshot: config.types,
            dep_structure_snapshot: DependencyStructureSnapshot {
                node_invocation_snaps: vec![NodeInvocationSnap {
                    input_dep_snaps: Vec::new(),
                    is_dynamic_mapped: false,
                    node_def_name: COMMAND_OP.to_owned(),
                    node_name: COMMAND_OP.to_owned(),
                    tags: BTreeMap::new(),
                    unknown: UnknownFields::default(),
                }],
                unknown: UnknownFields::default(),
            },
            description: None,
            graph_def_name: Some(self.job_name.clone()),
            lineage_snapshot: None,
            metadata: Vec::new(),
            mode_def_snaps: vec![config.mode],
            name: self.job_name.clone(),
            owners: None,
            // Dagster writes empty run tags for jobs of assets, and none for jobs of ops.
            run_tags: self.has_assets().then(BTreeMap::new),
            node_defs_snapshot: NodeDefsSnapshot {
                graph_def_snaps: Vec::new(),
                op_def_snaps: vec![self.op(&config.op)],
                unknown: UnknownFields::default(),
            },
            tags: BTreeMap::new(),
            unknown: UnknownFields::default(),
        }
    }

    fn has_assets(&self) -> bool {
        self.outputs.iter().any(|(_, properties)| properties.is_asset)
    }

    fn op(&self, config: &ConfigField) -> OpDefSnap {
        OpDefSnap {
            config_field_snap: Some(config.snap()),
            description: None,
            input_def_snaps: Vec::new(),
            name: COMMAND_OP.to_owned(),
            output_def_snaps: self
                .outputs
                .iter()
                .map(|(name, properties)| OutputDefSnap {
                    dagster_type_key: type_of(properties).to_owned(),
                    description: None,
                    is_dynamic: properties.is_dynamic,
                    is_required: properties.is_required,
                    metadata: Vec::new(),
                    name: name.clone(),
                    unknown: UnknownFields::default(),
                })
                .collect(),
            pool: None,
            required_resource_keys: Vec::new(),
            tags: BTreeMap::new(),
            unknown: UnknownFields::default(),
        }
    }

    fn execution_plan_snapshot(&self, job: &JobSnap) -> ExecutionPlanSnapshot {
        let outputs = self.outputs.iter().map(|(name, properties)| ExecutionStepOutputSnap {
            dagster_type_key: type_of(properties).to_owned(),
            name: name.clone(),
            properties: Some(properties.clone()),
            node_handle: Some(NodeHandle::top(COMMAND_OP)),
            unknown: UnknownFields::default(),
        });
        ExecutionPlanSnapshot {
            artifacts_persisted: true,
            executor_name: None,
            initial_known_state: Some(KnownExecutionState::empty()),
            job_snapshot_id: job.snapshot_id(),
            repository_load_data: None,
            snapshot_version: Some(1),
            step_keys_to_execute: vec![COMMAND_OP.to_owned()],
            steps: vec![ExecutionStepSnap {
                inputs: Vec::new(),
                key: COMMAND_OP.to_owned(),
                kind: StepKind::Compute,
                metadata_items: Vec::new(),
                outputs: outputs.collect(),
                pool: None,
                node_handle_id: COMMAND_OP.to_owned(),
                step_handle: Some(StepHandle::top(COMMAND_OP).into()),
                tags: Some(BTreeMap::new()),
                unknown: UnknownFields::default(),
            }],
            unknown: UnknownFields::default(),
        }
    }
}

/// The type of an output: Dagster gives results of checks the type of everything.
const fn type_of(properties: &StepOutputProperties) -> &'static str {
    if properties.asset_check_key.is_some() { "Any" } else { "Nothing" }
}

/// The configuration schema of a command job. It does not depend on the name of the job.
struct CommandConfig {
    schema: ConfigSchemaSnapshot,
    types: DagsterTypeNamespaceSnapshot,
    mode: ModeDefSnap,
    op: ConfigField,
}

impl CommandConfig {
    fn build() -> Self {
        let mut config = ConfigSchemaBuilder::new();
        let any = config.any();
        let string = config.scalar(ConfigScalarKind::String);
        let types = builtin_types(&mut config, &any);

        let argv = config.array(&string);
        let op_shape = config.shape(vec![ConfigField::required("argv", &argv)]);
        let op = ConfigField::required("config", &op_shape);
        let ops = config.shape(vec![op.clone()]);
        let ops = config.shape(vec![ConfigField::required(COMMAND_OP, &ops)]);

        let console_defaults = json!({"log_level": "INFO", "name": "dagster"});
        let console = config.shape(vec![
            ConfigField::with_default("log_level", &string, &json!("INFO"))
                .described("The logger's threshold."),
            ConfigField::with_default("name", &string, &json!("dagster"))
                .described("The name of your logger."),
        ]);
        let console = ConfigField::with_default("config", &console, &console_defaults)
            .described(CONSOLE_LOGGER);
        let logger = config.shape(vec![console.clone()]);
        let loggers = config.shape(vec![ConfigField::optional("console", &logger)]);

        let any_config = ConfigField::optional("config", &any);
        let free = config.shape(vec![any_config.clone()]);
        let resources = config.shape(vec![
            ConfigField::with_default("io_manager", &free, &json!({})).described(IO_MANAGER),
        ]);

        let root = config.shape(vec![
            ConfigField::with_default("execution", &free, &json!({}))
                .described("Configure how steps are executed within a run."),
            ConfigField::with_default("loggers", &loggers, &json!({}))
                .described("Configure how loggers emit messages within a run."),
            ConfigField::required("ops", &ops)
                .described("Configure runtime parameters for ops or assets."),
            ConfigField::with_default("resources", &resources, &json!({"io_manager": {}}))
                .described("Configure how shared resources are implemented within a run."),
        ]);
        let mode = ModeDefSnap {
            description: None,
            logger_def_snaps: vec![LoggerDefSnap {
                config_field_snap: Some(console.snap()),
                description: Some(CONSOLE_LOGGER.to_owned()),
                name: "console".to_owned(),
                unknown: UnknownFields::default(),
            }],
            name: "default".to_owned(),
            resource_def_snaps: vec![ResourceDefSnap {
                config_field_snap: Some(any_config.snap()),
                description: Some(IO_MANAGER.to_owned()),
                name: "io_manager".to_owned(),
                unknown: UnknownFields::default(),
            }],
            root_config_key: Some(root.key().to_owned()),
            unknown: UnknownFields::default(),
        };
        Self { schema: config.finish(), types, mode, op }
    }
}

/// The types that every job has, with the configuration that loads values of them.
fn builtin_types(
    config: &mut ConfigSchemaBuilder,
    any: &ConfigType,
) -> DagsterTypeNamespaceSnapshot {
    let string = config.scalar(ConfigScalarKind::String);
    let path = config.shape(vec![ConfigField::required("path", &string)]);
    let loader = |config: &mut ConfigSchemaBuilder, value: &ConfigType| {
        config.selector(vec![
            ConfigField::required("json", &path),
            ConfigField::required("pickle", &path),
            ConfigField::required("value", value),
        ])
    };
    let mut types = vec![
        builtin_type("Any", DagsterTypeKind::Any, Some(loader(config, any))),
        builtin_type("Nothing", DagsterTypeKind::Nothing, None),
    ];
    for kind in ConfigScalarKind::ALL {
        let scalar = config.scalar(*kind);
        let selector = loader(config, &scalar);
        let union = config.scalar_union(&scalar, &selector);
        types.push(builtin_type(scalar.key(), DagsterTypeKind::Scalar, Some(union)));
    }
    DagsterTypeNamespaceSnapshot {
        all_dagster_type_snaps_by_key: types
            .into_iter()
            .map(|snap| (snap.key.clone(), snap))
            .collect(),
        unknown: UnknownFields::default(),
    }
}

fn builtin_type(name: &str, kind: DagsterTypeKind, loader: Option<ConfigType>) -> DagsterTypeSnap {
    DagsterTypeSnap {
        description: None,
        display_name: name.to_owned(),
        is_builtin: true,
        key: name.to_owned(),
        kind,
        loader_schema_key: loader.map(|schema| schema.key().to_owned()),
        materializer_schema_key: None,
        metadata: Vec::new(),
        name: Some(name.to_owned()),
        type_param_keys: Vec::new(),
        unknown: UnknownFields::default(),
    }
}

/// Dagster's rule for names of jobs and outputs.
fn check_name(what: &'static str, name: &str) -> Result<(), InstanceError> {
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err(InstanceError::Invalid {
        what,
        value: name.to_owned(),
        reason: "Dagster's names have only letters (A-Z, a-z), digits and underscores".to_owned(),
    })
}
