// What every other module needs: elements, tokens, start-up of new content.
export const one = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
const meta = (name) => one(`meta[name="${name}"]`)?.content || "";

// Read when needed: signing in again changes it.
export function csrf() {
  const name = meta("csrf-cookie") || "myportal_session_csrf";
  const found = document.cookie.split("; ").find((c) => c.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : meta("csrf-token");
}

export const send = (url, options = {}) =>
  fetch(url, {
    credentials: "same-origin",
    ...options,
    headers: { ...(options.method && options.method !== "GET" ? { "X-CSRF-Token": csrf() } : {}), ...options.headers },
  });

export const sendJson = (url, body) =>
  send(url, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(body) });

const starters = [];
export function onReady(start) {
  starters.push(start);
  start(document);
}
export const ready = (root) => starters.forEach((start) => start(root));

export const copyOf = (id) => document.getElementById(id)?.content.firstElementChild.cloneNode(true);

const identity = (text) => text;
// Scripts in fragments become empty; addresses of scripts are not offered at all.
export const policy = globalThis.trustedTypes
  ? trustedTypes.createPolicy("portal", { createHTML: identity, createScript: () => "" })
  : { createHTML: identity, createScript: () => "" };
export const parse = (html) => new DOMParser().parseFromString(policy.createHTML(html), "text/html");
