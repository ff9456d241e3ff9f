// Draws the ways on the map with one unit as long on both axes, and lists the scenarios that were read unsteered and steered.
(function () {
  "use strict";
  const specs = JSON.parse(document.getElementById("chart-specs").textContent);
  const options = {
    renderer: "svg",
    ast: true,
    actions: false,
    defaultStyle: false,
    tooltip: { theme: "page", disableDefaultStyle: true, offsetX: 12, offsetY: 12 },
  };
  const byId = (id) => document.getElementById(id);
  const MINUS = "\u2212";

  async function draw(place) {
    const spec = specs[place.dataset.plane];
    const across = spec.padding.left + spec.padding.right;
    const size = () => {
      const width = Math.max(place.clientWidth - across, 120);
      return { width, height: width * spec.usermeta.ratio };
    };
    const { view } = await vegaEmbed(place, { ...spec, ...size() }, options);
    let last = place.clientWidth;
    new ResizeObserver(() => {
      if (place.clientWidth === last || !place.clientWidth) return;
      last = place.clientWidth;
      const now = size();
      view.width(now.width).height(now.height).run();
    }).observe(place);
  }

  Promise.all(Array.from(document.querySelectorAll("[data-plane]")).map(draw)).then(
    () => document.documentElement.setAttribute("data-planes", "drawn"),
    (error) => {
      document.documentElement.setAttribute("data-planes", "failed");
      console.error(error);
    },
  );

  function el(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  const signed = (x) => (x < -0.004 ? MINUS : x > 0.004 ? "+" : "") + Math.abs(x).toFixed(2);
  const chance = (x) => (100 / (1 + Math.exp(-x))).toFixed(0) + "%";

  function table(row, data) {
    const head = ["", "d", "change", "bias b", "P(A), positive is A", "P(A), positive is B", "letter mass"];
    const body = data.changes.map((change, n) => {
      const cells = [signed(row.d[n]), n ? signed(row.d[n] - row.d[0]) : "", signed(row.b[n]),
        chance(row.b[n] + row.d[n]), chance(row.b[n] - row.d[n]), (100 * row.mass[n]).toFixed(0) + "%"];
      const own = change.axis === row.axis ? { class: "own" } : {};
      return el("tr", own, el("th", { scope: "row" }, change.name), ...cells.map((text) => el("td", {}, text)));
    });
    return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Readings of " + row.scenario },
      el("table", { class: "changes" },
        el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, ...body)));
  }

  function box(row, data) {
    const made = el("details", { class: "scenario" },
      el("summary", {},
        el("span", { class: "item-id" }, row.item),
        el("span", { class: "what" }, row.situation || row.scenario),
        el("span", { class: "figure" }, "d " + signed(row.d[0])),
        el("span", { class: "figure", title: "largest change of d under a step along its own axis" }, "\u0394 " + most(row, data).toFixed(2))));
    made.addEventListener("toggle", () => {
      if (!made.open || made.children.length > 1) return;
      made.append(
        el("p", { class: "tags" }, [row.scenario, row.label, row.domain, "wording " + row.template].filter(Boolean).join(" \u00b7 ")),
        el("dl", { class: "options" },
          el("div", {}, el("dt", {}, "positive pole"), el("dd", {}, row.positive)),
          el("div", {}, el("dt", {}, "negative pole"), el("dd", {}, row.negative))),
        table(row, data));
    });
    return made;
  }

  const most = (row, data) => Math.max(...data.changes.map((c, n) => (c.axis === row.axis ? Math.abs(row.d[n] - row.d[0]) : 0)));

  async function unpack(node) {
    const bytes = Uint8Array.from(atob(node.textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  function start(text) {
    const data = JSON.parse(text);
    const list = byId("steered-list"), more = byId("steered-more");
    let found = [], shown = 0;

    function showMore() {
      list.append(...found.slice(shown, shown + 25).map((row) => box(row, data)));
      shown = Math.min(shown + 25, found.length);
      more.hidden = shown >= found.length;
      more.textContent = "Show more (" + (found.length - shown) + " left)";
    }

    function filter() {
      const [item, domain, order] = ["s-item", "s-domain", "s-order"].map((id) => byId(id).value);
      const words = byId("s-text").value.trim().toLowerCase();
      found = data.rows.filter((row) => (!item || row.item === item) && (!domain || row.domain === domain) &&
        (!words || (row.situation + " " + row.positive + " " + row.negative + " " + row.scenario).toLowerCase().includes(words)));
      if (order) found = found.slice().sort((a, b) => most(b, data) - most(a, data));
      list.replaceChildren();
      shown = 0;
      byId("steered-found").textContent = found.length + " of " + data.rows.length + (data.rows.length === 1 ? " reading" : " readings");
      showMore();
    }

    byId("steered-filters").addEventListener("input", filter);
    byId("steered-filters").addEventListener("submit", (event) => event.preventDefault());
    more.addEventListener("click", showMore);
    const button = byId("steered-download");
    button.disabled = false;
    button.addEventListener("click", () => {
      const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      el("a", { href: url, download: "steered.json" }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
    });
    filter();
    document.documentElement.setAttribute("data-steered", "ready");
  }

  const node = byId("steered-data");
  if (node) {
    unpack(node).then(start).catch((error) => {
      byId("steered-found").textContent = "The scenarios cannot be opened in this browser; it may be too old.";
      console.error(error);
    });
  }
})();
