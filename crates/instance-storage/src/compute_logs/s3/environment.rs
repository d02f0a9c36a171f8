//! What of the environment counts for S3: the variables of the AWS tools, and Dagster's limit of uploads.
//!
//! The caller reads the environment. Here stands which variables are asked for, and what the AWS tools call profiles.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::failure::Failure;

/// Every variable that is asked for.
const VARIABLES: [&str; 26] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "HOME",
    TRUNCATE,
];

/// The most bytes that are uploaded of an output.
const TRUNCATE: &str = "DAGSTER_TRUNCATE_COMPUTE_LOGS_UPLOAD_BYTES";

/// The most bytes that are uploaded of an output, unless the environment says something else.
const DEFAULT_MAX_UPLOAD: u64 = 50 * 1024 * 1024;

/// The variables that are set, and to what. A value is never printed.
#[derive(Clone)]
pub(super) struct AwsEnvironment(BTreeMap<&'static str, String>);

impl std::fmt::Debug for AwsEnvironment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl AwsEnvironment {
    /// Asks for each variable.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self(VARIABLES.iter().filter_map(|name| Some((*name, variable(name)?))).collect())
    }

    /// The value of a variable. One that is empty counts as not set, as it does for the AWS tools.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a variable says yes.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The most bytes that are uploaded of an output; `None` is all of them.
    pub(super) fn max_upload(&self) -> Result<Option<u64>, instance_core::StorageError> {
        let Some(text) = self.get(TRUNCATE) else {
            return Ok(Some(DEFAULT_MAX_UPLOAD));
        };
        match text.trim().parse::<i64>() {
            Ok(bytes) => Ok(u64::try_from(bytes).ok().filter(|bytes| *bytes > 0)),
            Err(_) => Err(instance_core::StorageError::Invalid {
                what: TRUNCATE,
                value: text.to_owned(),
                reason: "it is a number of bytes; 0 uploads everything".to_owned(),
            }),
        }
    }

    /// The name of the profile, and whether the environment has named it.
    fn profile(&self) -> (&str, bool) {
        let named = self.get("AWS_PROFILE").or_else(|| self.get("AWS_DEFAULT_PROFILE"));
        (named.unwrap_or("default"), named.is_some())
    }

    /// A file of the AWS tools. `None` if the environment says neither where it is nor where the user's home is.
    fn file(&self, variable: &str, name: &str) -> Option<PathBuf> {
        let home = self.get("HOME").map(PathBuf::from);
        match self.get(variable) {
            // The one abbreviation that the AWS tools know.
            Some(path) => match (path.strip_prefix("~/"), home) {
                (Some(rest), Some(home)) => Some(home.join(rest)),
                _ => Some(PathBuf::from(path)),
            },
            None => Some(home?.join(".aws").join(name)),
        }
    }
}

/// What a profile of the AWS tools says. A value is never printed.
#[derive(Clone, Default)]
pub(super) struct Profile {
    name: String,
    values: BTreeMap<String, String>,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile")
            .field("name", &self.name)
            .field("values", &self.values.keys())
            .finish()
    }
}

