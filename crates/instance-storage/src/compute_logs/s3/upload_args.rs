//! `upload_extra_args`: what boto3 calls the extra arguments of an upload, as headers of requests.
//!
//! Not here: the requests.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use instance_core::error::StorageError;
use md5::{Digest, Md5};
use object_store::aws::Checksum;
use object_store::{Attribute, Attributes, HeaderMap, HeaderValue};
use serde_json::{Map, Value};

/// The arguments that are one header each, with the text as it is given.
const TEXTS: [(&str, &str); 20] = [
    ("ACL", "x-amz-acl"),
    ("CacheControl", "cache-control"),
    ("ContentDisposition", "content-disposition"),
    ("ContentEncoding", "content-encoding"),
    ("ContentLanguage", "content-language"),
    ("ExpectedBucketOwner", EXPECTED_BUCKET_OWNER),
    ("GrantFullControl", "x-amz-grant-full-control"),
    ("GrantRead", "x-amz-grant-read"),
    ("GrantReadACP", "x-amz-grant-read-acp"),
    ("GrantWriteACP", "x-amz-grant-write-acp"),
    ("ObjectLockLegalHoldStatus", "x-amz-object-lock-legal-hold"),
    ("ObjectLockMode", "x-amz-object-lock-mode"),
    ("RequestPayer", REQUEST_PAYER),
    ("SSECustomerAlgorithm", CUSTOMER_ALGORITHM),
    ("SSEKMSEncryptionContext", "x-amz-server-side-encryption-context"),
    ("SSEKMSKeyId", "x-amz-server-side-encryption-aws-kms-key-id"),
    ("ServerSideEncryption", "x-amz-server-side-encryption"),
    ("StorageClass", "x-amz-storage-class"),
    ("Tagging", "x-amz-tagging"),
    ("WebsiteRedirectLocation", "x-amz-website-redirect-location"),
];

/// The arguments that are made into something else first.
const OTHERS: [&str; 7] = [
    "ChecksumAlgorithm",
    "ContentType",
    "Expires",
    "Metadata",
    "ObjectLockRetainUntilDate",
    "SSECustomerKey",
    "SSECustomerKeyMD5",
];

const EXPECTED_BUCKET_OWNER: &str = "x-amz-expected-bucket-owner";
const REQUEST_PAYER: &str = "x-amz-request-payer";
const CUSTOMER_ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";
const CUSTOMER_KEY: &str = "x-amz-server-side-encryption-customer-key";
const CUSTOMER_KEY_MD5: &str = "x-amz-server-side-encryption-customer-key-md5";
const EXPIRES: &str = "expires";
const RETAIN_UNTIL: &str = "x-amz-object-lock-retain-until-date";

/// The headers that S3 wants with every request about an object. It refuses the others in the requests that upload
/// the parts of a large one.
const EVERY: [&str; 5] =
    [CUSTOMER_ALGORITHM, CUSTOMER_KEY, CUSTOMER_KEY_MD5, EXPECTED_BUCKET_OWNER, REQUEST_PAYER];

/// What uploads have with them.
#[derive(Debug, Clone, Default)]
pub(super) struct UploadArgs {
    /// The headers of the request that makes an object.
    pub(super) of_object: HeaderMap,
    /// The headers of every request about an object. They are among those that make it, too.
    pub(super) of_every_request: HeaderMap,
    /// The content type, and what users keep with an object.
    pub(super) attributes: Attributes,
    /// The checksum that S3 keeps and checks; `None` is its own choice.
    pub(super) checksum: Option<Checksum>,
}

impl UploadArgs {
    /// Makes headers of the arguments.
    ///
    /// # Errors
    ///
    /// [`StorageError::Invalid`] for an argument that S3 does not have or whose value is of another kind, and
    /// [`StorageError::Unsupported`] for one that cannot be kept here. A key of encryption is not in the error.
    pub(super) fn new(arguments: &Map<String, Value>) -> Result<Self, StorageError> {
        let mut made = Self::default();
        made.attributes.insert(Attribute::ContentType, "text/plain".into());
        for (name, value) in arguments {
            made.add(name, value)?;
        }
        // As boto3 does: a key goes in Base64, with its digest, unless the caller has given the digest.
        if let (Some(key), None) =
            (arguments.get("SSECustomerKey"), arguments.get("SSECustomerKeyMD5"))
        {
            let key = text("SSECustomerKey", key)?;
            made.insert("SSECustomerKey", CUSTOMER_KEY, &BASE64_STANDARD.encode(key))?;
            let digest = BASE64_STANDARD.encode(Md5::digest(key));
            made.insert("SSECustomerKey", CUSTOMER_KEY_MD5, &digest)?;
        }
        for name in EVERY {
            if let Some(value) = made.of_object.get(name) {
                made.of_every_request.insert(name, value.clone());
            }
        }
        Ok(made)
    }

