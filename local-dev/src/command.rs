//! The command line: few commands, read by hand.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use shared::app::App;
use shared::audit::Anchor;
use shared::config::{Config, GeneralLimits};

use crate::{admin, all, demo, measure, plain, rotate, server, settings, trail};

const HELP: &str = "\
myportal - the whole portal in one process

  myportal [serve]                start the server
  myportal migrate                bring the database up to date
  myportal migrate --print mysql  print the schema for MySQL and change nothing
  myportal demo                   load believable demo data (not in production)
  myportal admin create --email ana@example.com [--first-name Ana] [--last-name Ruiz] [--reset-password]
                                  add a super administrator, or make a new link with --reset-password
  myportal secrets rotate         seal stored secrets anew under TOTP_ENCRYPTION_KEY
  myportal audit verify [--expect 812:<digest>]
                                  check the seal of the audit trail and name the first broken record
  myportal measure organisation [--companies 5000] [--memberships 50000] [--audit 1000000]
                     [--requests 200] [--rate 200]
                                  fill an empty database and print how long its lists take
  myportal measure tickets [--tickets 1000000] [--replies 10000000] [--companies 5000] [--memberships 50000]
                     [--requests 200] [--rate 200]
                                  the same for lists, filters, searches and records of tickets
  myportal routes                 print every route with who may call it
  myportal openapi [--print]      write functions/site/openapi.json, or print it
  myportal help | --version

Settings come from the environment or from a file .env in the working folder; .env.example lists them.
";

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Start the server.
    Serve,
    /// Bring the database up to date.
    Migrate,
    /// Print the schema for MySQL.
    PrintSchema,
    /// Load the demo data.
    Demo,
    /// Add a super administrator.
    Admin(admin::Request),
    /// Seal stored secrets anew.
    Rotate,
    /// Check the seal of the audit trail.
    VerifyAudit(Option<Anchor>),
    /// Fill the database and measure the lists over it.
    Measure(measure::Subject, measure::Amounts),
    /// Print the route table.
    Routes,
    /// Write the OpenAPI document, or print it.
    OpenApi {
        /// To the terminal instead of the file.
        print: bool,
    },
    /// Say what there is.
    Help,
    /// Say which version this is.
    Version,
}

/// Runs the command of the process; a failure is one sentence and exit code 1.
pub fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = parse(&words).and_then(|command| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
        let outcome = runtime.block_on(run(command));
        // What still runs after the grace period is not waited for.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("myportal: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the words after the program's name.
pub fn parse(words: &[&str]) -> Result<Command> {
    Ok(match words {
        [] | ["serve"] => Command::Serve,
        ["migrate"] => Command::Migrate,
        ["migrate", "--print", "mysql"] | ["migrate", "--print=mysql"] => Command::PrintSchema,
        ["demo"] => Command::Demo,
        ["admin", "create", rest @ ..] => Command::Admin(admin::parse(rest)?),
        ["secrets", "rotate"] => Command::Rotate,
        ["audit", "verify", rest @ ..] => Command::VerifyAudit(trail::parse(rest)?),
        ["measure", rest @ ..] => {
            let (subject, amounts) = measure::parse(rest)?;
            Command::Measure(subject, amounts)
        }
        ["routes"] => Command::Routes,
        ["openapi"] => Command::OpenApi { print: false },
        ["openapi", "--print"] => Command::OpenApi { print: true },
        ["help" | "--help" | "-h"] => Command::Help,
        ["version" | "--version" | "-V"] => Command::Version,
        other => bail!("there is no command `{}`. `myportal help` lists them.", other.join(" ")),
    })
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve => return server::run().await,
        Command::PrintSchema => print!("{}", shared::db::print_mysql()),
        Command::Routes => print!("{}", route_table()),
        Command::OpenApi { print: true } => println!("{}", openapi()?),
        Command::OpenApi { print: false } => write_openapi()?,
        Command::Help => print!("{HELP}"),
        Command::Version => println!("myportal {}", env!("CARGO_PKG_VERSION")),
        Command::Migrate => {
            open().await?;
            println!("The database is up to date.");
        }
        Command::Demo => demo::load(&open().await?).await?,
        Command::Admin(request) => admin::create(&open().await?, &request).await?,
        Command::Rotate => rotate::run(&open().await?).await?,
        Command::Measure(subject, amounts) => {
            // What is measured is the portal, not its guards.
            let none = GeneralLimits { coarse: 0, anonymous: 0, signed_in: 0 };
            measure::run(&open_with(|config| config.limits = none).await?, subject, amounts).await?;
        }
        Command::VerifyAudit(anchor) => trail::verify(&open().await?, anchor).await?,
    }
    Ok(())
}

/// The app of a command that works on the database and answers nobody.
async fn open() -> Result<App> {
    open_with(|_| ()).await
}

async fn open_with(change: impl FnOnce(&mut Config)) -> Result<App> {
    let mut settings = settings::load()?;
    change(&mut settings.config);
    shared::serve::start_logs(&settings.config, false);
    let app = App::start(settings.config, shared::routes::Table::default()).await.map_err(plain)?;
    app.db().migrate().await.map_err(plain)?;
    Ok(app)
}

/// Method, path, area, caller and scope of every deployed route, one a line.
pub fn route_table() -> String {
    let table = all::routes().table();
    let lines = table.all().into_iter().map(|route| {
        let kind = if route.is_page { "page" } else { "json" };
        let scope = route.scope.map(|scope| format!(" [{scope}]")).unwrap_or_default();
        format!("{:<6} {:<62} {:<10} {kind}  {}{scope}\n", route.method.as_str(), route.path, route.area, route.access)
    });
    lines.collect()
}

/// The OpenAPI document of all areas.
pub fn openapi() -> Result<String> {
    Ok(all::routes().openapi().to_pretty_json()?)
}

fn write_openapi() -> Result<()> {
    let path = std::path::Path::new("functions/site/openapi.json");
    std::fs::write(path, openapi()? + "\n")
        .with_context(|| format!("{} cannot be written; run this in the project's folder", path.display()))?;
    println!("{} is written.", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        assert_eq!(parse(&[]).unwrap(), Command::Serve);
        assert_eq!(parse(&["serve"]).unwrap(), Command::Serve);
        assert_eq!(parse(&["migrate", "--print", "mysql"]).unwrap(), Command::PrintSchema);
        assert_eq!(parse(&["openapi", "--print"]).unwrap(), Command::OpenApi { print: true });
        assert_eq!(parse(&["-h"]).unwrap(), Command::Help);
    }

    #[test]
    fn unknown_words_are_named() {
        for words in [&["sevre"][..], &["migrate", "--print", "oracle"], &["admin"], &["secrets"], &["audit"]] {
            let error = parse(words).unwrap_err().to_string();
            assert!(error.contains(words[0]) && error.contains("help"), "{error}");
        }
    }
}
