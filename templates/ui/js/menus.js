import { all, one } from "./page.js";

const placed = CSS.supports("position-area", "block-end");

function place(box, opener) {
  const at = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const left = Math.max(8, Math.min(at.left, innerWidth - width - 8));
  const below = at.bottom + height + 8 < innerHeight || at.top < height;
  box.style.left = `${at.right - width > 8 && at.left + width > innerWidth ? at.right - width : left}px`;
  box.style.top = `${below ? at.bottom : at.top - height - 8}px`;
  box.style.position = "fixed";
}

// One menu serves a whole column: the button that opens it says for which row and what is chosen there.
const openers = new WeakMap();
let shut;
function aim(menu, { dataset }) {
  const form = one("form", menu);
  form.action = form.dataset.action.replace("{row}", dataset.row);
  form.elements.version.value = dataset.version;
  for (const option of all("button", form)) {
    if (option.value === dataset.value) option.setAttribute("aria-current", "true");
    else option.removeAttribute("aria-current");
  }
}
document.addEventListener("pointerdown", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  const menu = opener && document.getElementById(opener.dataset.opens);
  shut = menu?.matches(":popover-open") && openers.get(menu) === opener ? opener : null;
}, true);
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  const menu = opener && document.getElementById(opener.dataset.opens);
  if (!menu) return;
  event.preventDefault();
  menu.hidePopover();
  // A second press on the same button closes; the browser has done so already.
  if (shut === opener) shut = null;
  else {
    aim(menu, opener);
    openers.set(menu, opener);
    menu.showPopover({ source: opener });
  }
});

document.addEventListener("toggle", (event) => {
  const box = event.target;
  const opener = openers.get(box) ?? (box.id && one(`[popovertarget="${box.id}"]:not([popovertargetaction])`));
  if (!opener) return;
  const open = event.newState === "open";
  if (box.matches(".side, .filter-set")) {
    if (open) one("a, button, select", box)?.focus();
  }
  if (open && box.matches("[data-menu]")) {
    if (!placed) place(box, opener);
    one("[aria-current], a, button, input:not([type=hidden]), select", box)?.focus();
  }
}, true);

// Below 768 px these cover the page: they close when the focus goes back to it.
document.addEventListener("focusin", (event) => {
  const box = one(".side:popover-open, .filter-set:popover-open");
  if (box && !box.contains(event.target)) box.hidePopover();
});

document.addEventListener("keydown", (event) => {
  const box = event.target.closest?.("[data-menu]:not(.pad)");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!box || !step && !["Home", "End"].includes(event.key)) return;
  const items = all("a, button", box);
  const at = items.indexOf(document.activeElement);
  const next = event.key === "Home" ? 0 : event.key === "End" ? items.length - 1 : (at + step + items.length) % items.length;
  event.preventDefault();
  items[next]?.focus();
});

// Names of icon buttons, on hover and focus.
let tip;
function hide() {
  if (tip?.isConnected) tip.hidePopover();
}
function reveal(event) {
  const owner = event.target.closest?.("[data-tip]");
  hide();
  if (!owner || event.type === "focusin" && !owner.matches(":focus-visible")) return;
  if (!tip) {
    tip = document.createElement("div");
    tip.className = "tip";
    tip.popover = "manual";
    tip.setAttribute("aria-hidden", "true");
  }
  document.body.append(tip);
  tip.textContent = owner.dataset.tip;
  tip.showPopover();
  place(tip, owner);
}
for (const type of ["pointerover", "focusin"]) document.addEventListener(type, reveal);
document.addEventListener("focusout", hide);
document.addEventListener("click", hide);
document.addEventListener("keydown", (event) => event.key === "Escape" && hide());

// Folded side panels open by themselves where the stylesheet cannot do it.
if (!CSS.supports("selector(::details-content)")) {
  const wide = matchMedia("(min-width: 1280px)");
  const fold = () => all("details.fold").forEach((d) => { d.open = wide.matches; });
  wide.addEventListener("change", fold);
  fold();
}
