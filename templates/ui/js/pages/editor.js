// A toolbar over a Markdown text area. The text area stays what is sent.
const marks = {
  Bold: { key: "b", before: "**", after: "**", sample: "text" },
  Italic: { key: "i", before: "_", after: "_", sample: "text" },
  Link: { key: "k", before: "[", after: "](https://)", sample: "words" },
  Heading: { line: "## " },
  List: { line: "- " },
  Quote: { line: "> " },
  Code: { before: "`", after: "`", sample: "code" },
};

export default function (text, { all, parse, say, send }) {
  if (text.dataset.editor !== "markdown") return;
  const bar = document.createElement("div");
  bar.className = "editor-bar";
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Formatting");
  bar.setAttribute("aria-controls", text.id);

  function apply({ before = "", after = "", sample = "", line }) {
    const { selectionStart: start, selectionEnd: end, value } = text;
    if (line) {
      const from = value.lastIndexOf("\n", start - 1) + 1;
      const block = value.slice(from, end).split("\n");
      const on = block.every((row) => row.startsWith(line));
      text.setRangeText(block.map((row) => (on ? row.slice(line.length) : line + row)).join("\n"), from, end, "end");
    } else {
      const inner = value.slice(start, end) || sample;
      text.setRangeText(before + inner + after, start, end, "end");
      text.setSelectionRange(start + before.length, start + before.length + inner.length);
    }
    text.focus();
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  const add = (label, run) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn quiet small";
    button.textContent = label;
    button.tabIndex = bar.children.length ? -1 : 0;
    button.addEventListener("click", run);
    bar.append(button);
    return button;
  };
  for (const [label, mark] of Object.entries(marks)) {
    const button = add(label, () => apply(mark));
    if (mark.key) button.setAttribute("aria-keyshortcuts", `Control+${mark.key.toUpperCase()}`);
  }
  if (text.dataset.preview) {
    const view = document.createElement("div");
    view.className = "prose card-body";
    view.hidden = true;
    const button = add("Preview", async () => {
      view.hidden = !view.hidden;
      button.setAttribute("aria-pressed", !view.hidden);
      if (view.hidden) return;
      const answer = await send(text.dataset.preview, { method: "POST", body: new URLSearchParams({ text: text.value }) }).catch(() => null);
      if (answer?.ok) view.replaceChildren(...parse(await answer.text()).body.childNodes);
      else view.textContent = "The preview cannot be shown now.";
      say("Preview ready");
    });
    button.setAttribute("aria-pressed", "false");
    text.after(view);
  }
  text.before(bar);

  bar.addEventListener("keydown", (event) => {
    const buttons = all("button", bar);
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = buttons[(to + buttons.length) % buttons.length];
    buttons.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
    next.focus();
  });
  text.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    const mark = Object.values(marks).find((m) => m.key === event.key.toLowerCase());
    if (!mark) return;
    event.preventDefault();
    event.stopPropagation();
    apply(mark);
  });
}
