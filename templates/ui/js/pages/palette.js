// Search or jump to: one dialog, results from the server. Without an answer the search page opens.
let dialog;
export default function (link, { copyOf, one, all, parse, say, send }) {
  if (!dialog) {
    dialog = copyOf("tpl-palette");
    if (!dialog) return location.assign(link.href);
    document.body.append(dialog);
    const input = one("input", dialog);
    const results = one("[data-results]", dialog);
    const options = () => all("[role=option]", results);
    let turn = 0;
    let at = 0;
    const mark = (index) => {
      const list = options();
      at = list.length ? (index + list.length) % list.length : 0;
      list.forEach((item, i) => { item.toggleAttribute("data-on", i === at); item.setAttribute("aria-selected", i === at); });
      if (list[at]) { input.setAttribute("aria-activedescendant", list[at].id); list[at].scrollIntoView({ block: "nearest" }); }
    };
    // The page's own buttons, pressed from here: nothing exists in the palette only.
    const own = (text) => {
      if (/^\s*[#@\d]/.test(text)) return [];
      const words = text.replace(/^\s*>/, "").trim().toLowerCase();
      const fits = (button) => !button.closest("dialog, [hidden]") && !button.disabled && name(button).toLowerCase().includes(words);
      const list = all(".page-actions :is(a.btn, button), [data-cmd]").filter(fits).slice(0, 8);
      if (!list.length) return [];
      const title = document.createElement("h3");
      title.textContent = "On this page";
      return [title, ...list.map((button) => {
        const a = document.createElement("a");
        a.href = button.href ?? "#";
        a.textContent = name(button);
        a.addEventListener("click", (event) => { event.preventDefault(); dialog.close(); button.click(); });
        return a;
      })];
    };
    const name = (button) => (button.getAttribute("aria-label") ?? button.textContent).trim();
    const find = async () => {
      const mine = ++turn;
      const answer = await send(`/palette?q=${encodeURIComponent(input.value)}&at=${encodeURIComponent(location.pathname)}`, { headers: { "HX-Request": "true", "HX-Target": "div#palette-results" } }).catch(() => null);
      if (mine !== turn) return;
      const found = answer?.ok ? [...parse(await answer.text()).body.childNodes] : [];
      if (mine !== turn) return;
      results.replaceChildren(...own(input.value), ...found);
      all("h2, h3, ul, li, section", results).forEach((element) => element.setAttribute("role", "presentation"));
      all("a", results).forEach((a, i) => { a.setAttribute("role", "option"); a.id = `palette-${i}`; a.tabIndex = -1; });
      mark(0);
      say(`${options().length} results`);
    };
    let timer;
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 150); });
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") { event.preventDefault(); mark(at + 1); }
      if (event.key === "ArrowUp") { event.preventDefault(); mark(at - 1); }
      if (event.key === "Enter") { event.preventDefault(); const item = options()[at]; if (item) item.click(); else location.assign(`/search?q=${encodeURIComponent(input.value)}`); }
    });
    dialog.find = find;
  }
  const opener = document.activeElement;
  dialog.showModal();
  one("input", dialog).select();
  dialog.find();
  dialog.addEventListener("close", () => opener?.focus(), { once: true });
}
