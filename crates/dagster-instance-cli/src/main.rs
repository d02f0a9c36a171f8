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
mod text;
mod usage;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use args::{
    Arguments, AssetCommand, BackfillCommand, Command, PartitionsCommand, RunCommand,
    ScheduleCommand, SensorCommand, TickCommand,
};
use commands::instigator_switch::Switch;
use dagster_instance::scheduling::InstigatorType;

const SUCCESS: u8 = 0;

/// The exit code of a failure of this program.
const FAILURE: u8 = 1;

/// The exit code when a command was given up because it took too long, as from `timeout(1)`.
const TIMED_OUT: u8 = 124;

/// The exit code when this program itself failed, for commands whose other codes are answers.
const OWN_FAILURE: u8 = 125;

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
    report::show_warnings(arguments.verbose);
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
    let home = arguments.home.as_deref();
    match arguments.command {
        Command::Exec(exec) => return Box::pin(commands::exec::run(home, exec)).await,
        Command::Run(command) => return run_command(home, command).await,
        Command::Asset(command) => return run_asset(home, command).await,
        Command::Partitions(command) => return run_partitions(home, command).await,
        Command::Schedule(command) => run_schedule(home, &command).await,
        Command::Sensor(command) => run_sensor(home, &command).await,
        Command::Tick(TickCommand::List(list)) => commands::tick_list::run(home, &list).await,
        Command::Backfill(BackfillCommand::List(list)) => {
            commands::backfill_list::run(home, &list).await
        }
        Command::Backfill(BackfillCommand::Show(show)) => {
            commands::backfill_show::run(home, &show).await
        }
        Command::Reindex(request) => commands::reindex::run(home, &request).await,
        Command::Info(info) => commands::info::run(home, &info).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn run_command(home: Option<&Path>, command: RunCommand) -> Result<ExitCode> {
    match command {
        RunCommand::Tail(tail) => return commands::run_events::tail(home, &tail).await,
        RunCommand::Wait(wait) => return commands::run_events::wait(home, &wait).await,
        RunCommand::Cancel(cancel) => return commands::run_cancel::run(home, &cancel).await,
        RunCommand::List(list) => commands::run_list::run(home, &list).await,
        RunCommand::Show(show) => commands::run_show::run(home, &show).await,
        RunCommand::Events(events) => commands::run_events::run(home, &events).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn run_asset(home: Option<&Path>, command: AssetCommand) -> Result<ExitCode> {
    match command {
        AssetCommand::Wipe(wipe) => return commands::asset_wipe::run(home, &wipe).await,
        AssetCommand::List(list) => commands::asset_list::run(home, &list).await,
        AssetCommand::Show(show) => commands::asset_show::run(home, &show).await,
        AssetCommand::Checks(checks) => commands::asset_checks::run(home, &checks).await,
        AssetCommand::Partitions(of) => commands::asset_partitions::run(home, &of).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn run_partitions(home: Option<&Path>, command: PartitionsCommand) -> Result<ExitCode> {
    match command {
        PartitionsCommand::Delete(keys) => {
            return commands::partitions_delete::run(home, &keys).await;
        }
        PartitionsCommand::List(list) => commands::partitions_list::run(home, &list).await,
        PartitionsCommand::Add(keys) => commands::partitions_add::run(home, &keys).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn run_schedule(home: Option<&Path>, command: &ScheduleCommand) -> Result<()> {
    let (switch, named) = match command {
        ScheduleCommand::List(list) => return commands::schedule_list::run(home, list).await,
        ScheduleCommand::Show(show) => {
            return commands::instigator_show::schedule(home, show).await;
        }
        ScheduleCommand::Start(named) => (Switch::Start, named),
        ScheduleCommand::Stop(named) => (Switch::Stop, named),
        ScheduleCommand::Reset(named) => (Switch::Reset, named),
    };
    commands::instigator_switch::run(home, InstigatorType::Schedule, switch, named).await
}

async fn run_sensor(home: Option<&Path>, command: &SensorCommand) -> Result<()> {
    let (switch, named) = match command {
        SensorCommand::List(list) => return commands::sensor_list::run(home, list).await,
        SensorCommand::Show(show) => return commands::instigator_show::sensor(home, show).await,
        SensorCommand::Start(named) => (Switch::Start, named),
        SensorCommand::Stop(named) => (Switch::Stop, named),
        SensorCommand::Reset(named) => (Switch::Reset, named),
    };
    commands::instigator_switch::run(home, InstigatorType::Sensor, switch, named).await
}

/// Whether output failed because its reader, such as `head`, has seen enough.
fn is_closed_output(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
