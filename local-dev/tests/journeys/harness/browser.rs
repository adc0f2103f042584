//! A browser of its own for each person: chromedriver, a session, and an empty profile.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::json;
use thirtyfour::session::handle::SessionHandle;
use thirtyfour::{CapabilitiesHelper as _, ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver};

use super::portal::end;
use super::{Script, scratch, wait_for};

/// What makes Chromium quiet, quick and independent of the machine.
const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--lang=en-GB",
];

/// A session with its processes.
#[derive(Debug)]
pub struct Browser {
    driver: WebDriver,
    process: Child,
    profile: PathBuf,
}

impl Browser {
    /// Starts one.
    pub async fn start(script: Script) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let profile = scratch("browser");
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("chromedriver is installed");
        let address = format!("http://127.0.0.1:{port}");
        wait_for(async || reqwest::get(format!("{address}/status")).await.ok()).await.expect("chromedriver answers");
        let driver = WebDriver::new(&address, capabilities(&profile)).await.expect("chromium is installed");
        if script == Script::Off {
            driver.cdp().send_raw("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await.unwrap();
        }
        Self { driver, process, profile }
    }

    /// The session.
    pub fn page(&self) -> Arc<SessionHandle> {
        Arc::clone(self.driver.handle())
    }

    /// A picture of where a journey got stuck.
    pub async fn last_look(&self, path: &Path) {
        drop(self.driver.screenshot(path).await);
    }

    /// Ends browser and driver and removes the profile.
    pub async fn quit(self) {
        drop(self.driver.clone().quit().await);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        end(&mut self.process);
        drop(std::fs::remove_dir_all(&self.profile));
    }
}

fn capabilities(profile: &Path) -> thirtyfour::ChromeCapabilities {
    let mut wanted = DesiredCapabilities::chrome();
    for flag in FLAGS {
        wanted.add_arg(flag).unwrap();
    }
    wanted.add_arg(&format!("--user-data-dir={}", profile.display())).unwrap();
    // Nothing a page asks may stand in the way of the next step; a test that wants the question asks for it.
    wanted.set("unhandledPromptBehavior", "accept").unwrap();
    wanted.add_experimental_option("prefs", json!({ "credentials_enable_service": false })).unwrap();
    wanted.set("goog:loggingPrefs", json!({ "browser": "ALL" })).unwrap();
    wanted
}
