// A select with a search field over it. The select stays and is what the form sends.
export default function (field, { one, say, send }) {
  const select = one("select", field);
  if (!select || select.disabled) return;
  const many = select.multiple;
  const box = document.createElement("div");
  const input = document.createElement("input");
  const list = document.createElement("ul");
  const chips = document.createElement("ul");
  box.className = "combo";
  chips.className = "chips";
  const id = select.id;
  select.id = `${id}-values`;
  input.id = id;
  list.id = `${id}-list`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", one("label", field).textContent);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list", autocomplete: "off", type: "text" })) input.setAttribute(name, value);
  for (const name of ["aria-describedby", "aria-invalid"]) if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  const blank = [...select.options].find((option) => !option.value);
  if (blank && !many) input.placeholder = blank.text;
  select.hidden = true;
  select.before(box);
  box.append(input, list);
  if (many) box.before(chips);

  const label = () => (many ? "" : select.selectedOptions[0]?.value ? select.selectedOptions[0].text : "");
  let active = -1;
  let items = [];

  function drawChips() {
    if (!many) return;
    chips.hidden = !select.selectedOptions.length;
    chips.replaceChildren(...[...select.selectedOptions].map((option) => {
      const item = document.createElement("li");
      const text = document.createElement("span");
      const remove = document.createElement("button");
      item.className = "chip";
      text.textContent = option.text;
      remove.type = "button";
      remove.className = "btn quiet small";
      remove.textContent = "Remove";
      remove.setAttribute("aria-label", `Remove ${option.text}`);
      remove.addEventListener("click", () => { option.selected = false; changed(); input.focus(); });
      item.append(text, remove);
      return item;
    }));
  }
  function changed() {
    drawChips();
    select.dispatchEvent(new Event("input", { bubbles: true }));
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  function mark(index) {
    active = index;
    [...list.children].forEach((item, i) => item.toggleAttribute("data-on", i === index));
    const item = list.children[index];
    if (!item) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
  }
  function choose(item) {
    let option = [...select.options].find((o) => o.value === item.value);
    if (!option) select.append((option = new Option(item.label, item.value)));
    if (many) option.selected = !option.selected;
    else select.value = option.value;
    input.value = label();
    close();
    changed();
  }
  async function find(text) {
    const words = text.trim().toLowerCase();
    if (field.dataset.url && words) {
      const answer = await send(`${field.dataset.url}${field.dataset.url.includes("?") ? "&" : "?"}q=${encodeURIComponent(words)}`, { headers: { Accept: "application/json" } }).catch(() => null);
      if (answer?.ok) return (await answer.json()).map((o) => ({ value: o.value ?? o.id, label: o.label ?? o.name }));
    }
    return [...select.options].filter((o) => o.value && o.text.toLowerCase().includes(words)).map((o) => ({ value: o.value, label: o.text }));
  }
  let turn = 0;
  async function open(text = "") {
    const mine = ++turn;
    const found = await find(text);
    if (mine !== turn) return;
    items = found.slice(0, 50);
    list.replaceChildren(...items.map((item, i) => {
      const li = document.createElement("li");
      li.id = `${list.id}-${i}`;
      li.setAttribute("role", "option");
      li.setAttribute("aria-selected", String([...select.selectedOptions].some((o) => o.value === String(item.value))));
      li.textContent = item.label;
      return li;
    }));
    list.hidden = !items.length;
    input.setAttribute("aria-expanded", String(items.length > 0));
    mark(-1);
    say(items.length === 1 ? "1 choice" : `${items.length} choices`);
  }

  let timer;
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => open(input.value), field.dataset.url ? 250 : 60); });
  input.addEventListener("click", () => list.hidden && open());
  input.addEventListener("keydown", (event) => {
    const shown = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!shown) open();
      else mark((active + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length);
    } else if (event.key === "Enter" && shown && active >= 0) {
      event.preventDefault();
      choose(items[active]);
    } else if (event.key === "Escape") {
      if (shown) { event.stopPropagation(); close(); } else input.value = "";
    } else if (event.key === "Backspace" && many && !input.value && select.selectedOptions.length) {
      [...select.selectedOptions].at(-1).selected = false;
      changed();
    }
  });
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const index = [...list.children].indexOf(event.target.closest("li"));
    if (index >= 0) choose(items[index]);
  });
  input.addEventListener("blur", () => {
    close();
    if (!many && !input.value && select.options[0]?.value === "" && select.value) { select.value = ""; changed(); }
    input.value = label();
  });
  input.value = label();
  drawChips();
}
