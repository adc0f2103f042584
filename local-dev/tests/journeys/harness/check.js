// Structure and words of a page. Returns what is wrong with it.
const problems = [];
// The gallery shows parts of pages, among them wrong ones.
if (location.pathname === "/internal/gallery") return problems;
const count = (selector) => document.querySelectorAll(selector).length;
const words = (text) => (text ?? "").replace(/\s+/g, " ").trim();

if (count("h1") !== 1) problems.push(`${count("h1")} h1 elements instead of one`);
if (count("main") !== 1) problems.push(`${count("main")} main elements instead of one`);
const heading = words(document.querySelector("h1")?.innerText);
const title = document.title.replace(/^Error: /, "");
if (heading && !title.startsWith(heading)) problems.push(`the title "${document.title}" does not begin with the heading "${heading}"`);
if (document.querySelector(".error-summary") && !document.title.startsWith("Error: ")) problems.push(`a page with errors is titled "${document.title}"`);

const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
if (twice.length) problems.push(`ids used twice: ${[...new Set(twice)].join(", ")}`);

for (const link of document.querySelectorAll("a[href^='#']")) {
  const id = decodeURIComponent(link.getAttribute("href").slice(1));
  if (id && !document.getElementById(id)) problems.push(`the link "${words(link.innerText)}" leads to #${id}, which is not there`);
}
for (const inline of document.querySelectorAll("[style]:not([popover]):not(.tooltip):not(textarea), style, main script")) {
  problems.push(`inline: ${inline.outerHTML.slice(0, 90)}`);
}

const main = document.querySelector("main")?.cloneNode(true);
main?.querySelectorAll("article, textarea, [data-typed]").forEach((part) => part.remove());
const text = words(document.querySelector("main")?.innerText);
for (const [found] of text.matchAll(/\b(?:please|successfully|simply|click here|oops|invalid input|is required|e-mail|log ?in|log ?out|Id)\b|\b[A-Za-z]+!(?=\s|$)/gi)) {
  if (/^id$/i.test(found) && found !== "Id") continue;
  problems.push(`the word "${found}" in "${text.slice(Math.max(0, text.indexOf(found) - 40), text.indexOf(found) + 40)}"`);
}
for (const [found] of text.matchAll(/\b(?:undefined|null|NaN|\[object \w+\]|\{\{|%\})(?=\W|$)/g)) problems.push(`the page shows "${found}"`);

for (const button of document.querySelectorAll("button, .btn")) {
  const label = words(button.innerText);
  if (/^(submit|ok|yes|no)$/i.test(label) || /[.!]$/.test(label)) problems.push(`a button is labelled "${label}"`);
}
return problems;
