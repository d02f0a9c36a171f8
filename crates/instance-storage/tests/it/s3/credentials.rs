//! Where the credentials come from, and what is told where there are none.

use std::collections::BTreeMap;
use std::path::Path;

use instance_core::settings::S3ComputeLogSettings;
use instance_storage::S3ComputeLogManager;

use super::server::{Answer, Request, Server};
use super::{captured, key, told};
use crate::support::TestResult;

/// Credentials as the services of containers and machines give them.
const GIVEN: &str = r#"{"AccessKeyId": "GIVEN", "SecretAccessKey": "HIDDEN", "Token": "TOKEN", "Expiration": "2999-01-01T00:00:00Z"}"#;

/// The id of the key with which uploads are signed, or what is told if there are none.
async fn signed_by(server: &Server, variables: &[(&str, &str)]) -> Result<String, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let variables: BTreeMap<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let settings = S3ComputeLogSettings::new("logs")
        .with_endpoint_url(server.url.clone())
        .with_local_dir(directory.path());
    let logs = S3ComputeLogManager::new(settings, |name| variables.get(name).cloned());
    let logs = logs.map_err(|error| error.to_string())?;
    server.requests();
    if let Err(error) = captured(&logs, &key(&["k"]), b"x", b"").await {
        let text = format!("{} {error:?}", told(&error));
        assert!(!text.contains("HIDDEN"), "{text}");
        return Err(text);
    }
    let requests = server.requests();
    let upload = requests.iter().rfind(|request| request.method == "PUT");
    let upload = upload.ok_or_else(|| "nothing was uploaded".to_owned())?;
    let token = upload.header("x-amz-security-token").unwrap_or("none");
    Ok(format!("{} {token}", upload.key_id().unwrap_or("nobody")))
}

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "HIDDEN")];

/// Files of the AWS tools.
fn home(config: &str, credentials: &str) -> Result<tempfile::TempDir, std::io::Error> {
    let home = tempfile::tempdir()?;
    std::fs::create_dir(home.path().join(".aws"))?;
    std::fs::write(home.path().join(".aws/config"), config)?;
    std::fs::write(home.path().join(".aws/credentials"), credentials)?;
    Ok(home)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

#[tokio::test]
async fn the_environment_comes_first() -> TestResult {
    let server = Server::start().await?;
    let home = home("", "[default]\naws_access_key_id=FILE\naws_secret_access_key=HIDDEN\n")?;
    let of_home = ("HOME", text(home.path()));
    assert_eq!(signed_by(&server, &[KEYS[0], KEYS[1], of_home]).await?, "ENV none");
    let with_token = [KEYS[0], KEYS[1], ("AWS_SESSION_TOKEN", "T")];
    assert_eq!(signed_by(&server, &with_token).await?, "ENV T");
    let error = signed_by(&server, &[KEYS[0], of_home]).await.unwrap_err();
    assert!(error.contains("AWS_SECRET_ACCESS_KEY is not"), "{error}");
    assert_eq!(signed_by(&server, &[of_home, KEYS[1]]).await?, "FILE none");
    Ok(())
}

#[tokio::test]
async fn a_profile_has_keys_or_says_why_they_cannot_be_had() -> TestResult {
    let server = Server::start().await?;
    let home = home(
        "[profile role]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n\
         [profile half]\naws_access_key_id = HALF\n",
        "[two]\naws_access_key_id = TWO\naws_secret_access_key = HIDDEN\naws_session_token = T\n",
    )?;
    let of = async |profile| {
        let variables = [("HOME", text(home.path())), ("AWS_PROFILE", profile)];
        signed_by(&server, &variables).await
    };
    assert_eq!(of("two").await?, "TWO T");
    for (profile, expect) in [
        ("role", "export-credentials --profile role"),
        ("half", "no aws_secret_access_key"),
        ("none", "names the profile \"none\""),
    ] {
        let error = of(profile).await.unwrap_err();
        assert!(error.contains(expect), "{error}");
        assert!(error.contains("cannot reach s3://logs"), "{error}");
    }
    Ok(())
}

/// A machine with a role: a token first, then the name of the role, then its credentials.
fn machine(request: &Request) -> Option<Answer> {
    let is_known = request.header("x-aws-ec2-metadata-token") == Some("of the session");
    let role = "/latest/meta-data/iam/security-credentials/";
    let text = match request.path.as_str() {
        "/latest/api/token" => "of the session",
        path if path.starts_with(role) && !is_known => {
            return Some(Answer::new("401 Unauthorized", ""));
        }
        path if path == role => "worker",
        path if path.strip_prefix(role) == Some("worker") => GIVEN,
        _ => return None,
    };
    Some(Answer::new("200 OK", text))
}

#[tokio::test]
async fn the_machine_has_a_role() -> TestResult {
    let server = Server::start().await?;
    let machine_at = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url.as_str());
    server.answer(machine);
    assert_eq!(signed_by(&server, &[machine_at]).await?, "GIVEN TOKEN");
    let off = [machine_at, ("AWS_EC2_METADATA_DISABLED", "true")];
    let error = signed_by(&server, &off).await.unwrap_err();
    assert!(error.contains("there are no AWS credentials; set AWS_ACCESS_KEY_ID"), "{error}");
    server.heal();
    let error = signed_by(&server, &[machine_at]).await.unwrap_err();
    assert!(error.contains("the metadata of the machine"), "{error}");
    assert!(error.contains("set AWS_ACCESS_KEY_ID"), "{error}");
    Ok(())
}

