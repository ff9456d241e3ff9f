// The list of scenarios with every prompt. All that comes from the data is shown as text (textContent), never as HTML.
(function () {
  "use strict";
  const PAGE = 20;
  const byId = (id) => document.getElementById(id);
  const minus = (text) => text.replace("-", "\u2212");
  const finite = (x) => typeof x === "number" && Number.isFinite(x);
  const signed = (x) => (!finite(x) ? "?" : minus((Number(x.toFixed(2)) > 0 ? "+" : "") + x.toFixed(2).replace(/^-(0\.00)$/, "$1")));

  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null).map((c) => (c instanceof Node ? c : String(c))));
    return node;
  }

  async function unpack() {
    const bytes = Uint8Array.from(atob(byId("prompt-data").textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  // One reading is a wording under a persona: its two orders, d = (l_A - l_B) / 2 and b = (l_A + l_B) / 2.
  function readings(samples) {
    const found = new Map();
    for (const sample of samples) {
      const key = JSON.stringify([sample.part, sample.template, sample.persona]);
      if (!found.has(key)) found.set(key, { part: sample.part, template: sample.template, persona: sample.persona, orders: {} });
      found.get(key).orders[sample.order] = sample;
    }
    const gap = (sample) => (sample.logprobs.every(finite) ? sample.logprobs[0] - sample.logprobs[1] : NaN);
    for (const reading of found.values()) {
      const first = reading.orders["positive-A"];
      const second = reading.orders["positive-B"];
      reading.d = null;
      reading.b = null;
      if (first && second) {
        reading.d = (gap(first) - gap(second)) / 2;
        reading.b = (gap(first) + gap(second)) / 2;
      } else if (first) reading.d = gap(first);
      else if (second) reading.d = -gap(second);
    }
    return Array.from(found.values());
  }

  function mean(values) {
    const known = values.filter(finite);
    return known.length ? known.reduce((sum, x) => sum + x, 0) / known.length : null;
  }

  function group(data) {
    const scenarios = new Map();
    for (const sample of data.samples) {
      if (!scenarios.has(sample.scenario)) scenarios.set(sample.scenario, { id: sample.scenario, item: sample.item, domain: sample.domain, axis: sample.axis, samples: [] });
      scenarios.get(sample.scenario).samples.push(sample);
    }
    for (const scenario of scenarios.values()) {
      const words = data.scenarios[scenario.id] || {};
      scenario.words = words;
      scenario.readings = readings(scenario.samples);
      const bare = scenario.readings.filter((r) => r.part === "probe" && r.persona === null);
      scenario.d = mean(bare.map((r) => r.d));
      scenario.b = mean(bare.map((r) => r.b));
      scenario.search = [scenario.id, words.situation, words.positive, words.negative, words.note]
        .concat(scenario.samples.map((s) => s.text)).join("\n").toLowerCase();
    }
    return Array.from(scenarios.values());
  }

  function order(sample, item) {
    const letter = sample.order === "positive-A" ? "A" : "B";
    const row = (name, values) => el("tr", {}, el("th", { scope: "row" }, name), ...values.map((v) => el("td", {}, v)));
    const p = sample.logprobs.map((x) => (finite(x) ? Math.exp(x).toFixed(3) : "?"));
    const logits = sample.logits ? sample.logits.map((x) => (finite(x) ? minus(x.toFixed(3)) : "?")) : ["not shown", "not shown"];
    const carries = ["A", "B"].map((l) => (l === letter ? "positive" : "negative"));
    return el("div", { class: "order" },
      el("h5", {}, letter + " is the positive pole"),
      el("p", { class: "pole-note" }, item.positive || "positive pole"),
      el("table", {},
        el("thead", {}, el("tr", {}, el("td", {}), el("th", { scope: "col" }, "A"), el("th", { scope: "col" }, "B"))),
        el("tbody", {}, row("pole", carries), row("logit", logits), row("P", p))),
      el("pre", { tabindex: "0" }, sample.text),
      sample.tokens === null || sample.tokens === undefined ? null : el("p", { class: "tokens" }, sample.tokens + " tokens"));
  }

  function readingBox(reading, item, open) {
    const who = reading.persona === null ? "no persona" : "persona " + reading.persona;
    const head = el("summary", {},
      el("span", { class: "who" }, who), el("span", { class: "wording" }, "wording " + reading.template),
      el("span", { class: "figure" }, "d " + signed(reading.d)), el("span", { class: "figure" }, "b " + signed(reading.b)));
    const box = el("details", { class: "reading" }, head);
    fillWhenOpen(box, () => {
      const shown = ["positive-A", "positive-B"].filter((o) => reading.orders[o]).map((o) => order(reading.orders[o], item));
      if (shown.length === 1) shown.push(el("p", { class: "tokens" }, "The other order was not asked."));
      return [el("div", { class: "orders" }, ...shown)];
    });
    box.open = open;
    return box;
  }

  function fillWhenOpen(box, content) {
    box.addEventListener("toggle", () => {
      if (box.open && box.children.length === 1) box.append(...content());
    });
  }

  function scenarioBox(scenario, data, persona) {
    const item = data.items[scenario.item] || {};
    const words = scenario.words;
    const box = el("details", { class: "scenario", "data-id": scenario.id },
      el("summary", {},
        el("span", { class: "item-id" }, scenario.item),
        el("span", { class: "what" }, words.situation || scenario.id),
        el("span", { class: "figure" }, "d " + signed(scenario.d)),
        el("span", { class: "figure" }, "b " + signed(scenario.b))));
    fillWhenOpen(box, () => {
      const shown = scenario.readings.filter((r) => !persona || r.persona === (persona === "none" ? null : persona));
      return [
        el("p", { class: "tags" }, [scenario.id, scenario.domain, item.label, ...Object.values(words.tags || {})].filter(Boolean).join(" · ")),
        el("dl", { class: "options" },
          el("div", {}, el("dt", {}, item.negative || "negative pole"), el("dd", {}, words.negative || "")),
          el("div", {}, el("dt", {}, item.positive || "positive pole"), el("dd", {}, words.positive || ""))),
        words.note ? el("p", { class: "note" }, words.note) : null,
        ...shown.map((reading, i) => readingBox(reading, item, i === 0)),
      ].filter(Boolean);
    });
    return box;
  }

  function choices(select, values, name) {
    for (const value of values) select.append(el("option", { value }, name ? name(value) : value));
  }

  function start(text) {
    const data = JSON.parse(text);
    const scenarios = group(data);
    const list = byId("scenarios");
    const more = byId("more");
    const unique = (key) => Array.from(new Set(data.samples.map((s) => s[key]))).filter((v) => v !== null && v !== undefined).sort();
    let found = [];
    let shown = 0;
    choices(byId("f-item"), Array.from(new Set(scenarios.map((s) => s.item))), (id) => (id + " " + ((data.items[id] || {}).label || "")).trim());
    choices(byId("f-domain"), unique("domain"));
    if (data.samples.some((s) => s.persona === null)) choices(byId("f-persona"), ["none"]);
    choices(byId("f-persona"), unique("persona"));

    function showMore() {
      const persona = byId("f-persona").value;
      list.append(...found.slice(shown, shown + PAGE).map((s) => scenarioBox(s, data, persona)));
      shown = Math.min(shown + PAGE, found.length);
      more.hidden = shown >= found.length;
      more.textContent = "Show more (" + (found.length - shown) + " left)";
    }

    function filter() {
      const [item, domain, persona] = ["f-item", "f-domain", "f-persona"].map((id) => byId(id).value);
      const words = byId("f-text").value.trim().toLowerCase();
      found = scenarios.filter((s) =>
        (!item || s.item === item) && (!domain || s.domain === domain) &&
        (!persona || s.readings.some((r) => r.persona === (persona === "none" ? null : persona))) &&
        (!words || s.search.includes(words)));
      list.replaceChildren();
      shown = 0;
      byId("found").textContent = found.length + " of " + scenarios.length + (scenarios.length === 1 ? " scenario" : " scenarios");
      showMore();
    }

    byId("filters").addEventListener("input", filter);
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    more.addEventListener("click", showMore);
    byId("download").disabled = false;
    byId("download").addEventListener("click", () => {
      const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      el("a", { href: url, download: "prompts.json" }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
    });
    filter();
    document.documentElement.setAttribute("data-prompts", "ready");
  }

  unpack().then(start).catch((error) => {
    byId("found").textContent = "The prompts cannot be opened in this browser; it may be too old.";
    console.error(error);
  });
})();
