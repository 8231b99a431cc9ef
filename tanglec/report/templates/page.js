"use strict";
// Draws the plots from the data beside them, in the colours of the page; says in the page what went wrong.
(() => {
  const complain = (text) => {
    const place = document.getElementById("errors");
    place.hidden = false;
    place.append(Object.assign(document.createElement("p"), { textContent: text }));
  };
  window.onerror = (message, source, line) => complain(`${message} (line ${line})`);
  window.onunhandledrejection = (event) => complain(String(event.reason));

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axes = (layout) => Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key));
  const colours = (layout) => {
    const found = { "font.color": style("--ink"), "hoverlabel.bgcolor": style("--card"), "hoverlabel.bordercolor": style("--line") };
    for (const axis of axes(layout)) {
      found[`${axis}.gridcolor`] = style("--line");
      found[`${axis}.linecolor`] = style("--line");
      found[`${axis}.tickcolor`] = style("--line");
    }
    return found;
  };
  const base = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: style("--sans"), size: 12 }, hoverlabel: { font: { family: style("--sans") } },
  };
  const axis = { automargin: true, zeroline: false, title: { standoff: 6 } };

  const draw = (place) => {
    const { data, layout } = JSON.parse(document.getElementById(`${place.id}-data`).textContent);
    const whole = { ...base, ...layout };
    for (const name of axes(layout)) {
      whole[name] = { ...axis, ...layout[name], title: { ...axis.title, ...(layout[name].title ?? {}) } };
    }
    return Plotly.newPlot(place, data, whole, { responsive: true, displaylogo: false, displayModeBar: false })
      .then(() => Plotly.relayout(place, colours(layout)));
  };
  const plots = [...document.querySelectorAll(".plot")];
  const drawn = Promise.all(plots.map(draw)).then(() => { document.documentElement.dataset.drawn = plots.length; });
  const again = () => drawn.then(() => plots.forEach((place) => Plotly.relayout(place, colours(place.layout))));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
})();
