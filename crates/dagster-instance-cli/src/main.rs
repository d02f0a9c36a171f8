//! The binary `dagster-instance`: arguments in, a facade call, a table or JSON out.
//!
//! Nothing here knows more than the facade's public interface.

mod args;
mod bar;
mod commands;
mod confirm;
mod json;
mod open;
mod print;
mod report;
#[cfg(feature = "grpc")]
mod server_output;
mod text;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use args::{
    Arguments, AssetCommand, BackfillCommand, Command, ConfigCommand, DaemonCommand,
    PartitionsCommand, RunCommand, ScheduleCommand, SensorCommand, TickCommand,
};
use commands::instigator_switch::Switch;
use dagster_instance::scheduling::InstigatorType;
use open::InstancePlace;

const SUCCESS: u8 = 0;

/// The exit code of a failure of this program.
const FAILURE: u8 = 1;

/// The exit code when somebody else does already what a command was to do.
#[cfg(feature = "grpc")]
const DONE_BY_OTHERS: u8 = 4;

/// The exit code when a command was given up because it took too long, as from `timeout(1)`.
const TIMED_OUT: u8 = 124;

/// The exit code when this program itself failed, for commands whose other codes are answers.
const OWN_FAILURE: u8 = 125;

/// The exit code when Ctrl-C ended a program that only looked on or had made nothing yet, as shells have it.
#[cfg(feature = "grpc")]
const INTERRUPTED: u8 = 130;

/// The exit code when the output was closed before there was an answer, for commands whose code is an answer. A
/// shell reports the same for a program that SIGPIPE ended.
const OUTPUT_CLOSED: u8 = 141;

