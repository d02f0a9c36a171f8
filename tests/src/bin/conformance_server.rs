//! The program that Dagster's own test suites call our storages through.
//!
//! `conformance_server SOCKET_PATH` prints one line when it listens, and serves until its standard input
//! ends: whoever starts it holds a pipe, so that it never outlives them.
#![expect(clippy::print_stdout, reason = "the line says that it listens")]

use std::io;
use std::path::Path;
use std::thread;

use dagster_instance_tests::conformance::Server;
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("name the path of the socket to listen on")?;
    let server = Server::bind(Path::new(&path))?;
    println!("listening on {}", path.display());
    tokio::select! {
        result = server.run() => result?,
        _ = end_of_input() => {}
    }
    Ok(())
}

/// Resolves when standard input has ended. A thread waits for it that nobody waits for in turn.
fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        // An input that cannot be read is one that has ended.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    });
    end
}
