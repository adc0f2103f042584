// Asks what changed on this page and tells its regions; they fetch themselves, so permissions are checked as always.
export default function ({ all, say, send }) {
  let since = all("[data-topic]").map((e) => e.dataset.since).join(",");
  let pause = 15000;
  let said = 0;
  async function poll() {
    const topic = all("[data-topic]").map((e) => e.dataset.topic).join(",");
    try {
      const answer = await send(`/events/poll?${topic ? `topic=${encodeURIComponent(topic)}&` : ""}since=${encodeURIComponent(since)}`, { headers: { Accept: "application/json" } });
      if (answer.status === 401 || answer.status === 404) return;
      if (!answer.ok) throw answer;
      if (answer.status !== 204) {
        const { cursor, events = [] } = await answer.json();
        since = cursor ?? since;
        for (const { kind, id, version } of events) {
          for (const name of [`portal:${kind}`, `portal:${kind}-${id}`]) document.body.dispatchEvent(new CustomEvent(name, { bubbles: true, detail: { id, version } }));
        }
        if (events.length && Date.now() - said > 60000) {
          said = Date.now();
          say("Something new on this ticket");
        }
      }
      pause = document.hidden ? 60000 : 15000;
    } catch {
      pause = Math.min(pause * 2, 120000);
    }
    setTimeout(poll, pause);
  }
  setTimeout(poll, 5000);
}