impl Profile {
    /// Reads the profile that the environment names, or the one named `default`, from the files `config` and
    /// `credentials`. What stands in the second counts.
    ///
    /// Files that do not exist are empty, and so is a profile of no name that nobody wrote.
    pub(super) async fn load(environment: &AwsEnvironment) -> Result<Self, Failure> {
        let (name, is_named) = environment.profile();
        let mut profile = Self { name: name.to_owned(), values: BTreeMap::new() };
        let mut is_found = false;
        let files = [
            ("AWS_CONFIG_FILE", "config", true),
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials", false),
        ];
        let mut looked_at = Vec::new();
        for (variable, file, is_config) in files {
            let Some(path) = environment.file(variable, file) else {
                continue;
            };
            looked_at.push(path.display().to_string());
            let text = match tokio::fs::read_to_string(&path).await {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    return Err(Failure::new(format!("cannot read {}: {error}", path.display())));
                }
            };
            if let Some(values) = section(&text, name, is_config) {
                is_found = true;
                profile.values.extend(values);
            }
        }
        if is_named && !is_found {
            return Err(Failure::new(format!(
                "AWS_PROFILE names the profile {name:?}, and neither of {} has it",
                looked_at.join(", ")
            )));
        }
        Ok(profile)
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A value; `None` if it is not there or empty.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// The values of a profile. In the file `config`, the heading of each profile but `default` begins with `profile`.
fn section(text: &str, name: &str, is_config: bool) -> Option<BTreeMap<String, String>> {
    let is_heading = |heading: &str| {
        let heading = heading.trim();
        match heading.strip_prefix("profile") {
            Some(rest) if is_config && rest.starts_with([' ', '\t']) => {
                rest.trim().trim_matches(['"', '\'']) == name
            }
            _ => heading == name && (!is_config || name == "default"),
        }
    };
    let mut values = None;
    let mut is_within = false;
    for line in text.lines() {
        // What is indented belongs to the value before it, which then is a group of values for one service.
        if line.starts_with([' ', '\t', '#', ';']) || line.trim().is_empty() {
            continue;
        }
        if let Some(heading) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            is_within = is_heading(heading);
            if is_within {
                values.get_or_insert_with(BTreeMap::new);
            }
        } else if is_within
            && let Some((key, value)) = line.split_once(['=', ':'])
            && let Some(values) = &mut values
        {
            values.insert(key.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> AwsEnvironment {
        AwsEnvironment::read(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    const CONFIG: &str = "# ours\n[default]\nregion = eu-west-1\ns3 =\n  addressing_style = path\n  region = no\n\
                          [profile two]\nregion: eu-north-1\naws_access_key_id = config\n[two]\nregion = not this\n";
    const CREDENTIALS: &str = "[default]\naws_access_key_id=a\naws_secret_access_key = s=e\n\n[two]\nAWS_ACCESS_KEY_ID = b\n";

    #[tokio::test]
    async fn a_profile_is_in_both_files_and_the_credentials_count() {
        let home = tempfile::tempdir().unwrap();
        let aws = home.path().join(".aws");
        std::fs::create_dir(&aws).unwrap();
        std::fs::write(aws.join("config"), CONFIG).unwrap();
        std::fs::write(aws.join("credentials"), CREDENTIALS).unwrap();
        let home = home.path().to_str().unwrap();
        let of = async |variables: &[(&str, &str)]| {
            Profile::load(&environment(&[&[("HOME", home)], variables].concat())).await
        };
        let get = |profile: &Profile, key: &str| profile.get(key).map(str::to_owned);

        let default = of(&[("AWS_PROFILE", "")]).await.unwrap();
        assert_eq!(get(&default, "region").as_deref(), Some("eu-west-1"));
        assert_eq!(get(&default, "aws_secret_access_key").as_deref(), Some("s=e"));
        assert_eq!(get(&default, "addressing_style"), None);
        assert!(!format!("{default:?}").contains("s=e"));
        let two = of(&[("AWS_PROFILE", "two")]).await.unwrap();
        assert_eq!(get(&two, "region").as_deref(), Some("eu-north-1"));
        assert_eq!(get(&two, "aws_access_key_id").as_deref(), Some("b"));
        let elsewhere = [("AWS_PROFILE", "two"), ("AWS_SHARED_CREDENTIALS_FILE", "~/none")];
        assert_eq!(get(&of(&elsewhere).await.unwrap(), "aws_access_key_id").unwrap(), "config");

        let error = of(&[("AWS_PROFILE", "three")]).await.unwrap_err().to_string();
        assert!(error.contains("\"three\"") && error.contains(".aws/credentials"), "{error}");
    }

    #[tokio::test]
    async fn without_files_the_profile_is_empty() {
        for variables in [&[][..], &[("HOME", "/no/such/home")]] {
            let profile = Profile::load(&environment(variables)).await.unwrap();
            assert_eq!((profile.name(), profile.get("region")), ("default", None));
        }
    }

    #[test]
    fn the_limit_of_uploads_is_dagsters() {
        let of = |text| environment(&[(TRUNCATE, text)]).max_upload();
        assert_eq!(of("").unwrap(), Some(52_428_800));
        assert_eq!(of(" 10\n").unwrap(), Some(10));
        assert_eq!(of("0").unwrap(), None);
        let error = of("50MB").unwrap_err().to_string();
        assert!(error.contains("DAGSTER_TRUNCATE") && error.contains("50MB"), "{error}");
    }

    #[test]
    fn no_value_is_printed() {
        let environment = environment(&[("AWS_SECRET_ACCESS_KEY", "hidden"), ("HOME", "")]);
        assert!(!format!("{environment:?}").contains("hidden"));
        assert_eq!(environment.get("HOME"), None);
        assert!(format!("{environment:?}").contains("AWS_SECRET_ACCESS_KEY"));
    }
}
