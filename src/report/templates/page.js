"use strict";
(() => {
  const search = document.getElementById("search");
  const kind = document.getElementById("kind");
  const live = document.getElementById("live");
  const status = document.getElementById("status");
  const apply = () => {
    const words = search.value.trim().toLowerCase();
    let shown = 0;
    for (const one of document.querySelectorAll("section.integration")) {
      const name = one.dataset.name.toLowerCase();
      let any = false;
      for (const row of one.querySelectorAll("[data-row]")) {
        const text = row.textContent.toLowerCase();
        const fits = (!words || name.includes(words) || text.includes(words)) &&
          (!kind.value || row.dataset.kind === kind.value);
        row.hidden = !fits;
        any = any || fits;
        if (fits && (words || kind.value)) {
          const fold = row.closest("details.additional");
          if (fold) fold.open = true;
        }
      }
      for (const panel of one.querySelectorAll("details.panel")) {
        const rows = panel.querySelectorAll("[data-row]");
        panel.hidden = rows.length > 0 && [...rows].every((row) => row.hidden);
      }
      const rows = one.querySelectorAll("[data-row]").length;
      const fits = (rows ? any : !kind.value && (!words || one.textContent.toLowerCase().includes(words))) &&
        (!live.checked || one.dataset.live === "true");
      one.hidden = !fits;
      if (fits) shown += 1;
    }
    status.textContent = shown === 1 ? "1 integration shown" : shown + " integrations shown";
  };
  for (const control of [search, kind, live]) {
    control.addEventListener("input", apply);
    control.addEventListener("change", apply);
  }
  document.getElementById("fold").addEventListener("click", (event) => {
    const panels = [...document.querySelectorAll("details.panel")];
    const open = panels.some((panel) => !panel.open);
    for (const panel of panels) panel.open = open;
    event.currentTarget.setAttribute("aria-expanded", String(open));
  });
  apply();
})();
