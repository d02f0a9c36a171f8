//! A code server that answers the two calls of a launch, and starts nothing.
//!
//! It speaks gRPC by hand: a length before each message, and the status behind it. A framework for servers would be
//! compiled for this alone.

use std::io::Cursor;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::net::{TcpListener, TcpStream};

use crate::Result;

/// What it answers, as the field 1 of a message.
const SERVER_ID: &str = "stub";
const STARTED: &str = r#"{"__class__": "StartRunResult", "message": null, "serializable_error_info": null, "success": true}"#;

type Body = Cursor<Vec<u8>>;

/// The server, which goes on until this process ends.
#[derive(Debug)]
pub(crate) struct Stub {
    pub(crate) port: u16,
    starts: Arc<AtomicU64>,
}

impl Stub {
    /// Starts it in a thread of its own: the one of the benchmark waits for other processes.
    pub(crate) fn start() -> Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let starts = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&starts);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || runtime.block_on(accept(listener, counted)));
        Ok(Self { port, starts })
    }

    /// How many runs it was asked to start since the last call.
    pub(crate) fn started(&self) -> u64 {
        self.starts.swap(0, Ordering::Relaxed)
    }
}

async fn accept(listener: std::net::TcpListener, starts: Arc<AtomicU64>) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        // A connection that fails is an error of the caller's.
        tokio::spawn(serve(stream, Arc::clone(&starts)));
    }
}

async fn serve(stream: TcpStream, starts: Arc<AtomicU64>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = h2::server::Builder::new().handshake::<_, Body>(stream).await?;
    while let Some(asked) = connection.accept().await {
        let (request, respond) = asked?;
        tokio::spawn(answer(request, respond, Arc::clone(&starts)));
    }
    Ok(())
}

async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Body>,
    starts: Arc<AtomicU64>,
) -> Result<()> {
    let text = match request.uri().path() {
        "/api.DagsterApi/GetServerId" => SERVER_ID,
        "/api.DagsterApi/StartRun" => STARTED,
        other => return Err(format!("nobody serves {other}").into()),
    };
    let mut body = request.into_body();
    while let Some(part) = body.data().await {
        let length = part?.len();
        body.flow_control().release_capacity(length)?;
    }
    if text == STARTED {
        starts.fetch_add(1, Ordering::Relaxed);
    }
    let response = Response::builder().header("content-type", "application/grpc").body(())?;
    let mut sending = respond.send_response(response, false)?;
    sending.send_data(Cursor::new(framed(text)?), false)?;
    let mut status = HeaderMap::new();
    status.insert("grpc-status", HeaderValue::from_static("0"));
    Ok(sending.send_trailers(status)?)
}

/// A message with a text as its field 1, and what gRPC puts before it: that it is not compressed, and its length.
fn framed(text: &str) -> Result<Vec<u8>> {
    // A length below 128 is one byte.
    if text.len() >= 128 {
        return Err("the text is too long".into());
    }
    let mut message = vec![0x0a, u8::try_from(text.len())?];
    message.extend(text.as_bytes());
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len())?.to_be_bytes());
    frame.extend(message);
    Ok(frame)
}
