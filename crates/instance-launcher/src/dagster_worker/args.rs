//! The command line of Dagster's worker, and what it is told.

use std::path::{Path, PathBuf};

use instance_core::code_location::payloads::{ExecuteRunArgs, ResumeRunArgs};
use instance_core::error::{BoxError, InstanceError};
use instance_core::run::{CodePointer, DagsterRun, JobPythonOrigin};
use instance_core::serdes::{UnknownFields, serialize_value};
use instance_core::settings::InstanceSettings;

/// What the worker is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Execute,
    Resume,
}

impl Call {
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Execute => "execute_run",
            Self::Resume => "resume_run",
        }
    }
}

/// A worker that is to be started.
#[derive(Debug)]
pub(super) struct WorkerArgs {
    pub(super) call: Call,
    pub(super) program: PathBuf,
    /// The arguments before those of [`Call::command`].
    pub(super) arguments: Vec<String>,
    pub(super) directory: Option<PathBuf>,
    /// The run and the instance, in Dagster's own text. It may hold passwords.
    pub(super) text: String,
}

/// What is needed to start the worker of a run.
///
/// # Errors
///
/// The run does not say where its code is, or the instance has no reference by which a worker could open it.
pub(super) fn worker_args(
    call: Call,
    run: &DagsterRun,
    settings: &InstanceSettings,
) -> Result<WorkerArgs, BoxError> {
    let origin = run.job_code_origin.as_deref().ok_or_else(|| {
        let reason = "it has no job_code_origin, so it does not say where its code is";
        InstanceError::invalid("run", run.run_id.as_str(), reason)
    })?;
    let Some(reference) = &settings.instance_ref else {
        return Err("this instance has no reference by which a worker could open it; open it from a directory \
                    with a dagster.yaml, and not with stores of your own"
            .into());
    };
    let (instance_ref, job_origin) = (Some(reference.clone()), origin.clone());
    let (run_id, unknown) = (run.run_id.clone(), UnknownFields::default());
    let set_exit_code_on_failure = None;
    let text = match call {
        Call::Execute => serialize_value(&ExecuteRunArgs {
            instance_ref,
            job_origin,
            run_id,
            set_exit_code_on_failure,
            unknown,
        }),
        Call::Resume => serialize_value(&ResumeRunArgs {
            instance_ref,
            job_origin,
            run_id,
            set_exit_code_on_failure,
            unknown,
        }),
    };
    let (program, arguments) = command(origin);
    Ok(WorkerArgs {
        call,
        program,
        arguments,
        directory: working_directory(&origin.repository_origin.code_pointer),
        text,
    })
}

/// The program and its first arguments: the entry point of the code, or its interpreter.
fn command(origin: &JobPythonOrigin) -> (PathBuf, Vec<String>) {
    let interpreter = &origin.repository_origin.executable_path;
    let entry_point = origin.repository_origin.entry_point.iter().flatten().cloned();
    let mut parts: Vec<String> = entry_point.collect();
    if parts.is_empty() {
        parts = vec![interpreter.clone(), "-m".to_owned(), "dagster".to_owned()];
    }
    let program = parts.remove(0);
    // A program without a path is that beside the interpreter, if there is one: it has the packages of the code.
    let beside = Path::new(interpreter).parent().map(|directory| directory.join(&program));
    match beside.filter(|beside| !program.contains('/') && beside.is_file()) {
        Some(beside) => (beside, parts),
        None => (PathBuf::from(program), parts),
    }
}

/// The directory from which the code is loaded: a relative file is found from there.
fn working_directory(pointer: &CodePointer) -> Option<PathBuf> {
    let directory = match pointer {
        CodePointer::AutoloadDefsModule(pointer) => &pointer.working_directory,
        CodePointer::Custom(pointer) => &pointer.reconstructor_pointer.working_directory,
        CodePointer::File(pointer) => &pointer.working_directory,
        CodePointer::Module(pointer) => &pointer.working_directory,
        CodePointer::Package(pointer) => &pointer.working_directory,
        // Dagster knows what it is.
        _ => return None,
    };
    directory.as_ref().map(PathBuf::from).filter(|directory| directory.is_dir())
}
