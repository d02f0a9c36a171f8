//! The stored texts of snapshots of jobs and plans, whose ids are hashes of these texts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use insta::assert_snapshot;
use instance_core::event::{MetadataEntry, NodeHandle, StepHandle, StepOutputHandle};
use instance_core::serdes::{FrozenSet, Opaque, deserialize_value};
use instance_core::snap::{
    AssetExecutionType, ConfigEnumValueSnap, ConfigField, ConfigFieldSnap, ConfigScalarKind,
    ConfigSchemaBuilder, ConfigSchemaSnapshot, ConfigTypeKind, ConfigTypeSnap, DagsterTypeKind,
    DagsterTypeNamespaceSnapshot, DagsterTypeSnap, DependencyStructureSnapshot,
    ExecutionPlanMetadataItemSnap, ExecutionPlanSnapshot, ExecutionStepInputSnap,
    ExecutionStepOutputSnap, ExecutionStepSnap, GraphDefSnap, InputDefSnap, InputDependencySnap,
    InputMappingSnap, JobLineageSnap, JobSnap, KnownExecutionState, LoggerDefSnap, ModeDefSnap,
    NodeDefsSnapshot, NodeInvocationSnap, OpDefSnap, OutputDefSnap, OutputHandleSnap,
    OutputMappingSnap, ResourceDefSnap, StepKind, StepOutputProperties,
};
use instance_core::{AssetCheckKey, AssetKey, SnapshotId};
use serde_json::json;

use crate::support::{fixture, none, read, round_trip, round_trips};

fn text(text: &str) -> String {
    text.to_owned()
}

fn field() -> ConfigFieldSnap {
    ConfigFieldSnap {
        default_provided: true,
        default_value_as_json_str: Some(text("1")),
        description: Some(text("how many")),
        is_required: false,
        is_secret: Some(true),
        name: Some(text("n")),
        type_key: "Int".to_owned(),
        unknown: none(),
    }
}

fn enum_value() -> ConfigEnumValueSnap {
    ConfigEnumValueSnap { description: None, value: "one".to_owned(), unknown: none() }
}

fn config_type() -> ConfigTypeSnap {
    ConfigTypeSnap {
        description: None,
        enum_values: Some(vec![enum_value()]),
        field_aliases: Some(BTreeMap::from([("n".to_owned(), "number".to_owned())])),
        fields: Some(vec![field()]),
        given_name: None,
        key: "Shape.x".to_owned(),
        kind: ConfigTypeKind::StrictShape,
        scalar_kind: Some(ConfigScalarKind::Int),
        type_param_keys: Some(vec!["Int".to_owned()]),
        unknown: none(),
    }
}

fn config_schema() -> ConfigSchemaSnapshot {
    ConfigSchemaSnapshot {
        all_config_snaps_by_key: BTreeMap::from([("Shape.x".to_owned(), config_type())]),
        unknown: none(),
    }
}

fn dagster_type() -> DagsterTypeSnap {
    DagsterTypeSnap {
        description: None,
        display_name: "Int".to_owned(),
        is_builtin: true,
        key: "Int".to_owned(),
        kind: DagsterTypeKind::Scalar,
        loader_schema_key: Some(text("Int")),
        materializer_schema_key: None,
        metadata: deserialize_value(
            r#"[{"__class__": "EventMetadataEntry", "description": null, "entry_data": {"__class__": "NullMetadataEntryData"}, "label": "m"}]"#,
        )
        .unwrap_or_default(),
        name: Some(text("Int")),
        type_param_keys: Vec::new(),
        unknown: none(),
    }
}

fn dagster_types() -> DagsterTypeNamespaceSnapshot {
    DagsterTypeNamespaceSnapshot {
        all_dagster_type_snaps_by_key: BTreeMap::from([("Int".to_owned(), dagster_type())]),
        unknown: none(),
    }
}

fn upstream_output() -> OutputHandleSnap {
    OutputHandleSnap {
        output_name: "result".to_owned(),
        node_name: "a".to_owned(),
        unknown: none(),
    }
}

fn input_dependency() -> InputDependencySnap {
    InputDependencySnap {
        input_name: "x".to_owned(),
        is_dynamic_collect: true,
        upstream_output_snaps: vec![upstream_output()],
        unknown: none(),
    }
}

fn node() -> NodeInvocationSnap {
    NodeInvocationSnap {
        input_dep_snaps: vec![input_dependency()],
        is_dynamic_mapped: true,
        node_def_name: "b_def".to_owned(),
        node_name: "b".to_owned(),
        tags: BTreeMap::from([("t".to_owned(), "1".to_owned())]),
        unknown: none(),
    }
}

