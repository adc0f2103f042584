// Saves each change of the matrix at once, and puts back what was refused.
const read = (control) => (control.type === "checkbox" ? control.checked : control.value);
const put = (control, value) => { if (control.type === "checkbox") control.checked = value; else control.value = value; };

export default function (table, { all, say, send, toast }) {
  const controls = all("[data-to]", table);
  controls.forEach((control) => { control.kept = read(control); });
  table.addEventListener("change", async ({ target: control }) => {
    if (!control.dataset.to) return;
    const body = new URLSearchParams();
    if (control.type === "checkbox") {
      body.set("field", control.name);
      body.set("value", control.checked ? "true" : "false");
    } else body.set(control.dataset.as, control.value);
    control.disabled = true;
    let problem;
    try {
      const answer = await send(`${control.form.dataset.save}/${control.dataset.to}`, { method: "POST", headers: { Accept: "application/json" }, body });
      if (!answer.ok) problem = (await answer.json().catch(() => ({}))).detail || "Nothing was saved. Try again.";
    } catch {
      problem = "Cannot reach the portal. Nothing was saved.";
    }
    control.disabled = false;
    if (problem) {
      put(control, control.kept);
      toast(`${control.getAttribute("aria-label")}: ${problem}`);
    } else {
      control.kept = read(control);
      say(`${control.getAttribute("aria-label")}: saved`);
    }
    control.focus();
  });
}
