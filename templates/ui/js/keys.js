import { all, copyOf, one } from "./page.js";
import { currentRow, move, tick } from "./tables.js";
import { show } from "./dialogs.js";

const singles = document.body.dataset.keys === "on";
const places = { h: "/", t: "/tickets", m: "/tickets?assigned=me", u: "/tickets?assigned=none", k: "/kb", s: "/shop", o: "/orders", c: "/admin/companies", a: "/admin/automations", n: "/notifications" };
const visible = (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? element.offsetParent;
const nameOf = (element) => element.getAttribute("aria-label") || element.dataset.tip || element.labels?.[0]?.textContent.trim() || element.textContent.trim();

// Every shortcut presses a control that can be seen.
function press(key) {
  const target = all(`[data-key="${CSS.escape(key)}"]`).find(visible);
  if (!target) return false;
  if (target.matches("input:not([type=radio], [type=checkbox]), textarea, select")) target.focus();
  else target.click();
  if (target.matches("[type=radio]")) one("textarea", target.form)?.focus();
  return true;
}

function go(letter) {
  const href = places[letter];
  const link = href && all(".side a, .bar a").find((a) => a.getAttribute("href") === href || (letter === "m" || letter === "u") && a.getAttribute("href")?.includes(href.split("?")[1]));
  link?.click();
  return Boolean(link);
}

function list() {
  const dialog = copyOf("tpl-dialog");
  if (!dialog) return false;
  one("h2", dialog).textContent = "Keyboard shortcuts";
  const keys = document.createElement("dl");
  keys.className = "keys";
  const add = (key, text) => {
    const [term, value, kbd] = ["dt", "dd", "kbd"].map((name) => document.createElement(name));
    term.textContent = text;
    kbd.textContent = key;
    value.append(kbd);
    keys.append(term, value);
  };
  add("Ctrl K", "Search or jump to");
  for (const element of all("[data-key]").filter(visible)) add(element.dataset.key, nameOf(element));
  if (one("table[data-rows]")) [["j / k", "Next or previous row"], ["o", "Open the row, or the first"], ["x", "Select the row"]].forEach(([k, t]) => add(k, t));
  for (const [letter, href] of Object.entries(places)) {
    const link = all(".side a").find((a) => a.getAttribute("href") === href);
    if (link) add(`g ${letter}`, nameOf(one("span", link)));
  }
  add("F8", "Messages and back");
  if (!singles) {
    const note = document.createElement("p");
    note.className = "help";
    note.textContent = "Single keys are off. Turn them on in your preferences.";
    one(".dialog-body", dialog).append(note);
  }
  one(".dialog-body", dialog).append(keys);
  dialog.addEventListener("close", () => dialog.remove());
  show(dialog);
  return true;
}

const rowKeys = {
  j: () => move(1), k: () => move(-1), J: () => move(1, true), K: () => move(-1, true), Home: () => move("first"), End: () => move("last"),
  x: () => tick(), o: () => { const row = currentRow() || one("table[data-rows] tbody tr"); const link = row && one("th a, td a", row); link?.click(); return Boolean(link); },
};

let prefix = 0;
addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey) {
    if (event.key.toLowerCase() === "k" && one("[data-palette]")) { event.preventDefault(); one("[data-palette]").click(); }
    if (event.key === "Enter" && event.target.matches("textarea[data-send]")) {
      event.preventDefault();
      const form = event.target.form;
      const resolve = event.shiftKey && one("button[value=resolved]", form);
      form.requestSubmit(resolve || all("button[type=submit]", form).find(visible));
    }
    return;
  }
  if (event.altKey || !singles || event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog, [popover]:popover-open")) return;
  let done;
  if (event.key === "?") done = list();
  else if (prefix && Date.now() - prefix < 1500) { prefix = 0; done = go(event.key) || press(`g ${event.key}`); }
  else if (event.key === "g") { prefix = Date.now(); return; }
  else if (event.key === "Escape") { const bulk = one(".bulk form"); if (bulk && one("[data-row-check]:checked")) { bulk.reset(); done = true; } }
  else if (rowKeys[event.key] && one("table[data-rows]")) done = rowKeys[event.key]();
  if (!done && event.key.length === 1) done = press(event.key);
  if (done) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href='/help/shortcuts']");
  if (link && list()) event.preventDefault();
});
