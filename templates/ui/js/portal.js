import htmx from "htmx.org";
import { all, csrf, one, policy, ready } from "./page.js";
import { toast } from "./messages.js";
import { confirmPassword, signInAgain } from "./dialogs.js";

const refuse = function () { throw new Error("Evaluating text is switched off."); };
const words = {
  403: "You may not do this. Ask an administrator.",
  404: "That no longer exists.",
  409: "Somebody else changed this. Reload to see how it is now; copy your text first.",
  413: "That is too large to send.",
  429: "Too many tries. Wait a moment, then try again.",
};
let failures = 0;

function again(ctx) {
  const { form, submitter } = ctx.request;
  if (form?.isConnected) form.requestSubmit(submitter?.isConnected && submitter.form === form ? submitter : undefined);
  else htmx.trigger(ctx.sourceElement, ctx.sourceEvent.type);
}

function wait(submitter, seconds) {
  const label = submitter && one("span", submitter);
  if (!label || !(seconds > 0)) return;
  const text = label.textContent;
  submitter.setAttribute("aria-disabled", "true");
  const tick = setInterval(() => {
    label.textContent = `${text} (${--seconds})`;
    if (seconds > 0) return;
    clearInterval(tick);
    label.textContent = text;
    submitter.removeAttribute("aria-disabled");
  }, 1000);
}

// Statuses that leave the page as it is. The answer's own messages win over ours.
function explain(ctx) {
  const { status, headers } = ctx.response;
  const polls = ctx.sourceEvent?.type === "every";
  if (status === 429) wait(ctx.request.submitter, Number(headers.get("Retry-After")));
  if (polls || /<hx-partial/i.test(ctx.text)) return;
  if (/csrf/i.test(ctx.text) && status === 403) toast("This page is out of date. Reload to continue; your text is kept.", { action: { label: "Reload", run: () => location.reload() } });
  else if (status >= 500) toast("Something went wrong on our side. Nothing was saved. Try again.", { action: { label: "Try again", run: () => again(ctx) } });
  else if (words[status]) toast(words[status]);
}

const busy = (ctx, on) => {
  for (const element of [ctx.target, ctx.request.submitter]) {
    if (on) element?.setAttribute("aria-busy", "true");
    else element?.removeAttribute("aria-busy");
  }
  if (ctx.target?.id && !on) document.getElementById(ctx.target.id)?.removeAttribute("aria-busy");
};

htmx.registerExtension("portal", {
  init: (api) => api.initSecurity(policy, refuse, refuse),

  htmx_config_request(element, { ctx }) {
    if (ctx.request.submitter?.getAttribute("aria-disabled") === "true") return false;
    // Typing replaces the address, so that Back does not replay every letter.
    if (ctx.push && ctx.sourceEvent?.type === "input") [ctx.push, ctx.replace] = [null, ctx.push];
    const url = new URL(ctx.request.action || location.href, location.href);
    if (ctx.request.method !== "GET" && url.origin === location.origin) ctx.request.headers["X-CSRF-Token"] = csrf();
  },

  htmx_before_request(element, { ctx }) {
    ctx.before = document.activeElement;
    busy(ctx, true);
  },

  htmx_after_request(element, { ctx }) {
    failures = 0;
    const { status, headers } = ctx.response;
    const code = headers.get("x-problem-code");
    if (status === 401) {
      if (ctx.sourceEvent?.type !== "every") signInAgain().then((done) => done && again(ctx));
      return false;
    }
    if (status === 403 && (code === "reauthentication_required" || ctx.text.includes("reauthentication_required"))) {
      confirmPassword().then((done) => done && again(ctx));
      return false;
    }
    if (status >= 400 && status !== 400 && status !== 422) explain(ctx);
  },

  htmx_after_swap(element, { ctx }) {
    const region = ctx.target?.isConnected ? ctx.target : ctx.target?.id && document.getElementById(ctx.target.id);
    ready(document);
    if (!region || ctx.swap === "none") return;
    const wrong = ctx.response.status === 422 || ctx.response.status === 400;
    if (wrong && !document.title.startsWith("Error: ")) document.title = `Error: ${document.title}`;
    if (!wrong && ctx.request.method !== "GET") document.title = document.title.replace(/^Error: /, "");
    const wanted = one("[data-focus]", region);
    if (wanted && (wrong || ctx.before !== document.activeElement)) return wanted.focus();
    if (document.activeElement === document.body && ctx.before && ctx.before !== document.body) {
      const heading = one("h1, h2, h3", region) || region;
      heading.tabIndex = -1;
      heading.focus();
    }
  },

  htmx_finally_request(element, { ctx }) {
    busy(ctx, false);
  },

  htmx_error(element, { ctx, error }) {
    if (!ctx || ctx.response) return;
    if (ctx.sourceEvent?.type === "every" && ++failures < 3) return;
    if (error?.name === "AbortError" && ctx.request.signal.reason !== "timeout") return;
    if (one(".toast[data-unreachable]")) return;
    const item = toast("Cannot reach the portal. Your text is kept.", { action: { label: "Try again", run: () => again(ctx) } });
    item?.setAttribute("data-unreachable", "");
  },
});

// The region that changed may be elsewhere: partials start their own content too.
document.addEventListener("htmx:after:settle", (event) => ready(event.target.isConnected ? event.target : document));
document.addEventListener("htmx:before:swap", () => all("[data-menu]:popover-open").forEach((menu) => menu.hidePopover()));
