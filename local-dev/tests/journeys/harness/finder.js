// Finds things as people name them: by the label beside a field, by the words on a button or link.
const [kind, name] = arguments;
const words = (text) => (text ?? "").replace(/\s+/g, " ").trim();
const seen = (element) => {
  if (!element.getClientRects().length) return false;
  const style = getComputedStyle(element);
  return style.visibility === "visible" && Number(style.opacity) > 0;
};
const layer = [...document.querySelectorAll("dialog[open]")].at(-1);
const all = (selector) => [...(layer ?? document).querySelectorAll(selector)];
const labelText = (label) => {
  const copy = label.cloneNode(true);
  for (const extra of copy.querySelectorAll(".optional, .help, select, textarea, input, svg")) extra.remove();
  return words(copy.textContent);
};
const spoken = (element) => {
  const copy = element.cloneNode(true);
  for (const mute of copy.querySelectorAll("[aria-hidden=true], svg")) mute.remove();
  return words(copy.textContent);
};
const named = (element) => words(element.getAttribute("aria-label")) || spoken(element) || words(element.value);
const fields = () => all("label").filter((label) => labelText(label) === name && label.control).map((label) => label.control);
const groups = {
  field: () => [...fields(), ...all("input[aria-label], select[aria-label], textarea[aria-label]").filter((e) => e.getAttribute("aria-label") === name)],
  button: () => all("button, input[type=submit], summary").filter((element) => named(element) === name),
  link: () => all("a[href]").filter((element) => named(element) === name),
};
// A check box may be drawn by its label; then the label is what people press.
const shown = groups[kind]().filter((element) => seen(element) || (kind === "field" && element.labels?.length && seen(element.labels[0])));
return shown[0] ?? null;
