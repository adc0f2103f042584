import { all, copyOf, csrf, onReady, one, parse, send } from "./page.js";
import { say, toast } from "./messages.js";
import "./portal.js";
import "./dialogs.js";
import "./forms.js";
import "./menus.js";
import "./tables.js";
import "./keys.js";
import "./times.js";

// Chunks get the shell's helpers as an argument, so that none of them pulls in a shared chunk.
const helpers = { all, copyOf, csrf, one, parse, say, send, toast };
const chunks = {
  token: () => import("./pages/token.js"),
  composer: () => import("./pages/composer.js"),
  upload: () => import("./pages/upload.js"),
  combobox: () => import("./pages/combobox.js"),
  editor: () => import("./pages/editor.js"),
  retry: () => import("./pages/retry.js"),
  matrix: () => import("./pages/matrix.js"),
  countdown: () => import("./pages/countdown.js"),
};
onReady((root) => {
  for (const element of all("[data-module]", root)) {
    const load = chunks[element.dataset.module];
    if (!load || element.moduleStarted) continue;
    element.moduleStarted = true;
    load().then((chunk) => chunk.default(element, helpers));
  }
});

// On a narrow screen the tab one is on may lie outside its row.
onReady((root) => {
  for (const tab of all(":is(.tabs, .views) [aria-current]", root)) {
    const row = tab.closest("nav");
    if (row.scrollWidth > row.clientWidth) row.scrollLeft += tab.getBoundingClientRect().left - row.getBoundingClientRect().left - 24;
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-palette]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  import("./pages/palette.js").then((chunk) => chunk.default(link, helpers));
});

if (document.body.dataset.live === "poll" || document.querySelector("[data-topic]")) import("./pages/live.js").then((chunk) => chunk.default(helpers));

// A page kept in memory may belong to somebody who has signed out since.
const token = csrf();
addEventListener("pageshow", (event) => {
  if (event.persisted && csrf() !== token) location.reload();
});

// The count on the bell, while somebody looks at the page.
async function countUnread(bell) {
  if (document.hidden) return;
  const answer = await send("/api/notifications/summary", { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { global_unread_count: count } = await answer.json();
  const badge = one("#unread");
  badge.hidden = !count;
  badge.textContent = count < 100 ? count : "99+";
  bell.setAttribute("aria-label", count ? `Notifications, ${count < 100 ? count : "more than 99"} unread` : "Notifications");
}
const bell = one("[data-bell]");
if (bell) setInterval(() => countUnread(bell).catch(() => {}), 60000);
