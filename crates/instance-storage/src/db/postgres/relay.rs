//! The first connection to a server: it shows what the driver's connections hide.
//!
//! The driver tells each server that the time zone is UTC, and a server never says what it would have been otherwise. The
//! driver does not tell the number of the server's process either. So the first connection goes through this process: the
//! driver connects to a port of ours, and what it sends is passed on, but for the time zone.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, PgConnection};
use sqlx_core::net::tls::{CertificateInput, TlsConfig, handshake};
use sqlx_core::net::{Socket, SocketIntoBox};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

use super::config::{Certificates, of_environment};

/// What a server says of itself when a connection begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Greeting {
    /// The number of the process that answers; that of a pooler is none of the server's.
    pub(super) process: Option<u32>,
    /// The time zone that the server has for this role in this database.
    pub(super) time_zone: Option<String>,
}

/// A connection through this process.
pub(super) struct Relayed {
    pub(super) connection: PgConnection,
    pub(super) greeting: Greeting,
    passing: Passing,
}

impl Relayed {
    /// Ends the connection, and waits until the server was told, but not for long: one that does not see the end counts the
    /// connection for a while.
    pub(super) async fn close(self, limit: Duration) {
        let Self { connection, mut passing, .. } = self;
        let ending = async {
            // What was to be known is known.
            let _ = sqlx::Connection::close(connection).await;
            let _ = (&mut passing.0).await;
        };
        let _ = tokio::time::timeout(limit, ending).await;
    }
}

/// What passes on what is said, until this is dropped.
struct Passing(JoinHandle<io::Result<()>>);

impl Passing {
    /// Why it has ended, if it has. The driver sees nothing but that it was left alone.
    async fn error(mut self) -> Option<sqlx::Error> {
        if !self.0.is_finished() {
            return None;
        }
        let error = (&mut self.0).await.ok()?.err()?;
        // What is wrong with a certificate shows when something is sent.
        let is_of_tls = error.kind() == io::ErrorKind::InvalidData;
        Some(if is_of_tls { sqlx::Error::Tls(error.into()) } else { error.into() })
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects to a server as `connect` says, but without a time zone.
pub(super) async fn connect(
    connect: &PgConnectOptions,
    certificates: &Certificates,
) -> sqlx::Result<Relayed> {
    let server = reach(connect, certificates).await?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| no_port(&error))?;
    let port = listener.local_addr().map_err(|error| no_port(&error))?.port();
    // Whoever does not know this name is not us, and is not passed on.
    let secret = format!("{:016x}", RandomState::new().build_hasher().finish());
    let inside = connect.clone().host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable);
    let inside = inside.application_name(&secret);
    let heard = Arc::new(Mutex::new(Listening::default()));
    let name = connect.get_application_name().unwrap_or_default().to_owned();
    let passing = Passing(tokio::spawn({
        let heard = Arc::clone(&heard);
        async move {
            let (client, start_up) = accept(&listener, &secret, &name).await?;
            pass(client, server, &start_up, &heard).await
        }
    }));
    let connection = match inside.connect().await {
        Ok(connection) => connection,
        Err(error) => return Err(passing.error().await.unwrap_or(error)),
    };
    let greeting = heard.lock().unwrap_or_else(PoisonError::into_inner).greeting.clone();
    Ok(Relayed { connection, greeting, passing })
}

/// The first connection needs a port of this machine. Without one, no server is at fault.
fn no_port(error: &io::Error) -> sqlx::Error {
    let text = format!(
        "a port of 127.0.0.1 is needed for the first connection, and there is none: {error}"
    );
    sqlx::Error::Configuration(text.into())
}

/// Opens a connection to the server, with TLS if that is asked for, and before anything is said.
async fn reach(
    connect: &PgConnectOptions,
    certificates: &Certificates,
) -> sqlx::Result<Box<dyn Socket>> {
    let (host, port) = (connect.get_host(), connect.get_port());
    if host.starts_with('/') {
        return Ok(Box::new(UnixStream::connect(format!("{host}/.s.PGSQL.{port}")).await?));
    }
    let mut stream = TcpStream::connect((host, port)).await?;
    let mode = connect.get_ssl_mode();
    if matches!(mode, PgSslMode::Disable | PgSslMode::Allow) {
        return Ok(Box::new(stream));
    }
    // The request for TLS, and its answer of one letter.
    stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await?;
    match (stream.read_u8().await?, mode) {
        (b'S', _) => {}
        (b'N', PgSslMode::Prefer) => return Ok(Box::new(stream)),
        (b'N', _) => return Err(sqlx::Error::Tls("server does not support TLS".into())),
        (other, _) => {
            let text = format!("unexpected response from SSLRequest: 0x{other:02x}");
            return Err(sqlx::Error::Protocol(text));
        }
    }
    let input = |file: &Option<String>, variable: &str| {
        file.clone().or_else(|| of_environment(variable)).map(CertificateInput::from)
    };
    let root = input(&certificates.root, "PGSSLROOTCERT");
    let client = input(&certificates.client, "PGSSLCERT");
    let key = input(&certificates.key, "PGSSLKEY");
    let config = TlsConfig {
        accept_invalid_certs: !matches!(mode, PgSslMode::VerifyCa | PgSslMode::VerifyFull),
        accept_invalid_hostnames: !matches!(mode, PgSslMode::VerifyFull),
        hostname: host,
        root_cert_path: root.as_ref(),
        client_cert_path: client.as_ref(),
        client_key_path: key.as_ref(),
    };
    handshake(stream, config, SocketIntoBox).await
}

