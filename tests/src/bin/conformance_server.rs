//! The program that Dagster's own test suites call our storages through.
//!
//! `conformance_server SOCKET_PATH` prints one line when it listens, and serves until it is ended.
#![expect(clippy::print_stdout, reason = "the line says that it listens")]

use std::path::Path;

use dagster_instance_tests::conformance::Server;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("name the path of the socket to listen on")?;
    let server = Server::bind(Path::new(&path))?;
    println!("listening on {}", path.display());
    Ok(server.run().await?)
}
