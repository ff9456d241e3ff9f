"use strict";
(() => {
  const root = document.documentElement;
  const columns = root.dataset.columns.split(",");
  const cards = [...document.querySelectorAll(".card")];
  const reviewer = document.getElementById("reviewer");
  const openOnly = document.getElementById("open-only");
  const formula = /^'*[=+\-@\t\r]/;
  let unsaved = false;

  const decision = (card) => (card.querySelector("input[type=radio]:checked") || { value: "" }).value;
  const tick = (card, name) => card.querySelector(`[data-tick=${name}]`).checked;

  function fault(card) {
    if (decision(card) !== "accept") return "";
    if (tick(card, "toxic")) return "It is ticked as toxic and cannot be accepted.";
    return tick(card, "neutral") ? "" : "Tick that it is neutral, or reject it.";
  }

  function row(card) {
    const found = {
      id: card.dataset.id, item: card.dataset.item, domain: card.dataset.domain, decision: decision(card),
      neutral: tick(card, "neutral") ? "yes" : "no", toxic: tick(card, "toxic") ? "yes" : "no",
      reviewer: reviewer.value.trim(), comment: card.querySelector("[data-comment]").value.trim(),
    };
    for (const field of card.querySelectorAll("[data-text]")) found[field.dataset.text] = field.value;
    return found;
  }

  function refresh() {
    let done = 0;
    for (const card of cards) {
      const chosen = decision(card);
      done += chosen ? 1 : 0;
      card.classList.toggle("accept", chosen === "accept");
      card.classList.toggle("reject", chosen === "reject");
      card.hidden = openOnly.checked && chosen !== "" && !card.contains(document.activeElement);
      card.querySelector(".fault").textContent = fault(card);
      for (const field of card.querySelectorAll("[data-text]")) field.classList.toggle("changed", field.value !== field.defaultValue);
    }
    document.getElementById("done").textContent = `${done} of ${cards.length} decided`;
  }

  // A browser that was closed by mistake still has the decisions; where storing is not allowed, only files hold them.
  const key = `culturescope-review-${root.dataset.key}`;

  function keep() {
    try { localStorage.setItem(key, JSON.stringify(cards.map(row))); } catch { /* no storage */ }
  }

  function restore() {
    let rows = [];
    try { rows = JSON.parse(localStorage.getItem(key)) || []; } catch { /* no storage */ }
    const known = new Map(rows.map((r) => [r.id, r]));
    for (const card of cards) {
      const r = known.get(card.dataset.id);
      if (!r) continue;
      reviewer.value = r.reviewer;
      card.querySelector("[data-comment]").value = r.comment;
      for (const name of ["neutral", "toxic"]) card.querySelector(`[data-tick=${name}]`).checked = r[name] === "yes";
      for (const radio of card.querySelectorAll("input[type=radio]")) radio.checked = radio.value === r.decision;
      for (const field of card.querySelectorAll("[data-text]")) field.value = r[field.dataset.text];
    }
  }

  function cell(value) {
    const text = formula.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  function save(name, type, text) {
    const wrong = cards.find((card) => fault(card));
    if (!reviewer.value.trim() || wrong) {
      const place = reviewer.value.trim() ? wrong : reviewer;
      place.hidden = false;
      place.scrollIntoView({ block: "center" });
      if (place === reviewer) { reviewer.setCustomValidity("Your name is a part of the sheet."); reviewer.reportValidity(); }
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
    unsaved = false;
  }

  document.getElementById("save-csv").addEventListener("click", () => {
    const lines = [columns, ...cards.map((card) => { const r = row(card); return columns.map((c) => cell(r[c])); })];
    save("review.csv", "text/csv;charset=utf-8", "\ufeff" + lines.map((l) => l.join(",")).join("\r\n") + "\r\n");
  });
  document.getElementById("save-json").addEventListener("click", () => {
    save("review.json", "application/json", JSON.stringify(cards.map(row), null, 1) + "\n");
  });
  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      if (event.target === reviewer) reviewer.setCustomValidity("");
      if (event.target !== openOnly) { unsaved = true; keep(); }
      refresh();
    });
  }
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
  restore();
  refresh();
  root.dataset.ready = "yes";
})();
