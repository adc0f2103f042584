import { all, copyOf, one, onReady } from "./page.js";

export function say(text, now = false) {
  const region = document.getElementById(now ? "say-now" : "say");
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
}
document.addEventListener("portal:say", (event) => say(event.detail.value));

const box = document.getElementById("toasts");

export function toast(text, { tone = "danger", action } = {}) {
  const item = copyOf(`tpl-toast-${tone}`) || copyOf("tpl-toast-danger");
  if (!item || !box) return say(text, tone === "danger");
  one("p", item).textContent = text;
  if (action) {
    const button = document.createElement("button");
    button.className = "btn secondary small";
    button.textContent = action.label;
    button.addEventListener("click", () => { item.remove(); action.run(); });
    one(".toast-text", item).append(button);
  }
  box.append(item);
  return item;
}

function arm(item) {
  if (item.armed) return;
  item.armed = true;
  const time = Number(item.dataset.toast);
  if (!item.matches("[role=alert]")) say(item.textContent.trim());
  if (!time) return;
  let timer;
  const go = () => { timer = setTimeout(() => item.remove(), time); };
  const stop = () => clearTimeout(timer);
  item.addEventListener("pointerenter", stop);
  item.addEventListener("focusin", stop);
  item.addEventListener("pointerleave", go);
  item.addEventListener("focusout", go);
  go();
}
if (box) {
  all(".toast", box).forEach(arm);
  new MutationObserver(() => all(".toast", box).forEach(arm)).observe(box, { childList: true });
}

document.addEventListener("click", (event) => {
  const close = event.target.closest("[data-close]");
  close?.closest(close.dataset.close)?.remove();

  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => {
    const label = one("span", copy);
    const before = label.textContent;
    label.textContent = "Copied";
    say("Copied");
    setTimeout(() => { label.textContent = before; }, 2000);
  }, () => toast("Copying was refused. Select the text instead."));
});

// F8 leads to the messages and back.
let from;
addEventListener("keydown", (event) => {
  if (event.key !== "F8" || !box) return;
  event.preventDefault();
  if (box.contains(document.activeElement)) from?.focus();
  else { from = document.activeElement; box.focus(); }
});

const online = () => {
  const bar = one(".offline");
  if (navigator.onLine) bar?.remove();
  else if (!bar) {
    const item = copyOf("tpl-offline");
    if (item) one("main").before(item);
    say("Cannot reach the portal. Your text is kept.", true);
  }
};
addEventListener("online", online);
addEventListener("offline", online);

onReady((root) => all("kbd", root).forEach((k) => {
  if (/Mac|iP(hone|ad)/.test(navigator.platform)) k.textContent = k.textContent.replace("Ctrl ", "⌘");
}));
