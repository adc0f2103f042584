// Asks what changed and tells the regions; they fetch themselves, so permissions are checked as always.
export default function ({ send }) {
  let since = "";
  let pause = 15000;
  async function poll() {
    try {
      const answer = await send(`/events/poll?since=${encodeURIComponent(since)}`, { headers: { Accept: "application/json" } });
      if (answer.status === 401 || answer.status === 404) return;
      if (!answer.ok) throw answer;
      if (answer.status !== 204) {
        const { cursor, events = [] } = await answer.json();
        since = cursor ?? since;
        for (const { kind, id, version } of events) {
          for (const name of [`portal:${kind}`, `portal:${kind}-${id}`]) document.body.dispatchEvent(new CustomEvent(name, { bubbles: true, detail: { id, version } }));
        }
      }
      pause = document.hidden ? 60000 : 15000;
    } catch {
      pause = Math.min(pause * 2, 120000);
    }
    setTimeout(poll, pause);
  }
  setTimeout(poll, pause);
}
