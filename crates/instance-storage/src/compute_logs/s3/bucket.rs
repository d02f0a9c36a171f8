//! The objects of a bucket: their size, their bytes, uploads, listings and deletions.
//!
//! Not here: which objects there are (`keys.rs`) and what they mean (`mod.rs`).

use std::fmt;
use std::io::Cursor;
use std::ops::Range;
use std::path::Path as FilePath;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use instance_core::error::StorageError;
use instance_core::settings::S3ComputeLogSettings;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{
    ClientOptions, GetOptions, GetRange, HeaderMap, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload,
};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::credentials::credentials;
use super::environment::{AwsEnvironment, Profile};
use super::failure::Failure;
use super::http::Patience;
use super::keys::{Keys, ObjectKey};
use super::place::Place;
use super::upload_args::UploadArgs;

/// How long an address for a download is good for, as boto3 has it.
const SIGNED_FOR: Duration = Duration::from_hours(1);

/// The most bytes that are uploaded by one request, and so the most that are in memory. boto3 has the same limit.
const PART_BYTES: u64 = 8 * 1024 * 1024;

/// The most parts that S3 makes one object of.
const MAX_PARTS: u64 = 10_000;

/// The bucket. Its clients differ in the headers that each request has.
pub(super) struct Bucket {
    name: String,
    /// For the requests that make an object. `None` if the arguments of uploads are not right.
    uploads: Option<(AmazonS3, UploadArgs)>,
    /// For all other requests about one object.
    objects: AmazonS3,
    /// For requests about the bucket, and for addresses of downloads.
    plain: AmazonS3,
}

/// What was found of an object.
enum Found {
    /// It is there and has so many bytes.
    Bytes(u64),
    Nothing,
    /// S3 does not tell us.
    Denied(Failure),
}

