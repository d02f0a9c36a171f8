//! A server on loopback that keeps objects as S3 does, notes what it is asked, and answers wrongly when it is told to.
//!
//! It stands for S3 where a real server could not be made to fail. `tests/it/compute_logs_s3.rs` has a real one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The bucket that there is.
pub(super) const BUCKET: &str = "logs";

/// How many objects a page of a listing has.
const PAGE: usize = 2;

/// A request, with what it says taken apart.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) method: String,
    /// Decoded, with the slash at its beginning.
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    /// With names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// The request as a line: the method, the path, and the names of the query.
    pub(super) fn line(&self) -> String {
        let names: Vec<_> = self.query.keys().map(String::as_str).collect();
        format!("{} {} {}", self.method, self.path, names.join("&")).trim_end().to_owned()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The id of the access key that the request was signed with.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header("authorization")?.split_once("Credential=")?.1.split('/').next()
    }

    fn asks(&self, name: &str) -> bool {
        self.query.contains_key(name)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    status: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(status: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// An error of S3.
    pub(super) fn error(status: &'static str, code: &str, more: &str) -> Self {
        let message = format!("why {code}");
        let xml = format!("<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>");
        Self::new(status, xml)
    }

    fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }
}

/// Which answers are given instead of the right ones.
type Wrong = dyn Fn(&Request) -> Option<Answer> + Send + Sync;

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    parts: BTreeMap<String, Vec<u8>>,
    requests: Vec<Request>,
    wrong: Option<Arc<Wrong>>,
}

/// The server. It ends when this is dropped.
pub(super) struct Server {
    pub(super) url: String,
    state: Arc<Mutex<State>>,
    asked: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start() -> Result<Self, std::io::Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (state, asked) = (Arc::<Mutex<State>>::default(), Arc::new(Notify::new()));
        let shared = (Arc::clone(&state), Arc::clone(&asked));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, asked) = (Arc::clone(&shared.0), Arc::clone(&shared.1));
                // A connection that breaks is the client's matter.
                tokio::spawn(async move { serve(stream, &state, &asked).await.map_err(drop) });
            }
        });
        Ok(Self { url, state, asked, task })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The objects: their names, and what is in them.
    pub(super) fn objects(&self) -> BTreeMap<String, String> {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        self.lock().objects.iter().map(|(key, bytes)| (key.clone(), text(bytes))).collect()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.lock().objects.keys().cloned().collect()
    }

    pub(super) fn put(&self, key: &str, text: &str) {
        self.lock().objects.insert(key.to_owned(), text.into());
    }

    /// The requests since the last call.
    pub(super) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.lock().requests)
    }

    /// Answers in another way from now on.
    pub(super) fn answer(
        &self,
        wrong: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static,
    ) {
        self.lock().wrong = Some(Arc::new(wrong));
    }

    /// Answers rightly again.
    pub(super) fn heal(&self) {
        self.lock().wrong = None;
    }

    /// Waits until the objects are as expected. The test ends by the gate's own limit if they never are.
    pub(super) async fn until(&self, expected: impl Fn(&BTreeMap<String, String>) -> bool) {
        loop {
            let next = self.asked.notified();
            if expected(&self.objects()) {
                return;
            }
            next.await;
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, state: &Mutex<State>, asked: &Notify) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await? {
        let answer = {
            let mut state = lock(state);
            let wrong = state.wrong.clone();
            let answer = wrong.and_then(|wrong| wrong(&request));
            let answer = answer.unwrap_or_else(|| answer_of(&mut state, &request));
            state.requests.push(request.clone());
            answer
        };
        let mut head = format!("HTTP/1.1 {}\r\n", answer.status);
        let has_length = answer.headers.iter().any(|(name, _)| *name == "content-length");
        for (name, value) in &answer.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !has_length {
            let _ = write!(head, "content-length: {}\r\n", answer.body.len());
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await?;
        if request.method != "HEAD" {
            stream.write_all(&answer.body).await?;
        }
        asked.notify_waiters();
    }
    Ok(())
}

/// Reads the next request; `None` if the connection has ended.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<Request>> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end + 4);
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let mut request =
        Request { method: first.next().unwrap_or_default().to_owned(), ..Request::default() };
    let target = first.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    request.path = decoded(path);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        request.query.insert(decoded(name), decoded(&value.replace('+', " ")));
    }
    for line in lines {
        if let Some((name, value)) = line.split_once(':') {
            request.headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok());
    let length: usize = length.unwrap_or(0);
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    request.body = buffer.drain(..length).collect();
    Ok(Some(request))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) if *byte == b'%' => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What S3 would answer.
