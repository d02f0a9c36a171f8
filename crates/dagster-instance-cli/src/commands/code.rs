//! `code`: what a code server says of itself.

use std::io::Write;
use std::process::ExitCode;

use dagster_instance::{CodeServerClient, GrpcCodeLocation, ProcessEnvironment, grpc_limits};

use crate::args::{CodeList, CodePing, Server};
use crate::{Result, json, text};

pub(crate) async fn ping(args: &CodePing) -> Result<ExitCode> {
    let client = client(&args.server)?;
    client.ping().await?;
    let id = client.get_server_id().await?;
    let mut out = std::io::stdout().lock();
    if args.output.json {
        writeln!(out, "{}", json::code_server(client.target(), &id))?;
    } else {
        writeln!(
            out,
            "{} answers; its id is {}",
            text::value(&client.target().to_string()),
            text::value(&id)
        )?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn list(args: &CodeList) -> Result<ExitCode> {
    let client = client(&args.server)?;
    let origin = client.target().origin(args.server.location_name.as_deref());
    let name = origin.location_name.clone();
    let location = GrpcCodeLocation::open(client, name, origin, None).await?;
    let mut repositories = Vec::new();
    for name in location.repository_names() {
        let repository = location.repository(name).await?;
        repositories.push((name, repository));
    }
    let mut out = std::io::stdout().lock();
    if args.output.json {
        writeln!(out, "{}", json::code_location(&location, &repositories))?;
    } else {
        writeln!(out, "Location    {}", text::value(location.name()))?;
        writeln!(out, "Server id   {}", text::value(location.server_id()))?;
        writeln!(out, "Dagster     {}", text::value(location.dagster_version().unwrap_or("-")))?;
        writeln!(out, "Image       {}", text::value(location.container_image().unwrap_or("-")))?;
        for (name, repository) in &repositories {
            let (assets, checks) =
                (repository.asset_keys().count(), repository.check_keys().count());
            writeln!(out, "Repository  {}: {assets} assets, {checks} checks", text::value(name))?;
            for job in repository.job_names() {
                writeln!(out, "Job         {}", text::value(job))?;
            }
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn client(server: &Server) -> Result<CodeServerClient> {
    Ok(CodeServerClient::new(server.target(), grpc_limits(&ProcessEnvironment)?)?)
}
