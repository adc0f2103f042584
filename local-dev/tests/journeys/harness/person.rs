//! A person at a browser: opens pages, fills fields by their labels, presses buttons by their words, and
//! reads what is there.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use thirtyfour::error::{WebDriverErrorInner, WebDriverResult};
use thirtyfour::session::handle::SessionHandle;
use thirtyfour::{Key, WebElement};

use super::finder::Kind;
use super::looks::Look;
use super::{Findings, Portal, Script, wait_for};

/// Somebody with a browser.
#[derive(Debug, Clone)]
pub struct Person {
    pub(super) name: String,
    pub(super) page: Arc<SessionHandle>,
    /// Whether the browser runs scripts.
    pub script: Script,
    pub(super) portal: Arc<Portal>,
    pub(super) journey: String,
    pub(super) findings: Findings,
}

impl Person {
    pub(super) fn new(
        name: &str,
        page: Arc<SessionHandle>,
        script: Script,
        portal: Arc<Portal>,
        journey: &str,
        findings: &Findings,
    ) -> Self {
        let (name, journey) = (name.to_owned(), journey.to_owned());
        Self { name, page, script, portal, journey, findings: findings.clone() }
    }

    pub(super) async fn settle_in(&self) {
        self.wear(Look::DESK).await;
    }

    /// Opens an address of the portal, or a whole one.
    pub async fn open(&self, path: &str) {
        let whole = if path.starts_with('/') { format!("{}{path}", self.portal.address()) } else { path.to_owned() };
        self.page.goto(whole.as_str()).await.unwrap_or_else(|error| panic!("{whole} does not open: {error}"));
        self.listen().await;
    }

