// Links from mail carry their token behind #, which is never sent to a server or a log.
export default function (form, { one, say }) {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  const input = one("[name=token]", form);
  if (!token || !input) return;
  input.value = token;
  const field = input.closest(".field");
  if (field) field.hidden = true;
  history.replaceState(null, "", location.pathname + location.search);
  if (form.dataset.send === "now") form.requestSubmit();
  else one("input:not([type=hidden]):not([name=token])", form)?.focus();
  say("The code from your email was filled in");
}
