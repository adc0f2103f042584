//! Wakes the worker function after a request that queued work (decisions 11.10): without it, mail would
//! wait for the schedule's next minute. The local server wakes its own loop instead ([`crate::db::Db::wake`]).

use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

/// A request waits no longer than this; the schedule finds the work anyway.
const LIMIT: Duration = Duration::from_secs(1);

/// After a failure nobody waits for another one: a network without a way to the API stays quick.
const PAUSE: Duration = Duration::from_mins(1);

/// The worker function, as its callers see it.
#[derive(Debug)]
pub struct WorkerCall {
    function: String,
    failed_at: Mutex<Option<Instant>>,
    client: OnceCell<(SdkConfig, reqwest::Client)>,
}

impl WorkerCall {
    /// A call of the function with this name or ARN. Nothing is looked up before the first call.
    pub fn of(function: &str) -> Self {
        Self { function: function.to_owned(), failed_at: Mutex::default(), client: OnceCell::new() }
    }

    /// Asks for one run and does not wait for it. What fails is logged: the work is safe in its table.
    pub async fn invoke(&self) {
        let mut failed_at = self.failed_at.lock().await;
        if failed_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        let sent = tokio::time::timeout(LIMIT, self.send()).await;
        let sent = sent.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer in time")));
        *failed_at = sent.is_err().then(Instant::now);
        if let Err(error) = sent {
            tracing::warn!(%error, "the worker was not woken; the schedule finds the work");
        }
    }

    async fn send(&self) -> anyhow::Result<()> {
        let (config, client) = self.client.get_or_try_init(open).await?;
        let request = reqwest::Request::try_from(self.signed(config).await?)?;
        client.execute(request).await?.error_for_status()?;
        Ok(())
    }

    /// `Invoke` of the Lambda API with the invocation type `Event`, signed as Signature Version 4 says.
    async fn signed(&self, config: &SdkConfig) -> anyhow::Result<http::Request<Vec<u8>>> {
        let region = config.region().map_or("us-east-1", AsRef::as_ref);
        let provider = config.credentials_provider().ok_or_else(|| anyhow::anyhow!("there are no credentials"))?;
        let identity = provider.provide_credentials().await?.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("lambda")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let url = address(config.endpoint_url(), region, &self.function);
        let headers = [("x-amz-invocation-type", "Event"), ("content-type", "application/json")];
        let signable = SignableRequest::new("POST", &url, headers.into_iter(), SignableBody::Bytes(b"{}"))?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        let builder = http::Request::post(&url).header(headers[0].0, headers[0].1).header(headers[1].0, headers[1].1);
        let mut request = builder.body(b"{}".to_vec())?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

async fn open() -> anyhow::Result<(SdkConfig, reqwest::Client)> {
    // The API is reached by the operator's own network, so neither guard nor proxy rules of ours apply.
    let client = reqwest::Client::builder().connect_timeout(LIMIT).timeout(LIMIT).build()?;
    Ok((aws_config::load_defaults(BehaviorVersion::latest()).await, client))
}

/// Where a function is invoked (AWS Lambda API reference, `Invoke`).
fn address(endpoint: Option<&str>, region: &str, function: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let own = || format!("https://lambda.{region}.{suffix}");
    let base = endpoint.map_or_else(own, |endpoint| endpoint.trim_end_matches('/').to_owned());
    let name = percent_encoding::utf8_percent_encode(function, percent_encoding::NON_ALPHANUMERIC);
    format!("{base}/2015-03-31/functions/{name}/invocations")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_names_region_and_function() {
        let at = |region| address(None, region, "portal-worker");
        assert!(at("eu-west-2").starts_with("https://lambda.eu-west-2.amazonaws.com/2015-03-31/functions/"));
        assert!(at("cn-north-1").starts_with("https://lambda.cn-north-1.amazonaws.com.cn/"));
        let own = address(Some("http://127.0.0.1:9/"), "eu-west-2", "worker");
        assert_eq!(own, "http://127.0.0.1:9/2015-03-31/functions/worker/invocations");
    }
}
