// Draws the maps, lets them follow the width of the page with one unit as long on both axes, and binds the filters.
(function () {
  "use strict";
  const specs = JSON.parse(document.getElementById("chart-specs").textContent);
  const places = Array.from(document.querySelectorAll("[data-map]"));
  const form = document.getElementById("map-filters");
  const options = {
    renderer: "svg",
    ast: true,
    actions: false,
    defaultStyle: false,
    tooltip: { theme: "page", disableDefaultStyle: true, offsetX: 12, offsetY: 12 },
  };

  function size(place, spec) {
    const width = Math.max(place.clientWidth - spec.usermeta.across, 120);
    return { width, height: width * spec.usermeta.ratio };
  }

  async function draw(place) {
    const spec = specs[place.dataset.map];
    const { view } = await vegaEmbed(place, { ...spec, ...size(place, spec) }, options);
    let last = place.clientWidth;
    new ResizeObserver(() => {
      if (place.clientWidth === last || !place.clientWidth) return;
      last = place.clientWidth;
      const now = size(place, spec);
      view.width(now.width).height(now.height).run();
    }).observe(place);
    return view;
  }

  function bind(views) {
    const sets = Array.from(form.querySelectorAll("fieldset"));
    const boxes = (set) => Array.from(set.querySelectorAll("input"));
    const found = document.getElementById("map-found");
    const total = found.textContent.trim().split(" ")[2];

    function apply() {
      for (const set of sets) {
        const hidden = boxes(set).filter((box) => !box.checked).map((box) => box.value);
        for (const view of views) view.signal(set.dataset.hides, hidden);
      }
      for (const view of views) view.run();
      const zones = boxes(form.querySelector(".zones")).filter((box) => box.checked);
      const shown = zones.reduce((sum, box) => sum + Number(box.dataset.societies), 0);
      found.textContent = `${shown} of ${total} societies shown`;
    }

    form.addEventListener("change", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("click", (event) => {
      const all = event.target.dataset && event.target.dataset.all;
      if (!all) return;
      for (const box of boxes(form.querySelector(".zones"))) box.checked = all === "yes";
      apply();
    });
    apply(); // a browser may restore boxes that were cleared before
  }

  Promise.all(places.map(draw)).then(
    (views) => {
      bind(views);
      document.documentElement.setAttribute("data-map", "drawn");
    },
    (error) => {
      document.documentElement.setAttribute("data-map", "failed");
      console.error(error);
    },
  );
})();
