// Draws every chart of the page. Expressions are interpreted, never compiled, so the page needs no `eval`.
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
  const places = Array.from(document.querySelectorAll("[data-chart]"));
  Promise.all(places.map((place) => vegaEmbed(place, specs[place.dataset.chart], options))).then(
    () => document.documentElement.setAttribute("data-charts", "drawn"),
    (error) => {
      document.documentElement.setAttribute("data-charts", "failed");
      console.error(error);
    },
  );
})();