    /// Path and query of where the browser is.
    pub async fn at(&self) -> String {
        let url = self.page.current_url().await.unwrap();
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// Waits until the path is this one; the query does not matter.
    pub async fn expect_at(&self, path: &str) {
        let there = wait_for(async || (self.page.current_url().await.ok()?.path() == path).then_some(())).await;
        if there.is_none() {
            self.stuck(&format!("{path} does not open")).await;
        }
        self.listen().await;
    }

    /// Status of the page's own request.
    pub async fn status(&self) -> u64 {
        let script = "return performance.getEntriesByType('navigation')[0].responseStatus";
        self.ask(script, &[]).await.as_u64().unwrap_or_default()
    }

    /// Opens an address that must be refused with this status.
    pub async fn is_refused(&self, path: &str, status: u64) {
        self.open(path).await;
        assert_eq!(self.status().await, status, "{} opens {path}", self.name);
    }

    /// Waits until the page shows a text.
    pub async fn expect(&self, text: &str) {
        if wait_for(async || self.shows(text).await.then_some(())).await.is_none() {
            self.stuck(&format!("\"{text}\" does not appear")).await;
        }
    }

    /// Waits until a text is gone.
    pub async fn expect_gone(&self, text: &str) {
        if wait_for(async || (!self.shows(text).await).then_some(())).await.is_none() {
            self.stuck(&format!("\"{text}\" stays")).await;
        }
    }

    /// True when the page shows the text now.
    pub async fn shows(&self, text: &str) -> bool {
        self.text().await.contains(text)
    }

    /// The visible words of the page, with single spaces.
    pub async fn text(&self) -> String {
        let text = self.ask("return document.body?.innerText ?? ''", &[]).await;
        text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The source of the page as it is now.
    pub async fn source(&self) -> String {
        self.page.source().await.unwrap()
    }

    /// Replaces what a field holds.
    pub async fn fill(&self, label: &str, text: &str) {
        let field = self.find(Kind::Field, label).await;
        if let Err(error) = field.clear().await {
            self.stuck(&format!("\"{label}\" cannot be filled in: {error}")).await;
        }
        field.send_keys(text).await.unwrap();
    }

    /// What a field holds.
    pub async fn value(&self, label: &str) -> String {
        self.find(Kind::Field, label).await.prop("value").await.unwrap().unwrap_or_default()
    }

    /// Ticks a box or picks a choice by its label.
    pub async fn tick(&self, label: &str) {
        let field = self.find(Kind::Field, label).await;
        if field.is_selected().await.unwrap() {
            return;
        }
        if field.click().await.is_err() {
            let label = self.ask("return arguments[0].labels[0]", &[field.to_json().unwrap()]).await;
            WebElement::from_json(label, Arc::clone(&self.page)).unwrap().click().await.unwrap();
        }
    }

    /// Gives a file to a field.
    pub async fn attach(&self, label: &str, file: &Path) {
        let field = self.find(Kind::Field, label).await;
        field.send_keys(file.display().to_string()).await.unwrap();
    }

    /// Presses a button by its words.
    pub async fn press(&self, name: &str) {
        self.click(Kind::Button, name).await;
    }

    /// Follows a link by its words.
    pub async fn follow(&self, name: &str) {
        self.click(Kind::Link, name).await;
    }

    async fn click(&self, kind: Kind, name: &str) {
        let found = self.find(kind, name).await;
        if let Err(error) = self.mouse(&found).await {
            self.stuck(&format!("\"{name}\" cannot be pressed: {error}")).await;
        }
        self.listen().await;
    }

    /// The driver takes what stands in a panel that is open by its style alone for hidden; the mouse does not.
    async fn mouse(&self, element: &WebElement) -> WebDriverResult<()> {
        match element.click().await {
            Err(error) if matches!(*error, WebDriverErrorInner::ElementNotInteractable(_)) => {
                element.scroll_into_view().await?;
                self.page.action_chain().move_to_element_center(element).click().perform().await
            }
            clicked => clicked,
        }
    }

    /// Presses a button twice as fast as a mouse can.
    pub async fn double_press(&self, name: &str) {
        let button = self.find(Kind::Button, name).await;
        self.page.action_chain().double_click_element(&button).perform().await.unwrap();
    }

    /// Goes one page back.
    pub async fn back(&self) {
        self.page.back().await.unwrap();
        self.listen().await;
    }

    /// Presses a key where the focus is.
    pub async fn key(&self, key: Key) {
        self.page.action_chain().send_keys(key).perform().await.unwrap();
    }

    /// Presses a key while another is held down.
    pub async fn chord(&self, held: Key, key: &str) {
        let keys = self.page.action_chain().key_down(held.clone()).send_keys(key).key_up(held);
        keys.perform().await.unwrap();
    }

    /// Presses a key while two others are held down.
    pub async fn chord_of_two(&self, held: Key, also: Key, key: Key) {
        let keys = self.page.action_chain().key_down(held.clone()).key_down(also.clone());
        keys.send_keys(key).key_up(also).key_up(held).perform().await.unwrap();
    }

    /// Forgets who is signed in, as a browser of somebody else would.
    pub async fn forget(&self) {
        self.page.delete_all_cookies().await.unwrap();
    }

    /// Runs a script and returns what it says.
    pub async fn ask(&self, script: &str, arguments: &[Value]) -> Value {
        match self.page.execute(script, arguments.to_vec()).await {
            Ok(answer) => answer.json().clone(),
            // A page that is being replaced has no answer yet.
            Err(_) => Value::Null,
        }
    }

    /// The addresses of the links and pictures that carry a name.
    pub async fn addresses_of(&self, name: &str) -> Vec<String> {
        let script = "const has = (e) => (e.innerText + ' ' + (e.alt ?? '')).includes(arguments[0]); \
            return [...document.querySelectorAll('main a[href], main img[src]')].filter(has) \
              .map((e) => e.getAttribute('href') ?? e.getAttribute('src'))";
        let answer = self.ask(script, &[json!(name)]).await;
        answer.as_array().into_iter().flatten().filter_map(|a| a.as_str().map(str::to_owned)).collect()
    }

    /// The picture of this name can be fetched here.
    pub async fn sees_picture(&self, name: &str) {
        for path in self.addresses_of(name).await {
            let (status, size) = self.fetch(&path).await;
            assert!(status == 200 && size > 100, "{path} answers {status} with {size} bytes");
        }
    }

    /// Fetches an address as this person's browser would, past its cache; returns status and size.
    pub async fn fetch(&self, path: &str) -> (u16, usize) {
        let answer = self.request(reqwest::Method::GET, path).await.send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap().len())
    }

    /// Sends a form as this person's browser would; returns the status.
    pub async fn send(&self, path: &str, body: &str) -> u16 {
        let request = self.request(reqwest::Method::POST, path).await;
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        request.header(kind.0, kind.1).body(body.to_owned()).send().await.unwrap().status().as_u16()
    }

    async fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let cookies = self.page.get_all_cookies().await.unwrap();
        let pairs: Vec<String> = cookies.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        let token = cookies.iter().find(|cookie| cookie.name.ends_with("_csrf")).map_or("", |cookie| &cookie.value);
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.portal.address()));
        request.header("Cookie", pairs.join("; ")).header("X-CSRF-Token", token)
    }

    /// Ends the journey with what can be seen here.
    pub(super) async fn stuck(&self, what: &str) -> ! {
        let at = self.at().await;
        let text: String = self.text().await.chars().take(1500).collect();
        let log = self.portal.log_end(5);
        panic!("{}: {what}, at {at}\n  the page says: {text}\n  the server says: {log}", self.name);
    }
}