/// Waits for the driver's connection, and reads with what it begins. The name that it has for us becomes its real one.
async fn accept(
    listener: &TcpListener,
    secret: &str,
    name: &str,
) -> io::Result<(TcpStream, Vec<u8>)> {
    loop {
        let (mut client, _) = listener.accept().await?;
        // Whoever comes to the port and says nothing keeps the driver waiting no longer than this.
        let heard = tokio::time::timeout(STRANGER, start_up(&mut client, secret, name)).await;
        if let Ok(Ok(Some(start_up))) = heard {
            return Ok((client, start_up));
        }
    }
}

/// How long somebody may take to say what it begins with. The driver says it at once.
const STRANGER: Duration = Duration::from_millis(500);

/// The most that a connection may begin with.
const START_UP: usize = 65_536;

/// The version of the protocol.
const VERSION: [u8; 4] = [0, 3, 0, 0];

async fn start_up(client: &mut TcpStream, secret: &str, name: &str) -> io::Result<Option<Vec<u8>>> {
    let length = usize::try_from(client.read_u32().await?).unwrap_or(usize::MAX);
    if !(8..=START_UP).contains(&length) {
        return Ok(None);
    }
    let mut message = vec![0; length - 4];
    client.read_exact(&mut message).await?;
    let Some(parameters) = message.strip_prefix(&VERSION) else { return Ok(None) };
    let mut texts = parameters.split(|byte| *byte == 0);
    let (mut passed, mut is_ours) = (VERSION.to_vec(), false);
    while let (Some(parameter), Some(value)) = (texts.next(), texts.next()) {
        let value = match parameter {
            b"" => break,
            b"TimeZone" => continue,
            b"application_name" => {
                is_ours = value == secret.as_bytes();
                name.as_bytes()
            }
            _ => value,
        };
        for text in [parameter, value] {
            passed.extend_from_slice(text);
            passed.push(0);
        }
    }
    passed.push(0);
    let length = u32::try_from(passed.len() + 4).map_err(io::Error::other)?;
    Ok(is_ours.then(|| [&length.to_be_bytes(), passed.as_slice()].concat()))
}

/// Passes on what both say until one of them ends, and listens to how the server begins.
async fn pass(
    mut client: TcpStream,
    mut server: Box<dyn Socket>,
    start_up: &[u8],
    heard: &Mutex<Listening>,
) -> io::Result<()> {
    send(&mut server, start_up).await?;
    let (mut of_client, mut of_server) = (vec![0; 8_192], vec![0; 8_192]);
    loop {
        match next(&mut client, &mut of_client, &mut server, &mut of_server).await? {
            Said::ByClient(0) | Said::ByServer(0) => return Ok(()),
            Said::ByClient(length) => {
                send(&mut server, of_client.get(..length).unwrap_or_default()).await?;
            }
            Said::ByServer(length) => {
                let said = of_server.get(..length).unwrap_or_default();
                heard.lock().unwrap_or_else(PoisonError::into_inner).hear(said);
                client.write_all(said).await?;
            }
        }
    }
}

/// Who said how many bytes; none is the end.
enum Said {
    ByClient(usize),
    ByServer(usize),
}

/// Waits until one of both says something.
async fn next(
    client: &mut TcpStream,
    of_client: &mut [u8],
    server: &mut Box<dyn Socket>,
    mut of_server: &mut [u8],
) -> io::Result<Said> {
    let by_client = pin!(AsyncReadExt::read(client, of_client));
    let by_server = pin!(server.read(&mut of_server));
    match select(by_client, by_server).await {
        Either::Left((length, _)) => length.map(Said::ByClient),
        Either::Right((length, _)) => length.map(Said::ByServer),
    }
}

async fn send(server: &mut Box<dyn Socket>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let sent = server.write(bytes).await?;
        bytes = bytes.get(sent..).unwrap_or_default();
    }
    server.flush().await
}

/// What is heard of a server's first messages.
#[derive(Debug, Default)]
struct Listening {
    greeting: Greeting,
    /// The beginning of a message whose end has not come yet.
    rest: Vec<u8>,
    is_over: bool,
}

impl Listening {
    fn hear(&mut self, said: &[u8]) {
        if self.is_over {
            return;
        }
        self.rest.extend_from_slice(said);
        let rest = std::mem::take(&mut self.rest);
        let mut left = rest.as_slice();
        while let Some((kind, body, behind)) = message(left) {
            left = behind;
            match kind {
                b'S' => self.setting(body),
                b'K' => self.greeting.process = body.first_chunk().copied().map(u32::from_be_bytes),
                b'Z' => self.is_over = true,
                _ => {}
            }
        }
        self.rest = left.to_vec();
    }

    fn setting(&mut self, body: &[u8]) {
        let mut texts = body.split(|byte| *byte == 0);
        if texts.next() == Some(b"TimeZone") {
            let zone = texts.next().map(|zone| String::from_utf8_lossy(zone).into_owned());
            self.greeting.time_zone = zone;
        }
    }
}

/// The kind and the body of the first message, and what is behind it.
fn message(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
    Some((*kind, rest.get(4..length)?, rest.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::{Greeting, Listening};

    #[test]
    fn a_greeting_may_come_in_pieces() {
        let said = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x18TimeZone\0Asia/Seoul\0K\0\0\0\x0c\0\0\x01\x02\0\0\0\x01Z\0\0\0\x05IS\0\0\0\x10TimeZone\0UTC\0";
        for size in [1, 7, said.len()] {
            let mut listening = Listening::default();
            for piece in said.chunks(size) {
                listening.hear(piece);
            }
            // Of what comes later, a piece may have been heard.
            if size == 1 {
                assert!(listening.rest.is_empty());
                let expected =
                    Greeting { process: Some(258), time_zone: Some("Asia/Seoul".to_owned()) };
                assert_eq!(listening.greeting, expected);
            }
            assert_eq!(listening.greeting.process, Some(258));
        }
    }
}
