//! From routes to answers: the one router that the function, the local server and the tests use, and
//! the two ways to run it.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::serve::ListenerExt as _;
use futures_util::FutureExt as _;
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use tower::util::MapRequest;
use tower::{Service as _, ServiceExt as _};
use tracing_subscriber::EnvFilter;

use crate::app::App;
use crate::config::Config;
use crate::jobs::{Jobs, Worker};
use crate::routes::Routes;
use crate::web::pipeline::{self, LambdaAddress};
use crate::worker_call::WorkerCall;

/// The worker function takes work for this long; what is running then may finish, within a job's limit.
const TAKES_WORK: Duration = Duration::from_secs(45);

/// What a `main` returns.
pub type Exit = ExitCode;

/// Puts the pipeline around the routes.
pub fn assemble(routes: Routes, app: App) -> Router {
    routes
        .into_router()
        .fallback(pipeline::not_found)
        .method_not_allowed_fallback(pipeline::wrong_method)
        .layer(axum::middleware::from_fn_with_state(app.clone(), pipeline::run))
        .with_state(app)
}

/// Logs as JSON in production and in functions, as text elsewhere.
pub fn start_logs(config: &Config, as_json: bool) {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_target(true);
    let started = if as_json || config.is_production() {
        logs.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    } else {
        logs.compact().try_init()
    };
    if started.is_err() {
        tracing::debug!("logs were started before");
    }
}

/// The whole `main` of a function: settings, database, then events until the runtime stops us.
pub async fn run(routes: Routes) -> Exit {
    match start(routes).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Logs may not have been started yet, and the runtime shows what a process prints.
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn start(routes: Routes) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut config = Config::from_env()?;
    config.check()?;
    // A function has no lasting file; its log lines are the record.
    config.fail2ban_log_path = None;
    start_logs(&config, true);
    let app = App::start(config, routes.table()).await.map_err(|error| error.detail().into_owned())?;
    let worker = app.config().worker_function.as_deref().map(WorkerCall::of).map(Arc::new);
    let router = assemble(routes, app.clone());
    let handle = move |event| answer_and_wake(router.clone(), event, app.clone(), worker.clone());
    lambda_http::run(lambda_http::service_fn(handle)).await
}

/// Serves a listener until `stop` is ready, then lets running requests finish.
pub async fn listen(
    router: Router,
    listener: tokio::net::TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "the connection stays with delays");
        }
    });
    let service = MapRequest::new(router, pipeline::strip_slash::<Body>);
    let service = axum::ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(service);
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}

/// A function is frozen once it has answered, so the worker is woken before.
async fn answer_and_wake(
    router: Router,
    event: lambda_http::Request,
    app: App,
    worker: Option<Arc<WorkerCall>>,
) -> Result<http::Response<Body>, std::convert::Infallible> {
    let response = answer(router, event).await;
    if let Some(worker) = worker
        && app.db().work_queued().now_or_never().is_some()
    {
        worker.invoke().await;
    }
    response
}

/// One event of the gateway through the router.
pub async fn answer(
    mut router: Router,
    event: lambda_http::Request,
) -> Result<http::Response<Body>, std::convert::Infallible> {
    let address = match event.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone(),
        _ => None,
    };
    let (mut parts, body) = event.into_parts();
    parts.extensions.insert(LambdaAddress(address.unwrap_or_default()));
    // The gateway's events carry an absolute address; routes know paths only.
    if let Some(path) = parts.uri.path_and_query().cloned() {
        parts.uri = http::Uri::from(path);
    }
    let body = match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    };
    let request = pipeline::strip_slash(http::Request::from_parts(parts, body));
    router.as_service().ready().await?.call(request).await
}

/// The whole `main` of the worker function: one tick per scheduler event.
pub async fn run_worker(jobs: Jobs) -> Exit {
    match start_worker(jobs).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn start_worker(jobs: Jobs) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let config = Config::from_env()?;
    config.check()?;
    start_logs(&config, true);
    let app = App::start(config, crate::routes::Table::default()).await.map_err(|e| e.detail().into_owned())?;
    let worker = Arc::new(Worker::new(app, jobs, "function"));
    let handle = move |_: lambda_runtime::LambdaEvent<serde_json::Value>| {
        let worker = Arc::clone(&worker);
        async move {
            let (_keep, stop) = tokio::sync::watch::channel(false);
            worker
                .tick(TAKES_WORK, &stop)
                .await
                .map_err(|error| lambda_runtime::Error::from(error.detail().into_owned()))
        }
    };
    lambda_runtime::run(lambda_runtime::service_fn(handle)).await
}
