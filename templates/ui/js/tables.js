import { all, one, onReady } from "./page.js";
import { say } from "./messages.js";

const checks = () => all("[data-row-check]");

function counted() {
  const boxes = checks();
  const ticked = boxes.filter((box) => box.checked).length;
  all("[data-bulk-count]").forEach((span) => { span.textContent = ticked; });
  all("[data-all]").forEach((box) => {
    box.checked = ticked > 0 && ticked === boxes.length;
    box.indeterminate = ticked > 0 && ticked < boxes.length;
  });
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) {
    checks().forEach((box) => { box.checked = event.target.checked; });
    say(event.target.checked ? `${checks().length} selected` : "Nothing selected");
  }
  if (event.target.matches("[data-all], [data-row-check]")) counted();
});
document.addEventListener("reset", (event) => event.target.closest(".bulk") && setTimeout(counted));
let last;
document.addEventListener("click", (event) => {
  const box = event.target.closest("[data-row-check]");
  if (!box) return;
  const boxes = checks();
  if (event.shiftKey && last?.isConnected) {
    const [a, b] = [boxes.indexOf(last), boxes.indexOf(box)].sort((x, y) => x - y);
    boxes.slice(a, b + 1).forEach((other) => { other.checked = box.checked; });
    counted();
  }
  last = box;
});

// Only a table that scrolls sideways is a stop for the keyboard.
const scrolls = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const wide = target.scrollWidth > target.clientWidth;
    if (wide) {
      target.tabIndex = 0;
      target.setAttribute("role", "region");
      target.setAttribute("aria-label", target.dataset.label);
    } else for (const name of ["tabindex", "role", "aria-label"]) target.removeAttribute(name);
  }
});
onReady((root) => {
  all("[data-scroll]", root).forEach((wrap) => scrolls.observe(wrap));
  if (one("[data-row-check]")) counted();
});

// Row keys: j k o x, used by keys.js.
const rows = () => all("table[data-rows] tbody tr");
export const currentRow = () => rows().find((row) => row.getAttribute("aria-current") === "true");
export function move(step, select) {
  const list = rows();
  if (!list.length) return false;
  const at = list.indexOf(currentRow());
  const next = step === "first" ? 0 : step === "last" ? list.length - 1 : Math.max(0, Math.min(list.length - 1, at + step));
  list[at]?.removeAttribute("aria-current");
  const row = list[next];
  row.setAttribute("aria-current", "true");
  const link = one("th a, td a", row);
  link?.focus();
  row.scrollIntoView({ block: "nearest" });
  if (select) tick(row, true);
  return true;
}
export function tick(row = currentRow(), on) {
  const box = row && one("[data-row-check]", row);
  if (!box) return false;
  box.checked = on ?? !box.checked;
  counted();
  return true;
}