fn dependencies(nodes: Vec<NodeInvocationSnap>) -> DependencyStructureSnapshot {
    DependencyStructureSnapshot { node_invocation_snaps: nodes, unknown: none() }
}

fn input_def() -> InputDefSnap {
    InputDefSnap {
        dagster_type_key: "Int".to_owned(),
        description: Some(text("an input")),
        metadata: Vec::new(),
        name: "x".to_owned(),
        unknown: none(),
    }
}

fn output_def() -> OutputDefSnap {
    OutputDefSnap {
        dagster_type_key: "Int".to_owned(),
        description: Some(text("an output")),
        is_dynamic: true,
        is_required: false,
        metadata: vec![MetadataEntry::text("m", "t")],
        name: "result".to_owned(),
        unknown: none(),
    }
}

fn op() -> OpDefSnap {
    OpDefSnap {
        config_field_snap: None,
        description: None,
        input_def_snaps: vec![input_def()],
        name: "b_def".to_owned(),
        output_def_snaps: vec![output_def()],
        pool: Some(text("pool")),
        required_resource_keys: vec!["io".to_owned()],
        tags: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
        unknown: none(),
    }
}

fn input_mapping() -> InputMappingSnap {
    InputMappingSnap {
        external_input_name: "y".to_owned(),
        mapped_input_name: "x".to_owned(),
        mapped_node_name: "b".to_owned(),
        unknown: none(),
    }
}

fn output_mapping() -> OutputMappingSnap {
    OutputMappingSnap {
        external_output_name: "out".to_owned(),
        mapped_output_name: "result".to_owned(),
        mapped_node_name: "b".to_owned(),
        unknown: none(),
    }
}

fn graph() -> GraphDefSnap {
    GraphDefSnap {
        config_field_snap: None,
        dep_structure_snapshot: dependencies(Vec::new()),
        description: None,
        input_def_snaps: Vec::new(),
        input_mapping_snaps: vec![input_mapping()],
        name: "g".to_owned(),
        output_def_snaps: Vec::new(),
        output_mapping_snaps: vec![output_mapping()],
        pools: Some(Opaque::from(&json!({"__set__": ["pool"]}))),
        tags: BTreeMap::new(),
        unknown: none(),
    }
}

fn node_defs() -> NodeDefsSnapshot {
    NodeDefsSnapshot { graph_def_snaps: vec![graph()], op_def_snaps: vec![op()], unknown: none() }
}

fn logger() -> LoggerDefSnap {
    LoggerDefSnap {
        config_field_snap: None,
        description: Some(text("logs")),
        name: "console".to_owned(),
        unknown: none(),
    }
}

fn resource() -> ResourceDefSnap {
    ResourceDefSnap {
        config_field_snap: None,
        description: None,
        name: "io".to_owned(),
        unknown: none(),
    }
}

fn mode() -> ModeDefSnap {
    ModeDefSnap {
        description: None,
        logger_def_snaps: vec![logger()],
        name: "default".to_owned(),
        resource_def_snaps: vec![resource()],
        root_config_key: Some(text("Shape.x")),
        unknown: none(),
    }
}

fn lineage() -> JobLineageSnap {
    let asset = json!({"__class__": "AssetKey", "path": ["a"]});
    let check = json!({"__class__": "AssetCheckKey", "asset_key": asset, "name": "c"});
    JobLineageSnap {
        asset_check_selection: Some(read(&json!({"__frozenset__": [check]}))),
        asset_selection: Some(read(&json!({"__frozenset__": [asset]}))),
        parent_snapshot_id: SnapshotId::from("p"),
        op_selection: Some(read(&json!(["b+"]))),
        resolved_op_selection: Some(read(&json!({"__set__": ["b"]}))),
        unknown: none(),
    }
}

fn job() -> JobSnap {
    JobSnap {
        automation_condition: None,
        config_schema_snapshot: config_schema(),
        dagster_type_namespace_snapshot: dagster_types(),
        dep_structure_snapshot: dependencies(vec![node()]),
        description: Some(text("d")),
        graph_def_name: Some("small".to_owned()),
        lineage_snapshot: Some(lineage()),
        metadata: vec![instance_core::event::MetadataEntry::text("owner", "me")],
        mode_def_snaps: vec![mode()],
        name: "small".to_owned(),
        owners: Some(vec!["team:x".to_owned()]),
        run_tags: Some(BTreeMap::from([("r".to_owned(), "1".to_owned())])),
        node_defs_snapshot: node_defs(),
        tags: BTreeMap::from([("team".to_owned(), "däta".to_owned())]),
        unknown: none(),
    }
}

