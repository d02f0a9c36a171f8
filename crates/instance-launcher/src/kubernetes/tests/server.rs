//! A server that plays answers of the API of Kubernetes: for what a real one does not do on demand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What one request gets.
pub(super) enum Answer {
    /// A status and a body of JSON.
    Json(u16, Value),
    /// A text.
    Text(&'static str),
    /// The connection is closed without an answer.
    Broken,
    /// None, and the connection stays open.
    Silence,
}

/// The answer by which the API server refuses.
pub(super) fn refused(code: u16, reason: &str, message: &str) -> Answer {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
        "message": message, "code": code});
    Answer::Json(code, body)
}

pub(super) fn ok(body: Value) -> Answer {
    Answer::Json(200, body)
}

/// The requests that came: method and path, and the body.
pub(super) type Requests = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Starts a server that gives these answers, one to each request. It ends with the runtime.
pub(super) async fn serve(answers: Vec<Answer>) -> (kube::Client, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let requests = Requests::default();
    let noted = Arc::clone(&requests);
    tokio::spawn(async move {
        let mut answers = VecDeque::from(answers);
        let mut silent = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let Some(request) = read(&mut stream).await else { continue };
            noted.lock().expect("requests").push(request);
            let (status, body) = match answers.pop_front() {
                Some(Answer::Json(status, body)) => (status, body.to_string()),
                Some(Answer::Text(text)) => (200, text.to_owned()),
                Some(Answer::Broken) => continue,
                Some(Answer::Silence) => {
                    silent.push(stream);
                    continue;
                }
                None => (418, "no answer is left".to_owned()),
            };
            let head = format!(
                "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    let mut config = kube::Config::new(url.parse().expect("a URL"));
    config.default_retry = false;
    (kube::Client::try_from(config).expect("a client"), requests)
}

/// The first line of a request without the version, and its body; `None` if the connection ends before.
async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let line = String::from_utf8_lossy(&bytes[..head]);
    let line = line.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned();
    Some((line, bytes[head + 4..].to_vec()))
}
