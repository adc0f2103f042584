//! The bucket: objects under random keys, spoken to in S3 whatever stands behind it.
//!
//! Nothing is served from it without a permission check: downloads go through the portal or through
//! addresses that are signed for a short time.

mod body;
mod error;
mod presign;
#[cfg(test)]
#[cfg(feature = "embedded-s3")]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, Credentials, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, MetadataDirective};
use bytes::Bytes;
use percent_encoding::utf8_percent_encode;
use tokio::sync::OnceCell;

pub use body::{Content, Object};
pub use error::BlobError;
use error::explain;
pub use presign::{Disposition, Presigned, content_disposition};

/// The body type of the SDK.
type Body = ByteStream;

/// How a browser takes an object that it reads straight from the bucket.
const DOWNLOAD: &str = "attachment";

/// One try and two retries.
const TRIES: u32 = 3;

/// Where the bucket is and who we are there.
#[derive(Clone)]
pub struct BlobSettings {
    /// Address of an S3-compatible server; none means Amazon's for the region.
    pub endpoint: Option<String>,
    /// The bucket's region.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// Access key; without one the environment's own credentials are used (a function's role).
    pub access_key: Option<String>,
    /// The secret of the access key.
    pub secret_key: Option<String>,
    /// Puts the bucket's name into the path instead of the host name; always so with an own endpoint.
    pub force_path_style: bool,
}

impl std::fmt::Debug for BlobSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobSettings")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Length in bytes.
    pub size: u64,
    /// The content type it was stored with, which its uploader chose.
    pub content_type: Option<String>,
}

/// The bucket, cheap to clone. The first use opens it.
#[derive(Debug, Clone)]
pub struct Blobs {
    settings: Arc<BlobSettings>,
    client: Arc<OnceCell<Client>>,
}

impl Blobs {
    /// Takes the settings; nothing goes over the network yet.
    pub fn connect(settings: BlobSettings) -> Self {
        Self { settings: Arc::new(settings), client: Arc::default() }
    }

    /// Stores an object, replacing one of the same key. Whoever reads it without us gets it as a download.
    pub async fn put(&self, key: &str, content: impl Into<Content>, content_type: &str) -> Result<(), BlobError> {
        let (body, length) = content.into().into_body()?;
        let put = self.client().await.put_object().bucket(self.bucket()).key(key);
        let put = put.content_type(content_type).content_disposition(DOWNLOAD).content_length(length).body(body);
        put.send().await.map(drop).map_err(explain)
    }

    /// Opens an object for reading.
    pub async fn get(&self, key: &str) -> Result<Object, BlobError> {
        let get = self.client().await.get_object().bucket(self.bucket()).key(key);
        let found = get.send().await.map_err(explain)?;
        Ok(Object::new(length(found.content_length()), found.content_type, found.body))
    }

    /// The first bytes of an object, at most as many as asked for.
    pub async fn get_range(&self, key: &str, bytes: u64) -> Result<Bytes, BlobError> {
        let Some(last) = bytes.checked_sub(1) else { return Ok(Bytes::new()) };
        let get = self.client().await.get_object().bucket(self.bucket()).key(key);
        let found = match get.range(format!("bytes=0-{last}")).send().await {
            Ok(found) => found,
            // The first byte of an empty object is out of its range.
            Err(error) if error.raw_response().is_some_and(|raw| raw.status().as_u16() == 416) => {
                return Ok(Bytes::new());
            }
            Err(error) => return Err(explain(error)),
        };
        let limit = usize::try_from(bytes).unwrap_or(usize::MAX);
        Object::new(length(found.content_length()), found.content_type, found.body).prefix(limit).await
    }

    /// Length and type of an object, or nothing when there is none.
    pub async fn head(&self, key: &str) -> Result<Option<Head>, BlobError> {
        let head = self.client().await.head_object().bucket(self.bucket()).key(key);
        match head.send().await.map_err(explain) {
            Ok(found) => Ok(Some(Head { size: length(found.content_length()), content_type: found.content_type })),
            Err(BlobError::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes an object; one that is not there is no error.
    pub async fn delete(&self, key: &str) -> Result<(), BlobError> {
        let delete = self.client().await.delete_object().bucket(self.bucket()).key(key);
        match delete.send().await.map(drop).map_err(explain) {
            Err(BlobError::Missing) => Ok(()),
            other => other,
        }
    }

    /// Copies an object within the bucket; what its sender said about it is replaced.
    pub async fn copy(&self, from: &str, to: &str, content_type: &str) -> Result<(), BlobError> {
        let source = format!("{}/{}", self.bucket(), utf8_percent_encode(from, presign::KEY));
        let copy = self.client().await.copy_object().bucket(self.bucket()).key(to).copy_source(source);
        let copy = copy.metadata_directive(MetadataDirective::Replace);
        let copy = copy.content_type(content_type).content_disposition(DOWNLOAD);
        copy.send().await.map(drop).map_err(explain)
    }

    /// Creates the bucket where it is missing.
    pub async fn ensure_bucket(&self) -> Result<(), BlobError> {
        let client = self.client().await;
        match client.head_bucket().bucket(self.bucket()).send().await.map_err(explain) {
            Err(BlobError::Missing) => {}
            other => return other.map(drop),
        }
        let create = client.create_bucket().bucket(self.bucket()).set_create_bucket_configuration(self.place());
        match create.send().await.map_err(explain) {
            // Another process was faster.
            Err(BlobError::Refused { code, .. }) if code.starts_with("BucketAlready") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Whether the bucket answers and lets us in.
    pub async fn ready(&self) -> Result<(), BlobError> {
        let check = self.client().await.head_bucket().bucket(self.bucket()).send();
        let answer = tokio::time::timeout(Duration::from_secs(3), check).await;
        answer.map_err(|_| BlobError::Unavailable("no answer within 3 seconds".to_owned()))?.map(drop).map_err(explain)
    }

    fn bucket(&self) -> &str {
        &self.settings.bucket
    }

    /// Amazon wants the region of every bucket outside its first one; others decide themselves.
    fn place(&self) -> Option<CreateBucketConfiguration> {
        let region = self.settings.region.as_str();
        let is_needed = self.settings.endpoint.is_none() && region != "us-east-1";
        let place = BucketLocationConstraint::from(region);
        is_needed.then(|| CreateBucketConfiguration::builder().location_constraint(place).build())
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(|| open(&self.settings)).await
    }
}

async fn open(settings: &BlobSettings) -> Client {
    let region = Region::new(settings.region.clone());
    let builder = match (&settings.access_key, &settings.secret_key) {
        (Some(key), Some(secret)) => aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .credentials_provider(Credentials::new(key, secret, None, None, "settings")),
        _ => Builder::from(&aws_config::defaults(BehaviorVersion::latest()).region(region).load().await),
    };
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(20))
        .build();
    let mut builder = builder
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
        .timeout_config(timeouts)
        // The trailing checksums of the default break streamed uploads on other servers than Amazon's.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .force_path_style(settings.force_path_style || settings.endpoint.is_some());
    builder.set_endpoint_url(settings.endpoint.clone());
    Client::from_conf(builder.build())
}

fn length(stated: Option<i64>) -> u64 {
    stated.and_then(|length| u64::try_from(length).ok()).unwrap_or(0)
}
