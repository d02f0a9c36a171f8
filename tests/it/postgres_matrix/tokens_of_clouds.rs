//! `auth_provider` with the services of the clouds, as far as they can be on this machine: the binary gets a token, and logs
//! in by it.

use std::sync::{Arc, Mutex, PoisonError};

use dagster_instance_tests::{Finished, Home, dagster_with_input};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::server::Server;
use super::storages_of;

/// What a server or a service was told, in the order in which it was.
type Told = Arc<Mutex<Vec<String>>>;

fn told(told: &Told) -> Vec<String> {
    told.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn note(told: &Told, text: String) {
    told.lock().unwrap_or_else(PoisonError::into_inner).push(text);
}

/// What asks for a password in clear text, as the servers of the clouds do, and lets everybody in.
async fn front(server: &Server) -> (u16, Told) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let passwords = Told::default();
    let (behind, noted) = (server.port(), Arc::clone(&passwords));
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.expect("a client");
            let noted = Arc::clone(&noted);
            tokio::spawn(async move { let_in(client, behind, &noted).await });
        }
    });
    (port, passwords)
}

/// The request for TLS in the place of a version.
const TLS: u32 = 80_877_103;

async fn let_in(mut client: TcpStream, behind: u16, passwords: &Told) -> std::io::Result<()> {
    let start_up = loop {
        let length = client.read_u32().await?;
        let mut message = vec![0; usize::try_from(length).expect("short") - 4];
        client.read_exact(&mut message).await?;
        if message.starts_with(&TLS.to_be_bytes()) {
            client.write_all(b"N").await?;
        } else {
            break message;
        }
    };
    // Please say the password as it is.
    client.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).await?;
    assert_eq!(client.read_u8().await?, b'p');
    let length = client.read_u32().await?;
    let mut password = vec![0; usize::try_from(length).expect("short") - 4];
    client.read_exact(&mut password).await?;
    assert_eq!(password.pop(), Some(0));
    note(passwords, String::from_utf8(password).expect("text"));
    let mut server = TcpStream::connect(("127.0.0.1", behind)).await?;
    let mut texts = start_up[4..].split(|byte| *byte == 0);
    let mut passed = start_up[..4].to_vec();
    while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
        if name.is_empty() {
            break;
        }
        let value = if name == b"user" { b"admin" } else { value };
        for text in [name, value] {
            passed.extend_from_slice(text);
            passed.push(0);
        }
    }
    passed.push(0);
    server.write_u32(u32::try_from(passed.len() + 4).expect("short")).await?;
    server.write_all(&passed).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// A service that answers each request of HTTP with the same document, and notes what it was asked.
async fn service(answer: &'static str, status: &'static str) -> (u16, Told) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let asked = Told::default();
    let noted = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.expect("a client");
            let noted = Arc::clone(&noted);
            tokio::spawn(async move {
                let mut client = BufReader::new(client);
                let mut request = String::new();
                while !request.ends_with("\r\n\r\n") {
                    if client.read_line(&mut request).await? == 0 {
                        return Ok(());
                    }
                }
                note(&noted, request);
                let length = answer.len();
                let text = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nmetadata-flavor: Google\r\n\
                     content-length: {length}\r\nconnection: close\r\n\r\n{answer}"
                );
                client.get_mut().write_all(text.as_bytes()).await
            });
        }
    });
    (port, asked)
}

/// Lists runs of a database behind the front by the binary.
async fn list_runs(port: u16, user: &str, provider: &str, variables: &[(&str, &str)]) -> Finished {
    let yaml = format!(
        "storage:\n  postgres:\n    postgres_db:\n      username: '{user}'\n      hostname: 127.0.0.1\n      \
         port: {port}\n      db_name: clouds\n    auth_provider:\n      {provider}\n"
    );
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let variables: Vec<(String, String)> = variables.collect();
    let running = tokio::task::spawn_blocking(move || {
        let home = Home::new();
        std::fs::write(home.path().join("dagster.yaml"), yaml).expect("dagster.yaml");
        let nowhere = home.path().join("nowhere").display().to_string();
        // Whoever runs the tests may be somebody for a cloud.
        let of_all = [
            ("HOME", nowhere.as_str()),
            ("AWS_CONFIG_FILE", &nowhere),
            ("AWS_SHARED_CREDENTIALS_FILE", &nowhere),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("NO_PROXY", "127.0.0.1"),
        ];
        let variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let variables: Vec<(&str, &str)> = of_all.into_iter().chain(variables).collect();
        home.ours_with_clouds(&variables, &["run", "list", "--json"])
    });
    running.await.expect("the binary ends")
}

