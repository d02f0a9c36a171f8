//! A server of gRPC for calls of one message and one answer. The frames of HTTP/2 are those of `h2`, on which the client
//! stands, too.
//!
//! Not here: what is answered (`stub.rs`).

use std::io::Read as _;
use std::sync::Arc;

use async_trait::async_trait;
use flate2::read::GzDecoder;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use instance_core::error::BoxError;
use prost::bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};

/// What answers calls.
#[async_trait]
pub(super) trait Service: Send + Sync + 'static {
    /// The answer to a call, by its name; `None` if there is no such call.
    async fn answer(&self, call: &str, message: &[u8]) -> Result<Option<Vec<u8>>, BoxError>;

    /// A call could not be read or answered. A client that was killed is no reason for this.
    fn fails(&self, call: &str, error: BoxError);
}

/// The statuses of gRPC for a call that there is not, and for one that has failed.
const UNIMPLEMENTED: &str = "12";
const INTERNAL: &str = "13";

/// Takes connections for ever.
pub(super) async fn serve(listener: TcpListener, service: Arc<dyn Service>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take_calls(stream, Arc::clone(&service)));
        }
    }
}

/// Takes the calls of a connection until its client has gone.
async fn take_calls(stream: TcpStream, service: Arc<dyn Service>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        let service = Arc::clone(&service);
        // As in a real server, a call that was read is worked off, whether or not its client lives.
        tokio::spawn(async move {
            // The answer reaches nobody where this fails.
            let _ = answer(request, respond, &*service).await;
        });
    }
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    service: &dyn Service,
) -> Result<(), h2::Error> {
    let call = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let mut body = request.into_body();
    let mut frame = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        frame.extend_from_slice(&chunk);
    }
    let answered = async { service.answer(&call, &message(&frame)?).await }.await;
    let mut response = Response::new(());
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    let mut send = respond.send_response(response, false)?;
    let status = match answered {
        Ok(Some(message)) => {
            send.send_data(framed(&message), false)?;
            "0"
        }
        Ok(None) => UNIMPLEMENTED,
        Err(error) => {
            service.fails(&call, error);
            INTERNAL
        }
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    send.send_trailers(trailers)
}

/// The message of a frame: whether it is compressed, its length, and the message.
fn message(frame: &[u8]) -> Result<Vec<u8>, BoxError> {
    let [is_compressed, _, _, _, _, message @ ..] = frame else {
        return Err("a message without its frame".into());
    };
    if *is_compressed == 0 {
        return Ok(message.to_vec());
    }
    let mut plain = Vec::new();
    GzDecoder::new(message).read_to_end(&mut plain)?;
    Ok(plain)
}

fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], message].concat().into()
}
