// A code that is shown for a few minutes: its time runs down where it stands, and then it is gone.
export default function (line, { one, say }) {
  const ends = Date.now() + (Number(line.dataset.seconds) || 0) * 1000;
  const text = one("[data-countdown]", line);
  const show = () => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    if (left <= 0) {
      clearInterval(timer);
      line.textContent = "The code has ended. Send a new one.";
      say("The code has ended");
      return;
    }
    text.textContent = `valid for ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} more`;
  };
  const timer = setInterval(show, 1000);
  show();
}
