//! Without a pointer: Tab to what is wanted, look at the focus on the way, press Enter.

use serde_json::json;
use thirtyfour::Key;

use super::{Person, wait_for};

/// More stops than any page has.
const LONGEST_WALK: usize = 120;

/// Name and state of what has the focus.
const FOCUS: &str = r#"
const words = (text) => (text ?? "").replace(/\s+/g, " ").trim();
const element = document.activeElement;
if (!element || element === document.body) return { name: "", about: "nothing" };
const label = element.labels?.[0]?.cloneNode(true);
label?.querySelectorAll(".optional, .help, input, select, textarea, svg").forEach((extra) => extra.remove());
const copy = element.cloneNode(true);
copy.querySelectorAll("[aria-hidden=true], svg").forEach((mute) => mute.remove());
const name = words(element.getAttribute("aria-label")) || words(label?.textContent) || words(copy.textContent) || words(element.value);
element.scrollIntoView({ block: "nearest" });
const box = (element.labels?.[0] && element.matches("[type=radio], [type=checkbox]") ? element.labels[0] : element).getBoundingClientRect();
const drawn = [element, element.parentElement, element.labels?.[0]].filter(Boolean).some((part) => {
  const style = getComputedStyle(part);
  return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== "none";
});
const inside = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
// The nearest visible point; a wide element may be covered in part.
const points = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.1], [0.5, 0.9]];
const free = points.some(([x, y]) => {
  const top = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
  return top && (element.contains(top) || top.contains(element) || top.closest("label")?.control === element);
});
return { name, about: element.outerHTML.slice(0, 120), drawn, inside, free };
"#;

impl Person {
    /// Walks on with Tab until the focus is on the thing of this name.
    pub async fn tab_to(&self, name: &str) {
        for _ in 0..LONGEST_WALK {
            self.key(Key::Tab).await;
            if self.focus().await == name {
                return;
            }
        }
        self.stuck(&format!("Tab never comes to \"{name}\"")).await;
    }

    /// Walks back with Shift and Tab.
    pub async fn tab_back_to(&self, name: &str) {
        for _ in 0..LONGEST_WALK {
            self.chord(Key::Shift, &char::from(Key::Tab).to_string()).await;
            if self.focus().await == name {
                return;
            }
        }
        self.stuck(&format!("Shift Tab never comes to \"{name}\"")).await;
    }

    /// Name of what has the focus; a focus that cannot be seen is a finding.
    pub async fn focus(&self) -> String {
        let focus = self.ask(FOCUS, &[]).await;
        let name = focus["name"].as_str().unwrap_or_default().to_owned();
        if focus["drawn"].is_boolean() {
            for (sign, problem) in [("drawn", "has no ring"), ("inside", "is off the screen"), ("free", "is covered")] {
                if focus[sign] == json!(false) {
                    let at = self.at().await;
                    let at = at.split('?').next().unwrap_or_default();
                    self.findings.add(format!("{at}: the focused element {problem}: {}", focus["about"]));
                }
            }
        }
        name
    }

    /// Waits until the focus is on the thing of this name.
    pub async fn expect_focus(&self, name: &str) {
        if wait_for(async || (self.focus().await == name).then_some(())).await.is_none() {
            self.stuck(&format!("the focus does not come to \"{name}\"")).await;
        }
    }

    /// Walks to a field and types.
    pub async fn type_into(&self, label: &str, text: &str) {
        self.tab_to(label).await;
        self.type_here(text).await;
    }

    /// Types where the focus is.
    pub async fn type_here(&self, text: &str) {
        self.page.action_chain().send_keys(text).perform().await.unwrap();
    }

    /// Walks to a button or link and presses Enter.
    pub async fn enter_on(&self, name: &str) {
        self.tab_to(name).await;
        self.key(Key::Enter).await;
        self.listen().await;
    }
}
