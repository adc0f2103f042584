// A file field in a drop area; files are chosen, dropped or pasted. With data-begin each goes ahead to the bucket, with
// progress, and its id travels in the form; otherwise the form carries the files and this only lists and checks them.
const MOST = 10;
const size = (bytes) => (bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1048576).toFixed(1)} MB`);

function part(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function button(text, name, run) {
  const element = part("button", text, "btn quiet small");
  element.type = "button";
  element.setAttribute("aria-label", `${text} ${name}`);
  element.addEventListener("click", run);
  return element;
}

// Drawn, because the content policy admits no pictures but the portal's own.
async function preview(file, item) {
  if (!/^image\/(png|jpeg|gif|webp)$/.test(file.type)) return;
  const picture = await createImageBitmap(file, { resizeHeight: 80, resizeQuality: "medium" }).catch(() => null);
  if (!picture || picture.width > 800) return;
  const canvas = part("canvas", undefined, "preview");
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  canvas.setAttribute("aria-hidden", "true");
  item.prepend(canvas);
}

export default function (field, { csrf, one, say, send, toast }) {
  const input = one("input[type=file]", field);
  const area = one(".drop", field);
  const list = one(".files", field);
  const form = field.closest("form");
  const max = Number(field.dataset.max);
  const begin = field.dataset.begin;
  let chosen = [];
  let running = 0;
  let held;

  const count = () => list.querySelectorAll("li").length;
  const keep = () => {
    const files = new DataTransfer();
    chosen.forEach((file) => files.items.add(file));
    input.files = files.files;
  };

  function row(file) {
    const item = part("li");
    const meta = part("span", size(file.size), "meta");
    item.append(part("span", file.name), meta);
    list.append(item);
    preview(file, item);
    return { item, meta };
  }

  const json = { "Content-Type": "application/json", Accept: "application/json" };
  async function ask(url, method, body) {
    const answer = await send(url, { method, headers: json, body: body && JSON.stringify(body) }).catch(() => null);
    if (!answer) throw "Cannot reach the portal.";
    if (answer.status === 401) throw "You were signed out. Sign in in another tab, then try again.";
    if (!answer.ok) throw (await answer.json().catch(() => null))?.detail || "It was not accepted.";
    return answer.status === 204 ? null : answer.json();
  }

  // XMLHttpRequest because fetch does not report how much was sent.
  const put = (to, file, bar, on) => new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    on(() => request.abort());
    request.upload.addEventListener("progress", (event) => { bar.value = event.loaded; });
    request.addEventListener("error", () => failed("The connection broke off."));
    request.addEventListener("abort", () => failed());
    request.addEventListener("load", () => (request.status < 300 ? done() : failed("It was not accepted.")));
    request.open(to.method, to.url);
    for (const [name, value] of Object.entries(to.headers)) if (!/^(host|content-length)$/i.test(name)) request.setRequestHeader(name, value);
    request.send(file);
  });

  function ahead(file) {
    const { item, meta } = row(file);
    let stop;
    let upload;
    let gone = false;
    const drop = () => {
      gone = true;
      stop?.();
      item.remove();
      if (upload) ask(`${begin}/${upload}`, "DELETE").catch(() => {});
      input.focus();
    };
    async function go() {
      const bar = part("progress");
      bar.max = Math.max(file.size, 1);
      bar.value = 0;
      bar.setAttribute("aria-label", `Sending ${file.name}`);
      const cancel = button("Cancel", file.name, drop);
      meta.textContent = size(file.size);
      item.append(bar, cancel);
      running += 1;
      try {
        const to = await ask(begin, "POST", { file_name: file.name, file_size: file.size, content_type: file.type || null });
        upload = to.upload_id;
        await put(to, file, bar, (abort) => { stop = abort; if (gone) abort(); });
        await ask(`${begin}/${upload}/complete`, "POST", {});
        const hidden = part("input");
        Object.assign(hidden, { type: "hidden", name: "upload_ids", value: upload });
        meta.textContent = `${size(file.size)}, sent`;
        item.append(hidden, button("Remove", file.name, drop));
        say(`${file.name} sent`);
      } catch (text) {
        if (!gone) {
          meta.textContent = `Not sent. ${text}`;
          say(`${file.name} was not sent`, true);
          const retry = button("Try again", file.name, () => { retry.remove(); remove.remove(); go(); });
          const remove = button("Remove", file.name, drop);
          item.append(retry, remove);
        }
        held = undefined;
      }
      bar.remove();
      cancel.remove();
      running -= 1;
      if (held && !running) form.requestSubmit(held.submitter);
    }
    go();
  }

  function take(files) {
    for (const file of files) {
      if (max && file.size > max) {
        toast(`${file.name} is ${size(file.size)}. The limit is ${size(max)}.`);
        continue;
      }
      if (!file.size) { toast(`${file.name} is empty.`); continue; }
      if (input.multiple && count() >= MOST) { toast(`Send at most ${MOST} files at once. ${file.name} was left out.`); continue; }
      if (begin) { ahead(file); continue; }
      if (!input.multiple) { chosen = []; list.replaceChildren(); }
      chosen.push(file);
      const { item } = row(file);
      item.append(button("Remove", file.name, () => {
        chosen = chosen.filter((other) => other !== file);
        item.remove();
        keep();
        input.focus();
      }));
    }
    if (begin) input.value = "";
    else keep();
  }

  const isNew = (file) => !chosen.some((other) => other.name === file.name && other.size === file.size && other.lastModified === file.lastModified);
  input.addEventListener("change", () => take([...input.files].filter(isNew)));
  // A file dropped beside the area would open in place of the page, and what was typed would be lost.
  const zone = begin ? form : area;
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  zone.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    area.dataset.over = "";
  });
  zone.addEventListener("dragleave", (event) => { if (!zone.contains(event.relatedTarget)) delete area.dataset.over; });
  zone.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    delete area.dataset.over;
    take([...event.dataTransfer.files]);
  });
  if (!begin) return;
  // Office programs put a picture beside the text they copy: the text is what is meant.
  form.addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    if (!files.length || types.includes("text/plain")) return;
    event.preventDefault();
    take([...files]);
  });
  // A form that is sent while files are on their way waits for them.
  form.addEventListener("submit", (event) => {
    if (!running) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    held = { submitter: event.submitter };
    say("Waiting for the files");
    toast("The form is sent as soon as the files have arrived.", { tone: "info" });
  }, true);
}
