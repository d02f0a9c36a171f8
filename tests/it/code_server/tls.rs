//! A code server behind a proxy that ends TLS: whom we trust, and that a run is launched and found through it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use dagster_instance::DagsterInstance;
use dagster_instance_tests::{Finished, Home, root};
use instance_core::error::BoxError;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::server::Server;

/// A proxy with the certificate of `localhost`, of which the authority of the tests says that it is right.
struct Proxy {
    port: u16,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts one before a server. `protocols` are those that it offers.
    async fn start(server: u16, protocols: &[&[u8]]) -> Result<Self, BoxError> {
        let chain = CertificateDer::pem_file_iter(fixture("server.pem"))?;
        let chain = chain.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(fixture("server.key"))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = config.with_single_cert(chain, key)?;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let behind = SocketAddr::from(([127, 0, 0, 1], server));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Whoever does not trust the certificate goes away.
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let Ok(mut server) = TcpStream::connect(behind).await else { return };
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Ok(Self { port, task })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn fixture(name: &str) -> PathBuf {
    root().join("tests/fixtures/tls").join(name)
}

/// Our binary with an authority to trust; `None` means those of the system.
fn ours(home: &Home, authority: Option<&str>, arguments: &[&str]) -> Finished {
    let authority = authority.map(|name| fixture(name).display().to_string()).unwrap_or_default();
    let variables = [("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", &*authority)];
    // The proxies go on meanwhile.
    tokio::task::block_in_place(|| home.ours_with(&variables, arguments))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_behind_a_proxy_is_trusted_by_its_authority() -> Result<(), BoxError> {
    let server = Server::start().await?;
    let home = Home::new();
    DagsterInstance::builder().home(home.path()).open().await?.create_storages().await?;
    let (usual, silent) = (
        Proxy::start(server.port(), &[b"h2"]).await?,
        // It does not say that it speaks HTTP/2.
        Proxy::start(server.port(), &[]).await?,
    );
    let place = |host: &str, proxy: &Proxy| format!("{host}:{}", proxy.port);
    for proxy in [&usual, &silent] {
        let localhost = place("localhost", proxy);
        let ping = ["code", "ping", "--tls", "--server", &localhost];
        let answered = ours(&home, Some("ca.pem"), &ping);
        assert_eq!(answered.code, Some(0), "{}", answered.stderr);
        assert!(answered.stdout.contains(" answers; its id is "), "{}", answered.stdout);
    }
    // Another authority, the system's, another name, and no TLS.
    let (localhost, address) = (place("localhost", &usual), place("127.0.0.1", &usual));
    for (authority, place, tls, part) in [
        (Some("other.pem"), &localhost, true, "certificate"),
        (None, &localhost, true, "certificate"),
        (Some("ca.pem"), &address, true, "certificate"),
        (Some("ca.pem"), &localhost, false, "Could not reach user code server"),
    ] {
        let mut ping = vec!["code", "ping", "--server", place];
        ping.extend(tls.then_some("--tls"));
        let refused = ours(&home, authority, &ping);
        let shown = format!("{authority:?} {place} {tls}: {}", refused.stderr);
        assert_ne!(refused.code, Some(0), "{shown}");
        assert!(refused.stderr.contains(part), "{shown}");
    }

    // A run, and one that executes it again by what the first one says of its server.
    let mut launch = vec!["launch", "--tls", "--server", &*localhost, "--job", "flaky"];
    launch.extend(["--location-name", "loc", "--now", "--follow"]);
    let launched = ours(&home, Some("ca.pem"), &launch);
    assert_eq!(launched.code, Some(1), "{}", launched.stderr);
    let listed = ours(&home, None, &["run", "list", "--json"]);
    let run = listed.json_lines().remove(0);
    let info = run["tags"][".dagster/grpc_info"].as_str().unwrap_or_default();
    assert!(info.contains(&format!("\"port\": {}, \"use_ssl\": true", usual.port)), "{info}");
    let id = run["run_id"].as_str().ok_or("a run has an id")?;
    let retry = ["run", "retry", id, "--from-failure", "--now", "--follow"];
    let retried = ours(&home, Some("ca.pem"), &retry);
    assert_eq!(retried.code, Some(0), "{}", retried.stderr);
    let untrusted = ours(&home, Some("other.pem"), &retry);
    assert_eq!((untrusted.code, &*untrusted.stdout), (Some(125), ""), "{}", untrusted.stderr);
    server.end().await
}
