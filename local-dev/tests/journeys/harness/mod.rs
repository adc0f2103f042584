//! What every journey stands on: a server of its own, a browser for each person, and a list of findings
//! that fails the journey at its end.

mod browser;
mod finder;
mod keys;
mod looks;
mod mails;
mod person;
mod pictures;
mod portal;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::sync::Semaphore;

use browser::Browser;

pub use looks::Look;
pub use mails::{Letter, Mail};
pub use person::Person;
pub use pictures::{Phone, picture};
pub use portal::Portal;

/// Two cores carry one browser and one server well; more of them only wait for each other.
static TURN: Semaphore = Semaphore::const_new(1);

/// How long anything may take to appear.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Whether the browser runs scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// As most people have it.
    On,
    /// Switched off.
    Off,
}

/// What a journey found wrong without being stopped by it, and which links it has tried.
#[derive(Debug, Clone, Default)]
pub struct Findings(Arc<Mutex<Vec<String>>>, Arc<Mutex<BTreeSet<String>>>);

impl Findings {
    /// Notes one, once.
    pub fn add(&self, text: String) {
        let mut all = self.0.lock().unwrap();
        if !all.contains(&text) {
            all.push(text);
        }
    }

    /// True the first time.
    pub fn is_new_link(&self, whose: &str, path: &str) -> bool {
        self.1.lock().unwrap().insert(format!("{whose} {path}"))
    }

    fn list(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// One journey: the portal and the people who use it.
#[derive(Debug)]
pub struct House {
    /// The running server.
    pub portal: Arc<Portal>,
    name: String,
    script: Script,
    findings: Findings,
    browsers: Mutex<Vec<Browser>>,
}

impl House {
    /// Somebody with a browser of their own, at the width of a desk.
    pub async fn person(&self, name: &str) -> Person {
        let browser = Browser::start(self.script).await;
        let page = browser.page();
        self.browsers.lock().unwrap().push(browser);
        let person = Person::new(name, page, self.script, Arc::clone(&self.portal), &self.name, &self.findings);
        person.settle_in().await;
        person
    }
}

/// Runs a journey on a portal of its own and ends everything, whatever happened.
pub async fn journey(name: &str, script: Script, mail: Mail, walk: impl AsyncFnOnce(&House)) {
    let turn = TURN.acquire().await.unwrap();
    let begun = Instant::now();
    let portal = Arc::new(Portal::start(mail).await);
    let house = House {
        portal: Arc::clone(&portal),
        name: name.to_owned(),
        script,
        findings: Findings::default(),
        browsers: Mutex::default(),
    };
    let outcome = AssertUnwindSafe(walk(&house)).catch_unwind().await;
    let browsers = std::mem::take(&mut *house.browsers.lock().unwrap());
    for (number, browser) in browsers.into_iter().enumerate() {
        if outcome.is_err() {
            browser.last_look(&screens().join(format!("{name}-failed-{number}.png"))).await;
        }
        browser.quit().await;
    }
    portal.stop(&house.findings).await;
    println!("journey {name}: {:.1} s", begun.elapsed().as_secs_f64());
    drop(turn);
    let findings = house.findings.list();
    for finding in &findings {
        println!("FINDING {name}: {finding}\n");
    }
    if let Err(panic) = outcome {
        println!("{}", portal.log_end(40));
        std::panic::resume_unwind(panic);
    }
    assert!(findings.is_empty(), "{} findings, listed above", findings.len());
}

/// Where pictures of pages are kept for people to look at.
pub fn screens() -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let folder = target.parent().unwrap_or(&target).join("screens");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Asks until the answer is there or patience ends.
pub async fn wait_for<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return Some(answer);
        }
        if begun.elapsed() > PATIENCE {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

/// A folder that nothing else uses.
pub fn scratch(kind: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("myportal-{kind}-{}", shared::tokens::random_hex(8)));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