    fn add(&mut self, name: &str, value: &Value) -> Result<(), StorageError> {
        if let Some((_, header)) = TEXTS.iter().find(|(known, _)| *known == name) {
            return self.insert(name, header, text(name, value)?);
        }
        match name {
            "ContentType" => {
                self.attributes
                    .insert(Attribute::ContentType, text(name, value)?.to_owned().into());
                Ok(())
            }
            "Metadata" => self.add_metadata(value),
            "Expires" => {
                let expires = moment(name, value)?.format("%a, %d %b %Y %H:%M:%S GMT");
                self.insert(name, EXPIRES, &expires.to_string())
            }
            "ObjectLockRetainUntilDate" => {
                let until = moment(name, value)?.format("%Y-%m-%dT%H:%M:%SZ");
                self.insert(name, RETAIN_UNTIL, &until.to_string())
            }
            "SSECustomerKey" => self.insert(name, CUSTOMER_KEY, text(name, value)?),
            "SSECustomerKeyMD5" => self.insert(name, CUSTOMER_KEY_MD5, text(name, value)?),
            "ChecksumAlgorithm" => {
                self.checksum = Some(checksum(text(name, value)?)?);
                Ok(())
            }
            "ChecksumType" | "MpuObjectSize" => Err(of_one_body(name)),
            _ if name.starts_with("Checksum") => Err(of_one_body(name)),
            _ => {
                let known = TEXTS.iter().map(|(known, _)| *known).chain(OTHERS);
                let mut known: Vec<_> = known.collect();
                known.sort_unstable();
                Err(StorageError::Invalid {
                    what: "the argument of uploads to S3",
                    value: name.to_owned(),
                    reason: format!("upload_extra_args may have {}", known.join(", ")),
                })
            }
        }
    }

    fn add_metadata(&mut self, value: &Value) -> Result<(), StorageError> {
        let Value::Object(entries) = value else {
            return Err(wrong("Metadata", "is a mapping of texts to texts"));
        };
        for (name, value) in entries {
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || !name.chars().all(is_token) {
                let reason = format!("has the name {name:?}, which cannot be that of a header");
                return Err(wrong("Metadata", &reason));
            }
            let value = text("Metadata", value)?;
            if !value.is_ascii() || value.chars().any(char::is_control) {
                let reason = format!("has for {name:?} a value that is not of ASCII characters");
                return Err(wrong("Metadata", &reason));
            }
            let attribute = Attribute::Metadata(name.clone().into());
            self.attributes.insert(attribute, value.to_owned().into());
        }
        Ok(())
    }

    fn insert(
        &mut self,
        argument: &str,
        header: &'static str,
        value: &str,
    ) -> Result<(), StorageError> {
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| wrong(argument, "has a character that no header can have"))?;
        value.set_sensitive(header == CUSTOMER_KEY);
        self.of_object.insert(header, value);
        Ok(())
    }
}

/// A text; every other kind of value is refused, as by boto3.
fn text<'v>(name: &str, value: &'v Value) -> Result<&'v str, StorageError> {
    value.as_str().ok_or_else(|| wrong(name, "is a text"))
}

/// A moment: seconds since 1970, or a text in one of the usual forms. One without a zone is in UTC.
fn moment(name: &str, value: &Value) -> Result<DateTime<Utc>, StorageError> {
    let found = match value {
        Value::Number(number) => {
            number.as_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        }
        Value::String(text) => parsed_moment(text.trim()),
        _ => None,
    };
    found.ok_or_else(|| wrong(name, "is a time, such as 2030-12-31T00:00:00Z"))
}

fn parsed_moment(text: &str) -> Option<DateTime<Utc>> {
    let with_zone =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text));
    if let Ok(moment) = with_zone {
        return Some(moment.to_utc());
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let local = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let local = local.or_else(|| text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0));
    local.map(|local| local.and_utc())
}

fn checksum(algorithm: &str) -> Result<Checksum, StorageError> {
    match algorithm {
        "SHA256" => Ok(Checksum::SHA256),
        "CRC64NVME" => Ok(Checksum::CRC64NVME),
        _ => Err(StorageError::Unsupported {
            what: format!("uploads with ChecksumAlgorithm {algorithm:?}"),
            reason: "the algorithm can be SHA256 or CRC64NVME; without it S3 chooses one"
                .to_owned(),
        }),
    }
}

fn of_one_body(name: &str) -> StorageError {
    StorageError::Unsupported {
        what: format!("uploads with {name}"),
        reason: "it is right for one output alone; remove it from upload_extra_args".to_owned(),
    }
}