fn answer_of(state: &mut State, request: &Request) -> Answer {
    let missing = || Answer::error("404 Not Found", "NoSuchKey", "");
    let in_bucket = request.path.strip_prefix(&format!("/{BUCKET}"));
    let Some(key) = in_bucket.map(|path| path.strip_prefix('/').unwrap_or(path).to_owned()) else {
        return Answer::error("404 Not Found", "NoSuchBucket", "");
    };
    match request.method.as_str() {
        "GET" if request.asks("list-type") => listing(state, request),
        "GET" | "HEAD" => match state.objects.get(&key) {
            Some(bytes) => object(bytes, request),
            None => missing(),
        },
        "PUT" if request.asks("partNumber") => {
            let number: usize = request.query["partNumber"].parse().unwrap_or(0);
            let part = format!("{}/{number:05}", request.query["uploadId"]);
            state.parts.insert(part, request.body.clone());
            Answer::new("200 OK", "").with("etag", "\"part\"")
        }
        "PUT" => {
            state.objects.insert(key, request.body.clone());
            Answer::new("200 OK", "").with("etag", "\"object\"")
        }
        "POST" if request.asks("delete") => {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            let mut deleted = String::new();
            for key in body.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()) {
                state.objects.remove(key);
                // As S3 does, also for what was not there.
                deleted.extend(["<Deleted><Key>", key, "</Key></Deleted>"]);
            }
            Answer::new("200 OK", format!("<DeleteResult>{deleted}</DeleteResult>"))
        }
        "POST" if request.asks("uploads") => {
            let id = format!("upload-{}", state.requests.len());
            Answer::new("200 OK", format!("<R><UploadId>{id}</UploadId></R>"))
        }
        "POST" => {
            let id = format!("{}/", request.query["uploadId"]);
            let parts = state.parts.iter().filter(|(part, _)| part.starts_with(&id));
            let whole = parts.flat_map(|(_, bytes)| bytes.clone()).collect();
            state.objects.insert(key, whole);
            Answer::new("200 OK", "<R><ETag>\"object\"</ETag></R>")
        }
        "DELETE" => {
            if !request.asks("uploadId") {
                state.objects.remove(&key);
            }
            Answer::new("204 No Content", "")
        }
        method => Answer::new("405 Method Not Allowed", format!("no {method}")),
    }
}

fn object(bytes: &[u8], request: &Request) -> Answer {
    let modified = "Tue, 14 Nov 2023 22:13:20 GMT";
    let range = request.header("range").and_then(|range| range.strip_prefix("bytes="));
    let answer = match range.and_then(|range| range.split_once('-')) {
        None => Answer::new("200 OK", bytes),
        Some((start, end)) => {
            let start: usize = start.parse().unwrap_or(0);
            let end = end.parse().map_or(bytes.len(), |end: usize| (end + 1).min(bytes.len()));
            if start >= bytes.len() {
                return Answer::error("416 Range Not Satisfiable", "InvalidRange", "");
            }
            let range = format!("bytes {start}-{}/{}", end - 1, bytes.len());
            Answer::new("206 Partial Content", &bytes[start..end]).with("content-range", range)
        }
    };
    let length = answer.body.len().to_string();
    answer.with("content-length", length).with("last-modified", modified).with("etag", "\"e\"")
}

/// A page of the names below a prefix, and of what stands for those that are deeper.
fn listing(state: &State, request: &Request) -> Answer {
    let value = |name: &str| request.query.get(name).map_or("", String::as_str);
    let (prefix, delimiter, after) =
        (value("prefix"), value("delimiter"), value("continuation-token"));
    let mut xml = String::from("<ListBucketResult>");
    let (mut entries, mut last) = (0, String::new());
    for (key, bytes) in &state.objects {
        let Some(rest) = key.strip_prefix(prefix).filter(|_| key.as_str() > after) else {
            continue;
        };
        if entries == PAGE {
            let _ = write!(xml, "<NextContinuationToken>{last}</NextContinuationToken>");
            break;
        }
        last.clone_from(key);
        entries += 1;
        if !delimiter.is_empty() && rest.contains(delimiter) {
            let below = rest.split(delimiter).next().unwrap_or_default();
            let _ =
                write!(xml, "<CommonPrefixes><Prefix>{prefix}{below}/</Prefix></CommonPrefixes>");
            continue;
        }
        let _ = write!(
            xml,
            "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>2023-11-14T22:13:20Z</LastModified></Contents>",
            bytes.len()
        );
    }
    xml.push_str("</ListBucketResult>");
    Answer::new("200 OK", xml)
}

#[test]
fn what_is_encoded_is_decoded() {
    assert_eq!(decoded("/logs/a%20b/%C3%BC%2f%zz%"), "/logs/a b/ü/%zz%");
}
