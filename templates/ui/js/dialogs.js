import { all, copyOf, csrf, onReady, one, parse, ready, send, sendJson } from "./page.js";

// Shows a dialog element and gives the focus back to what was used before.
export function show(dialog) {
  const opener = document.activeElement;
  if (!dialog.isConnected) document.body.append(dialog);
  ready(dialog);
  dialog.showModal();
  const fields = all(".dialog-body :is(input:not([type=hidden]), select, textarea)", dialog);
  (fields.find((field) => !field.value) || fields[0] || one("h2", dialog))?.focus();
  dialog.addEventListener("close", () => opener?.isConnected && opener.focus(), { once: true });
  return dialog;
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog-open]");
  if (opener) show(document.getElementById(opener.dataset.dialogOpen));
  const closer = event.target.closest("[data-dialog-close], dialog [data-dialog-cancel]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog")?.close();
  }
  if (event.target.matches("dialog")) event.target.close();
});

// A question the page came back with stands open in it; with script it is asked over the page.
onReady(() => all("dialog[data-show][open]").forEach((dialog) => {
  dialog.close();
  dialog.removeAttribute("data-show");
  show(dialog);
}));

// A confirmation page, opened here instead of being visited.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  link.closest("[popover]")?.hidePopover();
  try {
    const answer = await send(link.href, { headers: { Accept: "text/html" } });
    const main = one("main", parse(await answer.text()));
    if (!answer.ok || answer.redirected || !main) throw answer;
    const dialog = copyOf("tpl-dialog");
    const title = one("h1", main);
    one("h2", dialog).textContent = title.textContent;
    title.remove();
    one(".dialog-body", dialog).append(...main.childNodes);
    dialog.addEventListener("close", () => dialog.remove());
    show(dialog);
  } catch {
    location.assign(link.href);
  }
});

// One dialog at a time: several requests refused together wait for the same answer.
const asking = {};
function ask(template, url, fields) {
  return (asking[template] ||= new Promise((resolve) => {
    const dialog = copyOf(template);
    if (!dialog) return resolve(false);
    const form = one("form", dialog);
    const problem = one("[data-problem]", dialog);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = one("[type=submit]", form);
      button.setAttribute("aria-busy", "true");
      const values = Object.fromEntries([...new FormData(form)].filter(([name, value]) => fields.includes(name) && value));
      try {
        const answer = await sendJson(url, values);
        if (answer.ok) {
          all("input[name=_csrf]").forEach((input) => { input.value = csrf(); });
          dialog.returnValue = "done";
          return dialog.close("done");
        }
        const { code } = await answer.json().catch(() => ({}));
        problem.textContent = code === "totp_required" ? "Enter the code from your authenticator app"
          : code === "invalid_totp" ? "That code is not right. Enter the newest one"
          : answer.status === 429 ? "Too many tries. Wait a few minutes, then try again"
          : problem.dataset.problem;
      } catch {
        problem.textContent = "Cannot reach the portal. Try again.";
      } finally {
        button.removeAttribute("aria-busy");
      }
      problem.hidden = false;
    });
    dialog.addEventListener("close", () => {
      delete asking[template];
      dialog.remove();
      resolve(dialog.returnValue === "done");
    });
    show(dialog);
  }));
}
export const confirmPassword = () => ask("tpl-password", "/auth/reauthenticate", ["password", "totp_code"]);
export const signInAgain = () => ask("tpl-sign-in", "/auth/login", ["email", "password", "totp_code"]);