fn main() -> ExitCode {
    let raw: Vec<OsString> = std::env::args_os().collect();
    let arguments = match usage::parse(&raw) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let answers = usage::answers_by_code(&raw);
    report::show_warnings(arguments.verbose.max(usage::least_verbose(&raw)));
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(run(arguments)));
    match outcome {
        Ok(code) => code,
        Err(error) if is_closed_output(&*error) => {
            ExitCode::from(if answers { OUTPUT_CLOSED } else { SUCCESS })
        }
        Err(error) => {
            report::error(&*error);
            ExitCode::from(if answers { OWN_FAILURE } else { FAILURE })
        }
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

async fn run(arguments: Arguments) -> Result<ExitCode> {
    let place = &InstancePlace { home: arguments.home, storage: arguments.storage };
    match arguments.command {
        Command::Exec(exec) => return Box::pin(commands::exec::run(place, exec)).await,
        #[cfg(feature = "grpc")]
        Command::Launch(launch) => {
            let is_verbose = arguments.verbose > 0;
            return Box::pin(commands::launch::run(place, *launch, is_verbose)).await;
        }
        #[cfg(feature = "grpc")]
        Command::Code(args::CodeCommand::Ping(ping)) => {
            return commands::code::ping(place, &ping, arguments.verbose > 0).await;
        }
        #[cfg(feature = "grpc")]
        Command::Code(args::CodeCommand::List(list)) => {
            return commands::code::list(place, &list, arguments.verbose > 0).await;
        }
        Command::Run(command) => return run_command(place, command, arguments.verbose > 0).await,
        Command::Asset(command) => return run_asset(place, command).await,
        Command::Partitions(command) => return run_partitions(place, command).await,
        Command::Daemon(command) => return run_daemon(place, command, arguments.verbose > 0).await,
        Command::Config(command) => return run_config(place, &command),
        Command::Doctor(doctor) => return commands::doctor::run(place, &doctor).await,
        Command::Migrate(migrate) => return commands::migrate::run(place, &migrate).await,
        Command::Schedule(command) => run_schedule(place, &command).await,
        Command::Sensor(command) => run_sensor(place, &command).await,
        Command::Tick(TickCommand::List(list)) => commands::tick_list::run(place, &list).await,
        Command::Backfill(BackfillCommand::List(list)) => {
            commands::backfill_list::run(place, &list).await
        }
        Command::Backfill(BackfillCommand::Show(show)) => {
            commands::backfill_show::run(place, &show).await
        }
        Command::Reindex(request) => commands::reindex::run(place, &request).await,
        Command::Info(info) => commands::info::run(place, &info).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn run_command(
    place: &InstancePlace,
    command: RunCommand,
    #[cfg_attr(
        not(feature = "grpc"),
        expect(unused_variables, reason = "only what is said of code is said in more words")
    )]
    is_verbose: bool,
) -> Result<ExitCode> {
    match command {
        #[cfg(feature = "grpc")]
        RunCommand::Retry(retry) => {
            return Box::pin(commands::run_retry::run(place, &retry, is_verbose)).await;
        }
        RunCommand::Tail(tail) => return commands::run_events::tail(place, &tail).await,
        RunCommand::Wait(wait) => return commands::run_events::wait(place, &wait).await,
        RunCommand::Cancel(cancel) => return commands::run_cancel::run(place, &cancel).await,
        RunCommand::Resume(resume) => return commands::run_resume::run(place, &resume).await,
        RunCommand::Delete(delete) => return commands::run_delete::run(place, &delete).await,
        RunCommand::List(list) => commands::run_list::run(place, &list).await,
        RunCommand::Show(show) => commands::run_show::run(place, &show).await,
        RunCommand::Events(events) => commands::run_events::run(place, &events).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn run_asset(place: &InstancePlace, command: AssetCommand) -> Result<ExitCode> {
    match command {
        AssetCommand::Wipe(wipe) => return commands::asset_wipe::run(place, &wipe).await,
        AssetCommand::List(list) => commands::asset_list::run(place, &list).await,
        AssetCommand::Show(show) => commands::asset_show::run(place, &show).await,
        AssetCommand::Checks(checks) => commands::asset_checks::run(place, &checks).await,
        AssetCommand::Partitions(of) => commands::asset_partitions::run(place, &of).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn run_partitions(place: &InstancePlace, command: PartitionsCommand) -> Result<ExitCode> {
    match command {
        PartitionsCommand::Delete(keys) => {
            return commands::partitions_delete::run(place, &keys).await;
        }
        PartitionsCommand::List(list) => commands::partitions_list::run(place, &list).await,
        PartitionsCommand::Add(keys) => commands::partitions_add::run(place, &keys).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn run_daemon(
    place: &InstancePlace,
    command: DaemonCommand,
    #[cfg_attr(
        not(feature = "grpc"),
        expect(unused_variables, reason = "only what is said of code is said in more words")
    )]
    is_verbose: bool,
) -> Result<ExitCode> {
    match command {
        #[cfg(feature = "grpc")]
        DaemonCommand::Run(run) => {
            return Box::pin(commands::daemon_run::run(place, *run, is_verbose)).await;
        }
        DaemonCommand::PythonScript(script) => commands::daemon_python_script::run(&script),
        DaemonCommand::LivenessCheck => return commands::daemon_liveness::run(place).await,
        DaemonCommand::Wipe(wipe) => return commands::daemon_wipe::run(place, &wipe).await,
        DaemonCommand::Status(status) => commands::daemon_status::run(place, &status).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

fn run_config(place: &InstancePlace, command: &ConfigCommand) -> Result<ExitCode> {
    match command {
        ConfigCommand::Check(check) => return commands::config_check::run(place, check),
        ConfigCommand::Show(show) => commands::config_show::run(place, show),
        ConfigCommand::Schema(schema) => commands::config_check::schema(schema.workspace),
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn run_schedule(place: &InstancePlace, command: &ScheduleCommand) -> Result<()> {
    let (switch, named) = match command {
        ScheduleCommand::List(list) => return commands::schedule_list::run(place, list).await,
        ScheduleCommand::Show(show) => {
            return commands::instigator_show::schedule(place, show).await;
        }
        ScheduleCommand::Start(named) => (Switch::Start, named),
        ScheduleCommand::Stop(named) => (Switch::Stop, named),
        ScheduleCommand::Reset(named) => (Switch::Reset, named),
    };
    commands::instigator_switch::run(place, InstigatorType::Schedule, switch, named).await
}

async fn run_sensor(place: &InstancePlace, command: &SensorCommand) -> Result<()> {
    let (switch, named) = match command {
        SensorCommand::List(list) => return commands::sensor_list::run(place, list).await,
        SensorCommand::Show(show) => return commands::instigator_show::sensor(place, show).await,
        SensorCommand::Start(named) => (Switch::Start, named),
        SensorCommand::Stop(named) => (Switch::Stop, named),
        SensorCommand::Reset(named) => (Switch::Reset, named),
    };
    commands::instigator_switch::run(place, InstigatorType::Sensor, switch, named).await
}

/// Whether output failed because its reader, such as `head`, has seen enough.
fn is_closed_output(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