/// The clients would print headers, and one of them may be a key of encryption.
impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Bucket {
    /// Finds the server and the credentials. Nothing is sent to the bucket.
    pub(super) async fn open(
        settings: &S3ComputeLogSettings,
        environment: &AwsEnvironment,
        keys: &Keys,
        uploads: Option<UploadArgs>,
    ) -> Result<Self, StorageError> {
        let open = async {
            let profile = Profile::load(environment).await?;
            let place = Place::find(settings, environment, &profile).await?;
            let credentials = credentials(environment, &profile, &place.region).await?;
            // The client leaves out a slash before a name. So the slash stands behind the bucket, in its address. The
            // request for several deletions has names within it; there, each object has to have a request of its own.
            let slash = if keys.is_rooted() { "/" } else { "" };
            let builder = AmazonS3Builder::new()
                .with_bucket_name(format!("{}{slash}", settings.bucket))
                .with_endpoint(&place.endpoint)
                .with_region(&place.region)
                .with_credentials(credentials)
                .with_http_connector(place.http)
                .with_disable_bulk_delete(keys.is_rooted())
                .with_retry(Patience::S3.retry_config());
            let checksum = uploads.as_ref().and_then(|uploads| uploads.checksum);
            let client = |headers: HeaderMap| {
                let mut builder = builder.clone();
                if let Some(checksum) = checksum {
                    builder = builder.with_checksum_algorithm(checksum);
                }
                let options = ClientOptions::new().with_default_headers(headers);
                builder.with_client_options(options).build()
            };
            let of_every_request = uploads.as_ref().map(|uploads| uploads.of_every_request.clone());
            let objects = client(of_every_request.unwrap_or_default())?;
            let plain = client(HeaderMap::new())?;
            let uploads = match uploads {
                Some(uploads) => Some((client(uploads.of_object.clone())?, uploads)),
                None => None,
            };
            Ok::<_, Failure>(Self { name: settings.bucket.clone(), uploads, objects, plain })
        };
        open.await.map_err(|failure| failure.of("reach", format!("s3://{}", settings.bucket)))
    }

    /// The address of an object, for people.
    pub(super) fn place(&self, key: &ObjectKey) -> String {
        format!("s3://{}/{}", self.name, key.text)
    }

    /// How many bytes an object has; `None` if there is none.
    ///
    /// For credentials that may not list the bucket, S3 denies access to what is not there. So such an answer counts
    /// as none, as it does for Dagster.
    pub(super) async fn size(&self, key: &ObjectKey) -> Result<Option<u64>, StorageError> {
        match self.look_for(key).await? {
            Found::Bytes(bytes) => Ok(Some(bytes)),
            Found::Nothing => Ok(None),
            Found::Denied(failure) => {
                let place = self.place(key);
                tracing::warn!(%place, %failure, "S3 does not say whether an object is there; it counts as absent");
                Ok(None)
            }
        }
    }

    /// All bytes of an object; none if there is no object, or if it is not for us to read.
    pub(super) async fn read_all(&self, key: &ObjectKey) -> Result<Vec<u8>, StorageError> {
        match self.look_for(key).await? {
            Found::Bytes(bytes) => self.read(key, 0..bytes).await,
            // Credentials that may only write are usual for workers.
            Found::Nothing | Found::Denied(_) => Ok(Vec::new()),
        }
    }

    async fn look_for(&self, key: &ObjectKey) -> Result<Found, StorageError> {
        let head = GetOptions { head: true, ..GetOptions::default() };
        let failure = match self.objects.get_opts(&key.path, head).await {
            Ok(found) => return Ok(Found::Bytes(found.meta.size)),
            Err(object_store::Error::NotFound { .. }) => return Ok(Found::Nothing),
            Err(object_store::Error::PermissionDenied { .. }) => {
                // That answer has no body, and so it does not say why. This one has.
                match self.objects.get_opts(&key.path, GetOptions::default()).await {
                    Ok(found) => return Ok(Found::Bytes(found.meta.size)),
                    Err(object_store::Error::NotFound { .. }) => return Ok(Found::Nothing),
                    Err(error) => Failure::from(error),
                }
            }
            Err(error) => error.into(),
        };
        if failure.code.as_deref() == Some("AccessDenied") {
            return Ok(Found::Denied(failure));
        }
        Err(failure.of("look for", self.place(key)))
    }

    /// Bytes of an object. They have to be there.
    pub(super) async fn read(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
    ) -> Result<Vec<u8>, StorageError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let range = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let read = async { self.objects.get_opts(&key.path, range).await?.bytes().await };
        let bytes = read.await.map_err(|error| Failure::from(error).of("read", self.place(key)))?;
        Ok(bytes.to_vec())
    }

    /// Makes an object of bytes and of a file behind them, at most of so many bytes. When it returns, the object is
    /// there as a whole; if it fails, it is as before. Returns how many bytes there were.
    pub(super) async fn upload(
        &self,
        key: &ObjectKey,
        before: Vec<u8>,
        file: &FilePath,
        max_bytes: Option<u64>,
    ) -> Result<u64, StorageError> {
        let failed = |failure: Failure| {
            let failure = failure.and("the file stays where it is");
            failure.of("upload", format!("{} to {}", file.display(), self.place(key)))
        };
        let open = async {
            let file = File::open(file).await?;
            Ok::<_, std::io::Error>((file.metadata().await?.len(), file))
        };
        let (file_bytes, opened) =
            open.await.map_err(|error| failed(Failure::new(format!("cannot read it: {error}"))))?;
        let bytes = file_bytes + before.len() as u64;
        let limit = max_bytes.map_or(bytes, |max_bytes| bytes.min(max_bytes));
        if limit < bytes {
            let place = self.place(key);
            tracing::warn!(%place, bytes, limit, "only the beginning of a captured output is uploaded");
        }
        // What a running process adds meanwhile is left to the next upload.
        let content = Cursor::new(before).chain(opened).take(limit);
        self.put(key, content, limit).await.map_err(failed)?;
        Ok(bytes)
    }

    async fn put(
        &self,
        key: &ObjectKey,
        mut content: impl AsyncRead + Unpin,
        bytes: u64,
    ) -> Result<(), Failure> {
        let Some((uploads, arguments)) = &self.uploads else {
            return Err(Failure::new("upload_extra_args are not right"));
        };
        let attributes = arguments.attributes.clone();
        let part_bytes = PART_BYTES.max(bytes.div_ceil(MAX_PARTS));
        let first = part(&mut content, part_bytes).await?;
        if bytes <= part_bytes {
            let options = PutOptions { attributes, ..PutOptions::default() };
            uploads.put_opts(&key.path, PutPayload::from(first), options).await?;
            return Ok(());
        }
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        let id = uploads.create_multipart_opts(&key.path, options).await?;
        let put = self.put_parts(key, &id, first, content, part_bytes).await;
        if put.is_err()
            && let Err(error) = self.objects.abort_multipart(&key.path, &id).await
        {
            // The first error is the one to tell. What is left costs money until the bucket's rules remove it.
            let (place, error) = (self.place(key), Failure::from(error));
            tracing::warn!(%place, %error, "parts of a failed upload stay in the bucket");
        }
        put
    }

    async fn put_parts(
        &self,
        key: &ObjectKey,
        id: &String,
        first: Vec<u8>,
        mut content: impl AsyncRead + Unpin,
        part_bytes: u64,
    ) -> Result<(), Failure> {
        let mut parts: Vec<PartId> = Vec::new();
        let mut next = first;
        while !next.is_empty() {
            let payload = PutPayload::from(next);
            parts.push(self.objects.put_part(&key.path, id, parts.len(), payload).await?);
            next = part(&mut content, part_bytes).await?;
        }
        self.objects.complete_multipart(&key.path, id, parts).await?;
        Ok(())
    }

    /// The names of the objects directly below a prefix, without it.
    pub(super) async fn names_below(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        let found = self.list(prefix, Some("/")).await?;
        let names =
            found.into_iter().filter_map(|object| Some(object.location.filename()?.to_owned()));
        Ok(names.collect())
    }

    /// Deletes all objects whose names begin with a prefix.
    pub(super) async fn delete_below(&self, prefix: &str) -> Result<(), StorageError> {
        let found = self.list(prefix, None).await?;
        let paths = found.into_iter().map(|object| object.location).collect();
        self.delete_paths(paths, &format!("s3://{}/{prefix}", self.name)).await
    }

    /// Deletes objects; those that are not there are gone already.
    pub(super) async fn delete(&self, keys: Vec<ObjectKey>) -> Result<(), StorageError> {
        let place = keys.first().map(|key| self.place(key)).unwrap_or_default();
        self.delete_paths(keys.into_iter().map(|key| key.path).collect(), &place).await
    }

    async fn delete_paths(&self, paths: Vec<Path>, place: &str) -> Result<(), StorageError> {
        let deleted = self.plain.delete_stream(stream::iter(paths.into_iter().map(Ok)).boxed());
        let deleted = deleted.try_for_each(|_| std::future::ready(Ok(()))).await;
        deleted.map_err(|error| Failure::from(error).of("delete", place))
    }

    async fn list(
        &self,
        prefix: &str,
        delimiter: Option<&'static str>,
    ) -> Result<Vec<ObjectMeta>, StorageError> {
        let (mut found, mut page_token) = (Vec::new(), None);
        loop {
            let options = PaginatedListOptions {
                delimiter: delimiter.map(Into::into),
                page_token,
                ..PaginatedListOptions::default()
            };
            let page = self.plain.list_paginated(Some(prefix), options).await.map_err(|error| {
                Failure::from(error).of("list", format!("s3://{}/{prefix}", self.name))
            })?;
            found.extend(page.result.objects);
            page_token = page.page_token;
            if page_token.is_none() {
                return Ok(found);
            }
        }
    }

    /// An address from which an object can be downloaded without credentials, for an hour.
    pub(super) async fn signed_url(&self, key: &ObjectKey) -> Result<String, StorageError> {
        let signed = self.plain.signed_url(reqwest::Method::GET, &key.path, SIGNED_FOR).await;
        let url = signed.map_err(|error| Failure::from(error).of("sign", self.place(key)))?;
        Ok(url.into())
    }
}

/// The next bytes, so many unless the content ends.
async fn part(content: &mut (impl AsyncRead + Unpin), bytes: u64) -> Result<Vec<u8>, Failure> {
    let mut part = Vec::new();
    let read = content.take(bytes).read_to_end(&mut part).await;
    read.map_err(|error| Failure::new(format!("cannot read it: {error}")))?;
    Ok(part)
}
