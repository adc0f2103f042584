// The maintenance page tries again by itself; the countdown is visible and can be stopped.
export default function (root, { one }) {
  const line = one("[data-retry-text]", root);
  let left = Number(root.dataset.retry) || 30;
  const text = document.createElement("span");
  const stop = document.createElement("button");
  stop.type = "button";
  stop.className = "btn quiet small";
  stop.textContent = "Stop";
  line.append(text, " ", stop);
  const show = () => { text.textContent = `Trying again in ${left} s`; };
  const timer = setInterval(() => {
    left -= 1;
    show();
    if (left <= 0) { clearInterval(timer); location.reload(); }
  }, 1000);
  stop.addEventListener("click", () => { clearInterval(timer); line.textContent = "Reload the page to try again"; });
  show();
}
