//! How a page looks: pictures of it at two widths in two themes, axe, sideways scrolling, words, and what
//! the browser's console says.

use serde_json::{Value, json};

use super::{Person, Script, screens, wait_for};

/// Where `templates/ui/build` installs it.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../templates/ui/node_modules/axe-core/axe.min.js");

const RUN_AXE: &str = r#"
const done = arguments[arguments.length - 1];
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] }).then(
  (result) => done(result.violations.map((v) => ({
    rule: v.id, help: v.help,
    nodes: v.nodes.slice(0, 5).map((n) => n.html.slice(0, 200) + "\n      " + n.failureSummary.replace(/\s+/g, " ").slice(0, 300)),
  }))),
  (error) => done([{ rule: "axe itself", help: String(error), nodes: [] }]),
);
"#;

/// What has to hold whatever the width: structure, and words that the house does not use.
const CHECK: &str = include_str!("check.js");

/// The tallest picture, in pixels.
const TALLEST: u32 = 6000;

/// A width, a height and a theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    width: u32,
    height: u32,
    theme: &'static str,
}

impl Look {
    /// What people sit at.
    pub const DESK: Self = Self { width: 1280, height: 900, theme: "light" };
    /// What people carry.
    pub const PHONE: Self = Self { width: 360, height: 740, theme: "light" };
    /// A desk at 400 %.
    const ZOOMED: Self = Self { width: 320, height: 640, theme: "light" };

    const ALL: [Self; 4] =
        [Self { theme: "dark", ..Self::PHONE }, Self::PHONE, Self { theme: "dark", ..Self::DESK }, Self::DESK];
}

impl Person {
    /// Gives the window a size and the system a theme.
    pub async fn wear(&self, look: Look) {
        let size = json!({ "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", size).await;
        self.tell("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
        let features = json!([
            { "name": "prefers-color-scheme", "value": look.theme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.tell("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        // Colours on their way from one theme to the other are no colours of ours.
        let moves = "return document.getAnimations().some((a) => a instanceof CSSTransition)";
        wait_for(async || (self.ask(moves, &[]).await != true).then_some(())).await;
    }

    pub(super) async fn tell(&self, command: &str, parameters: Value) -> Value {
        let cdp = thirtyfour::cdp::Cdp::new(std::sync::Arc::clone(&self.page));
        cdp.send_raw(command, parameters).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Looks at the page in every size and theme; what is wrong becomes a finding.
    pub async fn look(&self, step: &str) {
        self.look_in(step, &Look::ALL).await;
    }

    /// The same in some sizes and themes.
    pub async fn look_in(&self, step: &str, looks: &[Look]) {
        self.console(step).await;
        self.check(step).await;
        // Another database or mail server changes no colour.
        if self.portal.is_on_server() || self.portal.sink().is_some() {
            return;
        }
        for &look in looks {
            self.wear(look).await;
            self.sideways(step, look).await;
            if self.script == Script::On {
                self.axe(step, look).await;
            }
            self.photograph(step, look).await;
        }
        self.wear(Look::ZOOMED).await;
        self.sideways(step, Look::ZOOMED).await;
        self.wear(Look::DESK).await;
        self.links(step).await;
        self.console(step).await;
    }

    /// Every link of the page leads somewhere.
    async fn links(&self, step: &str) {
        if step == "gallery" {
            return;
        }
        let script = "return [...document.querySelectorAll('a[href^=\"/\"]')].map((a) => a.getAttribute('href'))";
        let answer = self.ask(script, &[]).await;
        for path in answer.as_array().into_iter().flatten().filter_map(Value::as_str) {
            let path = path.split('#').next().unwrap_or_default();
            if !self.findings.is_new_link(&self.name, path) {
                continue;
            }
            let status = self.fetch(path).await.0;
            if status >= 400 {
                self.findings.add(format!("{step}: a link leads to {path}, which answers {status}"));
            }
        }
    }

    /// A picture of the whole page.
    async fn photograph(&self, step: &str, look: Look) {
        let png = self.shot(look).await;
        let name = format!("{}-{step}-{}-{}.png", self.journey, look.width, look.theme);
        std::fs::write(screens().join(name), png).unwrap();
    }

    /// The whole page as PNG: the window grows to the height of the page for it.
    pub async fn shot(&self, look: Look) -> Vec<u8> {
        let height = self.ask("return document.documentElement.scrollHeight", &[]).await;
        let height = u32::try_from(height.as_u64().unwrap_or_default()).unwrap_or_default();
        self.wear(Look { height: height.clamp(look.height, TALLEST), ..look }).await;
        self.page.screenshot_as_png().await.expect("a picture of the page")
    }

    async fn sideways(&self, step: &str, look: Look) {
        let script = "const wide = document.documentElement.scrollWidth; if (wide <= innerWidth) return null; \
            const scrolls = (e) => e && e !== document.body && (getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement)); \
            const out = [...document.body.querySelectorAll('*')].filter((e) => \
              e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e.parentElement)).map((e) => e.outerHTML.slice(0, 90)); \
            return wide + ' px: ' + out.slice(0, 3).join(' | ')";
        if let Some(wide) = self.ask(script, &[]).await.as_str() {
            self.findings.add(format!("{step}: scrolls sideways at {}: {wide}", look.width));
        }
    }

    async fn axe(&self, step: &str, look: Look) {
        if self.ask("return typeof axe", &[]).await != "object" {
            let source = std::fs::read_to_string(AXE).expect("templates/ui/build was run");
            self.page.execute(source, vec![]).await.expect("axe loads");
        }
        let answer = self.page.execute_async(RUN_AXE, vec![]).await.expect("axe runs");
        for violation in answer.json().as_array().into_iter().flatten() {
            let nodes: Vec<&str> =
                violation["nodes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let (rule, help) = (violation["rule"].as_str().unwrap_or("?"), violation["help"].as_str().unwrap_or("?"));
            let (width, theme) = (look.width, look.theme);
            self.findings.add(format!("{step} {width} {theme}: axe {rule}: {help}\n    {}", nodes.join("\n    ")));
        }
    }

    async fn check(&self, step: &str) {
        let answer = self.ask(CHECK, &[]).await;
        for problem in answer.as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.findings.add(format!("{step}: {problem}"));
        }
    }

    /// From now on the page keeps what the content policy refuses.
    pub(super) async fn listen(&self) {
        let script = "if (window.refusals) return; window.refusals = []; \
            document.addEventListener('securitypolicyviolation', (e) => \
              window.refusals.push(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample))";
        self.ask(script, &[]).await;
    }

    /// What the browser complains about; pages that are refused on purpose are no complaint.
    pub async fn console(&self, step: &str) {
        let refusals = self.ask("return window.refusals ?? []", &[]).await;
        for refusal in refusals.as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.findings.add(format!("{step}: the content policy refused {refusal}"));
        }
        for entry in self.page.browser_log().await.unwrap_or_default() {
            let is_answer = entry.source.as_deref() == Some("network") && entry.message.contains("status of 4");
            let is_own = entry.message.contains("/static/");
            if matches!(entry.level.as_str(), "SEVERE" | "WARNING") && (!is_answer || is_own) {
                self.findings.add(format!("{step}: console {}: {}", entry.level, entry.message));
            }
        }
    }
}