/// The value is left out: it may be a key of encryption.
fn wrong(name: &str, reason: &str) -> StorageError {
    StorageError::Invalid {
        what: "the argument of uploads to S3",
        value: name.to_owned(),
        reason: format!("it {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made(arguments: &Value) -> Result<UploadArgs, StorageError> {
        UploadArgs::new(arguments.as_object().unwrap())
    }

    /// The headers with which a request makes an object, as lines.
    fn check(arguments: &Value, expect: &[&str]) {
        let made = made(arguments).unwrap();
        let lines = made.of_object.iter();
        let mut lines: Vec<_> =
            lines.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort_unstable();
        assert_eq!(lines, expect, "{arguments}");
    }

    #[test]
    fn arguments_are_headers() {
        check(&json!({}), &[]);
        check(
            &json!({
                "ACL": "bucket-owner-full-control", "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": "arn:k", "StorageClass": "STANDARD_IA", "Tagging": "a=b&c=d",
                "CacheControl": "no-store",
            }),
            &[
                "cache-control: no-store",
                "x-amz-acl: bucket-owner-full-control",
                "x-amz-server-side-encryption-aws-kms-key-id: arn:k",
                "x-amz-server-side-encryption: aws:kms",
                "x-amz-storage-class: STANDARD_IA",
                "x-amz-tagging: a=b&c=d",
            ],
        );
    }

    #[test]
    fn times_are_written_as_s3_reads_them() {
        let expires = "expires: Tue, 31 Dec 2030 22:00:00 GMT";
        for time in ["2030-12-31T23:00:00+01:00", "2030-12-31 22:00:00", "2030-12-31T22:00:00Z"] {
            check(&json!({"Expires": time}), &[expires]);
        }
        check(&json!({"Expires": 1_924_984_800}), &[expires]);
        check(
            &json!({"ObjectLockRetainUntilDate": "2030-12-31"}),
            &["x-amz-object-lock-retain-until-date: 2030-12-31T00:00:00Z"],
        );
    }

    #[test]
    fn a_key_of_encryption_goes_with_its_digest_and_with_every_request() {
        let arguments =
            json!({"SSECustomerKey": "k", "SSECustomerAlgorithm": "AES256", "ACL": "x"});
        let algorithm = "x-amz-server-side-encryption-customer-algorithm: AES256";
        let digest = "x-amz-server-side-encryption-customer-key-md5: jOSxayK1iJSqhsQh6HWd8w==";
        let key = "x-amz-server-side-encryption-customer-key: aw==";
        check(&arguments, &["x-amz-acl: x", algorithm, digest, key]);
        let made = made(&arguments).unwrap();
        let every: Vec<_> = made.of_every_request.keys().map(ToString::to_string).collect();
        assert_eq!(every.len(), 3, "{every:?}");
        assert!(!format!("{made:?}").contains("aw=="), "{made:?}");
        check(
            &json!({"SSECustomerKey": "as it is", "SSECustomerKeyMD5": "m", "SSECustomerAlgorithm": "AES256"}),
            &[
                algorithm,
                "x-amz-server-side-encryption-customer-key-md5: m",
                "x-amz-server-side-encryption-customer-key: as it is",
            ],
        );
    }

    #[test]
    fn what_is_no_header_is_kept_with_the_object() {
        let made = made(&json!({"ContentType": "text/x", "Metadata": {"a": "b"}})).unwrap();
        let get = |attribute| made.attributes.get(&attribute).map(|value| value.to_string());
        assert_eq!(get(Attribute::ContentType).as_deref(), Some("text/x"));
        assert_eq!(get(Attribute::Metadata("a".into())).as_deref(), Some("b"));
        let made = super::UploadArgs::new(&Map::new()).unwrap();
        let content_type = made.attributes.get(&Attribute::ContentType);
        assert_eq!(content_type.map(|value| value.to_string()).as_deref(), Some("text/plain"));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_its_name() {
        for (arguments, expect) in [
            (json!({"Acl": "private"}), "Acl: upload_extra_args may have ACL, CacheControl"),
            (json!({"ACL": 1}), "ACL: it is a text"),
            (json!({"ACL": "a\nb"}), "ACL: it has a character that no header can have"),
            (json!({"Metadata": "x"}), "Metadata: it is a mapping"),
            (json!({"Metadata": {"a b": "x"}}), "\"a b\""),
            (json!({"Metadata": {"a": "ü"}}), "ASCII"),
            (json!({"Expires": "soon"}), "2030-12-31T00:00:00Z"),
            (json!({"ChecksumAlgorithm": "CRC32"}), "SHA256 or CRC64NVME"),
            (json!({"ChecksumSHA256": "x"}), "one output alone"),
            (json!({"SSECustomerKey": ["secret"]}), "SSECustomerKey: it is a text"),
        ] {
            let error = made(&arguments).map(drop).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
