//! `serve`: database, embedded bucket, router and worker in one process, until it is told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use shared::app::App;
use shared::config::Config;
use shared::embedded_s3::EmbeddedS3;
use shared::jobs::{Jobs, Worker};
use shared::serve;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::local::live::{self, Hub};
use crate::settings::{self, Embedded, Settings};
use crate::{all, plain};

/// Running requests and jobs may take this long after the signal.
const GRACE: Duration = Duration::from_secs(20);

/// How often the worker looks when nothing wakes it.
const PAUSE: Duration = Duration::from_secs(5);

/// The worker takes work until nothing is left; a job that lasts an hour must not end its taking.
const A_STAY: Duration = Duration::from_hours(24);

/// Starts everything and waits for the end.
pub async fn run() -> Result<()> {
    let mut settings = settings::load()?;
    serve::start_logs(&settings.config, false);
    let listener = bind(&settings.config).await?;
    let address = listener.local_addr()?;
    let _bucket = start_bucket(&mut settings, address).await?;
    let (stop, stopped) = watch::channel(false);
    let hub = Hub::new(stopped.clone());
    let routes = all::served_routes(&settings.config, hub.clone());
    let app = App::start(settings.config.clone(), routes.table()).await.map_err(plain)?;
    app.db().migrate().await.map_err(plain)?;
    if settings.embedded.is_some() {
        app.blobs().ensure_bucket().await.context("the embedded bucket does not answer")?;
    }
    greet(&settings, address);
    let pump = tokio::spawn(live::pump(hub, app.clone(), stopped.clone()));
    let worker = app.config().worker_enabled.then(|| tokio::spawn(work(app.clone(), all::jobs(), stopped.clone())));
    let server = tokio::spawn(serve::listen(serve::assemble(routes, app.clone()), listener, told(stopped)));
    wait_for_signal().await?;
    println!("Stopping: running requests may finish.");
    stop.send_replace(true);
    app.shifts().stop();
    pump.await?;
    finish(server, worker, &app).await
}

async fn bind(config: &Config) -> Result<TcpListener> {
    let taken = || format!("cannot listen on {}; LISTEN names another address", config.listen);
    TcpListener::bind(&config.listen).await.with_context(taken)
}

/// Starts the bucket that development has instead of a real one, and points the settings at it.
async fn start_bucket(settings: &mut Settings, address: SocketAddr) -> Result<Option<EmbeddedS3>> {
    let Some(Embedded { folder, access_key, secret_key }) = settings.embedded.clone() else { return Ok(None) };
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let origin = settings
        .config
        .portal_url
        .as_ref()
        .map_or_else(|| format!("http://{address}"), |url| url.origin().ascii_serialization());
    let server = EmbeddedS3::start(folder, any_port, &access_key, &secret_key, Some(origin)).await?;
    let bucket = &mut settings.config.bucket;
    server.endpoint().clone_into(&mut bucket.endpoint);
    "uploads".clone_into(&mut bucket.name);
    bucket.access_key = access_key;
    bucket.secret_key = secret_key;
    Ok(Some(server))
}

fn greet(settings: &Settings, address: SocketAddr) {
    let config = &settings.config;
    let own = format!("http://{address}");
    let kind = if config.is_production() { "production" } else { "development" };
    println!("MyPortal {} ({kind})", env!("CARGO_PKG_VERSION"));
    println!("  Address   {}", config.base_url().unwrap_or(&own));
    let engine = if config.database_url.starts_with("sqlite:") { "SQLite" } else { "MySQL" };
    let bucket = if settings.embedded.is_some() { "embedded bucket" } else { config.bucket.name.as_str() };
    println!("  Data      {} ({engine}, {bucket})", config.data_dir);
    println!("  Mail      {}", mail_line(config, &own));
    if let Some(file) = &settings.generated {
        println!("  Secrets   made up and kept in {}", file.display());
    }
    if !config.worker_enabled {
        println!("  Worker    off (WORKER_ENABLED=false)");
    }
    let missing = settings::missing_for_production(config);
    if !config.is_production() && !missing.is_empty() {
        println!("  For production still set: {}", missing.join(", "));
    }
    println!("Ctrl-C stops it.");
}

fn mail_line(config: &Config, own: &str) -> String {
    match (config.smtp.host.as_str(), config.is_production()) {
        ("", false) => format!("caught here, read it at {own}/dev/mailbox"),
        ("", true) => "not sent: SMTP_HOST is not set".to_owned(),
        (host, _) => format!("sent through {host}"),
    }
}

/// The worker loop: every five seconds, and at once when a request has queued work.
async fn work(app: App, jobs: Jobs, mut stopped: watch::Receiver<bool>) {
    let worker = Worker::new(app.clone(), jobs, "local");
    while !*stopped.borrow() {
        match worker.tick(A_STAY, &stopped).await {
            Ok(counts) => tracing::debug!(?counts, "worker tick"),
            Err(error) => tracing::warn!(error = %error.detail(), "the worker could not look for work"),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = app.db().work_queued() => {}
            _ = stopped.changed() => {}
        }
    }
}

async fn told(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is the end as well.
    drop(stopped.wait_for(|is_over| *is_over).await);
}

async fn wait_for_signal() -> Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// Lets requests and the running job finish; a second signal or the end of the grace period cuts them off.
async fn finish(
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    worker: Option<tokio::task::JoinHandle<()>>,
    app: &App,
) -> Result<()> {
    let all = async {
        server.await??;
        if let Some(worker) = worker {
            worker.await?;
        }
        app.shifts().ended().await;
        app.db().close().await;
        anyhow::Ok(())
    };
    tokio::select! {
        done = tokio::time::timeout(GRACE, all) => match done {
            Ok(done) => done,
            Err(_) => bail!("some work did not finish within {} s and will be taken up again", GRACE.as_secs()),
        },
        signal = wait_for_signal() => signal.and_then(|()| bail!("stopped at once")),
    }
}
