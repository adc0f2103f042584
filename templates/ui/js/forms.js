import { all, one, onReady } from "./page.js";
import { say } from "./messages.js";

// The summary of a page that came back with mistakes.
one("[data-focus]")?.focus();

document.addEventListener("click", (event) => {
  const reveal = event.target.closest("[data-reveal]");
  if (reveal) {
    const input = document.getElementById(reveal.dataset.reveal);
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    reveal.setAttribute("aria-pressed", shown);
    one("span", reveal).textContent = shown ? "Hide" : "Show";
    reveal.setAttribute("aria-label", shown ? "Hide password" : "Show password");
  }
  const link = event.target.closest(".error-summary a[href^='#']");
  const field = link && document.getElementById(link.hash.slice(1));
  if (field) {
    event.preventDefault();
    (field.closest(".field") || field).scrollIntoView({ block: "center" });
    field.focus();
  }
});

const tests = {
  length: (text, n) => [...text].length >= Number(n),
  upper: (text) => /\p{Lu}/u.test(text),
  lower: (text) => /\p{Ll}/u.test(text),
  letter: (text) => /\p{L}/u.test(text),
  digit: (text) => /\p{Nd}/u.test(text),
  symbol: (text) => /[^\p{L}\p{Nd}\s]/u.test(text),
};
function rules(input) {
  const list = document.getElementById(`${input.id}-rule`);
  for (const item of list ? all("[data-rule]", list) : []) {
    const [test, n] = item.dataset.rule.split(":");
    const met = Boolean(tests[test]?.(input.value, n));
    item.toggleAttribute("data-met", met);
    one(".rule-state", item).textContent = met ? " – met" : "";
  }
}

function count(input) {
  const left = input.maxLength - input.value.length;
  const line = document.getElementById(`${input.id}-left`);
  if (line) line.textContent = `${left} characters left`;
  if (left === 20) say("20 characters left");
}

// Leaving a changed form asks once; sending it does not.
const dirty = new Set();
addEventListener("beforeunload", (event) => {
  if ([...dirty].some((form) => form.isConnected)) event.preventDefault();
});
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.matches("[data-dirty]")) dirty.add(form);
  if (event.target.type === "password" || event.target.matches("[data-reveal-for]")) rules(event.target);
  if (event.target.matches("[data-count]")) count(event.target);
});
document.addEventListener("reset", (event) => dirty.delete(event.target));
document.addEventListener("submit", (event) => {
  const form = event.target;
  dirty.delete(form);
  if (event.defaultPrevented || form.hasAttribute("hx-post") || form.method === "dialog") return;
  if (form.sent && form.method === "post") return event.preventDefault();
  form.sent = true;
  event.submitter?.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.forms) form.sent = false;
  all(".btn[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
});

// Addresses of lists name only what is set.
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get" || event.target.hasAttribute("data-keep-empty")) return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

// A filter form without script has an Apply button; with script a choice is enough.
onReady((root) => all("form[data-auto]", root).forEach((form) => {
  if (form.auto) return;
  form.auto = true;
  form.addEventListener("change", () => form.requestSubmit());
}));
