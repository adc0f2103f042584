import { all } from "./page.js";

// Same wording as the server's, kept fresh while the page stays open.
function ago(seconds) {
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)}\u2009min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}\u2009h ago`;
  const days = Math.floor(seconds / 86400);
  return days === 1 ? "1 day ago" : `${days} days ago`;
}
const start = Date.now();
setInterval(() => {
  if (document.hidden) return;
  for (const time of all("time[data-ago]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    if (seconds >= 0 && seconds < 7 * 86400 && Date.now() - start > 55000) time.textContent = ago(seconds);
  }
}, 60000);