async fn database() -> Arc<Server> {
    let server = Server::shared();
    server.sql(
        "postgres",
        &["DROP DATABASE IF EXISTS clouds WITH (FORCE)", "CREATE DATABASE clouds"],
    );
    let storages = storages_of(&server.url("clouds"));
    storages.create().await.expect("created");
    storages.dispose().await;
    server
}

const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    ("AWS_SESSION_TOKEN", "a/session+token=="),
];

/// All in one test, since they have one database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_each_cloud_lets_us_in() {
    let server = database().await;
    of_aws(&server).await;
    of_google(&server).await;
    of_azure(&server).await;
}

async fn of_aws(server: &Server) {
    for (user, keys) in [("app_user", &KEYS[..2]), ("app+1@x", &KEYS[..])] {
        let (port, passwords) = front(server).await;
        let found = list_runs(port, user, "aws_wif: {region: eu-central-1}", keys).await;
        found.succeeded();
        let passwords = told(&passwords);
        let first = passwords.first().expect("a password").clone();
        assert!(passwords.iter().all(|password| *password == first), "one token for all");
        let at = first.split("X-Amz-Date=").nth(1).and_then(|rest| rest.split('&').next());
        let question = json!({
            "at": at.expect("a time"), "host": "127.0.0.1", "port": port, "user": user,
            "region": "eu-central-1", "keys": keys.iter().map(|(_, value)| *value).collect::<Vec<_>>(),
        });
        let expected = dagster_with_input("rds_token.py", &[], &question);
        assert_eq!(parts(&first), parts(expected.as_str().expect("a token")));
    }
    let (port, _) = front(server).await;
    let found = list_runs(port, "app_user", "aws_wif: {region: eu-central-1}", &[]).await;
    assert_ne!(found.code, Some(0));
    assert!(found.stderr.contains("there is no token for app_user@127.0.0.1"), "{}", found.stderr);
}

/// The address of a token, and its parameters in one order.
fn parts(token: &str) -> (String, Vec<String>) {
    let (address, parameters) = token.split_once('?').expect("an address with parameters");
    let mut parameters: Vec<String> = parameters.split('&').map(str::to_owned).collect();
    parameters.sort();
    (address.to_owned(), parameters)
}

async fn of_google(server: &Server) {
    let answer =
        r#"{"access_token": "ya29.of-google", "expires_in": 3599, "token_type": "Bearer"}"#;
    let (metadata, asked) = service(answer, "200 OK").await;
    let (port, passwords) = front(server).await;
    let metadata = format!("127.0.0.1:{metadata}");
    let variables = [("GCE_METADATA_HOST", metadata.as_str())];
    list_runs(port, "app_user", "gcp_wif: {}", &variables).await.succeeded();
    let passwords = told(&passwords);
    assert!(!passwords.is_empty() && passwords.iter().all(|found| found == "ya29.of-google"));
    let asked = told(&asked).join("");
    assert!(asked.contains("/service-accounts/default/token"), "{asked}");
    assert!(asked.contains("cloud-platform"), "{asked}");
}

async fn of_azure(server: &Server) {
    // It is valid until the year 2100.
    let answer = r#"{"access_token": "eyJ.of-azure", "expires_on": "4102444800", "resource": "r", "token_type": "Bearer"}"#;
    let (identity, asked) = service(answer, "200 OK").await;
    let (port, passwords) = front(server).await;
    let endpoint = format!("http://127.0.0.1:{identity}/msi/token");
    let variables = [("IDENTITY_ENDPOINT", endpoint.as_str()), ("IDENTITY_HEADER", "the-header")];
    list_runs(port, "app_user", "azure_wif: {}", &variables).await.succeeded();
    let passwords = told(&passwords);
    assert!(!passwords.is_empty() && passwords.iter().all(|found| found == "eyJ.of-azure"));
    let asked = told(&asked).join("").to_lowercase();
    assert!(asked.contains("ossrdbms-aad.database.windows.net"), "{asked}");
    assert!(asked.contains("x-identity-header: the-header"), "{asked}");
    // One that refuses us, in its own words.
    let (identity, _) =
        service(r#"{"error": {"code": "nobody-knows-you"}}"#, "400 Bad Request").await;
    let (port, passwords) = front(server).await;
    let endpoint = format!("http://127.0.0.1:{identity}/msi/token");
    let variables = [("IDENTITY_ENDPOINT", endpoint.as_str()), ("IDENTITY_HEADER", "the-header")];
    let found = list_runs(port, "app_user", "azure_wif: {}", &variables).await;
    assert_ne!(found.code, Some(0));
    assert!(found.stderr.contains("there is no token for app_user@127.0.0.1"), "{}", found.stderr);
    assert!(told(&passwords).is_empty(), "nobody logs in without a token");
}