#[tokio::test]
async fn the_container_has_a_service() -> TestResult {
    let server = Server::start().await?;
    server.answer(|request| {
        let is_known = request.header("authorization") == Some("of the pod");
        let answer = || Answer::new("200 OK", GIVEN);
        (request.path == "/credentials" && is_known).then(answer)
    });
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), "of the pod")?;
    let url = format!("{}/credentials", server.url);
    let service = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str());
    let token = ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", text(file.path()));
    assert_eq!(signed_by(&server, &[service, token]).await?, "GIVEN TOKEN");
    let error = signed_by(&server, &[service]).await.unwrap_err();
    assert!(error.contains("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), "{error}");
    std::fs::write(file.path(), "somebody else's")?;
    let error = signed_by(&server, &[service, token]).await.unwrap_err();
    assert!(error.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI, gives none"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_web_identity_becomes_a_role() -> TestResult {
    let server = Server::start().await?;
    server.answer(|request| {
        (request.query.get("Action")? == "AssumeRoleWithWebIdentity").then_some(())?;
        if request.query.get("WebIdentityToken")? != "of the pod" {
            let token = request.query.get("WebIdentityToken")?;
            return Some(Answer::error("400 Bad Request", "InvalidIdentityToken", token));
        }
        Some(Answer::new(
            "200 OK",
            "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
             <SessionToken>TOKEN</SessionToken><SecretAccessKey>HIDDEN</SecretAccessKey>\
             <Expiration>2999-01-01T00:00:00Z</Expiration><AccessKeyId>ROLE</AccessKeyId>\
             </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        ))
    });
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), "of the pod")?;
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", text(file.path())),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/x"),
        ("AWS_ENDPOINT_URL_STS", server.url.as_str()),
    ];
    assert_eq!(signed_by(&server, &variables).await?, "ROLE TOKEN");
    std::fs::write(file.path(), "HIDDEN")?;
    let error = signed_by(&server, &variables).await.unwrap_err();
    assert!(error.contains("InvalidIdentityToken"), "{error}");
    let error = signed_by(&server, &variables[..1]).await.unwrap_err();
    assert!(error.contains("AWS_ROLE_ARN is not"), "{error}");
    Ok(())
}
