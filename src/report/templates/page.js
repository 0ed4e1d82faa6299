"use strict";
// Search and filters. A search opens what it finds inside of a row, and lays out no more of it than a screen holds: a list of a
// thousand names stays out of sight, beside the few that were found and a button that shows them all.
(() => {
  const search = document.getElementById("search");
  if (!search) return;
  const MOST = 24;
  const status = document.getElementById("status");
  // The words are the page's own.
  const said = (text, filled) => search.form.dataset[text].replace(/\{(\w+)\}/g, (_, name) => filled[name]);
  const boxes = [...document.querySelectorAll(".filters input[type=checkbox]")];
  const choices = ["owner", "pair", "code", "category"].map((id) => document.getElementById(id)).filter(Boolean);
  const SECTION = ".section, section.card[id]";
  const sections = [...document.querySelectorAll(SECTION)];
  const rows = [...document.querySelectorAll(".group, .finding, .line")].map((element) => ({ element, section: element.closest(SECTION), fold: element.parentElement.closest("details") }));
  const unfolded = new Set();
  for (const label of document.querySelectorAll(".filters .scripted")) label.hidden = false;

  // What is in sight of a closed row, and what is inside it; read once, when somebody first asks for it.
  const small = (text) => text.toLowerCase();
  const read = (row) => {
    if (row.head !== undefined) return row;
    const isFold = row.element.tagName === "DETAILS";
    const folds = isFold ? [row.element] : [...row.element.querySelectorAll("details")];
    const inside = folds.map((fold) => [...fold.children].slice(1));
    const { words = "", pair = "", owner = "" } = row.element.dataset;
    const seen = isFold ? row.element.firstElementChild.textContent : [...row.element.children].filter((child) => !folds.includes(child)).map((child) => child.textContent).join(" ");
    row.head = small([seen, words, pair, owner].join(" "));
    row.body = small(inside.flat().map((child) => child.textContent).join(" "));
    // Whose list is given with another change is found by it all the same.
    const same = row.element.querySelector("a.same");
    const other = same && rows.find(({ element }) => "#" + element.id === same.hash);
    if (other) row.body += " " + read(other).body;
    row.folds = folds;
    return row;
  };
  const entries = (list) => [...list.children].map((element) => ({ element, text: small(element.textContent) }));

  const narrow = (row, words) => {
    widen(row);
    row.made = [];
    for (const list of row.element.querySelectorAll(".names, .group-body tbody")) {
      const all = list.children.length;
      if (all <= MOST) continue;
      const found = entries(list).filter((entry) => entry.text.includes(words));
      const whole = list.tagName === "TBODY" ? list.parentElement : list;
      const part = whole.cloneNode(false);
      part.removeAttribute("id");
      const into = whole === list ? part : part.appendChild(list.cloneNode(false));
      if (whole !== list && whole.tHead) part.prepend(whole.tHead.cloneNode(true));
      for (const { element } of found.slice(0, MOST)) {
        const copy = element.cloneNode(true);
        copy.removeAttribute("id");
        into.append(copy);
      }
      const more = document.createElement("button");
      more.type = "button";
      more.className = "btn btn-link small";
      more.textContent = said("all", { all });
      const line = document.createElement("p");
      line.className = "small dim";
      line.append(said(found.length > MOST ? "first" : "found", { n: found.length, all, most: MOST }) + " ", more);
      more.addEventListener("click", () => widen(row));
      whole.hidden = true;
      whole.after(part, line);
      if (found.length === 0) part.remove();
      row.made.push({ whole, part, line });
    }
    // Opened last, so that what is hidden by now is never laid out.
    const all = [...row.folds, ...row.element.querySelectorAll("details")];
    row.opened = all.filter((fold, at) => (!fold.open || row.opened?.includes(fold)) && all.indexOf(fold) === at);
    for (const fold of row.opened) fold.open = true;
  };
  const widen = (row) => {
    for (const { whole, part, line } of row.made || []) {
      part.remove();
      line.remove();
      whole.hidden = false;
    }
    row.made = [];
  };
  const close = (row) => {
    for (const fold of row.opened || []) fold.open = false;
    row.opened = [];
    widen(row);
  };

  const apply = () => {
    const words = small(search.value.trim());
    const wanted = choices.filter((choice) => choice.value);
    const found = new Set();
    let shown = 0;
    for (const row of rows) {
      const chosen = wanted.every((choice) => (row.element.dataset[choice.id] || "").split("\n").includes(choice.value));
      const inHead = !words || read(row).head.includes(words);
      const fits = chosen && (inHead || row.body.includes(words));
      if (row.element.hidden === fits) row.element.hidden = !fits;
      if (fits) found.add(row.section);
      shown += fits;
      // What is found within a fold is in sight.
      if (fits && words && row.fold && !row.fold.open) {
        row.fold.open = true;
        unfolded.add(row.fold);
      }
      const inside = fits && !inHead ? words : "";
      if (inside === (row.inside || "")) continue;
      row.inside = inside;
      // A row that somebody opened stays as it is.
      if (!inside) close(row);
      else if (row.opened?.length || row.folds.some((fold) => !fold.open)) narrow(row, inside);
    }
    if (!words) {
      for (const fold of unfolded) fold.open = false;
      unfolded.clear();
    }
    const filtered = Boolean(words) || wanted.length > 0;
    for (const section of sections) section.hidden = filtered && !found.has(section);
    status.textContent = filtered ? said("rows", { n: shown, all: rows.length }) : "";
    const kept = new URLSearchParams();
    if (words) kept.set("search", search.value.trim());
    for (const choice of wanted) kept.set(choice.id, choice.value);
    for (const box of boxes) if (box.checked !== box.defaultChecked) kept.set(box.id, box.checked ? "1" : "0");
    const query = kept.toString();
    try { history.replaceState(null, "", (query ? "?" + query : location.pathname) + location.hash); } catch { /* a page that was saved has no address to keep */ }
  };
  const open = () => {
    const linked = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!linked) return;
    for (let fold = linked.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    linked.scrollIntoView();
  };
  const given = new URLSearchParams(location.search);
  search.value = given.get("search") || "";
  for (const choice of choices) if ([...choice.options].some((one) => one.value === given.get(choice.id))) choice.value = given.get(choice.id);
  for (const box of boxes) if (given.has(box.id)) box.checked = given.get(box.id) === "1";
  search.form.addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", apply);
  for (const field of [...boxes, ...choices]) field.addEventListener("change", apply);
  addEventListener("hashchange", open);
  // Paper has room for all of what is shown.
  addEventListener("beforeprint", () => rows.forEach(widen));
  apply();
  open();
})();
