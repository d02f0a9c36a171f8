//! How code servers are reached: sockets, servers that hang, answers that are too large.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use dagster_instance::settings::GrpcLimits;
use dagster_instance::{
    AssetKey, CodeServerClient, DagsterInstance, GrpcCodeLocation, GrpcTarget, LaunchRequest,
};
use dagster_instance_tests::{Home, dagster_script};
use instance_core::code_location::CodeLocationError;
use instance_core::error::{BoxError, chain};
use instance_core::run::RunsFilter;
use tokio::net::TcpListener;

use super::server::{Server, free_port};

async fn open(client: CodeServerClient) -> Result<GrpcCodeLocation, CodeLocationError> {
    let origin = client.target().origin(Some("loc"));
    GrpcCodeLocation::open(client, "loc", origin, None).await
}

#[tokio::test]
async fn a_socket_serves_what_a_port_serves() -> Result<(), BoxError> {
    let server = Server::start_at_socket().await?;
    let location = open(server.client()?).await?;
    assert_eq!(location.dagster_version(), Some("1.13.27"));
    assert_eq!(location.repository_names().collect::<Vec<_>>(), ["__repository__"]);
    let repository = location.repository("__repository__").await?;
    assert_eq!((repository.asset_keys().count(), repository.check_keys().count()), (16, 5));
    assert!(repository.has_job("plain") && !repository.has_job("plane"));
    let job = location.whole_job("__repository__", "tagged").await?;
    assert_eq!(job.tags.get("team").map(String::as_str), Some("blue"));
    // An answer that is larger than allowed is an error that says so.
    let mut limits = GrpcLimits::default();
    limits.max_rx_bytes = 1_000;
    let small = open(CodeServerClient::new(server.target(), limits)?).await?;
    let error = small.whole_job("__repository__", "plain").await.err().ok_or("it was read")?;
    assert!(format!("{error:?}").contains("decoded message length too large"), "{error:?}");
    let error = small.repository("__repository__").await.err().ok_or("it was read")?;
    assert!(format!("{error:?}").contains("too large"), "{error:?}");

    // A socket is part of the origin of a run.
    let home = Home::new();
    let instance = DagsterInstance::builder().home(home.path()).open().await?;
    instance.create_storages().await?;
    let location = instance.open_code_location(server.target(), None).await?;
    let mut request = LaunchRequest::default();
    request.job = Some("plain".to_owned());
    let prepared = instance.prepare_run(&location, request).await?;
    let name = prepared.job.remote_job_origin.repository_origin.location_name().map(str::to_owned);
    assert_eq!(name, Some(format!("grpc:localhost:{}", server.options()[1])));
    instance.dispose().await?;
    server.end().await
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() -> Result<(), BoxError> {
    // It takes connections, and says nothing.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let mut limits = GrpcLimits::default();
    limits.timeout = Duration::from_secs(1);
    let client = CodeServerClient::new(GrpcTarget::port("127.0.0.1", port), limits)?;
    let error = client.get_server_id().await.err().ok_or("it answers")?;
    assert!(
        matches!(&error, CodeLocationError::TimedOut { seconds: 1, call: "GetServerId", .. }),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(
        text.starts_with("User code server request timed out due to taking longer than 1 seconds"),
        "{text}"
    );
    Ok(())
}

/// A server of `large_server.py`. It ends with this value.
struct LargeServer {
    child: Child,
    target: GrpcTarget,
    bytes: usize,
}

impl LargeServer {
    fn start(assets: u32, gap: u32) -> Result<Self, BoxError> {
        let port = free_port()?;
        let mut script = dagster_script("large_server.py");
        let arguments = [u32::from(port), assets, gap].map(|number| number.to_string());
        let mut child = script.args(arguments).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let told: serde_json::Value = serde_json::from_str(&line)?;
        let bytes = told["bytes"].as_u64().ok_or("it does not serve")?;
        Ok(Self { child, target: GrpcTarget::port("127.0.0.1", port), bytes: bytes.try_into()? })
    }

    async fn opened(&self, limits: GrpcLimits) -> Result<GrpcCodeLocation, BoxError> {
        Ok(open(CodeServerClient::new(self.target.clone(), limits)?).await?)
    }
}

impl Drop for LargeServer {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_repository_of_30_megabytes_comes_in_chunks() -> Result<(), BoxError> {
    let server = LargeServer::start(35_000, 0)?;
    assert!(server.bytes > 30_000_000, "{}", server.bytes);
    let repository =
        server.opened(GrpcLimits::default()).await?.repository("__repository__").await?;
    assert_eq!(repository.asset_keys().count(), 35_000);
    let last = AssetKey::new(["asset_34999"]);
    let node = repository.asset(&last)?.ok_or("the last asset is there")?;
    assert_eq!(node.asset_key, last);

    // Each chunk is small enough, and all of them are too many.
    let mut limits = GrpcLimits::default();
    limits.max_rx_bytes = 5_000_000;
    let error = server.opened(limits).await?.repository("__repository__").await;
    let error = error.err().ok_or("it was read")?.to_string();
    assert!(error.contains("it has more than 20000000 bytes"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_chunk_that_is_missing_is_an_error() -> Result<(), BoxError> {
    let server = LargeServer::start(6_000, 1)?;
    let error = server.opened(GrpcLimits::default()).await?.repository("__repository__").await;
    let error = error.err().ok_or("it was read")?.to_string();
    assert!(error.contains("chunk 2 came in the place of 1"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_was_replaced_meanwhile_is_refused() -> Result<(), BoxError> {
    let mut server = Server::start().await?;
    let home = Home::new();
    let instance = DagsterInstance::builder().home(home.path()).open().await?;
    instance.create_storages().await?;
    let location = instance.open_code_location(server.target(), Some("loc")).await?;
    server.kill()?;
    let another = Server::start_on(server.port()).await?;
    let mut request = LaunchRequest::default();
    request.job = Some("plain".to_owned());
    let error = instance.launch(&location, request.clone()).await.err().ok_or("it is launched")?;
    assert!(chain(&error).contains("the server was replaced while it was asked"), "{error:?}");
    assert_eq!(instance.get_runs_count(&RunsFilter::default()).await?, 0, "no run was made");
    // Whoever asks the new one is served.
    let location = instance.open_code_location(another.target(), Some("loc")).await?;
    instance.prepare_run(&location, request).await?;
    instance.dispose().await?;
    another.end().await
}

#[tokio::test]
async fn what_cannot_be_a_target_is_named() -> Result<(), BoxError> {
    let new = |target| CodeServerClient::new(target, GrpcLimits::default());
    let error = new(GrpcTarget::port("no host", 1)).err().ok_or("it is an address")?;
    assert!(error.to_string().contains("no host:1"), "{error}");
    let with_header = GrpcTarget::port("localhost", 1).with_header("x y", "1");
    let error = new(with_header).err().ok_or("it is a header")?;
    assert!(error.to_string().contains("the name of the header \"x y\""), "{error}");
    let secret = GrpcTarget::port("localhost", 1).with_header("token", "hunter2\n");
    let error = new(secret).err().ok_or("it is a header")?;
    assert!(error.to_string().contains("token") && !format!("{error:?}").contains("hunter2"));
    let mut limits = GrpcLimits::default();
    limits.root_certificates = Some("/is/not/there.pem".into());
    let encrypted = GrpcTarget::port("localhost", 1).with_ssl(true);
    let error = CodeServerClient::new(encrypted, limits).err().ok_or("there are certificates")?;
    assert!(error.to_string().contains("/is/not/there.pem"), "{error}");
    Ok(())
}
