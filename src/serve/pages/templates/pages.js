// The little that pages do by themselves. Every page is whole without it.
"use strict";

// Moments in the reader's own time.
for (const time of document.querySelectorAll("time[datetime]")) {
  const moment = new Date(time.dateTime);
  if (isNaN(moment)) continue;
  const shown = { day: "numeric", month: "short" };
  if (!("day" in time.dataset)) Object.assign(shown, { hour: "2-digit", minute: "2-digit" });
  if (moment.getFullYear() !== new Date().getFullYear()) shown.year = "numeric";
  time.title = time.title || time.textContent;
  // As the server writes it: no comma before the time.
  time.textContent = new Intl.DateTimeFormat(document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang, shown).format(moment).replace(", ", " ");
}

// The message of a page takes the focus, as `autofocus` says; a link to a field takes it there, and opens what it stands in.
const message = document.getElementById("message");
if (message && !location.hash) message.focus();
function reach(hash) {
  let name = hash.slice(1);
  // What somebody wrote into the address may be encoded wrongly.
  try { name = decodeURIComponent(name); } catch {}
  const at = name && document.getElementById(name);
  if (!at) return;
  for (let above = at; above; above = above.parentElement) if (above.tagName === "DETAILS") above.open = true;
  const control = at.querySelector("input:not([type=hidden]), select, textarea, button");
  at.scrollIntoView({ block: "center" });
  (control || at).focus({ preventScroll: true });
}
addEventListener("hashchange", () => reach(location.hash));
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link && link.getAttribute("href") === location.hash) reach(location.hash);
});
reach(location.hash);

// A message of what was just done is told once: who loads the page again, or comes back to it, is not told once more.
const told = new URL(location.href);
for (const name of ["saved", "same", "applied", "proposed", "closed"]) told.searchParams.delete(name);
if (told.href !== location.href) history.replaceState(null, "", told.href);

// Forms in which something is typed. What was typed is kept by no page but its own, so that whoever leaves is asked.
const typed = new Map();
let leaving;
for (const form of document.querySelectorAll("form[data-save], form[data-typed]")) {
  // A form may have several parts, each with a Save of its own that counts what was changed in it.
  const lines = [...form.querySelectorAll("[data-count]")].map((line) => ({ line, whole: line.textContent, part: line.closest("[data-part]") || form }));
  const state = () => new Map([...form.elements].filter((one) => one.name && one.type !== "hidden" && one.name !== "do")
    .map((one, at) => [at, [one.name, one.type === "checkbox" || one.type === "radio" ? one.checked : one.value, one]]));
  const before = state();
  // How much was changed since the page came.
  const moved = (part) => {
    const names = new Set();
    for (const [at, [name, value, one]] of state()) if (before.get(at) && before.get(at)[1] !== value && part.contains(one)) names.add(name);
    return names;
  };
  typed.set(form, () => form.dataset.draft === "yes" || moved(form).size > 0);
  form.addEventListener("input", () => {
    for (const { line, whole, part } of lines) {
      const n = moved(part).size;
      line.textContent = n ? whole + " " + line.dataset.count.replace("{n}", n) : whole;
    }
  });
  if (!("save" in form.dataset)) {
    form.addEventListener("submit", () => { leaving = form; });
    continue;
  }

  // What is typed is judged by the server, in its words; but a date that is half typed would not reach it.
  form.noValidate = true;
  // A second press sends nothing.
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) return event.preventDefault();
    const half = !event.submitter?.value.endsWith("discard") && [...form.elements].find((one) => one.validity && one.validity.badInput);
    if (half) {
      event.preventDefault();
      for (let above = half; above; above = above.parentElement) if (above.tagName === "DETAILS") above.open = true;
      half.focus();
      return half.reportValidity();
    }
    leaving = form;
    form.dataset.sent = "yes";
    const button = event.submitter;
    if (button && button.dataset.busy) {
      button.dataset.label = button.textContent;
      button.setAttribute("aria-disabled", "true");
      button.textContent = button.dataset.busy;
    }
  });
}
function sendable() {
  leaving = undefined;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[data-label]")) {
      button.removeAttribute("aria-disabled");
      button.textContent = button.dataset.label;
    }
  }
}
addEventListener("beforeunload", (event) => {
  if (![...typed].some(([form, isTyped]) => form !== leaving && isTyped())) return;
  event.preventDefault();
  // Whoever stays can send it again.
  setTimeout(sendable);
});
// A page that Back brings out of the browser's memory can be sent again, with all that was typed.
addEventListener("pageshow", (event) => { if (event.persisted) sendable(); });