fn output_handle(step_key: &str, mapping_key: Option<&str>) -> StepOutputHandle {
    StepOutputHandle {
        mapping_key: mapping_key.map(str::to_owned),
        output_name: "result".to_owned(),
        step_key: step_key.to_owned(),
        unknown: none(),
    }
}

fn known_state() -> KnownExecutionState {
    KnownExecutionState {
        dynamic_mappings: Opaque::from(&json!({"numbers": {"result": ["n0", "n1"]}})),
        parent_state: None,
        previous_retry_attempts: BTreeMap::from([("explode".to_owned(), 1)]),
        ready_outputs: FrozenSet::from_iter([
            output_handle("b", None),
            output_handle("a", Some("n0")),
            output_handle("a", None),
        ]),
        step_output_versions: Vec::new(),
        unknown: none(),
    }
}

fn step_input() -> ExecutionStepInputSnap {
    ExecutionStepInputSnap {
        dagster_type_key: "Any".to_owned(),
        name: "number".to_owned(),
        source: Some(read(&json!({
            "__class__": "FromStepOutput",
            "fan_in": false,
            "input_name": "in",
            "solid_handle": null,
            "step_output_handle": {
                "__class__": "StepOutputHandle",
                "mapping_key": null,
                "output_name": "result",
                "step_key": "a",
            },
        }))),
        upstream_output_handles: vec![output_handle("numbers", None)],
        unknown: none(),
    }
}

fn step_output() -> ExecutionStepOutputSnap {
    ExecutionStepOutputSnap {
        dagster_type_key: "Nothing".to_owned(),
        name: "demo__hello".to_owned(),
        properties: Some(StepOutputProperties::materializes(
            AssetKey::new(["demo", "hello"]),
            true,
        )),
        node_handle: Some(NodeHandle::top("command")),
        unknown: none(),
    }
}

fn metadata_item() -> ExecutionPlanMetadataItemSnap {
    ExecutionPlanMetadataItemSnap {
        key: "kind".to_owned(),
        value: "source".to_owned(),
        unknown: none(),
    }
}

fn step() -> ExecutionStepSnap {
    ExecutionStepSnap {
        inputs: vec![step_input()],
        key: "command".to_owned(),
        kind: StepKind::Compute,
        metadata_items: vec![metadata_item()],
        outputs: vec![step_output()],
        pool: Some(text("pool")),
        node_handle_id: "command".to_owned(),
        step_handle: Some(StepHandle::top("command").into()),
        tags: Some(BTreeMap::new()),
        unknown: none(),
    }
}

fn plan() -> ExecutionPlanSnapshot {
    ExecutionPlanSnapshot {
        artifacts_persisted: true,
        executor_name: Some(text("multi_or_in_process")),
        initial_known_state: Some(known_state()),
        job_snapshot_id: SnapshotId::from("860584b58148d9bc340ee96094e95695b3668a99"),
        repository_load_data: Some(Opaque::from(&json!({"__class__": "RepositoryLoadData"}))),
        snapshot_version: Some(1),
        step_keys_to_execute: vec!["command".to_owned()],
        steps: vec![step()],
        unknown: none(),
    }
}

/// Declares a test for each type: its text, after the round trip, is the snapshot of that name.
macro_rules! texts {
    ($($name:ident: $text:expr),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                assert_snapshot!($text);
            }
        )*
    };
}

texts! {
    asset_execution_types: round_trips(AssetExecutionType::ALL),
    config_enum_value_snap: round_trip(&enum_value()),
    config_field_snap: round_trip(&field()),
    config_scalar_kinds: round_trips(ConfigScalarKind::ALL),
    config_schema_snapshot: round_trip(&config_schema()),
    config_type_kinds: round_trips(ConfigTypeKind::ALL),
    config_type_snap: round_trip(&config_type()),
    dagster_type_kinds: round_trips(DagsterTypeKind::ALL),
    dagster_type_namespace_snapshot: round_trip(&dagster_types()),
    dagster_type_snap: round_trip(&dagster_type()),
    dependency_structure_snapshot: round_trip(&dependencies(vec![node()])),
    execution_plan_metadata_item_snap: round_trip(&metadata_item()),
    execution_plan_snapshot: round_trip(&plan()),
    execution_step_input_snap: round_trip(&step_input()),
    execution_step_output_snap: round_trip(&step_output()),
    execution_step_snap: round_trip(&step()),
    graph_def_snap: round_trip(&graph()),
    input_def_snap: round_trip(&input_def()),
    input_dependency_snap: round_trip(&input_dependency()),
    input_mapping_snap: round_trip(&input_mapping()),
    job_lineage_snap: round_trip(&lineage()),
    known_execution_state: round_trip(&known_state()),
    known_execution_state_of_nothing: round_trip(&KnownExecutionState::empty()),
    logger_def_snap: round_trip(&logger()),
    mode_def_snap: round_trip(&mode()),
    node_defs_snapshot: round_trip(&node_defs()),
    node_invocation_snap: round_trip(&node()),
    op_def_snap: round_trip(&op()),
    output_def_snap: round_trip(&output_def()),
    output_handle_snap: round_trip(&upstream_output()),
    output_mapping_snap: round_trip(&output_mapping()),
    resource_def_snap: round_trip(&resource()),
    step_kinds: round_trips(StepKind::ALL),
    step_output_properties: round_trip(&StepOutputProperties::plain()),
}

