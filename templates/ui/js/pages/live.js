// Hears what changed on this page and tells its regions; they fetch themselves, so permissions are checked as always.
// The local server sends events as they happen, to pages that are looked at; elsewhere, and when that fails, it is asked.
export default function ({ all, say, send }) {
  const topics = () => all("[data-topic]").map((e) => e.dataset.topic).join(",");
  let since = all("[data-topic]").map((e) => e.dataset.since).join(",");
  let pause = 15000;
  let said = 0;

  function tell({ cursor, events = [] }) {
    since = cursor ?? since;
    for (const { kind, id, version } of events) {
      for (const name of [`portal:${kind}`, `portal:${kind}-${id}`]) document.body.dispatchEvent(new CustomEvent(name, { bubbles: true, detail: { id, version } }));
    }
    if (events.length && Date.now() - said > 60000) {
      said = Date.now();
      say("Something new on this ticket");
    }
  }

  async function poll() {
    const topic = topics();
    try {
      const answer = await send(`/events/poll?${topic ? `topic=${encodeURIComponent(topic)}&` : ""}since=${encodeURIComponent(since)}`, { headers: { Accept: "application/json" } });
      if (answer.status === 401 || answer.status === 404) return;
      if (!answer.ok) throw answer;
      if (answer.status !== 204) tell(await answer.json());
      pause = document.hidden ? 60000 : 15000;
    } catch {
      pause = Math.min(pause * 2, 120000);
    }
    setTimeout(poll, pause);
  }

  // A hidden page gives its connection back: a browser has six of them for all pages of a portal.
  function stream() {
    let source;
    let failed = 0;
    let over = false;
    const shut = () => { source?.close(); source = undefined; };
    function open() {
      if (over || source || document.hidden || !topics()) return;
      source = new EventSource(`/events/stream?topic=${encodeURIComponent(topics())}&since=${encodeURIComponent(since)}`);
      source.addEventListener("open", () => { failed = 0; });
      source.addEventListener("message", (event) => tell(JSON.parse(event.data)));
      source.addEventListener("end", () => { over = true; shut(); });
      source.addEventListener("error", () => {
        shut();
        failed += 1;
        if (failed < 4) return setTimeout(open, 1000 * 2 ** failed);
        over = true;
        poll();
      });
    }
    document.addEventListener("visibilitychange", () => { if (document.hidden) shut(); else open(); });
    addEventListener("pagehide", shut);
    open();
  }

  if (document.body.dataset.live === "stream" && topics()) stream();
  else setTimeout(poll, 5000);
}
