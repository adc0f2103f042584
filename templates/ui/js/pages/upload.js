// A file field in a drop area. With data-url each file is sent at once, with progress;
// otherwise the form carries the files and this only lists and checks them.
const size = (bytes) => (bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1048576).toFixed(1)} MB`);

function part(name, text) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  return element;
}

export default function (field, { csrf, one, say, toast }) {
  const input = one("input[type=file]", field);
  const area = one(".drop", field);
  const list = one(".files", field);
  const max = Number(field.dataset.max);
  const url = field.dataset.url;
  let chosen = [];

  const keep = () => {
    const files = new DataTransfer();
    chosen.forEach((file) => files.items.add(file));
    input.files = files.files;
  };

  function row(file) {
    const item = part("li");
    const remove = part("button", url ? "Cancel" : "Remove");
    remove.type = "button";
    remove.className = "btn quiet small";
    remove.setAttribute("aria-label", `${remove.textContent} ${file.name}`);
    const meta = part("span", size(file.size));
    meta.className = "meta";
    item.append(part("span", file.name), meta, remove);
    list.append(item);
    return { item, meta, remove };
  }

  // XMLHttpRequest because fetch does not report how much was sent.
  function upload(file) {
    const { item, meta, remove } = row(file);
    const bar = part("progress");
    bar.max = file.size;
    bar.value = 0;
    bar.setAttribute("aria-label", `Sending ${file.name}`);
    meta.after(bar);
    const request = new XMLHttpRequest();
    remove.addEventListener("click", () => { request.abort(); item.remove(); });
    request.upload.addEventListener("progress", (event) => { bar.value = event.loaded; });
    const failed = (text) => { bar.remove(); meta.textContent = text; toast(`${file.name}: ${text}`); };
    request.addEventListener("error", () => failed("Cannot reach the portal. Choose the file again."));
    request.addEventListener("load", () => {
      if (request.status >= 300) return failed(request.status === 413 ? `The limit is ${size(max)}.` : "It was not accepted.");
      bar.remove();
      meta.textContent = `${size(file.size)} · sent`;
      say(`${file.name} sent`);
      let id;
      try { id = JSON.parse(request.responseText).id; } catch { /* a presigned address answers without a body */ }
      if (id) {
        const hidden = part("input");
        hidden.type = "hidden";
        hidden.name = field.dataset.name || "file_ids";
        hidden.value = id;
        item.append(hidden);
      }
      field.dispatchEvent(new CustomEvent("portal:uploaded", { bubbles: true, detail: { file: file.name, id } }));
    });
    const presigned = new URL(url, location.href).origin !== location.origin;
    request.open(presigned ? "PUT" : "POST", url);
    if (presigned) return request.send(file);
    request.setRequestHeader("X-CSRF-Token", csrf());
    request.setRequestHeader("Accept", "application/json");
    const body = new FormData();
    body.append("_csrf", csrf());
    body.append(input.name, file);
    request.send(body);
  }

  function take(files) {
    for (const file of files) {
      if (max && file.size > max) {
        toast(`${file.name} is ${size(file.size)}. The limit is ${size(max)}.`);
        continue;
      }
      if (url) { upload(file); continue; }
      if (!input.multiple) { chosen = []; list.replaceChildren(); }
      chosen.push(file);
      const { item, remove } = row(file);
      remove.addEventListener("click", () => {
        chosen = chosen.filter((other) => other !== file);
        item.remove();
        keep();
        input.focus();
      });
    }
    if (url) input.value = "";
    else keep();
  }

  input.addEventListener("change", () => take([...input.files].filter((file) => !chosen.some((other) => other.name === file.name && other.size === file.size && other.lastModified === file.lastModified))));
  area.addEventListener("dragover", (event) => { event.preventDefault(); area.dataset.over = ""; });
  area.addEventListener("dragleave", () => { delete area.dataset.over; });
  area.addEventListener("drop", (event) => { event.preventDefault(); delete area.dataset.over; take([...event.dataTransfer.files]); });
}
