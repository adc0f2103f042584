// Keeps what was typed: at once in this tab, a moment later on the server, for this person and ticket.
const at = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

export default function (form, { one, send }) {
  const text = one("textarea", form);
  if (!text) return;
  const key = `draft:${location.pathname}:${text.name}`;
  const url = form.dataset.draft;
  const state = one("[data-draft-state]", form);
  const kept = JSON.parse(sessionStorage.getItem(key) || "null");
  if (kept?.text && !text.value.trim()) {
    const offer = document.createElement("button");
    offer.type = "button";
    offer.className = "btn secondary small";
    offer.textContent = `Restore the text from ${at(kept.time)}`;
    offer.addEventListener("click", () => { text.value = kept.text; text.focus(); offer.remove(); });
    text.before(offer);
  }
  let timer;
  let sending;
  let sent = false;
  const note = () => { if (state) state.textContent = text.value.trim() ? `Draft saved ${at(Date.now())}` : ""; };
  async function keep() {
    if (!url || sent) return note();
    const body = new URLSearchParams({ body: text.value, is_internal: one("[name=is_internal]:checked", form)?.value || "false" });
    const answer = await send(url, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
    if (answer?.ok) note();
    else if (state) state.textContent = "Draft kept in this tab only";
  }
  text.addEventListener("input", () => {
    const sign = document.querySelector("#ticket-presence [name=writing]");
    if (sign) sign.value = "1";
    clearTimeout(timer);
    clearTimeout(sending);
    timer = setTimeout(() => {
      if (text.value.trim()) sessionStorage.setItem(key, JSON.stringify({ text: text.value, time: Date.now() }));
      else sessionStorage.removeItem(key);
    }, 400);
    sending = setTimeout(keep, 1500);
  });
  const clear = () => { clearTimeout(timer); clearTimeout(sending); sent = true; sessionStorage.removeItem(key); };
  form.addEventListener("submit", () => { if (!form.hasAttribute("hx-post")) clear(); });
  form.addEventListener("htmx:after:swap", (event) => { if (event.detail.ctx.response.status < 300) clear(); });
}
