"use strict";
(() => {
  const search = document.getElementById("search");
  if (!search) return;
  const status = document.getElementById("status");
  const boxes = [...document.querySelectorAll(".filters input[type=checkbox]")];
  const rows = [...document.querySelectorAll(".group, .finding")];
  const texts = new Map();
  const text = (row) => {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  };
  document.getElementById("search-label").hidden = false;
  const opened = new Set();
  const apply = () => {
    const words = search.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = !words || text(row).includes(words);
      row.hidden = !fits;
      shown += fits;
      if (row.tagName !== "DETAILS") continue;
      // What is found inside is opened, and closed again afterwards.
      const inside = words && fits && !row.firstElementChild.textContent.toLowerCase().includes(words);
      if (inside && !row.open) { row.open = true; opened.add(row); }
      if (!inside && opened.has(row)) { row.open = false; opened.delete(row); }
    }
    for (const section of document.querySelectorAll(".section")) {
      section.hidden = Boolean(words) && ![...section.querySelectorAll(".group, .finding")].some((row) => !row.hidden);
    }
    status.textContent = words ? shown + " of " + rows.length + " rows" : "";
    const kept = new URLSearchParams();
    if (words) kept.set("search", search.value.trim());
    for (const box of boxes) if (box.checked !== box.defaultChecked) kept.set(box.id, box.checked ? "1" : "0");
    const query = kept.toString();
    try { history.replaceState(null, "", (query ? "?" + query : location.pathname) + location.hash); } catch { /* a page that was saved has no address to keep */ }
  };
  const given = new URLSearchParams(location.search);
  search.value = given.get("search") || "";
  for (const box of boxes) if (given.has(box.id)) box.checked = given.get(box.id) === "1";
  search.form.addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", apply);
  for (const box of boxes) box.addEventListener("change", apply);
  const linked = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (linked) { const fold = linked.closest("details"); if (fold) fold.open = true; linked.scrollIntoView(); }
  apply();
})();
