//! The binary `dagster-instance`: arguments in, a facade call, a table or JSON out.
//!
//! Nothing here knows more than the facade's public interface.

mod args;
mod commands;
mod json;
mod open;
mod print;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, AssetCommand, Command, RunCommand};

/// The exit code of a failure of this program itself, where a command has codes of its own.
const EXEC_FAILED: u8 = 125;

/// The exit code of a command that was given up because it took too long, as of `timeout(1)`.
const TIMED_OUT: u8 = 124;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    show_warnings(arguments.verbose);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&error, 1),
    };
    let has_codes = matches!(
        arguments.command,
        Command::Exec(_)
            | Command::Run(RunCommand::Tail(_) | RunCommand::Wait(_) | RunCommand::Cancel(_))
    );
    match runtime.block_on(run(arguments)) {
        Ok(code) => code,
        Err(error) if is_closed_output(&*error) => ExitCode::SUCCESS,
        Err(error) => report(&*error, if has_codes { EXEC_FAILED } else { 1 }),
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

async fn run(arguments: Arguments) -> Result<ExitCode> {
    let home = arguments.home.as_deref();
    match arguments.command {
        Command::Exec(exec) => return Box::pin(commands::exec::run(home, exec)).await,
        Command::Run(RunCommand::List(list)) => commands::run_list::run(home, &list).await,
        Command::Run(RunCommand::Show(show)) => commands::run_show::run(home, &show).await,
        Command::Run(RunCommand::Tail(tail)) => {
            return commands::run_events::tail(home, &tail).await;
        }
        Command::Run(RunCommand::Wait(wait)) => {
            return commands::run_events::wait(home, &wait).await;
        }
        Command::Run(RunCommand::Cancel(cancel)) => {
            return commands::run_cancel::run(home, &cancel).await;
        }
        Command::Run(RunCommand::Events(events)) => commands::run_events::run(home, &events).await,
        Command::Asset(AssetCommand::List(list)) => commands::asset_list::run(home, &list).await,
        Command::Info(info) => commands::info::run(home, &info).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

fn show_warnings(verbose: u8) {
    let level = match verbose {
        0 => tracing_subscriber::filter::LevelFilter::WARN,
        1 => tracing_subscriber::filter::LevelFilter::INFO,
        _ => tracing_subscriber::filter::LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}

/// Prints an error with the errors behind it, each once.
fn report(error: &dyn std::error::Error, code: u8) -> ExitCode {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    eprintln!("dagster-instance: {text}");
    ExitCode::from(code)
}

/// Whether output failed because its reader, such as `head`, has seen enough.
fn is_closed_output(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