/// Fields that Dagster leaves out when they are empty are left out, and no others.
#[test]
fn empty_optional_fields_are_left_out() {
    let field = ConfigFieldSnap { is_secret: None, ..field() };
    let job = JobSnap {
        dagster_type_namespace_snapshot: DagsterTypeNamespaceSnapshot {
            all_dagster_type_snaps_by_key: BTreeMap::new(),
            unknown: none(),
        },
        config_schema_snapshot: ConfigSchemaBuilder::new().finish(),
        dep_structure_snapshot: dependencies(Vec::new()),
        lineage_snapshot: None,
        metadata: Vec::new(),
        mode_def_snaps: Vec::new(),
        node_defs_snapshot: NodeDefsSnapshot {
            graph_def_snaps: Vec::new(),
            op_def_snaps: Vec::new(),
            unknown: none(),
        },
        owners: None,
        run_tags: None,
        ..job()
    };
    assert_snapshot!([round_trip(&field), round_trip(&job)].join("\n"));
}

/// What we build is what Dagster builds of the same parts, and so has the same id.
#[test]
fn a_job_is_dagsters() {
    assert_eq!(round_trip(&job()), fixture!("job_snapshot"));
    assert_eq!(job().snapshot_id(), SnapshotId::of_text(fixture!("job_snapshot")));
    assert_snapshot!(job().snapshot_id(), @"c401f87c59c2d4889f38783876b675aca680d59a");
}

#[test]
fn a_step_that_checks_an_asset() {
    let properties = StepOutputProperties {
        asset_check_key: Some(AssetCheckKey {
            asset_key: AssetKey::new(["raw"]),
            name: "not_empty".to_owned(),
            unknown: none(),
        }),
        ..StepOutputProperties::plain()
    };
    assert_snapshot!(round_trip(&properties));
}

#[test]
fn types_that_a_builder_builds() {
    let mut builder = ConfigSchemaBuilder::new();
    let int = builder.scalar(ConfigScalarKind::Int);
    let ints = builder.array(&int);
    let shape = builder.shape(vec![
        ConfigField::with_default("n", &int, &json!(1)).described("how many"),
        ConfigField::required("all", &ints),
        ConfigField::optional("any", &builder_any()),
    ]);
    let selector = builder.selector(vec![ConfigField::required("value", &shape)]);
    let union = builder.scalar_union(&int, &selector);
    assert_eq!(union.key(), format!("ScalarUnion.Int-{}", selector.key()));
    assert_snapshot!(round_trip(&builder.finish()));
}

fn builder_any() -> instance_core::snap::ConfigType {
    ConfigSchemaBuilder::new().any()
}

/// A type that is declared and has neither a snapshot nor a fixture here is a type whose bytes nobody
/// looked at.
#[test]
fn every_serialised_type_of_the_crate_has_a_text() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let snapshots: String = read_all(&root.join("tests/it/snapshots"), "snap").concat()
        + &read_all(&root.join("tests/it/fixtures_by_class"), "json").concat()
        + &read_all(&root.join("tests/it/payloads"), "json").concat();
    let mut declared = BTreeSet::new();
    for source in read_all(&root.join("src"), "rs") {
        for line in source.lines().map(str::trim_start) {
            let of = |start: &str| line.strip_prefix(start)?.split_once(" = \"")?.1.split_once('"');
            declared
                .extend(of("pub struct ").map(|(class, _)| format!("\"__class__\": \"{class}\"")));
            declared.extend(of("pub enum ").map(|(class, _)| format!("\"__enum__\": \"{class}.")));
        }
    }
    assert!(declared.len() > 60, "only {} types were found", declared.len());
    let missing: Vec<_> =
        declared.iter().filter(|text| !snapshots.contains(text.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn read_all(directory: &Path, extension: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for file in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = file.path();
        if path.is_dir() {
            texts.extend(read_all(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            texts.extend(std::fs::read_to_string(path));
        }
    }
    texts
}
