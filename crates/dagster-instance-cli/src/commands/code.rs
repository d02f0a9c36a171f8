//! `code`: whether code servers answer, and what they say of themselves.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use dagster_instance::code_location::CodeLocationError;
use dagster_instance::error::chain;
use dagster_instance::run::CodeLocationOrigin;
use dagster_instance::settings::WorkspaceSettings;
use dagster_instance::{
    CodeLocationOptions, CodeLocations, CodeServerClient, Environment, GrpcCodeLocation,
    InterpreterSearch, ProcessEnvironment, RepositoryText, grpc_limits,
};

use crate::args::{CodeList, CodePing, CodePlace};
use crate::open::InstancePlace;
use crate::server_output::ServerLines;
use crate::{FAILURE, INTERRUPTED, Result, json, open, report, text};

pub(crate) async fn ping(
    place: &InstancePlace,
    args: &CodePing,
    is_verbose: bool,
) -> Result<ExitCode> {
    let locations = locations(place, &args.code, is_verbose).await?;
    closing(&locations, ping_all(&locations, args)).await
}

async fn ping_all(locations: &CodeLocations, args: &CodePing) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for name in chosen(locations, &args.code)? {
        let answer = async {
            let client = locations.client(name).await?;
            client.ping().await?;
            let id = client.get_server_id().await?;
            Ok::<_, Box<dyn std::error::Error>>((client, id))
        };
        match answer.await {
            Ok((client, id)) => print_server(name, &client, &id, args)?,
            Err(error) => code = failed(name, &*error, args.output.json)?,
        }
    }
    Ok(code)
}

/// Ends the servers that were started when the work is done, has failed, or was interrupted.
async fn closing(
    locations: &CodeLocations,
    work: impl Future<Output = Result<ExitCode>>,
) -> Result<ExitCode> {
    let code = tokio::select! {
        code = work => code,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.map(|()| ExitCode::from(INTERRUPTED)).map_err(Into::into)
        }
    };
    locations.close().await;
    code
}

fn print_server(name: &str, client: &CodeServerClient, id: &str, args: &CodePing) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let target = client.target();
    if args.output.json {
        writeln!(out, "{}", json::code_server(name, target, id))?;
    } else if args.code.target().is_some() {
        let target = text::value(&target.to_string());
        writeln!(out, "{target} answers; its id is {}", text::value(id))?;
    } else {
        let (name, target) = (text::value(name), text::value(&target.to_string()));
        writeln!(out, "{name} answers at {target}; its id is {}", text::value(id))?;
    }
    out.flush()?;
    Ok(())
}

pub(crate) async fn list(
    place: &InstancePlace,
    args: &CodeList,
    is_verbose: bool,
) -> Result<ExitCode> {
    let locations = locations(place, &args.code, is_verbose).await?;
    closing(&locations, list_all(&locations, args)).await
}

async fn list_all(locations: &CodeLocations, args: &CodeList) -> Result<ExitCode> {
    let names = chosen(locations, &args.code)?;
    let opened = match names.as_slice() {
        [name] => vec![(*name, locations.location(name).await)],
        _ => locations.open_all().await,
    };
    let mut code = ExitCode::SUCCESS;
    for (name, location) in opened {
        let listed = async {
            let location = location?;
            let mut repositories = Vec::new();
            for name in location.repository_names() {
                repositories.push((name.to_owned(), location.repository(name).await?));
            }
            Ok::<_, Box<dyn std::error::Error>>((location, repositories))
        };
        match listed.await {
            Ok((location, repositories)) if args.output.json => {
                let mut out = std::io::stdout().lock();
                writeln!(out, "{}", json::code_location(&location, &repositories))?;
                out.flush()?;
            }
            Ok((location, repositories)) => print_location(&location, &repositories)?,
            Err(error) => code = failed(name, &*error, args.output.json)?,
        }
    }
    Ok(code)
}

fn print_location(
    location: &GrpcCodeLocation,
    repositories: &[(String, Arc<RepositoryText>)],
) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "Location    {}", text::value(location.name()))?;
    writeln!(out, "Server id   {}", text::value(location.server_id()))?;
    writeln!(out, "Dagster     {}", text::value(location.dagster_version().unwrap_or("-")))?;
    writeln!(out, "Image       {}", text::value(location.container_image().unwrap_or("-")))?;
    for (name, repository) in repositories {
        let (assets, checks) = (repository.asset_keys().count(), repository.check_keys().count());
        writeln!(out, "Repository  {}: {assets} assets, {checks} checks", text::value(name))?;
        for job in repository.job_names() {
            writeln!(out, "Job         {}", text::value(job))?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Says that a location has failed, and goes on.
fn failed(
    name: &str,
    error: &(dyn std::error::Error + 'static),
    as_json: bool,
) -> Result<ExitCode> {
    let reason = chain(error);
    if as_json {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", json::failed_code_location(name, &reason))?;
        out.flush()?;
    }
    match error.downcast_ref() {
        // It names the location.
        Some(CodeLocationError::NotStarted { .. }) => report::failure(&reason),
        _ => report::failure(&format!("the code location {}: {reason}", text::value(name))),
    }
    Ok(ExitCode::from(FAILURE))
}

/// The names of the locations that are asked for.
fn chosen<'a>(locations: &'a CodeLocations, code: &CodePlace) -> Result<Vec<&'a str>> {
    match &code.location {
        Some(name) => Ok(vec![locations.choose(Some(name))?]),
        None => Ok(locations.names().collect()),
    }
}

/// The code locations. If servers are started, they open the instance if there is one: the code may need its variables.
async fn locations(
    place: &InstancePlace,
    code: &CodePlace,
    is_verbose: bool,
) -> Result<CodeLocations> {
    let workspace = code.workspace()?;
    let mut options = CodeLocationOptions::new(grpc_limits(&ProcessEnvironment)?)
        .with_interpreters(
            InterpreterSearch::default()
                .with_variable(ProcessEnvironment.get_os("DAGSTER_INSTANCE_PYTHON"))
                .with_path(ProcessEnvironment.get_os("PATH")),
        );
    if starts_servers(&workspace)
        && let Ok(instance) = open::existing(place).await
    {
        options = instance.code_location_options()?;
        instance.dispose().await?;
    }
    // Errors say what is wrong with the code.
    let lines = ServerLines::new(is_verbose);
    lines.hide();
    let options = code.options(options)?.with_output(lines.taker());
    Ok(CodeLocations::new(&workspace, options))
}

fn starts_servers(workspace: &WorkspaceSettings) -> bool {
    let is_code = |origin: &_| matches!(origin, CodeLocationOrigin::ManagedGrpcPythonEnv(_));
    workspace.locations.iter().any(is_code)
}
