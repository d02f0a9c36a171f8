//! All classes that this version reads as types, by the name that stands in `"__class__"`.
//!
//! For tools that meet bodies of any class: to check them, to count them, to migrate them.

use crate::serdes::{Reader, SerdesClass, SerdesError, serialize_value};
use crate::{
    asset_key, assets, daemon, error_info, event, instance_ref, partitions, run, scheduling, snap,
};

/// What reading a body and writing it again gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten<'a> {
    /// The text that was written.
    pub text: String,
    /// The values that were carried without being interpreted.
    pub carried: Vec<&'a str>,
}

type Rewrite = for<'a> fn(&'a str) -> Result<Rewritten<'a>, SerdesError>;

/// A class that this version reads as a type.
#[derive(Debug, Clone, Copy)]
pub struct Class {
    /// The name under which it is stored.
    pub storage_name: &'static str,
    /// Names under which old versions stored it.
    pub old_storage_names: &'static [&'static str],
    rewrite: Rewrite,
}

impl Class {
    /// Reads a body as this class and writes it again.
    ///
    /// # Errors
    ///
    /// The body is not one of this class.
    pub fn rewrite<'a>(&self, body: &'a str) -> Result<Rewritten<'a>, SerdesError> {
        (self.rewrite)(body)
    }
}

/// The class of this name, current or old.
pub fn class_named(name: &str) -> Option<&'static Class> {
    CLASSES
        .iter()
        .find(|class| class.storage_name == name || class.old_storage_names.contains(&name))
}

/// The class that a body names; `None` if the body names none, or one that is not read as a type.
///
/// # Errors
///
/// The beginning of the body is not JSON.
pub fn class_of(body: &str) -> Result<Option<&'static Class>, SerdesError> {
    Ok(Reader::new(body).class()?.and_then(|name| class_named(&name)))
}

const fn class<T: SerdesClass>() -> Class {
    Class {
        storage_name: T::STORAGE_NAME,
        old_storage_names: T::OLD_STORAGE_NAMES,
        rewrite: rewrite::<T>,
    }
}

fn rewrite<T: SerdesClass>(body: &str) -> Result<Rewritten<'_>, SerdesError> {
    let mut reader = Reader::noting_carried(body);
    let value = T::unpack(&mut reader)?;
    reader.end()?;
    Ok(Rewritten { text: serialize_value(&value), carried: reader.carried().to_vec() })
}

/// Lists classes by their paths.
macro_rules! classes {
    ($($module:path { $($name:ident)* })*) => {
        /// All classes.
        pub const CLASSES: &[Class] = &[$($({ use $module as module; class::<module::$name>() },)*)*];
    };
}

classes! {
    asset_key { AssetCheckKey AssetKey }
    assets {
        AssetCheckEvaluation AssetCheckEvaluationPlanned AssetCheckEvaluationTargetMaterializationData
        AssetDetails AssetStatusCacheValue FreshnessStateRecordBody
    }
    daemon { DaemonHeartbeat }
    error_info { SerializableErrorInfo }
    event {
        AssetFailedToMaterializeData AssetHealthChangedData AssetLineageInfo AssetMaterialization
        AssetMaterializationFailure AssetMaterializationPlannedData AssetObservation AssetObservationData
        AssetWipedData CodeLocationUpdatedData ComputeLogsCaptureData DagsterEvent EngineEventData EventLogEntry
        EventLogRecord ExpectationResult FreshnessStateChange FreshnessStateEvaluation HandledOutputData
        HookErroredData JobCanceledData JobFailureData LoadedInputData LogRetrievalShellCommand MetadataEntry NodeHandle
        ObjectStoreOperationResultData ResolvedFromDynamicStepHandle RunEnqueuedData StepExpectationResultData
        StepFailureData StepHandle StepInputData StepMaterializationData StepOutputData StepOutputHandle
        StepRetryData StepSuccessData TypeCheckData UnresolvedStepHandle UserFailureData
    }
    event::metadata {
        BoolMetadataValue CodeLocationReconstructionMetadataValue CodeReferencesMetadataValue
        DagsterAssetMetadataValue DagsterJobMetadataValue DagsterRunMetadataValue FloatMetadataValue
        IntMetadataValue JsonMetadataValue LocalFileCodeReference MarkdownMetadataValue NotebookMetadataValue
        NullMetadataValue ObjectMetadataValue PathMetadataValue PoolMetadataValue PythonArtifactMetadataValue
        TableColumn TableColumnConstraints TableColumnDep TableColumnLineage TableColumnLineageMetadataValue
        TableConstraints TableMetadataValue TableRecord TableSchema TableSchemaMetadataValue TextMetadataValue
        TimestampMetadataValue UrlCodeReference UrlMetadataValue
    }
    instance_ref { ConfigurableClassData InstanceRef }
    partitions {
        DefaultPartitionsSubset DynamicPartitionsSnap KeyRangesPartitionsSubset MultiPartitionsSnap
        PartitionDimensionSnap PartitionKeyRange PersistedTimeWindow StaticPartitionsSnap
        TimeWindowPartitionsDefinition TimeWindowPartitionsSnap TimeWindowPartitionsSubset
        TimestampWithTimezone
    }
    run {
        AutoloadDefsModuleCodePointer CustomPointer DagsterRun FileCodePointer GrpcServerCodeLocationOrigin
        InProcessCodeLocationOrigin JobPythonOrigin LoadableTargetOrigin ManagedGrpcPythonEnvCodeLocationOrigin
        ModuleCodePointer PackageCodePointer RegisteredCodeLocationOrigin RemoteJobOrigin RemoteRepositoryOrigin
        RepositoryPythonOrigin RunOpConcurrency
    }
    scheduling {
        AssetBackfillData AssetDaemonCursor AssetGraphSubset AssetJobKey AssetSubsetWithMetadata
        AutomationConditionCursor AutomationConditionEvaluation AutomationConditionEvaluationState
        AutomationConditionEvaluationWithRunIds AutomationConditionNodeCursor AutomationConditionNodeSnapshot
        AutomationConditionSnapshot DynamicPartitionsRequestResult HistoricalAllPartitionsSubsetSentinel
        InstigatorState InstigatorTick PartitionBackfill RemoteInstigatorOrigin RunStatusSensorCursor RemotePartitionSetOrigin RunRequest
        ScheduleInstigatorData SensorInstigatorData SerializableEntitySubset TickData
    }
    snap {
        ConfigEnumValueSnap ConfigFieldSnap ConfigSchemaSnapshot ConfigTypeSnap DagsterTypeNamespaceSnapshot
        DagsterTypeSnap DependencyStructureSnapshot ExecutionPlanMetadataItemSnap ExecutionPlanSnapshot
        ExecutionStepInputSnap ExecutionStepOutputSnap ExecutionStepSnap FromConfig FromDefaultValue
        FromDirectInputValue FromDynamicCollect FromInputManager FromLoadableAsset FromMultipleSources
        FromMultipleSourcesLoadSingleSource FromPendingDynamicStepOutput FromStepOutput
        FromUnresolvedStepOutput GraphDefSnap InputDefSnap
        InputDependencySnap InputMappingSnap JobLineageSnap JobSnap KnownExecutionState LoggerDefSnap ModeDefSnap
        NodeDefsSnapshot NodeInvocationSnap OpDefSnap OutputDefSnap OutputHandleSnap OutputMappingSnap
        PastExecutionState UnresolvedStepOutputHandle
        ResourceDefSnap StepOutputProperties
    }
}
