// Keeps what was typed in this tab, and warns before leaving it.
const at = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

export default function (form, { one }) {
  const text = one("textarea", form);
  if (!text) return;
  const key = `draft:${location.pathname}:${text.name}`;
  const state = one("[data-draft]", form);
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
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (text.value.trim()) sessionStorage.setItem(key, JSON.stringify({ text: text.value, time: Date.now() }));
      else sessionStorage.removeItem(key);
      if (state) state.textContent = text.value.trim() ? `Draft saved ${at(Date.now())}` : "";
    }, 800);
  });
  const clear = () => { clearTimeout(timer); sessionStorage.removeItem(key); };
  form.addEventListener("submit", () => { if (!form.hasAttribute("hx-post")) clear(); });
  form.addEventListener("htmx:after:swap", (event) => { if (event.detail.ctx.response.status < 300) clear(); });
}
